"""Plots of trajectories: their path in a plane, their loss over time."""

from collections.abc import Iterable
from itertools import cycle
from numbers import Integral

import numpy as np
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D

from gradflows.plotting.geometry import points_along
from gradflows.plotting.marks import arrow_on, label_line
from gradflows.plotting.style import COLOURS, DASHES, as_axes
from gradflows.validation import as_array, as_positive


def plot_trajectory(trajectory, coordinates=(0, 1), *, ax=None, arrows=1, **kw):
    """Draw a trajectory as a curve in the plane of two coordinates, with arrowheads.

    Parameters
    ----------
    trajectory : Trajectory or array (n_times, size)
        The trajectory, or its parameters at increasing times.
    coordinates : pair of int, or array (2, size)
        Indices of the two parameters drawn, or the matrix of the projection to the plane.
    ax : Axes, optional
        The current axes if none are given.
    arrows : int or sequence of float
        How many arrowheads, evenly spaced, or at which fractions of the length they sit. A
        trajectory that stays where it is has none.
    **kw
        Passed on to ``Axes.plot``.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If the trajectory is no finite array (n_times, size) with two times or more, or
        ``coordinates`` or ``arrows`` is none of the above.
    """
    ax = as_axes(ax)
    theta = as_array("trajectory", getattr(trajectory, "theta", trajectory), ("n_times", "size"))
    if len(theta) < 2:
        raise ValueError("trajectory: expected two times or more, got 1")
    x, y = _project(theta, coordinates)
    places = _places(arrows)
    look = {"color": COLOURS.TRAJECTORY, "linewidth": 1.2, "zorder": 3}
    (line,) = ax.plot(x, y, **(look | normalize_kwargs(kw, Line2D)))
    if np.ptp(x) > 0 or np.ptp(y) > 0:
        for place in places:
            arrow_on(ax, x, y, place, color=line.get_color(), zorder=line.get_zorder())
    return ax


def _project(theta, coordinates):
    size = theta.shape[1]
    if np.ndim(coordinates) == 2:
        return as_array("coordinates", coordinates, (2, size)) @ theta.T
    pair = np.asarray(coordinates)
    valid = pair.shape == (2,) and pair.dtype.kind in "iu"
    if not (valid and np.all((-size <= pair) & (pair < size))):
        raise ValueError(
            f"coordinates: expected two indices below {size} or a matrix (2, {size}), "
            f"got {coordinates!r}"
        )
    return theta[:, pair].T


def _places(arrows):
    if isinstance(arrows, Integral) and not isinstance(arrows, bool) and arrows >= 0:
        return (np.arange(arrows) + 0.5) / max(arrows, 1)
    places = np.asarray(arrows)
    valid = places.ndim == 1 and (places.dtype.kind in "if" or places.size == 0)
    if not (valid and np.all((places >= 0) & (places <= 1))):
        raise ValueError(f"arrows: expected a count or fractions in [0, 1], got {arrows!r}")
    return places.tolist()


def plot_loss(trajectories, *, labels=None, ax=None, log=False, floor=1e-14, **kw):
    """Draw the loss against time, one line for each trajectory, labelled on the line.

    Parameters
    ----------
    trajectories : Trajectory or sequence of them
        Each with ``t (n_times,)`` and ``loss (n_times,)``.
    labels : str or sequence of str, optional
        One for each trajectory, written where its line is farthest from the others.
    ax : Axes, optional
        The current axes if none are given.
    log : bool
        Whether the loss has a logarithmic scale.
    floor : float
        Losses below it are rounding; on a logarithmic scale they are drawn at this height,
        with a dotted line, if there are any.
    **kw
        Passed on to ``Axes.plot``; a ``color`` or ``linestyle`` holds for all lines.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If a trajectory has no finite ``t`` and ``loss`` of one length, or the labels are not
        as many as the trajectories.
    """
    ax = as_axes(ax)
    floor = as_positive("floor", floor)
    curves = [_loss_curve(trajectory) for trajectory in _as_list(trajectories)]
    labels = _as_labels(labels, len(curves))
    if log:
        ax.set_yscale("log")
        if min(loss.min() for _, loss in curves) < floor:
            ax.axhline(floor, color=COLOURS.FLOOR, linestyle=":", linewidth=0.9, zorder=1)
        curves = [(t, np.maximum(loss, floor)) for t, loss in curves]
    lines = _draw(ax, curves, normalize_kwargs(kw, Line2D))
    for k, label in enumerate(labels):
        label_line(ax, lines[k], label, _free_place(ax, curves, k))
    ax.set(xlabel="time $t$", ylabel="loss $L$")
    return ax


def _draw(ax, curves, kw):
    looks = zip(cycle(COLOURS.CATEGORIES), cycle(DASHES), strict=False)
    return [
        ax.plot(t, loss, **({"color": colour, "linestyle": dash} | kw))[0]
        for (t, loss), (colour, dash) in zip(curves, looks, strict=False)
    ]


def _as_list(trajectories):
    if hasattr(trajectories, "loss"):
        return [trajectories]
    if not (isinstance(trajectories, Iterable) and (found := list(trajectories))):
        raise ValueError(
            "trajectories: expected a Trajectory or a sequence of them, "
            f"got {type(trajectories).__name__}"
        )
    return found


def _as_labels(labels, count):
    labels = [] if labels is None else [labels] if isinstance(labels, str) else list(labels)
    if labels and len(labels) != count:
        raise ValueError(f"labels: expected {count}, one for each trajectory, got {len(labels)}")
    return labels


def _loss_curve(trajectory):
    if not (hasattr(trajectory, "t") and hasattr(trajectory, "loss")):
        raise ValueError(
            "trajectories: expected a Trajectory or a sequence of them, "
            f"got {type(trajectory).__name__}"
        )
    t = as_array("trajectories: t", trajectory.t, ("n_times",))
    return t, as_array("trajectories: loss", trajectory.loss, (len(t),))


def _free_place(ax, curves, k):
    """Return where on curve k the others are far and it is straight, as fraction of its length."""
    if len(curves) == 1:
        return 0.5
    where = np.linspace(0, 1, 401)
    paths = np.array([points_along(ax, *curve, where) for curve in curves])
    size = np.ptp(paths, axis=(0, 1))
    paths /= np.where(size > 0, size, 1)
    # A label needs room on both sides, so the ends of the line are left out.
    inner = slice(40, 340)
    others = np.concatenate(np.delete(paths, k, axis=0))
    gaps = np.hypot(*(paths[k, inner, None] - others).transpose(2, 0, 1)).min(axis=1)
    steps = paths[k, 20:] - paths[k, :-20]
    before, after = steps[20:320], steps[40:340]
    straight = (before * after).sum(axis=1) / np.hypot(*before.T) / np.hypot(*after.T)
    return float(where[inner][np.argmax(gaps * straight)])
