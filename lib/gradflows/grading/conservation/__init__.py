"""Problem set 3: brackets, laws, and the proof that there are no others."""

# the order is that of the problems
from gradflows.grading.conservation import brackets  # isort: skip
from gradflows.grading.conservation import symmetries  # isort: skip

__all__ = ["brackets", "symmetries"]
