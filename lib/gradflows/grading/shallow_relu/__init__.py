"""Problem set 5: neurons that switch off, levels, races and least norms."""

# the order is that of the problems
from gradflows.grading.shallow_relu import neurons  # isort: skip
from gradflows.grading.shallow_relu import levels  # isort: skip
from gradflows.grading.shallow_relu import races  # isort: skip
from gradflows.grading.shallow_relu import least  # isort: skip

__all__ = ["least", "levels", "neurons", "races"]
