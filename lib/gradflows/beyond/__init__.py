"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.depth_limit import ResidualProblem, guaranteed_rate
from gradflows.beyond.roughness import (
    growth_exponent,
    initial_path,
    lipschitz_constant,
    p_variation,
    quadratic_variation,
)

__all__ = [
    "ResidualProblem",
    "growth_exponent",
    "guaranteed_rate",
    "initial_path",
    "lipschitz_constant",
    "p_variation",
    "quadratic_variation",
]
