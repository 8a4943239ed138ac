r"""One linear neuron :math:`f(x) = a\langle w, x\rangle` with two learning rates.

The flow is :math:`\dot a = -\eta_a\,\partial_aL`, :math:`\dot w = -\eta_w\nabla_wL` for a loss of
:math:`\beta = aw`. It conserves :math:`\delta = \eta_wa^2 - \eta_a\|w\|^2`. Inputs are the columns
of ``X`` (d, n); where a loss is meant it is :math:`\tfrac12\|X^T\beta - y\|^2`.
"""

import numpy as np

from gradflows.beyond.dual_newton import as_independent, dual_newton
from gradflows.conservation.riemannian import metric_rank_one
from gradflows.validation import as_array, as_positive

__all__ = ["neuron_imbalance", "neuron_limit", "neuron_metric"]


def neuron_imbalance(a, w, rates=(1.0, 1.0)):
    r"""Conserved quantity :math:`\delta = \eta_wa^2 - \eta_a\|w\|^2` of one linear neuron.

    Parameters
    ----------
    a : float
    w : array_like, (d,)
    rates : pair of float
        Learning rates :math:`(\eta_a, \eta_w)`, positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a shape does not fit or a rate is not positive.

    Notes
    -----
    Source: kunin2024get.

    Examples
    --------
    >>> neuron_imbalance(2.0, [1.0, 1.0])
    2.0
    """
    a, w = float(as_array("a", a, ())), as_array("w", w, ("d",))
    rate_a, rate_w = _rates(rates)
    return float(rate_w * a * a - rate_a * (w @ w))


def neuron_metric(beta, delta, rates=(1.0, 1.0)):
    r"""Matrix M of the flow :math:`\dot\beta = -M\nabla\ell(\beta)` of one linear neuron.

    .. math:: M = \frac{\kappa+\delta}2 I + \frac{\kappa-\delta}2\,\hat\beta\hat\beta^T, \qquad
        \kappa = \sqrt{\delta^2 + 4\eta_a\eta_w\|\beta\|^2}, \quad \hat\beta = \beta/\|\beta\|.

    Parameters
    ----------
    beta : array_like, (d,)
        Not zero if ``delta`` is zero or negative.
    delta : float
    rates : pair of float
        :math:`(\eta_a, \eta_w)`, positive.

    Returns
    -------
    numpy.ndarray, (d, d)
        With the eigenvalues :math:`\kappa` along beta and :math:`(\kappa+\delta)/2` across.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: kunin2024get. In the variables :math:`a/\sqrt{\eta_a}`, :math:`w/\sqrt{\eta_w}` both
    rates are one; see :func:`gradflows.conservation.riemannian.metric_rank_one`.

    Examples
    --------
    >>> neuron_metric([3.0, 4.0], 0.0).tolist()
    [[6.8, 2.4], [2.4, 8.2]]
    """
    product = np.prod(_rates(rates))
    delta = float(as_array("delta", delta, ()))
    beta = as_array("beta", beta, ("d",))
    return product * metric_rank_one(delta / product)(beta / np.sqrt(product))


def neuron_limit(X, y, a, w, rates=(1.0, 1.0)):
    r"""Find where one linear neuron ends, without training it.

    For a > 0 it ends at the minimiser of :math:`\psi_\delta(\|\beta\|) - \langle w_0, \beta\rangle`
    among all interpolants,

    .. math:: \psi_\delta(r) = \int_0^r\sqrt{\frac{\sqrt{\delta^2 + 4\eta_a\eta_ws^2} - \delta}
        {2\eta_a}}\,ds .

    Parameters
    ----------
    X : array_like, (d, n)
        Linearly independent columns.
    y : array_like, (n,)
    a, w : float, array_like (d,)
        The start, with a != 0.
    rates : pair of float
        :math:`(\eta_a, \eta_w)`, positive.

    Returns
    -------
    Interpolant
        With :math:`w_\infty = w_0 + X\nu`, for a < 0 the same with the signs of a and w exchanged.

    Raises
    ------
    ValueError
        If a shape does not fit, the columns are dependent, a is zero, or a may pass through zero:
        :math:`\delta\le0` and the loss is not below that of :math:`\beta = 0`.
    ArithmeticError
        If Newton's method does not reach the labels.

    Notes
    -----
    Source: azulay2021implicit, kunin2024get; the conditions are this book's.

    Examples
    --------
    >>> neuron_limit([[1.0], [0.0]], [2.0], 1.0, [0.0, 0.0]).beta.round(9).tolist()
    [2.0, 0.0]
    """
    X, y = as_independent(X, y)
    a, w = float(as_array("a", a, ())), as_array("w", w, (len(X),))
    if a == 0:
        raise ValueError("a: expected an output weight other than zero")
    delta, (rate_a, rate_w) = neuron_imbalance(a, w, rates), _rates(rates)
    if delta <= 0 and np.sum((a * (X.T @ w) - y) ** 2) >= y @ y:
        raise ValueError("a, w: expected delta > 0 or a loss below that of zero outputs")

    begin = w if a > 0 else -w

    def mirror(step):
        p = begin + step
        # delta + rate_a |p|^2, without cancellation where delta is large and negative
        outer = np.sqrt(max(0.0, rate_w * a * a + rate_a * (step @ (p + begin))) / rate_w)
        bend = outer * np.eye(len(p))
        if outer > 0:
            bend += rate_a / (rate_w * outer) * np.outer(p, p)
        return outer * p, bend

    return dual_newton(mirror, X, y)


def _rates(rates):
    """Check the pair of learning rates."""
    rate_a, rate_w = as_array("rates", rates, (2,))
    return as_positive("rates", rate_a), as_positive("rates", rate_w)
