"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.lie_brackets import (
    BracketGrowth,
    lie_bracket,
    lie_dimension_symbolic,
    model_map,
)

__all__ = ["BracketGrowth", "lie_bracket", "lie_dimension_symbolic", "model_map"]
