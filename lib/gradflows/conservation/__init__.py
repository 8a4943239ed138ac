"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.lie_brackets import (
    BracketGrowth,
    lie_bracket,
    lie_dimension_symbolic,
    model_map,
)
from gradflows.conservation.relaxed_balance import (
    metric_relaxed_balanced,
    relaxed_balanced_weights,
)
from gradflows.conservation.riemannian import (
    metric_neurons,
    metric_parallel,
    metric_product,
    metric_rank_one,
    riemannian_flow,
)

__all__ = [
    "BracketGrowth",
    "lie_bracket",
    "lie_dimension_symbolic",
    "metric_neurons",
    "metric_parallel",
    "metric_product",
    "metric_rank_one",
    "metric_relaxed_balanced",
    "model_map",
    "relaxed_balanced_weights",
    "riemannian_flow",
]
