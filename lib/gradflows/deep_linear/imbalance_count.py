r"""How many independent functions there are among the entries of all imbalances.

The number is the generic rank of the differential of all :math:`C_i`. It is found in exact
arithmetic modulo a prime, at random integers.
"""

import numpy as np

from gradflows.deep_linear.adjacency import layer_slices
from gradflows.modular import PRIME, rank_mod

__all__ = ["independent_imbalances"]


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
        the generic rank; it is less with a probability of at most size / 2**20.

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
    return rank_mod(imbalance_gradients(weights))


def imbalance_gradients(weights):
    r"""Differentials of the entries on and above the diagonals of all imbalances.

    Parameters
    ----------
    weights : list of numpy.ndarray
        ``W_i`` of shape ``(d_i, d_{i-1})``, of one type, integers or residues.

    Returns
    -------
    numpy.ndarray, (sum of d_i(d_i + 1)/2, size)
        In the order of ``theta``, of the type of the weights and not reduced.
    """
    ends = np.cumsum([0, *(weight.size for weight in weights)])
    rows = []
    for i, (before, after) in enumerate(zip(weights, weights[1:], strict=False)):
        p, q = np.triu_indices(len(before))
        block, k = np.zeros((p.size, ends[-1]), dtype=before.dtype), np.arange(p.size)
        above = block[:, ends[i + 1] : ends[i + 2]].reshape((p.size, *after.shape), copy=False)
        below = block[:, ends[i] : ends[i + 1]].reshape((p.size, *before.shape), copy=False)
        # C[p, q] is the product of columns p and q of W_{i+1} minus that of rows of W_i.
        for one, other in ((p, q), (q, p)):
            above[k, :, one] += after[:, other].T
            below[k, one] -= before[other]
        rows.append(block)
    return np.concatenate(rows)
