"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.coarse_training import (
    PROXIES,
    CoarseRun,
    perceptron,
    staircase,
    subspace_data,
    train_coarse,
)
from gradflows.beyond.straight_through import (
    angle_loss,
    coarse_flow,
    coarse_gradient,
    coarse_gradient_quadrature,
)

__all__ = [
    "PROXIES",
    "CoarseRun",
    "angle_loss",
    "coarse_flow",
    "coarse_gradient",
    "coarse_gradient_quadrature",
    "perceptron",
    "staircase",
    "subspace_data",
    "train_coarse",
]
