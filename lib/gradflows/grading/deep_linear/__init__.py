"""Problem set 2: gradients, invariants, balance, saddles and waiting times of deep networks."""

# the order is that of the problems
from gradflows.grading.deep_linear import layers  # isort: skip
from gradflows.grading.deep_linear import saddles  # isort: skip

__all__ = ["layers", "saddles"]
