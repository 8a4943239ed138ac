"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.edge_toy import edge_end, edge_start, quartic_descent
from gradflows.beyond.label_noise import noisy_descent
from gradflows.beyond.large_steps import (
    Fates,
    gd_fate,
    landing_factor,
    min_sharpness,
    sharpness,
)

__all__ = [
    "Fates",
    "edge_end",
    "edge_start",
    "gd_fate",
    "landing_factor",
    "min_sharpness",
    "noisy_descent",
    "quartic_descent",
    "sharpness",
]
