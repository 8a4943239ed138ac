"""Output space: the adapted flow, straight lines, loss of rank, cross-entropy."""

from gradflows.output_space.cross_entropy import (
    cross_entropy_minimiser,
    cross_entropy_rate,
    one_hot_gap,
)
from gradflows.output_space.homotopy import OutputTrajectory, output_flow
from gradflows.output_space.interpolation import (
    class_scatter,
    continuation_steps,
    linear_interpolation,
    stopping_time,
)
from gradflows.output_space.rank_deficiency import (
    RankDeficiencyError,
    interpolation_deviation,
    straight_line_reach,
)
from gradflows.output_space.symbolic_model import SymbolicModel
from gradflows.output_space.two_spaces import HomotopyField, homotopy_field, mode_rates

__all__ = [
    "HomotopyField",
    "OutputTrajectory",
    "RankDeficiencyError",
    "SymbolicModel",
    "class_scatter",
    "continuation_steps",
    "cross_entropy_minimiser",
    "cross_entropy_rate",
    "homotopy_field",
    "interpolation_deviation",
    "linear_interpolation",
    "mode_rates",
    "one_hot_gap",
    "output_flow",
    "stopping_time",
    "straight_line_reach",
]
