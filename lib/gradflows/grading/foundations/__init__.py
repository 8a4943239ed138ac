"""Problem set 1: two and three weights, their flow and their steps."""

# the order is that of the problems
from gradflows.grading.foundations import weights  # isort: skip
from gradflows.grading.foundations import ends  # isort: skip

__all__ = ["ends", "weights"]
