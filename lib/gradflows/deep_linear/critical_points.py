r"""Critical points: built from paths and stubs, and the values that the loss takes there.

A critical point has learnt a set S of modes. In suitable coordinates of the hidden layers it is
a union of paths: one from input to output for every learnt mode, and stubs in the rest, which
reach no further than criticality allows.
"""

from itertools import combinations

import numpy as np

from gradflows.deep_linear.curvature import checked_modes
from gradflows.deep_linear.gauges import gauge_act, random_gauge
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["critical_point", "critical_values", "random_critical_point"]

EXACT = 1e-12
MOST_MODES = 20


def critical_point(widths, sigma, learned, *, stubs=None, gauge=None):
    r"""Build a critical point of the loss with target :math:`\Sigma = \mathrm{diag}(\sigma)`.

    .. math:: W_i = \sum_{s \in S} \sigma_s^{1/h} e_s^{(i)} e_s^{(i-1)T} + \text{stubs}.

    The j-th learnt mode runs through hidden nodes j; every stub takes one free node in each
    hidden layer that it visits, in the order of the list.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, h >= 2.
    sigma : array_like, (min(d_0, d_h),)
        Singular values of the target, decreasing.
    learned : sequence of int
        Indices of the learnt modes, from 0.
    stubs : sequence of tuple, optional
        ``(start, stop, mode)`` or ``(start, stop, mode, weight)``: a path of edges, all of one
        weight (1 by default), from layer ``start`` to layer ``stop``. The mode is the node at
        which an input stub (``start = 0``) begins or an output stub (``stop = h``) ends, or a
        vector ``(d_0,)`` or ``(d_h,)`` of weights for all those nodes; None for a stub between
        hidden layers.
    gauge : sequence of array_like, optional
        ``[P_1, ..., P_{h-1}]``, applied in the end.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Raises
    ------
    ValueError
        If an argument is not as described, a layer has too few nodes, or the point would not be
        critical: an input stub a that reaches layer b and an output stub b' that starts in
        layer c <= b + 1 leave at most one edge missing, and need :math:`b'^T(\Sigma -
        \Sigma_S)a = 0`. For stubs of one mode with a positive singular value this says that at
        least two edges must be missing.

    Notes
    -----
    Source: achour2024loss for the normal form; the reading as paths is this book's.

    Examples
    --------
    >>> critical_point((1, 1, 1, 1), [2.0], [], stubs=[(0, 1, 0)])
    [array([[1.]]), array([[0.]]), array([[0.]])]
    """
    widths, sigma, learned = checked_modes(widths, sigma, learned)
    stubs = [_checked_stub(stub, widths) for stub in stubs or ()]
    _check_critical(stubs, widths, unlearnt_target(widths, sigma, learned))
    weights = _learnt_paths(widths, sigma, learned)
    free = [len(learned)] * len(widths)
    for stub in stubs:
        _add_stub(weights, stub, free)
    return weights if gauge is None else gauge_act(gauge, weights)


def random_critical_point(widths, sigma, learned, *, rng, aligned=True, stubs=6, condition=4.0):
    r"""Draw a critical point over a set of learnt modes: random stubs, random gauge.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, h >= 2.
    sigma : array_like, (min(d_0, d_h),)
        Singular values of the target, decreasing.
    learned : sequence of int
        Indices of the learnt modes, from 0.
    rng : numpy.random.Generator
    aligned : bool
        Whether stubs begin and end at single nodes; otherwise with random vectors.
    stubs : int
        Number of random stubs that are tried; those that leave no node free or would spoil
        criticality are dropped.
    condition : float
        Largest condition number of the gauge; 1 means an orthogonal gauge.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Not uniform in any sense. Source: this book.
    """
    widths, sigma, learned = checked_modes(widths, sigma, learned)
    residual = unlearnt_target(widths, sigma, learned)
    chosen, free = [], [len(learned)] * len(widths)
    for _ in range(as_count("stubs", stubs, minimum=0)):
        stub = _random_stub(widths, residual, chosen, rng, aligned)
        if stub is None:
            continue
        inner = range(max(1, stub[0]), min(len(widths) - 2, stub[1]) + 1)
        if any(free[i] >= widths[i] for i in inner) or _conflict(chosen + [stub], widths, residual):
            continue
        chosen.append(stub)
        for i in inner:
            free[i] += 1
    gauge = random_gauge(widths, rng=rng, condition=as_positive("condition", condition))
    return critical_point(widths, sigma, learned, stubs=chosen, gauge=gauge)


def critical_values(sigma, r_max):
    r"""List the critical values, :math:`L_S = \tfrac12\sum_{k \notin S}\sigma_k^2`.

    Parameters
    ----------
    sigma : array_like, (n,)
        Singular values of the target, at least 0.
    r_max : int
        Largest number of modes that can be learnt: the least width.

    Returns
    -------
    dict
        ``{learned: value}`` for all tuples of increasing indices of nonzero singular values with
        at most ``r_max`` entries, in order of length.

    Raises
    ------
    ValueError
        If a singular value is negative, or more than 20 of them are positive.

    Notes
    -----
    Different sets may have equal values, for sigma = (5, 4, 3) already. Among repeated singular
    values only the number of learnt ones matters, so such sets stand for one family of critical
    points each. Source: baldi1989neural, kawaguchi2016deep.

    Examples
    --------
    >>> critical_values([2, 1], 1)
    {(): 2.5, (0,): 0.5, (1,): 2.0}
    """
    sigma, r_max = as_array("sigma", sigma, ("n",)), as_count("r_max", r_max, minimum=0)
    if np.any(sigma < 0):
        raise ValueError(f"sigma: expected numbers >= 0, got {sigma}")
    modes = np.flatnonzero(sigma).tolist()
    if len(modes) > MOST_MODES:
        raise ValueError(f"sigma: expected at most {MOST_MODES} nonzero values, got {len(modes)}")
    return {
        learned: 0.5 * float(np.sum(np.delete(sigma, learned) ** 2))
        for size in range(min(r_max, len(modes)) + 1)
        for learned in combinations(modes, size)
    }


def unlearnt_target(widths, sigma, learned):
    """Rectangular diagonal matrix of the modes that are not learnt, for checked arguments."""
    residual = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(residual, sigma)
    residual[learned, learned] = 0.0
    return residual


def _learnt_paths(widths, sigma, learned):
    """Weights of the learnt modes alone."""
    weights, depth = [], len(widths) - 1
    roots, nodes = sigma[learned] ** (1 / depth), list(range(len(learned)))
    for i in range(1, depth + 1):
        weight = np.zeros((widths[i], widths[i - 1]))
        weight[learned if i == depth else nodes, learned if i == 1 else nodes] = roots
        weights.append(weight)
    return weights


def _checked_stub(stub, widths):
    """Return (start, stop, vector or None, weight)."""
    start, stop, mode, weight = (*stub, 1.0) if len(stub) == 3 else stub
    depth = len(widths) - 1
    start, stop = as_count("stubs: start", start, minimum=0), as_count("stubs: stop", stop)
    if not start < stop <= depth or (start == 0 and stop == depth):
        raise ValueError(
            f"stubs: expected 0 <= start < stop <= {depth}, not from input to output, got "
            f"{start}, {stop}"
        )
    weight = float(as_array("stubs: weight", weight, ()))
    if start > 0 and stop < depth:
        if mode is not None:
            raise ValueError("stubs: expected mode None for a stub between hidden layers")
        return start, stop, None, weight
    size = widths[0] if start == 0 else widths[-1]
    if np.ndim(mode) == 0:
        node = as_count("stubs: mode", -1 if mode is None else mode, minimum=0)
        if node >= size:
            raise ValueError(f"stubs: expected a mode below {size}, got {node}")
        return start, stop, np.eye(size)[node], weight
    return start, stop, as_array("stubs: mode", mode, (size,)), weight


def _conflict(stubs, widths, residual):
    """Find an input and an output stub with at most one edge missing and a nonzero pairing."""
    depth = len(widths) - 1
    entering = [(stop, v) for start, stop, v, _ in stubs if start == 0]
    leaving = [(start, v) for start, stop, v, _ in stubs if stop == depth]
    # Input and output nodes themselves are stubs without edges.
    entering += [(0, v) for v in np.eye(widths[0])]
    leaving += [(depth, v) for v in np.eye(widths[-1])]
    scale = EXACT * np.abs(residual).max()
    for b, into in entering:
        for c, out in leaving:
            pairing = abs(out @ residual @ into)
            limit = scale * np.linalg.norm(into) * np.linalg.norm(out)
            if c <= b + 1 and pairing > limit:
                return b, c
    return None


def _check_critical(stubs, widths, residual):
    """Refuse stubs that leave at most one edge missing on the way of an unlearnt mode."""
    clash = _conflict(stubs, widths, residual)
    if clash:
        raise ValueError(
            f"stubs: expected a critical point, but an input stub reaches layer {clash[0]} and an "
            f"output stub of the same mode starts in layer {clash[1]}: fewer than two edges are "
            "missing"
        )


def _add_stub(weights, stub, free):
    """Write a stub into the weights and take its nodes."""
    start, stop, vector, weight = stub
    depth, before = len(weights), None
    for i in range(start, stop + 1):
        node = None
        if 0 < i < depth:
            node, free[i] = free[i], free[i] + 1
            if node >= len(weights[i - 1]):
                raise ValueError(f"stubs: expected a free node in layer {i}, but all are taken")
        if i > start:
            row = slice(None) if node is None else node
            column = slice(None) if before is None else before
            weights[i - 1][row, column] += weight * (vector if None in (node, before) else 1.0)
        before = node


def _random_stub(widths, residual, chosen, rng, aligned):
    """Draw a stub; a random vector is made orthogonal to what it must not pair with.

    Return None if nothing is left of the vector then.
    """
    depth = len(widths) - 1
    while True:
        start, stop = sorted(rng.choice(depth + 1, 2, replace=False).tolist())
        if (start, stop) != (0, depth):
            break
    weight = float(rng.uniform(0.5, 1.5) * rng.choice([-1, 1]))
    if start > 0 and stop < depth:
        return start, stop, None, weight
    matrix = residual if start == 0 else residual.T
    if aligned:
        return start, stop, np.eye(matrix.shape[1])[rng.integers(matrix.shape[1])], weight
    others = _partners(chosen, start, stop, depth)
    rows = np.array(others).reshape(-1, len(matrix)) @ matrix
    if stop - start == depth - 1:  # the nodes at the other end are one edge away
        rows = matrix
    vector = rng.standard_normal(matrix.shape[1])
    if rows.size:
        vector -= np.linalg.pinv(rows) @ (rows @ vector)
    return (start, stop, vector, weight) if np.linalg.norm(vector) > 0.1 else None


def _partners(chosen, start, stop, depth):
    """Vectors of the stubs at the other end that leave at most one edge missing."""
    if start == 0:
        return [v for a, b, v, _ in chosen if b == depth and a <= stop + 1]
    return [v for a, b, v, _ in chosen if a == 0 and start <= b + 1]
