"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.dense_networks import ActivatedSquaredLoss, DenseNetwork
from gradflows.beyond.hessian_null_space import (
    gauss_newton,
    nullity,
    origin_curvature,
    predicted_nullity,
    symmetry_dimension,
)

__all__ = [
    "ActivatedSquaredLoss",
    "DenseNetwork",
    "gauss_newton",
    "nullity",
    "origin_curvature",
    "predicted_nullity",
    "symmetry_dimension",
]
