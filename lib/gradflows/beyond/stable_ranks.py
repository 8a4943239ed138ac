r"""Stable ranks: of a matrix, of an activation pattern, after one step, at the end.

The stable rank :math:`\|W\|_F^2/\|W\|_2^2` lies between 1 and the rank, and small perturbations
change it little.
"""

import numpy as np

from gradflows.validation import as_array, as_count, as_positive

__all__ = [
    "leaky_stable_rank",
    "one_step_stable_rank",
    "pattern_stable_rank",
    "stable_rank",
]


def stable_rank(W):
    r"""Stable rank of a matrix.

    :math:`\mathrm{sr}(W) = \|W\|_F^2/\|W\|_2^2`

    Parameters
    ----------
    W : array_like, (d_1, d_0)

    Returns
    -------
    float
        Between 1 and the rank of ``W``.

    Raises
    ------
    ValueError
        If ``W`` is no matrix of finite numbers, or zero.

    Examples
    --------
    >>> stable_rank([[2.0, 0.0], [0.0, 1.0]])
    1.25
    """
    W = as_array("W", W, ("d_1", "d_0"))
    size = np.abs(W).max()
    if size == 0:
        raise ValueError("W: expected a matrix that is not zero")
    W = W / size
    gram = W @ W.T if len(W) <= W.shape[1] else W.T @ W  # faster than singular values of W
    return float(np.trace(gram) / np.linalg.eigvalsh(gram)[-1])


def pattern_stable_rank(active):
    r"""Stable rank to which a block of ReLU neurons of one sign tends, on orthonormal inputs.

    It is that of the matrix with the columns :math:`1_{S_k}/|S_k|`, where :math:`S_k` are the
    neurons of the block that are active on sample k of its class.

    Parameters
    ----------
    active : array_like of bool, (neurons, samples)
        Whether neuron j is active on sample k at the start.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``active`` is no matrix of truth values, or no neuron is active on some sample.

    Notes
    -----
    This book's.

    Examples
    --------
    >>> round(pattern_stable_rank([[True, False], [True, True]]), 6)
    1.145898
    """
    pattern = np.asarray(active)
    if pattern.dtype != bool or pattern.ndim != 2 or pattern.size == 0:
        raise ValueError(
            f"active: expected a matrix of truth values, got {pattern.dtype} {pattern.shape}"
        )
    counts = pattern.sum(axis=0)
    if (counts == 0).any():
        raise ValueError(
            f"active: expected an active neuron for every sample, got none for sample "
            f"{int(np.argmin(counts))}"
        )
    return stable_rank(pattern / counts)


def leaky_stable_rank(slope):
    r"""Stable rank at the largest margin on orthonormal inputs, with signs in equal numbers.

    As many neurons, and as many samples, of either sign:
    :math:`1 + \bigl(\frac{1-\alpha}{1+\alpha}\bigr)^2`, with the slope :math:`\alpha` of the leaky
    ReLU below zero; the rank is two.

    Parameters
    ----------
    slope : float
        Between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the slope is not between 0 and 1.

    Notes
    -----
    This book's; that the rank is at most two is in [frei2023implicit]_.

    Examples
    --------
    >>> leaky_stable_rank(1.0)
    1.0
    """
    slope = as_slope(slope)
    return 1 + ((1 - slope) / (1 + slope)) ** 2


def one_step_stable_rank(neurons, samples, slope):
    r"""Stable rank after one step of gradient descent from a vanishing start, approximately.

    The step is a random matrix of the entries 1 and :math:`\alpha`, of which the value is

    .. math::
        \frac{mn(1+\alpha^2)/2}{mn\bigl(\frac{1+\alpha}2\bigr)^2
        + (m+n)\bigl(\frac{1-\alpha}2\bigr)^2}

    up to smaller terms, for m neurons and n orthonormal inputs.

    Parameters
    ----------
    neurons, samples : int
    slope : float
        Slope of the leaky ReLU below zero, between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a number is no positive integer, or the slope is not between 0 and 1.

    Notes
    -----
    This book's; that one step makes the stable rank small is in [frei2023implicit]_.

    Examples
    --------
    >>> round(one_step_stable_rank(100, 40, 0.1), 3)
    1.631
    """
    m, n = as_count("neurons", neurons), as_count("samples", samples)
    slope = as_slope(slope)
    mean, spread = (1 + slope) / 2, (1 - slope) / 2
    return m * n * (1 + slope**2) / 2 / (m * n * mean**2 + (m + n) * spread**2)


def as_slope(slope, *, zero=True):
    """Check the slope of a leaky ReLU below zero."""
    slope = as_positive("slope", slope, zero=zero)
    if slope > 1:
        raise ValueError(f"slope: expected a number of at most 1, got {slope:g}")
    return slope
