"""The vocabulary of marks: what a dot, a line, an arrowhead and a label mean.

Filled dot: minimum; half-filled: strict saddle; open: nonstrict saddle. Solid line: stable
manifold; dashed: unstable; thick: connection between critical points. Arrowheads show time.
"""

from numbers import Real

import numpy as np
from matplotlib.cbook import normalize_kwargs
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from gradflows.plotting.geometry import as_curve, as_points, points_along
from gradflows.plotting.style import COLOURS, as_axes


def mark_minimum(ax, x, y, **kw):
    """Draw a filled dot, the mark of a minimum, at each point.

    Parameters
    ----------
    ax : Axes
    x, y : float or array (n,)
        Coordinates of the points.
    **kw
        Passed on to ``Axes.plot``.

    Returns
    -------
    Line2D

    Raises
    ------
    ValueError
        If ``ax`` is no Axes, or ``x`` and ``y`` are not finite and equally long.
    """
    return _mark(ax, x, y, {"fillstyle": "full"}, kw)


def mark_strict_saddle(ax, x, y, **kw):
    """Draw a half-filled dot, the mark of a strict saddle, at each point.

    A saddle is strict if the Hessian has a negative eigenvalue there. Parameters, result and
    errors are those of `mark_minimum`.
    """
    return _mark(ax, x, y, {"fillstyle": "left"}, kw)


def mark_nonstrict_saddle(ax, x, y, **kw):
    """Draw an open dot, the mark of a nonstrict saddle, at each point.

    A saddle is nonstrict if the Hessian has no negative eigenvalue there. Parameters, result
    and errors are those of `mark_minimum`.
    """
    return _mark(ax, x, y, {"markerfacecolor": "white"}, kw)


def _mark(ax, x, y, look, kw):
    x, y = as_points(x, y)
    kw = normalize_kwargs(kw, Line2D)
    colour = kw.get("color", COLOURS.MARK)
    look = look | {
        "marker": "o",
        "linestyle": "none",
        "color": colour,
        "markeredgecolor": colour,
        "markerfacecoloralt": "white",
        "zorder": 5,
    }
    return as_axes(ax).plot(x, y, **(look | kw))[0]


def stable_manifold(ax, x, y, **kw):
    """Draw a solid line, the mark of a stable manifold.

    Parameters
    ----------
    ax : Axes
    x, y : array (n,)
        Points of the line in order, n >= 2.
    **kw
        Passed on to ``Axes.plot``.

    Returns
    -------
    Line2D

    Raises
    ------
    ValueError
        If ``ax`` is no Axes, or ``x`` and ``y`` are no curve: finite, equally long, two points
        or more.
    """
    look = {"color": COLOURS.STABLE, "linestyle": "-", "linewidth": 1.8, "zorder": 2.5}
    return _line(ax, x, y, look, kw)


def unstable_manifold(ax, x, y, **kw):
    """Draw a dashed line, the mark of an unstable manifold.

    Parameters, result and errors are those of `stable_manifold`.
    """
    look = {"color": COLOURS.UNSTABLE, "linestyle": "--", "linewidth": 1.8, "zorder": 2.5}
    return _line(ax, x, y, look, kw)


def mark_connection(ax, x, y, *, at=0.5, **kw):
    """Draw a thick line with an arrowhead, the mark of a connection of critical points.

    Parameters
    ----------
    ax : Axes
    x, y : array (n,)
        Points of the line in the order of time, n >= 2.
    at : float or None
        Fraction of the length at which the arrowhead sits; None for no arrowhead.
    **kw
        Passed on to ``Axes.plot``.

    Returns
    -------
    Line2D

    Raises
    ------
    ValueError
        As `stable_manifold` and `arrow_on`.
    """
    look = {"color": COLOURS.CONNECTION, "linewidth": 2.8, "zorder": 3}
    line = _line(ax, x, y, look, kw)
    if at is not None:
        arrow_on(ax, x, y, at, color=line.get_color(), size=15, zorder=line.get_zorder())
    return line


def _line(ax, x, y, look, kw):
    x, y = as_curve(x, y)
    return as_axes(ax).plot(x, y, **(look | normalize_kwargs(kw, Line2D)))[0]


def arrow_on(ax, x, y, at=0.5, *, color=COLOURS.TRAJECTORY, size=9, **kw):
    """Draw an arrowhead on a curve, in the direction of time.

    Parameters
    ----------
    ax : Axes
    x, y : array (n,)
        Points of the curve in the order of time, n >= 2.
    at : float
        Where the head sits, as fraction of the length of the curve, in [0, 1]. Lengths are
        measured in the coordinates of the axes, in decades on logarithmic ones.
    color : colour
    size : float
        Twice the length of the head, in points.
    **kw
        Further properties of the arrow.

    Returns
    -------
    Annotation
        Its direction follows later changes of limits and aspect.

    Raises
    ------
    ValueError
        If ``at`` is outside [0, 1], or the curve has no length or is no curve.
    """
    ax = as_axes(ax)
    tail, head = _chord(ax, x, y, at, reach=0.004)
    look = {
        "arrowstyle": "-|>,head_length=0.5,head_width=0.22",
        "mutation_scale": size,
        "color": color,
        "linewidth": 0.6,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    zorder = kw.pop("zorder", 4)
    return ax.annotate("", head, tail, arrowprops=look | kw, zorder=zorder)


def label_line(ax, line, text, at=0.5, **kw):
    """Write a text on a line, along it, with a white halo.

    Parameters
    ----------
    ax : Axes
    line : Line2D or pair of arrays (n,)
        The line, or its points ``(x, y)`` in order.
    text : str
    at : float
        Where the middle of the text sits, as fraction of the length, in [0, 1].
    **kw
        Properties of the text; ``rotation`` fixes the angle that otherwise follows the line.

    Returns
    -------
    Text

    Raises
    ------
    ValueError
        If ``line`` is neither, ``at`` is outside [0, 1], or the line has no length.
    """
    ax = as_axes(ax)
    colour, width = "black", 1.4
    if isinstance(line, Line2D):
        colour, width = _legible(line.get_color()), line.get_linewidth()
        line = line.get_xdata(), line.get_ydata()
    x, y = _pair(line)
    tail, head = _chord(ax, x, y, at, reach=0.01)
    look = {
        "color": colour,
        "fontsize": 8,
        "horizontalalignment": "center",
        "verticalalignment": "center",
        "path_effects": [withStroke(linewidth=width + 3, foreground="white")],
        "zorder": 6,
    }
    label = _TextOnLine(tail, head, text, **(look | normalize_kwargs(kw, Text)))
    return ax.add_artist(label)


def _legible(colour):
    """Darken a colour until small type in it has contrast 4.5 on white."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    linear *= min(1, (1.05 / 4.5 - 0.05) / max(luminance, 1e-9))
    return to_hex(np.where(linear < 0.00313, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


class _TextOnLine(Text):
    """A text between two points, as steep as they are on the paper and never upside down."""

    def __init__(self, tail, head, text, **kw):
        self._ends = np.array([tail, head])
        self._fixed = "rotation" in kw
        super().__init__(*self._ends.mean(axis=0), text, rotation_mode="anchor", **kw)

    def get_rotation(self):
        if self._fixed or self.axes is None:
            return super().get_rotation()
        run, rise = np.diff(self.axes.transData.transform(self._ends), axis=0)[0]
        return (np.degrees(np.arctan2(rise, run)) + 90) % 180 - 90


def _pair(line):
    try:
        x, y = line
    except (TypeError, ValueError):
        raise ValueError(
            f"line: expected a Line2D or a pair of arrays (x, y), got {type(line).__name__}"
        ) from None
    return x, y


def _chord(ax, x, y, at, reach):
    """Return two points of the curve, ``reach`` of its length before and after ``at``."""
    if not (isinstance(at, Real) and 0 <= at <= 1):
        raise ValueError(f"at: expected a fraction of the length in [0, 1], got {at!r}")
    ends = points_along(ax, x, y, np.clip([at - reach, at + reach], 0, 1))
    return ax.transScale.inverted().transform(ends)
