"""Problem set 4: velocities, clocks and ends of paths in output space."""

# the order is that of the problems
from gradflows.grading.output_space import clocks  # isort: skip
from gradflows.grading.output_space import ends  # isort: skip

__all__ = ["clocks", "ends"]
