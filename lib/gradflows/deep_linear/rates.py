r"""How fast: margins, imbalance, the exact spectrum at balanced minima, degenerate minima.

Loss :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2` with whitened data; rates are those of
its gradient flow. A loss with another factor in front changes every rate by that factor.
"""

import numpy as np

from gradflows.deep_linear.chains import AlgebraicTail, checked_chain, slow_layers
from gradflows.deep_linear.products import multiply
from gradflows.deep_linear.solvable import pair_rates
from gradflows.deep_linear.weights import as_target, as_weights
from gradflows.validation import as_array, as_count


def balanced_hessian_spectrum(sigma, widths):
    r"""Non-zero eigenvalues of the Hessian at a balanced global minimum.

    One for every pair of an output mode j and an input mode k:

    .. math:: \mu_{jk} = \sum_{i=1}^h \sigma_j^{2(h-i)/h}\, \sigma_k^{2(i-1)/h},

    with :math:`\sigma = 0` beyond the last singular value and :math:`0^0 = 1`. If
    :math:`d_0 = d_h` the extremes are :math:`h\sigma_1^{2-2/h}` and
    :math:`h\sigma_{\min}^{2-2/h}`, and a generic balanced run decays like
    :math:`e^{-2\mu_{\min}t}`.

    Parameters
    ----------
    sigma : array_like, (min(d_0, d_h),)
        Singular values > 0 of :math:`\Sigma`, which has full rank.
    widths : sequence of int
        ``(d_0, ..., d_h)``, no hidden layer narrower than both ends.

    Returns
    -------
    numpy.ndarray, (d_h, d_0)
        Eigenvalue of the pair (j, k) at ``[j, k]``; ``ravel()`` it for the spectrum.

    Raises
    ------
    ValueError
        If a singular value is not positive, their number is not min(d_0, d_h), or a hidden
        layer is a bottleneck.

    Notes
    -----
    Source: this book; its largest value agrees with mulayoff2020unique.
    """
    widths = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    if len(widths) < 2:
        raise ValueError(f"widths: expected at least two, got {len(widths)}")
    rank = min(widths[0], widths[-1])
    sigma = _positive_values(sigma, rank)
    if min(widths) < rank:
        raise ValueError(
            f"widths: expected no hidden layer narrower than {rank}, got {min(widths)}: with a "
            "bottleneck the residual at the minimum is not zero"
        )
    return pair_rates(sigma, (widths[-1], widths[0]), len(widths) - 1)


def balanced_condition(sigma, depth):
    r"""Condition number of the Hessian across a balanced global minimum, d_0 = d_h.

    :math:`(\sigma_1/\sigma_{\min})^{2 - 2/h}`: 1 for one layer, and worse with every further
    layer.

    Parameters
    ----------
    sigma : array_like, (d_0,)
        Singular values > 0.
    depth : int
        Number h of layers.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a singular value is not positive, or the depth no positive integer.

    Notes
    -----
    Source: this book.
    """
    sigma = _positive_values(sigma, "d_0")
    return float((sigma.max() / sigma.min()) ** (2 - 2 / as_count("depth", depth)))


def margin_rate(weights, Sigma):
    r"""Guaranteed rate from a balanced start that is closer to the target than to singularity.

    With the margin :math:`c = \sigma_{\min}(\Sigma) - \|W(0) - \Sigma\|_F > 0`,
    :math:`L(t) \le L(0)e^{-2\gamma t}` for

    .. math:: \gamma = h\,c^{2-2/h} \text{ if } d_0 = d_h, \qquad
        \gamma = c^{2-2/h} \text{ otherwise.}

    The factor h is lost for :math:`d_0 \ne d_h`: residual directions that the product does not
    reach are corrected by one outer layer alone.

    Parameters
    ----------
    weights : sequence of array_like
        Balanced start ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)

    Returns
    -------
    float
        The rate :math:`\gamma`, 0 if there is no margin (a bottleneck or a rank-deficient
        :math:`\Sigma` leaves none).

    Raises
    ------
    ValueError
        If shapes do not fit, or the start is not balanced (to 1e-9 of its squared norm).

    Notes
    -----
    Source: arora2019convergence; the factor h, and that it needs d_0 = d_h, are this book's.
    """
    weights = as_weights(weights)
    Sigma = as_target(Sigma, weights)
    for i, (inner, outer) in enumerate(zip(weights, weights[1:], strict=False), start=1):
        defect = np.linalg.norm(outer.T @ outer - inner @ inner.T)
        if defect > 1e-9 * (np.sum(outer**2) + np.sum(inner**2)):
            raise ValueError(
                f"weights: expected a balanced start, but the imbalance of hidden layer {i} has "
                f"norm {defect:.3g}"
            )
    depth = len(weights)
    distance = np.linalg.norm(multiply(weights) - Sigma)
    margin = np.linalg.svd(Sigma, compute_uv=False).min() - distance
    if margin <= 0:
        return 0.0
    factor = depth if Sigma.shape[0] == Sigma.shape[1] else 1
    return float(factor * margin ** (2 - 2 / depth))


def imbalance_rate(weights):
    r"""Guaranteed global rate of depth 2 from the imbalance alone.

    :math:`L(t) \le L(0)e^{-2\alpha t}` with

    .. math:: \alpha = [\lambda_{d_2}(C_1)]_+ + [\lambda_{d_0}(-C_1)]_+, \qquad
        C_1 = W_2^T W_2 - W_1 W_1^T,

    where :math:`\lambda_k` is the k-th largest eigenvalue (none, hence 0, if :math:`d_1 < k`).
    For :math:`d_1 < d_0 + d_2` at most one of the two terms is positive.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, W_2]``, shapes ``(d_1, d_0)`` and ``(d_2, d_1)``.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are not two layers, or shapes do not fit.

    Notes
    -----
    Source: tarmoun2021understanding; min2023convergence.
    """
    inner, outer = as_weights(weights, depth=2)
    values = np.linalg.eigvalsh(outer.T @ outer - inner @ inner.T)
    outputs, inputs = len(outer), inner.shape[1]
    from_outer = values[-outputs] if outputs <= len(values) else 0.0
    from_inner = -values[inputs - 1] if inputs <= len(values) else 0.0
    return float(max(from_outer, 0.0) + max(from_inner, 0.0))


def null_tail(chain):
    r"""Leading order of the loss of a chain whose target is zero.

    With p and c of :func:`~gradflows.deep_linear.chains.slow_layers`:
    :math:`L \sim \tfrac12 c^2\,(2(p-1)c^2 t)^{-p/(p-1)}`; for a balanced chain p = h and c = 1.

    Parameters
    ----------
    chain : array_like, (h,)
        Start without zeros.

    Returns
    -------
    AlgebraicTail
        Exponent p/(p-1); time of the loss 1/2 p^2.

    Raises
    ------
    ValueError
        If a weight is zero (the chain does not move), or the smallest modulus is attained once:
        the decay is exponential then, like exp(-2 c^2 t).

    Notes
    -----
    Source: this book.
    """
    w, _ = checked_chain(chain)
    if np.any(w == 0):
        raise ValueError("chain: expected no zero weight, got one: the chain is at a minimum")
    count, product = slow_layers(w)
    if count == 1:
        raise ValueError(
            "chain: expected at least two tied moduli, got one smallest: the decay is "
            f"exponential, like exp(-2 * {product**2:g} * t)"
        )
    exponent = count / (count - 1)
    coefficient = 0.5 * product**2 * (2 * (count - 1) * product**2) ** -exponent
    return AlgebraicTail(coefficient, exponent)


def _positive_values(sigma, count):
    """Check singular values: so many, all positive."""
    sigma = as_array("sigma", sigma, (count,))
    if sigma.min() <= 0:
        raise ValueError(f"sigma: expected positive numbers, got {sigma.min():g}")
    return sigma
