"""Plots over a plane: streamlines of a field and level sets of a function."""

import numpy as np

from gradflows.plotting.style import COLOURS, as_axes
from gradflows.validation import as_array, as_count


def plot_phase_plane(field, xlim, ylim, *, ax=None, points=81, density=0.9, **kw):
    """Draw streamlines of a vector field in the plane, thin and grey.

    Parameters
    ----------
    field : callable
        Takes arrays ``u`` and ``v`` of one shape, returns ``(du/dt, dv/dt)`` of that shape.
    xlim, ylim : pair of float
        Ends of the two coordinates, increasing; they become the limits of the axes.
    ax : Axes, optional
        The current axes if none are given.
    points : int
        Points of the grid along each coordinate.
    density : float
        Density of the streamlines, see ``Axes.streamplot``.
    **kw
        Passed on to ``Axes.streamplot``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a limit is no increasing pair, or the field does not return two finite arrays.
    """
    ax = as_axes(ax)
    x, y, u, v = _grid(xlim, ylim, points)
    du, dv = _values("field", field, u, v, parts=2)
    look = {"color": COLOURS.FIELD, "linewidth": 0.6, "arrowsize": 0.6, "zorder": 1}
    ax.streamplot(x, y, du, dv, density=density, **(look | kw))
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def plot_level_sets(function, xlim, ylim, levels, *, ax=None, points=201, labels=False, **kw):
    """Draw level sets of a function of two variables, thin and grey.

    Parameters
    ----------
    function : callable
        Takes arrays ``u`` and ``v`` of one shape, returns the values in that shape.
    xlim, ylim : pair of float
        Ends of the two coordinates, increasing; they become the limits of the axes.
    levels : array (n_levels,)
        Values of the function, increasing.
    ax : Axes, optional
        The current axes if none are given.
    points : int
        Points of the grid along each coordinate.
    labels : bool
        Whether the level is written on each line.
    **kw
        Passed on to ``Axes.contour``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a limit is no increasing pair, the levels do not increase or none is reached, or the
        function does not return finite values in the shape of its arguments.
    """
    ax = as_axes(ax)
    x, y, u, v = _grid(xlim, ylim, points)
    levels = as_array("levels", np.atleast_1d(levels), ("n",))
    if np.any(np.diff(levels) <= 0):
        raise ValueError(f"levels: expected increasing values, got {levels.tolist()}")
    (values,) = _values("function", lambda u, v: (function(u, v),), u, v, parts=1)
    low, high = values.min(), values.max()
    if not np.any((levels >= low) & (levels <= high)):
        raise ValueError(
            f"levels: expected one between {low:g} and {high:g}, got {levels.tolist()}"
        )
    look = {} if "cmap" in kw else {"colors": COLOURS.LEVEL}
    # Dashes mean instability: negative levels are drawn like the others.
    look |= {"linewidths": 0.7, "linestyles": "solid", "zorder": 1.5}
    contours = ax.contour(x, y, values, levels=levels, **(look | kw))
    if labels:
        ax.clabel(contours, fontsize=7, inline_spacing=3, fmt=_level)
    ax.set(xlim=xlim, ylim=ylim)
    return ax


def _grid(xlim, ylim, points):
    for name, limits in (("xlim", xlim), ("ylim", ylim)):
        low, high = as_array(name, limits, (2,))
        if low >= high:
            raise ValueError(f"{name}: expected an increasing pair, got {(low, high)}")
    points = as_count("points", points, minimum=2)
    x, y = np.linspace(*xlim, points), np.linspace(*ylim, points)
    return x, y, *np.meshgrid(x, y)


def _values(name, function, u, v, parts):
    """Return finite values on the whole grid, in so many parts; constants are functions too."""
    try:
        found = list(function(u, v))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected a function of arrays (u, v), got: {error}") from error
    if len(found) != parts:
        raise ValueError(f"{name}: expected {parts} components, got {len(found)}")
    return [
        as_array(name, np.full(u.shape, value) if np.ndim(value) == 0 else value, u.shape)
        for value in found
    ]


def _level(value):
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
