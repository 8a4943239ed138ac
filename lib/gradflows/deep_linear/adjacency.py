r"""A deep linear network as a weighted directed graph: its nilpotent adjacency matrix.

The nodes of all layers stand in one line, inputs first; :math:`W_i` sits in block row i and
block column i - 1, so that :math:`A` is strictly block lower triangular, the entry
:math:`A_{vu}` is the weight of the edge from node u to node v, and
:math:`A^k` holds the sums over all walks of length k.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights, widths_of
from gradflows.validation import as_array, as_count

__all__ = [
    "adjacency_matrix",
    "block_shift",
    "layer_slices",
    "pseudospectrum",
    "walk_sum",
    "walks",
    "weights_from",
]


def adjacency_matrix(weights):
    r"""Adjacency matrix of the network, :math:`A = \mathrm{blk}_1(W_1, \dots, W_h)`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    numpy.ndarray, (n_v, n_v)
        With :math:`n_v = \sum_i d_i` nodes, :math:`A^{h+1} = 0`.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: wendin2025survey.

    Examples
    --------
    >>> adjacency_matrix([[[2.0]], [[3.0]]])
    array([[0., 0., 0.],
           [2., 0., 0.],
           [0., 3., 0.]])
    """
    weights = as_weights(weights)
    return block_shift(weights, 1, widths_of(weights))


def block_shift(blocks, k, widths):
    r"""Matrix with given blocks on the k-th block subdiagonal, :math:`\mathrm{blk}_k`.

    Parameters
    ----------
    blocks : sequence of array_like
        The blocks for the pairs of layers ``(k, 0), (k + 1, 1), ..., (h, h - k)``, of shapes
        ``(d_{i+k}, d_i)``.
    k : int
        From 0 (block diagonal) to h.
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    numpy.ndarray, (n_v, n_v)

    Raises
    ------
    ValueError
        If k is out of range, or number or shapes of the blocks do not fit.

    Notes
    -----
    Source: wendin2025survey.
    """
    places = layer_slices(widths)
    depth, k, blocks = len(places) - 1, as_count("k", k, minimum=0), list(blocks)
    if k > depth or len(blocks) != depth + 1 - k:
        raise ValueError(
            f"blocks: expected k <= {depth} and {depth + 1 - k} blocks, got k = {k} and "
            f"{len(blocks)}"
        )
    result = np.zeros((places[-1].stop, places[-1].stop))
    for i, block in enumerate(blocks):
        shape = (places[i + k].stop - places[i + k].start, places[i].stop - places[i].start)
        result[places[i + k], places[i]] = as_array(f"blocks[{i}]", block, shape)
    return result


def weights_from(A, widths):
    r"""Read the weights off an adjacency matrix: the inverse of :func:`adjacency_matrix`.

    Parameters
    ----------
    A : array_like, (n_v, n_v)
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``; copies.

    Raises
    ------
    ValueError
        If the shape does not fit, or an entry outside the block pattern is not exactly zero.

    Notes
    -----
    Source: wendin2025survey.
    """
    places = layer_slices(widths)
    A = as_array("A", A, (places[-1].stop, places[-1].stop))
    weights = [A[after, before].copy() for before, after in zip(places, places[1:], strict=False)]
    rest = A - block_shift(weights, 1, widths)
    if np.any(rest):
        place = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(rest)), rest.shape))
        raise ValueError(
            f"A: expected zeros outside the blocks of widths {tuple(widths)}, got "
            f"{rest[place]:.3g} at {place}"
        )
    return weights


def layer_slices(widths):
    """Places of the layers 0 to h among the nodes.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``.

    Returns
    -------
    list of slice

    Raises
    ------
    ValueError
        If there are fewer than two widths, or one is no positive integer.
    """
    widths = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    if len(widths) < 2:
        raise ValueError(f"widths: expected at least two of them, input first, got {widths}")
    ends = np.cumsum(widths).tolist()
    return [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]


def walks(A, source, target, length):
    """List all directed walks with a given number of edges between two nodes.

    Parameters
    ----------
    A : array_like, (n, n)
        ``A[v, u]`` is the weight of the edge from u to v; zero means no edge.
    source, target : int
        Nodes, from 0.
    length : int
        Number of edges.

    Returns
    -------
    list of tuple of int
        The nodes of each walk, source first, in lexicographic order.

    Raises
    ------
    ValueError
        If A is not square, or a node or the length is out of range.

    Notes
    -----
    By enumeration, edge by edge: a test of the powers of A, not a way to compute them.
    Source: this book.

    Examples
    --------
    >>> walks([[0, 0, 0], [1, 0, 0], [1, 1, 0]], 0, 2, 2)
    [(0, 1, 2)]
    """
    A = _square(A)
    last, length = len(A) - 1, as_count("length", length, minimum=0)
    for name, node in (("source", source), ("target", target)):
        if as_count(name, node, minimum=0) > last:
            raise ValueError(f"{name}: expected a node from 0 to {last}, got {node}")
    found = [(int(source),)]
    for _ in range(length):
        found = [walk + (int(v),) for walk in found for v in np.flatnonzero(A[:, walk[-1]])]
    return [walk for walk in found if walk[-1] == target]


def walk_sum(A, source, target, length):
    r"""Sum over walks of the product of their edge weights, which is :math:`(A^k)_{vu}`.

    Parameters
    ----------
    A : array_like, (n, n)
        ``A[v, u]`` is the weight of the edge from u to v.
    source, target : int
        Nodes u and v, from 0.
    length : int
        The number k of edges.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If A is not square, or a node or the length is out of range.

    Notes
    -----
    By enumeration of :func:`walks`. Source: wendin2025survey for the identity.
    """
    A = _square(A)
    found = walks(A, source, target, length)
    return float(sum(np.prod([A[v, u] for u, v in zip(w, w[1:], strict=False)]) for w in found))


def pseudospectrum(A, z):
    r"""Smallest singular value of :math:`zI - A`: its level sets bound the pseudospectra.

    The :math:`\varepsilon`-pseudospectrum, the set of all eigenvalues of matrices within
    :math:`\varepsilon` of A in the spectral norm, is where this function is at most
    :math:`\varepsilon`.

    Parameters
    ----------
    A : array_like, (n, n)
    z : array_like of complex
        Points of any shape.

    Returns
    -------
    numpy.ndarray, shape of ``z``
        It is :math:`1/\|(zI - A)^{-1}\|_2`.

    Raises
    ------
    ValueError
        If A is not square, or a point is not finite.

    Notes
    -----
    For the adjacency matrix of a layered network the level sets are circles around 0, because
    :math:`e^{i\varphi}A = D A D^{-1}` with a unitary diagonal D; near 0 the value falls like
    :math:`|z|^{h+1}` if the end-to-end matrix is not zero, which is why computed eigenvalues of
    a nilpotent matrix are as large as the (h+1)-th root of the rounding. Source: this book.
    """
    A, z = _square(A), np.asarray(z, dtype=np.complex128)
    if not np.all(np.isfinite(z)):
        raise ValueError("z: expected finite numbers")
    shifted = z.reshape(-1, 1, 1) * np.eye(len(A)) - A
    return np.linalg.svd(shifted, compute_uv=False)[:, -1].reshape(z.shape)


def _square(A):
    """Check a square matrix."""
    return as_array("A", A, ("n", "n"))
