"""The accuracy strip: small print under a figure that says how exact its trajectories are."""

from dataclasses import replace
from weakref import WeakKeyDictionary

from matplotlib.textpath import TextPath

from gradflows.plotting.style import COLOURS, as_axes
from gradflows.trajectories import Accuracy

_SIZE = 6.8
_GAP = " | "
_LINES = WeakKeyDictionary()


def accuracy_strip(accuracy, *, ax):
    """Write the accuracy of the trajectories of a figure under it, small and grey.

    Parameters
    ----------
    accuracy : Accuracy or str, or sequence of them
        What ``str`` of it says is written. Several with the same method and tolerances are
        one entry: all evaluations together, the largest error and drift, and a loss that
        falls if it falls in each.
    ax : Axes
        The strip goes under the figure of these axes, below its labels, and is broken to the
        width of the figure. Strips of several axes are put below each other.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is nothing to write, or the figure has a common label on its abscissa
        (``supxlabel``), whose place the strip takes.
    """
    ax = as_axes(ax)
    figure = ax.get_figure(root=False)
    if figure.get_supxlabel() and figure not in _LINES:
        raise ValueError("ax: expected a figure without supxlabel, the strip takes its place")
    new = _entries(accuracy)
    lines = _LINES[figure] = list(dict.fromkeys([*_LINES.get(figure, []), *new]))
    width = 72 * figure.bbox.width / figure.get_figure(root=True).dpi - 10
    text = "\n".join(part for line in lines for part in _broken(line, width))
    figure.supxlabel(text, fontsize=_SIZE, color=COLOURS.NOTE, linespacing=1.3)
    return ax


def _entries(accuracy):
    """Return the lines for one accuracy or several, one line for each method."""
    found = list(accuracy) if isinstance(accuracy, (list, tuple)) else [accuracy]
    groups = {}
    for entry in found:
        kind = entry
        if isinstance(entry, Accuracy):
            kind = (entry.method, entry.rtol, entry.atol, entry.falling)
        groups.setdefault(kind, []).append(entry)
    lines = [_line(group) for group in groups.values()]
    if not lines or not all(line.strip() for line in lines):
        raise ValueError(f"accuracy: expected an Accuracy or several, got {accuracy!r}")
    return lines


def _line(group):
    """Write one accuracy, or several as the worst of them."""
    if len(group) == 1 or not isinstance(group[0], Accuracy):
        return str(group[0])
    drifts = [entry.drift for entry in group]
    whole = replace(
        group[0],
        evaluations=sum(entry.evaluations for entry in group),
        error=max(entry.error for entry in group),
        # What is not known of one is not known of all.
        drift=None if None in drifts else max(drifts),
        falls=all(entry.falls for entry in group),
    )
    return f"{len(group)} trajectories: {whole}"


def _broken(line, width):
    """Break a line at its bars to a width in points, and a part that is too wide at its spaces."""
    rows = _filled(line.split(_GAP), _GAP, width)
    return [piece for row in rows for piece in _filled(row.split(" "), " ", width)]


def _filled(pieces, gap, width):
    """Join pieces into rows as long as the width allows; a row has one piece at least."""
    rows = pieces[:1]
    for piece in pieces[1:]:
        longer = rows[-1] + gap + piece
        if _width(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(piece)
    return rows


def _width(text):
    return TextPath((0, 0), text, size=_SIZE).get_extents().width
