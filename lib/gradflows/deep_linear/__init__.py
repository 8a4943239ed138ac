"""Deep linear networks: critical points, escape from saddles, solvable starts, rates."""

from gradflows.deep_linear.adjacency import (
    adjacency_matrix,
    block_shift,
    layer_slices,
    pseudospectrum,
    walk_sum,
    walks,
    weights_from,
)
from gradflows.deep_linear.chains import (
    AlgebraicTail,
    ChainFate,
    chain_fate,
    escape_time,
    saddle_tail,
    slow_layers,
)
from gradflows.deep_linear.classification import CriticalPoint, classify
from gradflows.deep_linear.critical_points import (
    critical_point,
    critical_values,
    random_critical_point,
)
from gradflows.deep_linear.criticality import NotCriticalError
from gradflows.deep_linear.curvature import (
    hessian,
    hessian_form,
    inertia,
    kernel_dimension,
    morse_index,
)
from gradflows.deep_linear.descent import (
    DescentDrift,
    critical_step,
    cubic_map,
    cubic_tails,
    descent_drift,
)
from gradflows.deep_linear.escape import measured_order, path_weights, sphere_decrease
from gradflows.deep_linear.extensions import (
    WeightedSquaredLoss,
    dag_field,
    loss_field,
    node_imbalances,
    projected_target,
)
from gradflows.deep_linear.fibres import (
    balance,
    balanced_factors,
    moment_map_flow,
    orbit_dimension,
    schatten_cost,
)
from gradflows.deep_linear.gauges import gauge_act, gauge_direction, random_gauge
from gradflows.deep_linear.imbalance_count import independent_imbalances
from gradflows.deep_linear.matrix_flow import (
    adjacency_field,
    adjacency_loss,
    commutator,
    diagonal_blocks,
    imbalances,
    interior_blocks,
    kernel_operator,
    lax_generator,
)
from gradflows.deep_linear.modes import mode_depth2, mode_depth2_unbalanced_time, mode_time
from gradflows.deep_linear.momentum import imbalance_sources, imbalance_velocities, skew_charges
from gradflows.deep_linear.paths import normal_form
from gradflows.deep_linear.pivots import escape_direction, escape_order
from gradflows.deep_linear.products import end_to_end, partial_product
from gradflows.deep_linear.ranks import (
    UndecidedRankError,
    jordan_sizes,
    path_counts,
    rank_pattern,
    stub_free,
)
from gradflows.deep_linear.rates import (
    balanced_condition,
    balanced_hessian_spectrum,
    imbalance_rate,
    margin_rate,
    null_tail,
)
from gradflows.deep_linear.reduction import ReducedData, reduce_data
from gradflows.deep_linear.solvable import (
    balanced_field,
    imbalance_gap,
    learning_times,
    riccati_solution,
)
from gradflows.deep_linear.weights import whitened_problem

__all__ = [
    "AlgebraicTail",
    "ChainFate",
    "CriticalPoint",
    "DescentDrift",
    "NotCriticalError",
    "ReducedData",
    "UndecidedRankError",
    "WeightedSquaredLoss",
    "adjacency_field",
    "adjacency_loss",
    "adjacency_matrix",
    "balance",
    "balanced_condition",
    "balanced_factors",
    "balanced_field",
    "balanced_hessian_spectrum",
    "block_shift",
    "chain_fate",
    "classify",
    "commutator",
    "critical_point",
    "critical_step",
    "critical_values",
    "cubic_map",
    "cubic_tails",
    "dag_field",
    "descent_drift",
    "diagonal_blocks",
    "end_to_end",
    "escape_direction",
    "escape_order",
    "escape_time",
    "gauge_act",
    "gauge_direction",
    "hessian",
    "hessian_form",
    "imbalance_gap",
    "imbalance_rate",
    "imbalance_sources",
    "imbalance_velocities",
    "imbalances",
    "independent_imbalances",
    "inertia",
    "interior_blocks",
    "jordan_sizes",
    "kernel_dimension",
    "kernel_operator",
    "lax_generator",
    "layer_slices",
    "learning_times",
    "loss_field",
    "margin_rate",
    "measured_order",
    "mode_depth2",
    "mode_depth2_unbalanced_time",
    "mode_time",
    "moment_map_flow",
    "morse_index",
    "node_imbalances",
    "normal_form",
    "null_tail",
    "orbit_dimension",
    "partial_product",
    "path_counts",
    "path_weights",
    "projected_target",
    "pseudospectrum",
    "random_critical_point",
    "random_gauge",
    "rank_pattern",
    "reduce_data",
    "riccati_solution",
    "saddle_tail",
    "schatten_cost",
    "skew_charges",
    "slow_layers",
    "sphere_decrease",
    "stub_free",
    "walk_sum",
    "walks",
    "weights_from",
    "whitened_problem",
]
