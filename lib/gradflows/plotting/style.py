"""The one style of the book: sizes, type, colours by meaning, reproducible SVG."""

import sys
from importlib.resources import as_file, files
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

with as_file(files("gradflows.plotting") / "gradflows.mplstyle") as _path:
    _STYLE = mpl.rc_params_from_file(_path, use_default_template=False)

WIDTHS = {"single": 3.3, "medium": 5.0, "wide": 6.8}
"""Widths of figures in inches: half a page, a page of text, the full page."""

_HEIGHT = 0.62

_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY, _BLACK, _YELLOW = (
    "#" + entry["color"].lstrip("#") for entry in _STYLE["axes.prop_cycle"]
)

COLOURS = SimpleNamespace(
    STABLE=_BLUE,
    UNSTABLE=_VERMILLION,
    TRAJECTORY=_BLACK,
    CONNECTION=_BLACK,
    MARK="#1a1a1a",
    MODES=[_GREEN, _PURPLE, _ORANGE, _SKY, _BLACK],
    # Depth is an order, so layers darken from the first to the last.
    LAYERS=[_SKY, _BLUE, "#00395a", _BLACK],
    CATEGORIES=[_BLUE, _VERMILLION, _GREEN, _PURPLE, _ORANGE, _SKY, _BLACK, _YELLOW],
    LEVEL="#8c8c8c",
    FIELD="#b8b8b8",
    FLOOR="#8c8c8c",
    NOTE="#595959",
)
"""Colours by meaning, as hex values (Okabe-Ito and greys)."""

DASHES = ["-", (0, (5, 1.6)), (0, (6, 1.6, 1.2, 1.6)), (0, (1.2, 1.4)), (0, (9, 2))]
"""Line styles that go with the colours of a list, entry by entry: the second channel."""


def use_style(width="medium"):
    """Switch matplotlib to the style of the book, and notebooks to reproducible SVG.

    Parameters
    ----------
    width : {"single", "medium", "wide"}
        Width of figures that give none, a key of ``WIDTHS`` (3.3, 5.0 or 6.8 inches).

    Raises
    ------
    ValueError
        If ``width`` is no key of ``WIDTHS``.

    Notes
    -----
    In a running IPython the inline backend is set to SVG without a date and without
    cropping, so that a figure has the width that it was given and two runs give the same
    bytes. Elsewhere only the settings of matplotlib change.
    """
    if width not in WIDTHS:
        raise ValueError(f"width: expected one of {', '.join(WIDTHS)}, got {width!r}")
    mpl.style.use(["default", _STYLE])
    plt.rcParams["figure.figsize"] = (WIDTHS[width], _HEIGHT * WIDTHS[width])
    _use_svg_in_notebooks()


def _use_svg_in_notebooks():
    """Set the inline backend to SVG without a date, if IPython is running."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return
    from matplotlib_inline.backend_inline import set_matplotlib_formats
    from matplotlib_inline.config import InlineBackend

    options = {"metadata": {"Date": None}, "bbox_inches": None}
    # The backend is configured once more, from these values, after the cell that imports it.
    settings = InlineBackend.instance(parent=shell)
    settings.print_figure_kwargs = options
    settings.figure_formats = {"svg"}
    set_matplotlib_formats("svg", **options)


def as_axes(ax):
    """Return ``ax``, or the current axes if it is None; a ValueError for anything else."""
    if ax is None:
        return plt.gca()
    if not isinstance(ax, Axes):
        raise ValueError(f"ax: expected matplotlib Axes or None, got {type(ax).__name__}")
    return ax
