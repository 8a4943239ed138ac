"""Stands for the library in the tests of the tool chain."""

import matplotlib as mpl
from matplotlib_inline.backend_inline import set_matplotlib_formats


def draw():
    """Make figures reproducible."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    mpl.rcParams.update({"svg.hashsalt": "sample", "svg.fonttype": "path"})


def answer():
    """Return the answer of [sample2026]_."""
    return 4711
