r"""Second derivatives of the loss at any weights, and their signature at critical points.

Loss :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2`.
"""

import numpy as np

from gradflows.deep_linear.ranks import count_nonzero
from gradflows.deep_linear.weights import as_target, as_weights, whitened_problem
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["hessian", "hessian_form", "inertia", "kernel_dimension", "morse_index"]


def hessian_form(weights, Sigma, direction):
    r"""Second derivative of the loss in one direction, without the Hessian.

    .. math:: \nabla^2 L[V, V] = \|P_1\|_F^2 - 2\langle \Sigma - W, P_2\rangle,

    where the product of the layers :math:`W_i + \varepsilon V_i` is
    :math:`W + \varepsilon P_1 + \varepsilon^2 P_2 + \dots`

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)
    direction : sequence of array_like
        ``[V_1, ..., V_h]``, shapes of the weights.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    One pass through the layers. Source: this book, in the form of the adjacency matrix.

    Examples
    --------
    >>> hessian_form([[[0.0]], [[0.0]]], [[3.0]], [[[1.0]], [[1.0]]])
    -6.0
    """
    weights = as_weights(weights)
    Sigma = as_target(Sigma, weights)
    direction = as_weights(direction, depth=len(weights), name="direction")
    zeroth, first = weights[0], as_array("direction: V_1", direction[0], weights[0].shape)
    second = np.zeros_like(first)
    for weight, push in zip(weights[1:], direction[1:], strict=True):
        push = as_array("direction", push, weight.shape)
        second = weight @ second + push @ first
        first = weight @ first + push @ zeroth
        zeroth = weight @ zeroth
    return float(np.sum(first**2) - 2 * np.sum((Sigma - zeroth) * second))


def hessian(weights, Sigma):
    """Hessian of the loss in all weights, exact.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)

    Returns
    -------
    numpy.ndarray, (size, size)
        Symmetric; weights in the order W_1, W_2, ..., each row by row.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    problem, theta = whitened_problem(weights, Sigma)
    return problem.hessian(theta)


def inertia(matrix, *, tol=1e-10, scale=None):
    """Count negative, zero and positive eigenvalues of a symmetric matrix.

    Parameters
    ----------
    matrix : array_like, (n, n)
        Symmetric; only its lower triangle is read.
    tol : float
        Size, relative to the scale, up to which an eigenvalue counts as zero.
    scale : float, optional
        By default the largest eigenvalue in modulus; to be given where the matrix may be zero up
        to rounding.

    Returns
    -------
    tuple of int
        ``(negative, zero, positive)``.

    Raises
    ------
    UndecidedRankError
        If an eigenvalue, relative to the scale, lies between ``tol`` and ``100 * tol``.
    ValueError
        If the matrix is not square.

    Examples
    --------
    >>> inertia([[2, 0], [0, -1]])
    (1, 0, 1)
    """
    tol = as_positive("tol", tol)
    values = np.linalg.eigvalsh(as_array("matrix", matrix, ("n", "n")))
    scale = np.abs(values).max() if scale is None else as_positive("scale", scale)
    rank = count_nonzero(values, scale, tol, "matrix")
    negative = int(np.sum(values < -tol * scale))
    return negative, len(values) - rank, rank - negative


def morse_index(widths, sigma, learned):
    r"""Count the negative eigenvalues of the Hessian at a critical point without stubs.

    With :math:`\mathrm{inv}(S)` the number of pairs of an unlearnt mode k and a learnt mode s
    with :math:`\sigma_k > \sigma_s`, r learnt modes, and :math:`\rho` the rank of the target,

    .. math:: \mathrm{inv}(S) + (d_1 - r)(\rho - r) \;\; (h = 2), \qquad
        \mathrm{inv}(S) \;\; (h \ge 3).

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, h >= 2.
    sigma : array_like, (min(d_0, d_h),)
        Singular values of the target, decreasing; zeros and repeated values are allowed.
    learned : sequence of int
        Indices of the learnt modes, from 0.

    Returns
    -------
    int
        For h = 2 it holds at every critical point over these modes, with or without stubs.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> morse_index((3, 3, 3), [3, 2, 1], [1])
    5
    """
    widths, sigma, learned = checked_modes(widths, sigma, learned)
    idle = 0
    if len(widths) == 3:
        idle = (widths[1] - len(learned)) * (int(np.sum(sigma > 0)) - len(learned))
    return inversions(sigma, learned) + idle


def kernel_dimension(widths, sigma, learned):
    r"""Dimension of the kernel of the Hessian at a critical point without stubs.

    .. math::

        \sum_{i=1}^{h-1}\big(d_i^2 - (d_i - r)^2\big) + \sum_{i=1}^h (d_i - r)(d_{i-1} - r)
        + \#\{k \notin S, s \in S : \sigma_k = \sigma_s\} \qquad (h \ge 3);

    for h = 2 the second sum is :math:`(d_1 - r)(d_0 + d_2 - 2\rho)`.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, h >= 2.
    sigma : array_like, (min(d_0, d_h),)
        Singular values of the target, decreasing; zeros and repeated values are allowed.
    learned : sequence of int
        Indices of the learnt modes, from 0.

    Returns
    -------
    int
        The first sum is the dimension of the gauge orbit. For h = 2 and a target of full rank
        the number holds at every critical point over these modes.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> kernel_dimension((3, 1, 1, 3), [3, 2, 1], [1])
    2
    """
    widths, sigma, learned = checked_modes(widths, sigma, learned)
    r, hidden = len(learned), widths[1:-1]
    orbit = sum(width**2 - (width - r) ** 2 for width in hidden)
    if len(widths) == 3:
        rank = int(np.sum(sigma > 0))
        idle = (hidden[0] - r) * (widths[0] + widths[2] - 2 * rank)
    else:
        idle = sum((a - r) * (b - r) for a, b in zip(widths, widths[1:], strict=False))
    rest = np.delete(sigma, learned)
    return orbit + idle + int(np.sum(rest[:, None] == sigma[learned]))


def inversions(sigma, learned):
    """Count pairs of an unlearnt and a learnt mode, the unlearnt one larger."""
    rest = np.delete(sigma, learned)
    return int(np.sum(rest[:, None] > sigma[learned]))


def checked_modes(widths, sigma, learned):
    """Check widths (at least three), singular values, and indices of learnt modes.

    Returns
    -------
    widths : tuple of int
    sigma : numpy.ndarray
    learned : list of int
        Increasing.
    """
    widths = tuple(as_count(f"widths[{i}]", width) for i, width in enumerate(widths))
    if len(widths) < 3:
        raise ValueError(f"widths: expected a hidden layer, (d_0, d_1, ..., d_h), got {widths}")
    sigma = as_array("sigma", sigma, (min(widths[0], widths[-1]),))
    if np.any(sigma < 0) or np.any(np.diff(sigma) > 0):
        raise ValueError(f"sigma: expected decreasing numbers >= 0, got {sigma}")
    learned = sorted(as_count("learned", mode, minimum=0) for mode in learned)
    positive = int(np.sum(sigma > 0))
    if len(set(learned)) < len(learned) or any(mode >= positive for mode in learned):
        raise ValueError(
            f"learned: expected different indices of nonzero singular values, from 0 to "
            f"{positive - 1}, got {learned}"
        )
    if len(learned) > min(widths):
        raise ValueError(
            f"learned: expected at most {min(widths)} modes, the least width, got {len(learned)}"
        )
    return widths, sigma, learned
