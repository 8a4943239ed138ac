"""Points of a curve, and places along it."""

from numbers import Real

import numpy as np

from gradflows.validation import as_array


def as_points(x, y):
    """Return coordinates of points as two arrays (n,); numbers count as one point."""
    x, y = ([value] if isinstance(value, Real) else value for value in (x, y))
    x = as_array("x", x, ("n",))
    return x, as_array("y", y, (len(x),))


def as_curve(x, y):
    """Return coordinates of two points or more as two arrays (n,)."""
    x, y = as_points(x, y)
    if len(x) < 2:
        raise ValueError(f"x: expected two points or more, got {len(x)}")
    return x, y


def points_along(ax, x, y, where):
    """Return points of a curve, at given fractions of its length.

    Parameters
    ----------
    ax : Axes
        Lengths are measured in its coordinates, in decades on logarithmic ones.
    x, y : array (n,)
        Points of the curve in order, n >= 2.
    where : array (m,)
        Fractions of the length, in [0, 1].

    Returns
    -------
    array (m, 2)
        In decades on logarithmic axes.

    Raises
    ------
    ValueError
        If ``x`` and ``y`` are no curve of positive length.
    """
    points = ax.transScale.transform(np.column_stack(as_curve(x, y)))
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    if not 0 < length[-1] < np.inf:
        raise ValueError(f"x, y: expected a curve of positive length, got length {length[-1]}")
    return np.column_stack([np.interp(where, length / length[-1], column) for column in points.T])
