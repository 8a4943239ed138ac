r"""Cross-entropy in output space: invariant fibres, their minimisers, rates, one-hot labels.

The loss is :math:`-\frac1n\sum_j \langle y_j, \log\mathrm{softmax}(x_j)\rangle`, and the outputs
move by its Euclidean gradient, as they do under the adapted flow at full rank.
"""

import numpy as np
from scipy.special import wrightomega

from gradflows.validation import as_array

__all__ = ["cross_entropy_minimiser", "cross_entropy_rate", "one_hot_gap"]


def cross_entropy_minimiser(Y, x0):
    r"""Where the outputs go: the only minimiser with the column sums of the start.

    :math:`x_j^* = \log y_j + \frac1{d_h}\bigl(1^T x_j(0) - 1^T\log y_j\bigr)1`

    Parameters
    ----------
    Y : array_like, (d_h, n)
        Labels, all entries positive; the columns need not sum to one.
    x0 : array_like, (d_h, n)
        Outputs at the start.

    Returns
    -------
    numpy.ndarray, (d_h, n)

    Raises
    ------
    ValueError
        If a label is not positive (then there is no minimiser), or the shapes differ.

    Notes
    -----
    Source: [chen2024equivalence]_.

    Examples
    --------
    >>> cross_entropy_minimiser([[0.5], [0.5]], [[3.0], [1.0]]).ravel()
    array([2., 2.])
    """
    Y = _positive_labels(Y)
    x0 = as_array("x0", x0, Y.shape)
    target = np.log(Y)
    return target + (x0 - target).mean(axis=0)


def cross_entropy_rate(Y):
    r"""Asymptotic rate at which the outputs approach their minimiser.

    :math:`\frac1n\min_j\lambda_2\bigl(\mathrm{diag}\,y_j - y_j y_j^T/1^T y_j\bigr)`, with the
    second smallest eigenvalue :math:`\lambda_2`.

    Parameters
    ----------
    Y : array_like, (d_h, n)
        Labels, all entries positive, with at least two rows.

    Returns
    -------
    float
        Per unit of time of the mean loss. The loss minus its least value decays twice as fast.

    Raises
    ------
    ValueError
        If a label is not positive, or there is only one output.

    Notes
    -----
    This book's.

    Examples
    --------
    >>> cross_entropy_rate([[0.5], [0.5]])
    0.5
    """
    Y = _positive_labels(Y)
    if len(Y) < 2:
        raise ValueError("Y: expected at least two outputs, got one")
    columns = Y.T
    bends = columns[:, :, None] * np.eye(len(Y))
    bends -= columns[:, :, None] * columns[:, None, :] / columns.sum(axis=1)[:, None, None]
    return float(np.linalg.eigvalsh(bends)[:, 1].min() / Y.shape[1])


def one_hot_gap(u0, s):
    r"""Gap between two outputs for a one-hot label: it grows like a logarithm, for ever.

    :math:`u = x_1 - x_2` with the label (1, 0) and one sample solves
    :math:`u + e^u = u_0 + e^{u_0} + 2s`, that is :math:`u = c - \omega(c)` with the right side
    :math:`c` and Wright's function :math:`\omega(c) = W(e^c)`.

    Parameters
    ----------
    u0 : float
        Gap at the start.
    s : array_like, (n_times,) or float
        Times >= 0; with n samples, the time of the mean loss divided by n.

    Returns
    -------
    numpy.ndarray or float, shape of ``s``

    Raises
    ------
    ValueError
        If a time is negative or something is not finite.

    Notes
    -----
    This book's.

    Examples
    --------
    >>> round(one_hot_gap(-1.0, 5.0), 10)
    1.9974728703
    """
    start = float(as_array("u0", u0, ()))
    times = as_array("s", s, ("n_times",) if np.ndim(s) else ())
    if (times < 0).any():
        raise ValueError(f"s: expected times >= 0, got {times.min():g}")
    level = start + np.exp(start) + 2 * times
    gap = level - wrightomega(level).real
    return gap if np.ndim(s) else float(gap)


def _positive_labels(Y):
    """Check labels whose logarithms are needed."""
    Y = as_array("Y", Y, ("d_h", "n"))
    if (Y <= 0).any():
        row, column = (int(i) for i in np.argwhere(Y <= 0)[0])
        raise ValueError(f"Y: expected labels > 0, got {Y[row, column]:g} at ({row}, {column})")
    return Y
