"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.affine_leaky import (
    LeakyZigzag,
    leaky_zigzag,
)
from gradflows.beyond.affine_levels import (
    critical_level,
    curvature_ratios,
    escape_rate,
    exact_inertia,
    zigzag_saddle,
)
from gradflows.beyond.affine_target import (
    AffineTarget,
)
from gradflows.beyond.coarse_training import (
    PROXIES,
    CoarseRun,
    perceptron,
    staircase,
    subspace_data,
    train_coarse,
)
from gradflows.beyond.completion import (
    MaskedSquaredLoss,
    effective_rank,
)
from gradflows.beyond.dense_networks import (
    ActivatedSquaredLoss,
    DenseNetwork,
)
from gradflows.beyond.depth_limit import (
    ResidualProblem,
    guaranteed_rate,
)
from gradflows.beyond.dual_newton import (
    Interpolant,
)
from gradflows.beyond.edge_toy import (
    edge_end,
    edge_start,
    quartic_descent,
)
from gradflows.beyond.game_particles import (
    game_flow,
)
from gradflows.beyond.games import (
    GamePath,
    QuadraticGame,
    conditional_game,
    kernel_flow,
    lyapunov,
    saddle,
)
from gradflows.beyond.hessian_null_space import (
    gauss_newton,
    nullity,
    origin_curvature,
    predicted_nullity,
    symmetry_dimension,
)
from gradflows.beyond.hyperbolic_entropy import (
    DiagonalProblem,
    LeastL1,
    entropy_minimiser,
    hyperbolic_entropy,
    least_l1,
)
from gradflows.beyond.label_noise import (
    noisy_descent,
)
from gradflows.beyond.large_steps import (
    Fates,
    gd_fate,
    landing_factor,
    min_sharpness,
    sharpness,
)
from gradflows.beyond.lazy_and_rich import (
    neuron_imbalance,
    neuron_limit,
    neuron_metric,
)
from gradflows.beyond.margin_descent import (
    MarginRun,
    margin_descent,
    margin_spread,
)
from gradflows.beyond.margin_losses import (
    ExponentialLoss,
    LogExponentialLoss,
)
from gradflows.beyond.margins import (
    LargestMargin,
    LeakyLayer,
    largest_margin,
    near_orthogonality,
)
from gradflows.beyond.mean_field import (
    MeanFieldProblem,
    neuron_gradients,
    neuron_values,
    particle_kernel,
    sign_pairs,
    w2_exact,
)
from gradflows.beyond.prior_knowledge import (
    prior_seeds,
)
from gradflows.beyond.roughness import (
    growth_exponent,
    initial_path,
    lipschitz_constant,
    p_variation,
    quadratic_variation,
)
from gradflows.beyond.stable_ranks import (
    leaky_stable_rank,
    one_step_stable_rank,
    pattern_stable_rank,
    stable_rank,
)
from gradflows.beyond.straight_through import (
    angle_loss,
    coarse_flow,
    coarse_gradient,
    coarse_gradient_quadrature,
)

__all__ = [
    "ActivatedSquaredLoss",
    "AffineTarget",
    "CoarseRun",
    "DenseNetwork",
    "DiagonalProblem",
    "ExponentialLoss",
    "Fates",
    "GamePath",
    "Interpolant",
    "LargestMargin",
    "LeakyLayer",
    "LeakyZigzag",
    "LeastL1",
    "LogExponentialLoss",
    "MarginRun",
    "MaskedSquaredLoss",
    "MeanFieldProblem",
    "PROXIES",
    "QuadraticGame",
    "ResidualProblem",
    "angle_loss",
    "coarse_flow",
    "coarse_gradient",
    "coarse_gradient_quadrature",
    "conditional_game",
    "critical_level",
    "curvature_ratios",
    "edge_end",
    "edge_start",
    "effective_rank",
    "entropy_minimiser",
    "escape_rate",
    "exact_inertia",
    "game_flow",
    "gauss_newton",
    "gd_fate",
    "growth_exponent",
    "guaranteed_rate",
    "hyperbolic_entropy",
    "initial_path",
    "kernel_flow",
    "landing_factor",
    "largest_margin",
    "leaky_stable_rank",
    "leaky_zigzag",
    "least_l1",
    "lipschitz_constant",
    "lyapunov",
    "margin_descent",
    "margin_spread",
    "min_sharpness",
    "near_orthogonality",
    "neuron_gradients",
    "neuron_imbalance",
    "neuron_limit",
    "neuron_metric",
    "neuron_values",
    "noisy_descent",
    "nullity",
    "one_step_stable_rank",
    "origin_curvature",
    "p_variation",
    "particle_kernel",
    "pattern_stable_rank",
    "perceptron",
    "predicted_nullity",
    "prior_seeds",
    "quadratic_variation",
    "quartic_descent",
    "saddle",
    "sharpness",
    "sign_pairs",
    "stable_rank",
    "staircase",
    "subspace_data",
    "symmetry_dimension",
    "train_coarse",
    "w2_exact",
    "zigzag_saddle",
]
