"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.affine_leaky import LeakyZigzag, leaky_zigzag
from gradflows.beyond.affine_levels import (
    critical_level,
    curvature_ratios,
    escape_rate,
    exact_inertia,
    zigzag_saddle,
)
from gradflows.beyond.affine_target import AffineTarget

__all__ = [
    "AffineTarget",
    "LeakyZigzag",
    "critical_level",
    "curvature_ratios",
    "escape_rate",
    "exact_inertia",
    "leaky_zigzag",
    "zigzag_saddle",
]
