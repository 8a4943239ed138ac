"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.completion import MaskedSquaredLoss, effective_rank
from gradflows.beyond.dual_newton import Interpolant
from gradflows.beyond.hyperbolic_entropy import (
    DiagonalProblem,
    LeastL1,
    entropy_minimiser,
    hyperbolic_entropy,
    least_l1,
)
from gradflows.beyond.lazy_and_rich import neuron_imbalance, neuron_limit, neuron_metric
from gradflows.beyond.prior_knowledge import prior_seeds

__all__ = [
    "DiagonalProblem",
    "Interpolant",
    "LeastL1",
    "MaskedSquaredLoss",
    "effective_rank",
    "entropy_minimiser",
    "hyperbolic_entropy",
    "least_l1",
    "neuron_imbalance",
    "neuron_limit",
    "neuron_metric",
    "prior_seeds",
]
