r"""How many independent functions there are among the entries of all imbalances.

The number is the generic rank of the differential of all :math:`C_i`. It is found in exact
arithmetic modulo a prime, at random integers.
"""

import numpy as np

from gradflows.deep_linear.adjacency import layer_slices
from gradflows.validation import as_array

__all__ = ["independent_imbalances", "rank_modulo"]

PRIME = 2**31 - 1
"""A prime for which products of two residues still fit into int64."""


def independent_imbalances(widths, *, rng):
    r"""Count the independent conserved functions among the entries of the imbalances.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``.
    rng : numpy.random.Generator
        For the point at which the rank is computed.

    Returns
    -------
    int
        Rank, modulo a prime, of the differential of
        :math:`W \mapsto (C_1, \dots, C_{h-1})` at random integer weights. It is never more than
        the generic rank; it is less with a probability of at most size / 2**31.

    Raises
    ------
    ValueError
        If the widths are no positive integers.

    Notes
    -----
    For h = 2 it is :math:`m d_1 - m(m-1)/2` with :math:`m = \min(d_1, d_0 + d_2)`, fewer than
    the :math:`d_1(d_1+1)/2` entries if the hidden layer is wider than input and output
    together. Source: marcotte2023abide for the count.

    Examples
    --------
    >>> independent_imbalances((1, 3, 1), rng=np.random.default_rng(0))
    5
    """
    sizes = [place.stop - place.start for place in layer_slices(widths)]
    weights = [
        rng.integers(1, PRIME, (rows, columns), dtype=np.int64)
        for columns, rows in zip(sizes, sizes[1:], strict=False)
    ]
    if len(weights) == 1:
        return 0
    return rank_modulo(_differential(weights))


def rank_modulo(matrix, prime=PRIME):
    """Rank of an integer matrix modulo a prime, exact.

    Parameters
    ----------
    matrix : array_like of int, (m, n)
    prime : int
        At most 2**31 - 1.

    Returns
    -------
    int
        At most the rank over the rational numbers, and equal to it for all but finitely many
        primes.

    Raises
    ------
    ValueError
        If an entry is no integer, or the prime is out of range.

    Notes
    -----
    Gaussian elimination, one outer product a pivot. Source: this book.

    Examples
    --------
    >>> rank_modulo([[1, 2], [2, 4]])
    1
    """
    given = np.asarray(matrix)
    if given.dtype.kind != "i":
        as_array("matrix", matrix, ("m", "n"))
        raise ValueError(f"matrix: expected integers, got entries of type {given.dtype}")
    if given.ndim != 2:
        raise ValueError(f"matrix: expected shape (m, n), got {given.shape}")
    if not 2 <= prime <= PRIME:
        raise ValueError(f"prime: expected a prime up to 2**31 - 1, got {prime}")
    rest, rank = given.astype(np.int64) % prime, 0
    for column in range(rest.shape[1]):
        candidates = np.flatnonzero(rest[rank:, column])
        if candidates.size == 0:
            continue
        pivot = rank + candidates[0]
        rest[[rank, pivot]] = rest[[pivot, rank]]
        rest[rank] = rest[rank] * pow(int(rest[rank, column]), -1, prime) % prime
        below = rest[rank + 1 :]
        below -= below[:, column, None] * rest[rank] % prime
        below %= prime
        rank += 1
        if rank == len(rest):
            break
    return rank


def _differential(weights):
    """Jacobian of the upper triangles of all imbalances in all weights, modulo the prime."""
    ends = np.cumsum([0, *(weight.size for weight in weights)])
    rows = []
    for i, (before, after) in enumerate(zip(weights, weights[1:], strict=False)):
        size = len(before)
        # dC[p, q] / dW_{i+1}[a, b] and dC[p, q] / dW_i[a, b]; both symmetric in p and q.
        pushed = np.einsum("ap,bq->pqab", after, np.eye(size, dtype=np.int64))
        pulled = -np.einsum("pb,aq->pqab", before, np.eye(size, dtype=np.int64))
        block = np.zeros((size, size, ends[-1]), dtype=np.int64)
        block[..., ends[i + 1] : ends[i + 2]] = _symmetric(pushed).reshape(size, size, -1)
        block[..., ends[i] : ends[i + 1]] = _symmetric(pulled).reshape(size, size, -1)
        rows.append(block[np.triu_indices(size)])
    return np.concatenate(rows) % PRIME


def _symmetric(tensor):
    """Add the transpose in the first two indices."""
    return tensor + tensor.transpose(1, 0, 2, 3)
