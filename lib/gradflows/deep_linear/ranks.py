r"""Ranks of partial products: the numbers that determine a network up to changes of basis.

Ranks are discontinuous, so every decision here needs a gap: relative to its scale a singular
value counts as zero up to ``tol``, as nonzero from ``100 * tol``, and in between the question is
refused. Products are never formed: each layer, scaled to norm one, is applied to an orthonormal
basis of the range of the layers before it, so that small factors do not pile up.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights, widths_of
from gradflows.validation import as_positive

__all__ = ["UndecidedRankError", "jordan_sizes", "path_counts", "rank_pattern", "stub_free"]

GAP = 100.0
"""Width of the gap: singular values between tol and GAP * tol decide nothing."""


class UndecidedRankError(ValueError):
    """A singular value is neither clearly zero nor clearly nonzero."""


def count_nonzero(values, scale, tol, what):
    """Count the values that are clearly nonzero relative to ``scale``.

    Raises
    ------
    UndecidedRankError
        If a value lies in the gap between ``tol * scale`` and ``100 * tol * scale``.
    """
    values = np.abs(np.asarray(values, dtype=np.float64))
    unclear = values[(values > tol * scale) & (values < GAP * tol * scale)]
    if unclear.size:
        raise UndecidedRankError(
            f"{what}: expected singular values below {tol:.0e} or above {GAP * tol:.0e} of "
            f"{scale:.1e}, got {unclear[0]:.1e}: the rank cannot be decided"
        )
    return int(np.sum(values > tol * scale))


def scaled_layers(weights, tol):
    """Scale every layer of checked weights to spectral norm one; zero layers stay zero.

    Raises
    ------
    UndecidedRankError
        If a layer is not zero, but smaller than ``tol`` times the largest.
    """
    norms = np.array([np.linalg.norm(weight, 2) for weight in weights])
    for i, norm in enumerate(norms, start=1):
        if 0 < norm < tol * norms.max():
            raise UndecidedRankError(
                f"weights: expected layers that are zero or above {tol:.0e} of the largest norm "
                f"{norms.max():.1e}, got norm {norm:.1e} for W_{i}: set it to zero, or rescale"
            )
    return [w / n if n else w for w, n in zip(weights, norms, strict=True)]


def ranges(layers, tol):
    """Find orthonormal bases of the ranges of all products that begin with the first layer.

    Parameters
    ----------
    layers : list of numpy.ndarray
        Of norm one or zero, in the order of application.
    tol : float

    Returns
    -------
    list of numpy.ndarray
        The identity, and then one basis ``(rows of layer l, rank of the first l layers)`` each.

    Raises
    ------
    UndecidedRankError
        If a singular value lies in the gap.
    """
    bases = [np.eye(layers[0].shape[1])]
    for layer in layers:
        image = layer @ bases[-1]
        if image.shape[1] == 0:
            bases.append(np.zeros((len(layer), 0)))
            continue
        left, values, _ = np.linalg.svd(image, full_matrices=False)
        bases.append(left[:, : count_nonzero(values, 1.0, tol, "weights")])
    return bases


def rank_pattern(weights, *, tol=1e-9):
    r"""Rank of every partial product, :math:`\operatorname{rank} W_{i:j}`.

    Two networks of the same widths with the same ranks differ by changes of basis in all
    layers, input and output included, and by nothing else.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    dict
        ``{(i, j): rank}`` for ``h >= i >= j >= 1``.

    Raises
    ------
    UndecidedRankError
        If a singular value, relative to the norm of its layer, lies between ``tol`` and
        ``100 * tol``, or a layer is smaller than ``tol`` times the largest.
    ValueError
        If shapes do not fit.

    Notes
    -----
    Ranks do not change under the gauge group, condition numbers do: a badly conditioned gauge
    leads to an error, not to a wrong rank. Source: this book (adjacency reading of the
    classification of quivers of type A).

    Examples
    --------
    >>> rank_pattern([[[1.0, 0.0]], [[0.0]]])
    {(1, 1): 1, (2, 1): 0, (2, 2): 0}
    """
    weights, tol = as_weights(weights), as_positive("tol", tol)
    layers = scaled_layers(weights, tol)
    pattern = {}
    for j in range(1, len(layers) + 1):
        for i, basis in enumerate(ranges(layers[j - 1 :], tol)[1:], start=j):
            pattern[i, j] = basis.shape[1]
    return pattern


def path_counts(weights, *, tol=1e-9):
    r"""Decompose the network into directed paths: how many lead from layer a to layer b.

    With :math:`\rho_{ba}` the rank of the map from layer a to layer b, :math:`\rho_{aa} = d_a`,
    and zero outside the network,

    .. math:: m_{ab} = \rho_{ba} - \rho_{b+1,a} - \rho_{b,a-1} + \rho_{b+1,a-1}.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        As in :func:`rank_pattern`.

    Returns
    -------
    dict
        ``{(a, b): count}`` for layers of nodes ``0 <= a <= b <= h``, positive counts only;
        ``(a, a)`` are single nodes, ``(0, h)`` are paths from input to output, all others are
        stubs.

    Raises
    ------
    UndecidedRankError
        As in :func:`rank_pattern`, or if the ranks contradict each other.
    ValueError
        If shapes do not fit.

    Notes
    -----
    In suitable bases of all layers the network is the disjoint union of these paths.
    Source: achour2024loss for critical points; this book.

    Examples
    --------
    >>> path_counts([[[1.0, 0.0]], [[0.0]]])
    {(0, 0): 1, (0, 1): 1, (2, 2): 1}
    """
    weights = as_weights(weights)
    widths, pattern = widths_of(weights), rank_pattern(weights, tol=tol)

    def rank(b, a):
        return widths[a] if a == b else pattern.get((b, a + 1), 0)

    counts = {}
    for a in range(len(widths)):
        for b in range(a, len(widths)):
            count = rank(b, a) - rank(b + 1, a) - rank(b, a - 1) + rank(b + 1, a - 1)
            if count < 0:
                raise UndecidedRankError("weights: the ranks of products contradict each other")
            if count:
                counts[a, b] = count
    return counts


def stub_free(weights, *, tol=1e-9):
    r"""Tell whether every layer has the rank of the end-to-end matrix, so that no stub exists.

    These are the points whose orbit under the gauge group is closed.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        As in :func:`rank_pattern`.

    Returns
    -------
    bool

    Raises
    ------
    UndecidedRankError
        As in :func:`rank_pattern`.
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    pattern = rank_pattern(weights, tol=tol)
    depth = max(i for i, _ in pattern)
    return all(pattern[i, i] == pattern[depth, 1] for i in range(1, depth + 1))


def jordan_sizes(weights, *, tol=1e-9):
    r"""Sizes of the Jordan blocks of the adjacency matrix: one block for each path.

    A path from layer a to layer b gives a block of size :math:`b - a + 1`, so that
    :math:`\operatorname{rank} A^k = \sum_i \operatorname{rank} W_{i+k:i+1}`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        As in :func:`rank_pattern`.

    Returns
    -------
    tuple of int
        Decreasing; their sum is the number of nodes.

    Raises
    ------
    UndecidedRankError
        As in :func:`rank_pattern`.
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    counts = path_counts(weights, tol=tol)
    sizes = [b - a + 1 for (a, b), count in counts.items() for _ in range(count)]
    return tuple(sorted(sizes, reverse=True))
