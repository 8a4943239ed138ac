"""Figures of the book: one style, one vocabulary of marks, functions that return Axes.

The functions ``plot_...`` and ``accuracy_strip`` draw what they are given and return the Axes;
they never compute a trajectory. The functions that draw a mark return the artist.
"""

from gradflows.plotting.curves import plot_loss, plot_trajectory
from gradflows.plotting.marks import (
    arrow_on,
    label_line,
    mark_connection,
    mark_minimum,
    mark_nonstrict_saddle,
    mark_strict_saddle,
    stable_manifold,
    unstable_manifold,
)
from gradflows.plotting.planes import plot_level_sets, plot_phase_plane
from gradflows.plotting.strip import accuracy_strip
from gradflows.plotting.style import COLOURS, DASHES, WIDTHS, use_style

__all__ = [
    "COLOURS",
    "DASHES",
    "WIDTHS",
    "accuracy_strip",
    "arrow_on",
    "label_line",
    "mark_connection",
    "mark_minimum",
    "mark_nonstrict_saddle",
    "mark_strict_saddle",
    "plot_level_sets",
    "plot_loss",
    "plot_phase_plane",
    "plot_trajectory",
    "stable_manifold",
    "unstable_manifold",
    "use_style",
]
