r"""Escape orders: how many missing edges must be put in before the loss falls.

At a critical point whose r learnt modes are the largest, cuts :math:`h \ge i_1 > \dots > i_k \ge
1` are admissible if

.. math::

    \operatorname{rank} W_{i_j-1:i_{j+1}+1} > r \;\; (1 \le j < k), \qquad
    \operatorname{rank}\big(W_{i_k-1:1}\,\Sigma^T\,W_{h:i_1+1}\big) > r ;

the least number of cuts is the order of the saddle if :math:`\Sigma` has full rank. The layers
are the nodes and the first condition the edges of a small graph in which the least number is a
shortest way.
"""

import numpy as np

from gradflows.deep_linear.criticality import read_critical
from gradflows.deep_linear.curvature import hessian
from gradflows.deep_linear.products import heads, tails
from gradflows.deep_linear.ranks import count_nonzero, ranges, rank_pattern, scaled_layers
from gradflows.deep_linear.weights import whitened_problem

__all__ = ["escape_direction", "escape_order"]


def escape_order(weights, Sigma, *, tol=1e-9):
    r"""Order of a saddle: the exponent m with which the loss can fall around it.

    .. math:: L(A) - \min_{\|V\| = \varepsilon} L(A + V) \asymp \varepsilon^m .

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, h >= 2, a saddle.
    Sigma : array_like, (d_h, d_0)
        Any target, not only a diagonal one.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    int or None
        2 for strict saddles. None where ranks do not decide: if Sigma is rank-deficient, one cut
        suffices to connect input to output and three to pair them, the order is 3 or 4.

    Raises
    ------
    NotCriticalError
        If the gradient is not zero.
    UndecidedRankError
        If a rank cannot be decided.
    ValueError
        If shapes do not fit, or the point is a minimum.

    Notes
    -----
    Source: this book; achour2024loss for m = 2.
    """
    reading = read_critical(weights, Sigma, tol)
    if reading.minimal:
        raise ValueError("weights: expected a saddle, got a global minimum")
    return saddle_order(reading, tol)[0]


def saddle_order(reading, tol):
    """Order of a saddle that has been read, and its cuts (None where a swap is the way out)."""
    if not reading.top:
        return 2, None
    pairing, connected, linked = _conditions(reading, tol)
    depth = len(reading.weights)
    order, cuts = _fewest_cuts(depth, linked, pairing)
    if order == 3 and not reading.full_rank and _fewest_cuts(depth, linked, connected)[0] == 1:
        return None, cuts
    return order, cuts


def escape_direction(weights, Sigma, *, tol=1e-9):
    r"""Direction along which the loss falls like :math:`t^m`, m the order of the saddle.

    For m = 2 it is the eigenvector of the least eigenvalue of the Hessian. For m > 2 it is
    :math:`V_{i_j} = p_jq_j^T` at the m cuts, within the unlearnt part, so that the product
    changes there alone and :math:`L(A + tV) - L(A) = -c\,t^m` plus smaller terms, c > 0.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, h >= 2, a saddle.
    Sigma : array_like, (d_h, d_0)
        Of full rank if the saddle is not strict.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    list of numpy.ndarray
        ``[V_1, ..., V_h]``, shapes ``(d_i, d_{i-1})``, of Frobenius norm one together. The loss
        falls for t > 0; if m is even, also for t < 0.

    Raises
    ------
    NotCriticalError, UndecidedRankError
        As in :func:`escape_order`.
    ValueError
        If the point is a minimum, or a nonstrict saddle of a rank-deficient target.

    Notes
    -----
    Source: this book.
    """
    reading = read_critical(weights, Sigma, tol)
    if reading.minimal:
        raise ValueError("weights: expected a saddle, got a global minimum")
    order, cuts = saddle_order(reading, tol)
    if order == 2:
        vector = np.linalg.eigh(hessian(reading.weights, reading.target))[1][:, 0]
        problem, _ = whitened_problem(reading.weights, reading.target)
        return [part.copy() for part in problem.network.split(vector)]
    if not reading.full_rank:
        raise ValueError("Sigma: expected full rank, since the saddle is not strict")
    return _along_cuts(reading, cuts)


def _conditions(reading, tol):
    """Tabulate which pairs of cuts pair, connect input to output, and may follow each other."""
    layers, r = scaled_layers(reading.weights, tol), reading.rank
    depth, widths = len(layers), reading.widths
    pattern = rank_pattern(layers, tol=tol)
    for i in range(depth + 1):
        pattern[i, i + 1] = widths[i]
    # Bases of the row space of W_{i-1:1} and of the range of W_{h:i+1}, for every cut i.
    into = {i: ranges([w.T for w in layers[: i - 1]][::-1], tol)[-1] for i in range(2, depth + 1)}
    out = {i: ranges(layers[i:], tol)[-1] for i in range(1, depth)}
    into[1], out[depth] = np.eye(widths[0]), np.eye(widths[-1])
    scale, pairing, connected, linked = np.linalg.norm(reading.residual, 2), {}, {}, {}
    for i in range(1, depth + 1):
        for k in range(1, i + 1):
            core = into[k].T @ reading.residual.T @ out[i]
            size = np.linalg.norm(core, 2) if core.size else 0.0
            pairing[i, k] = count_nonzero([size], scale, tol, "weights") > 0
            connected[i, k] = pattern[depth, i + 1] > r and pattern[k - 1, 1] > r
            linked[i, k] = i > k and pattern[i - 1, k + 1] > r
    return pairing, connected, linked


def _fewest_cuts(depth, linked, closing):
    """Find the shortest sequence of linked cuts whose ends satisfy ``closing``."""
    best = None
    for first in range(depth, 0, -1):
        ways = {first: [first]}
        for cut in range(first - 1, 0, -1):
            steps = [ways[i] for i in ways if linked[i, cut]]
            if steps:
                ways[cut] = [*min(steps, key=len), cut]
        ends = [ways[i] for i in ways if closing[first, i]]
        if ends and (best is None or len(min(ends, key=len)) < len(best)):
            best = min(ends, key=len)
    return len(best), best


def _along_cuts(reading, cuts):
    """Rank-one changes at the cuts whose product with the residual is positive."""
    first, last = heads(reading.weights), tails(reading.weights)
    scale = reading.sigma[list(reading.learned)]
    # Projectors onto the unlearnt part of every layer, along the images of the learnt modes.
    projectors = [
        np.eye(width) - (a @ reading.inputs / scale) @ (reading.outputs.T @ b)
        for width, a, b in zip(reading.widths, first, last, strict=True)
    ]
    direction = [np.zeros_like(weight) for weight in reading.weights]
    lefts, rights = [], []
    for upper, lower in zip(cuts, cuts[1:] + cuts[:1], strict=True):
        middle = _between(reading, upper, lower, first, last, projectors)
        left, _, right = np.linalg.svd(middle)
        lefts.append(left[:, 0])
        rights.append(right[0])
    for j, cut in enumerate(cuts):
        push = np.outer(projectors[cut] @ rights[j - 1], lefts[j] @ projectors[cut - 1])
        direction[cut - 1] = push / np.linalg.norm(push) / np.sqrt(len(cuts))
    return direction


def _between(reading, upper, lower, first, last, projectors):
    """Unlearnt part of the product between two cuts; through the target after the last one."""
    if upper > lower:
        middle = np.eye(reading.widths[lower])
        for weight in reading.weights[lower : upper - 1]:
            middle = weight @ middle
    else:
        middle = first[upper - 1] @ reading.residual.T @ last[lower]
    return projectors[upper - 1] @ middle @ projectors[lower]
