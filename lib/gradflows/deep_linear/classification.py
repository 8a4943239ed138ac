r"""Classification of critical points: minimum, strict saddle, or nonstrict saddle.

There is nothing else: no local maximum, and no local minimum that is not global.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.deep_linear.criticality import read_critical
from gradflows.deep_linear.curvature import hessian, inertia, morse_index
from gradflows.deep_linear.paths import normal_form
from gradflows.deep_linear.pivots import saddle_order
from gradflows.deep_linear.ranks import UndecidedRankError, stub_free

__all__ = ["CriticalPoint", "classify"]

LARGEST_HESSIAN = 2000
"""Up to this number of weights the index is counted in the Hessian where no theorem gives it."""


@dataclass(frozen=True)
class CriticalPoint:
    """What kind of critical point weights are.

    Attributes
    ----------
    kind : str
        "minimum" (always a global one), "strict saddle" (the Hessian has a negative
        eigenvalue) or "nonstrict saddle".
    learned : tuple of int
        Indices, from 0, of the learnt singular values in decreasing order of all; of equal
        singular values the first ones stand for any.
    rank : int
        Number of learnt modes, the rank of the end-to-end matrix.
    value : float
        Loss, half the sum of the squares of the unlearnt singular values.
    index : int or None
        Number of negative eigenvalues of the Hessian; None if it is undecided.
    index_from : str
        Where the index comes from: "theorem" (minima, nonstrict saddles, all points for h = 2,
        points without stubs), "Hessian" (counted in the Hessian of the normal form, with a gap
        around zero), or "undecided" (no such gap, or more than 2000 weights).
    order : int or None
        Escape order m of a saddle, 2 if it is strict; None at a minimum, and where the theorem
        does not decide between 3 and 4 (some rank-deficient targets).
    escape_path : tuple of tuple of int, or None
        For a saddle whose learnt modes are the largest, if the target is diagonal and all
        weights run along single nodes (at most one nonzero in every row and column): the edges
        ``(layer, node after, node before)``, input first, of a cheapest path from an unlearnt
        input node to the output node of the same number, where existing edges are free and new
        ones cost one. The new edges are those of weight zero; there are as few as cuts in the
        theorem, and the loss falls for suitable small new weights for which the product along
        the path has the sign of the target. Otherwise None.
    """

    kind: str
    learned: tuple
    rank: int
    value: float
    index: int | None
    index_from: str
    order: int | None
    escape_path: tuple | None


def classify(weights, Sigma, *, tol=1e-9):
    r"""Classify a critical point of :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2`.

    It is a minimum if it has learnt as many of the largest modes as the least width and the
    rank of the target allow; a strict saddle if an unlearnt singular value exceeds a learnt one,
    or if two missing edges suffice for a new path, as counted by
    :func:`~gradflows.deep_linear.pivots.escape_order`;
    a nonstrict saddle otherwise.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, h >= 2.
    Sigma : array_like, (d_h, d_0)
        Any target: singular values may be zero or repeated, the matrix need not be diagonal.
    tol : float
        Relative precision to which the weights are trusted. All ranks, and whether the gradient
        vanishes, are decided relative to it.

    Returns
    -------
    CriticalPoint

    Raises
    ------
    NotCriticalError
        If the gradient is larger than errors ``tol`` of the weights explain; it names its norm.
    UndecidedRankError
        If a rank, or which of two nearby singular values is learnt, cannot be decided.
    ValueError
        If shapes do not fit, or there is no hidden layer.

    Notes
    -----
    Source: achour2024loss; kawaguchi2016deep for the absence of other minima; the pairing
    through the target, ties and rank-deficient targets are this book's.

    Examples
    --------
    >>> classify([[[0.0]], [[0.0]], [[0.0]]], [[2.0]]).order
    3
    """
    reading = read_critical(weights, Sigma, tol)
    order, path = None, None
    kind = "minimum"
    if not reading.minimal:
        order, _ = saddle_order(reading, tol)
        kind = "strict saddle" if order == 2 else "nonstrict saddle"
        path = _escape_path(reading, tol) if reading.top else None
    index, origin = _index(reading, kind, tol)
    return CriticalPoint(
        kind=kind,
        learned=reading.learned,
        rank=reading.rank,
        value=reading.value,
        index=index,
        index_from=origin,
        order=order,
        escape_path=path,
    )


def _index(reading, kind, tol):
    """Morse index, and where it comes from."""
    if kind != "strict saddle":
        return 0, "theorem"
    if len(reading.weights) == 2 or stub_free(reading.weights, tol=tol):
        return morse_index(reading.widths, reading.sigma, reading.learned), "theorem"
    if sum(weight.size for weight in reading.weights) > LARGEST_HESSIAN:
        return None, "undecided"
    try:
        # The index does not depend on the gauge, the condition of the Hessian does.
        moved, _ = normal_form(reading.weights, tol=tol)
        return inertia(hessian(moved, reading.target))[0], "Hessian"
    except UndecidedRankError:
        return None, "undecided"


def _escape_path(reading, tol):
    """Find a cheapest path of an unlearnt mode, if the weights run along single nodes."""
    absent = [np.abs(w) <= tol * np.abs(w).max() for w in reading.weights]
    off = reading.target.copy()
    np.fill_diagonal(off, 0.0)
    single = all(
        (~zero).sum(axis=0).max() <= 1 and (~zero).sum(axis=1).max() <= 1 for zero in absent
    )
    if np.any(off) or not single:
        return None
    costs = [zero.astype(float) for zero in absent]
    _forbid_learnt(costs, absent)
    best, fewest = None, np.inf
    for mode in np.flatnonzero(np.abs(np.diag(reading.target)) > tol * reading.sigma[0]).tolist():
        length, path = _cheapest(costs, mode)
        if length < fewest:
            best, fewest = path, length
    return best


def _forbid_learnt(costs, absent):
    """Make the edges to and from nodes of paths from input to output impossible."""
    for start in range(absent[0].shape[1]):
        nodes = [start]
        for zero in absent:
            following = np.flatnonzero(~zero[:, nodes[-1]])
            if following.size == 0:
                break
            nodes.append(int(following[0]))
        if len(nodes) > len(absent):
            for i, cost in enumerate(costs):
                cost[:, nodes[i]] = cost[nodes[i + 1], :] = np.inf


def _cheapest(costs, mode):
    """Find a cheapest path from an input node to the output node of the same number."""
    lengths = np.full(costs[0].shape[1], np.inf)
    lengths[mode] = 0.0
    came = []
    for cost in costs:
        through = cost + lengths
        came.append(np.argmin(through, axis=1))
        lengths = np.min(through, axis=1)
    nodes = [mode]
    for before in reversed(came):
        nodes.append(int(before[nodes[-1]]))
    nodes.reverse()
    edges = [(i, nodes[i], nodes[i - 1]) for i in range(1, len(nodes))]
    return lengths[mode], tuple(edges)
