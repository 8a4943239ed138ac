r"""Two linear layers whose imbalance is a multiple of the identity: weights and metric."""

import numpy as np

from gradflows.conservation.riemannian import RANK_TOLERANCE, larger_root, sylvester
from gradflows.networks import DeepLinear
from gradflows.validation import as_array, as_count

__all__ = ["metric_relaxed_balanced", "relaxed_balanced_weights"]


def relaxed_balanced_weights(widths, lam, rank, *, rng):
    r"""Draw weights with :math:`W_2^TW_2 - W_1W_1^T = \lambda I` and a product of given rank.

    One layer is drawn with this rank, the other one is a square root with random orthonormal
    directions: for lam > 0, :math:`W_2 = O(\lambda I + W_1W_1^T)^{1/2}` with
    :math:`O^TO = I`.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, d_1, d_2)``; d_1 <= d_2 for lam >= 0, d_1 <= d_0 for lam < 0.
    lam : float
    rank : int
        At most d_0, d_1 and d_2.
    rng : numpy.random.Generator

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, W_2]``, shapes ``(d_1, d_0)`` and ``(d_2, d_1)``.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    lam = float(as_array("lam", lam, ()))
    inputs, hidden, outputs = _three(widths, lam)
    rank = as_count("rank", rank)
    if rank > min(inputs, hidden, outputs):
        raise ValueError(f"rank: expected at most {min(inputs, hidden, outputs)}, got {rank}")
    if lam < 0:
        first, second = relaxed_balanced_weights(widths[::-1], -lam, rank, rng=rng)
        return [second.T, first.T]
    if hidden > outputs:
        raise ValueError(f"widths: expected d_1 <= d_2 for lam >= 0, got {tuple(widths)}")
    first = rng.standard_normal((hidden, rank)) @ rng.standard_normal((rank, inputs))
    values, frame = np.linalg.eigh(lam * np.eye(hidden) + first @ first.T)
    columns = np.linalg.qr(rng.standard_normal((outputs, hidden)))[0]
    return [first, columns @ (frame * np.sqrt(np.maximum(values, 0))) @ frame.T]


def metric_relaxed_balanced(lam, widths):
    r"""Metric of two linear layers with :math:`W_2^TW_2 - W_1W_1^T = \lambda I`.

    .. math:: G \mapsto PG + GP', \qquad
        P = W_2W_2^T = \tfrac\lambda2\Pi + \big(\tfrac{\lambda^2}4\Pi + WW^T\big)^{1/2}, \quad
        P' = W_1^TW_1 = -\tfrac\lambda2\Pi' + \big(\tfrac{\lambda^2}4\Pi' + W^TW\big)^{1/2},

    with the projections :math:`\Pi, \Pi'` on the ranges of W and :math:`W^T`.

    Parameters
    ----------
    lam : float
    widths : sequence of int
        ``(d_0, d_1, d_2)``. There is no such network for lam > 0 and d_1 > d_2, nor for
        lam < 0 and d_1 > d_0.

    Returns
    -------
    callable
        Takes W (d_2 * d_0,), returns M of this size. Where :math:`\lambda > 0` the formula for P
        needs rank d_1, or d_1 = d_2 and then :math:`\Pi = I`; where :math:`\lambda < 0` that for
        P' needs rank d_1, or d_1 = d_0; otherwise a ValueError, for the metric is not determined.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: marcotte2026intrinsic for relaxed balance; conditions and proof are this book's.
    """
    lam = float(as_array("lam", lam, ()))
    inputs, hidden, outputs = _three(widths, lam)

    def metric(z):
        W = as_array("z", z, (inputs * outputs,)).reshape(outputs, inputs)
        return sylvester(_gram(W, lam, hidden), _gram(W.T, -lam, hidden))

    return metric


def _three(widths, lam):
    """Check three widths and that the imbalance is possible."""
    widths = DeepLinear(widths).widths
    if len(widths) != 3:
        raise ValueError(f"widths: expected three of them, got {widths}")
    inputs, hidden, outputs = widths
    if (lam > 0 and hidden > outputs) or (lam < 0 and hidden > inputs):
        raise ValueError(f"widths: no network {widths} has imbalance {lam:g} times the identity")
    return widths


def _gram(W, lam, hidden):
    """Outer Gram matrix W_2 W_2^T from the product and the imbalance."""
    U, s, _ = np.linalg.svd(W)
    values = np.zeros(len(U))
    values[: len(s)] = s
    if lam > 0 and hidden < len(U):
        if hidden > len(s) or s[hidden - 1] <= RANK_TOLERANCE * s[0]:
            raise ValueError(
                f"z: expected rank {hidden}, the number of hidden nodes; the metric is not "
                "determined otherwise"
            )
        U, values = U[:, :hidden], values[:hidden]
    grams = np.array([larger_root(lam, value**2) for value in values])
    return (U * grams) @ U.T
