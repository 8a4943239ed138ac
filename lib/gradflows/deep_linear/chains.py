r"""Scalar chains: the flow of one mode along one path, without integrating it.

A chain is the deep linear network of widths ``(1, ..., 1)``: weights :math:`w_1, \dots, w_h`,
product :math:`p = \prod_i w_i`, loss :math:`\tfrac12(\sigma - p)^2`, flow

.. math:: \dot w_i = \Big(\prod_{j \ne i} w_j\Big)(\sigma - p).

All :math:`w_i^2 - w_j^2` are conserved, so one number, the smallest weight, tells the rest: the
end of every chain is the root of one equation, its clock one integral. Time is that of the loss
with the factor 1/2 and whitened data.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from gradflows.validation import as_array, as_positive

TIE = 1e-12


@dataclass(frozen=True)
class ChainFate:
    """Where a scalar chain ends.

    Attributes
    ----------
    kind : str
        "minimum" (the product reaches sigma), "trapped" (it ends in a saddle although it did
        not start there), or "saddle" (it starts at a critical saddle and stays).
    weights : numpy.ndarray, (h,)
        The limit.
    product : float
        Product of the limit: sigma or 0.
    loss : float
        Loss of the limit.
    order : int or None
        Number of zeros in the limit, which is the escape order of that saddle; None at a
        minimum.
    """

    kind: str
    weights: np.ndarray
    product: float
    loss: float
    order: int | None


@dataclass(frozen=True)
class AlgebraicTail:
    r"""Leading order of an algebraic decay, :math:`c\,t^{-a}`; call it with times.

    Attributes
    ----------
    coefficient : float
    exponent : float
        The positive number a.
    """

    coefficient: float
    exponent: float

    def __call__(self, t):
        """Evaluate at times ``t`` > 0, a number or an array."""
        return self.coefficient * np.asarray(t, dtype=np.float64) ** -self.exponent


def chain_fate(chain, sigma):
    r"""Tell where a scalar chain ends, from its start alone.

    The product reaches :math:`\sigma` unless the chain starts at a critical saddle (two zeros),
    or its product is negative and the smallest modulus is attained at least twice. Then the tied
    weights stay tied, cannot cross zero, and tend to it; the others tend to
    :math:`\pm\sqrt{w_j^2 - \min_i w_i^2}`.

    Parameters
    ----------
    chain : array_like, (h,)
        Start, h >= 2. Moduli that agree to 1e-12 of the smallest count as tied.
    sigma : float
        Target, positive; for a negative one change the sign of one weight.

    Returns
    -------
    ChainFate

    Raises
    ------
    ValueError
        If the chain has fewer than two weights, an entry is no finite number, or sigma <= 0.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> chain_fate([-1, 1, 1.2], sigma=1).kind
    'trapped'
    """
    w, sigma = checked_chain(chain, sigma)
    zeros = int(np.sum(w == 0))
    if zeros >= 2:
        return ChainFate("saddle", w.copy(), 0.0, 0.5 * sigma**2, zeros)
    tied, squares = _smallest(w)
    if np.prod(np.sign(w)) < 0 and tied.sum() >= 2:
        limit = np.copysign(np.sqrt(squares), w)
        return ChainFate("trapped", limit + 0.0, 0.0, 0.5 * sigma**2, int(tied.sum()))
    smallest = np.argmin(np.abs(w))
    limit = np.copysign(np.sqrt(_smallest_square(squares, sigma) + squares), w)
    limit[smallest] = abs(limit[smallest]) * np.prod(np.sign(np.delete(w, smallest)))
    return ChainFate("minimum", limit, float(np.prod(limit)), 0.0, None)


def escape_time(chain, sigma, fraction=0.5):
    r"""Time until the product of a scalar chain reaches a fraction of sigma.

    With the smallest weight x (signed like the product) and :math:`c_j = w_j^2 - \min_i w_i^2`,

    .. math:: t = \int_{x_0}^{x_1} \frac{dx}{q(x)(\sigma - x\,q(x))}, \qquad
        q(x) = \prod_{j \ne \min}\sqrt{x^2 + c_j},

    by quadrature, through :math:`x = 0` if the product starts negative. From a balanced start
    :math:`w_i = \varepsilon` it grows like :math:`\varepsilon^{-(h-2)}/((h-2)\sigma)`, for
    h = 2 like a logarithm; if only m layers are small, m takes the place of h.

    Parameters
    ----------
    chain : array_like, (h,)
        Start, h >= 2.
    sigma : float
        Target, positive.
    fraction : float
        At most 0.999999; the target itself takes infinite time.

    Returns
    -------
    float
        Time of the loss 1/2 (sigma - p)^2; infinite for a saddle or a trapped start.

    Raises
    ------
    ValueError
        If an argument is out of range, or the product has already passed the fraction.

    Notes
    -----
    Source: this book.
    """
    w, sigma = checked_chain(chain, sigma)
    fraction = as_positive("fraction", fraction)
    if fraction > 0.999999:
        raise ValueError(f"fraction: expected a number <= 0.999999, got {fraction}")
    if np.prod(w) >= fraction * sigma:
        raise ValueError(
            f"chain: expected a product below {fraction} * sigma, got {np.prod(w):g} for "
            f"sigma = {sigma:g}"
        )
    if chain_fate(w, sigma).kind != "minimum":
        return math.inf
    squares = _smallest(w)[1]
    others = np.delete(squares, np.argmin(np.abs(w)))
    sign = -1.0 if np.prod(np.sign(w)) < 0 else 1.0
    start = sign * np.abs(w).min()
    stop = math.sqrt(_smallest_square(squares, fraction * sigma))
    return _clock(start, stop, others, sigma)


def slow_layers(chain):
    r"""Count the layers that share the smallest modulus, and multiply the limits of the others.

    When a chain ends in zeros, the p weights of smallest modulus m vanish together and the
    product of the others tends to :math:`c = \prod\sqrt{w_j^2 - m^2}`; depth enters every rate
    through p and c only.

    Parameters
    ----------
    chain : array_like, (h,)

    Returns
    -------
    count : int
        The number p.
    product : float
        The number c > 0; 1 if all moduli agree.

    Raises
    ------
    ValueError
        If the chain has fewer than two weights, or an entry is no finite number.

    Notes
    -----
    Source: this book.
    """
    w, _ = checked_chain(chain)
    tied, squares = _smallest(w)
    return int(tied.sum()), float(np.prod(np.sqrt(squares[~tied])))


def saddle_tail(chain, sigma):
    r"""Leading order of the excess loss of a trapped chain that falls into its saddle.

    With p and c of :func:`slow_layers`, the tied weights decay like
    :math:`u \sim ((p-2)\sigma c\,t)^{-1/(p-2)}` and
    :math:`L - \tfrac12\sigma^2 \sim \sigma c\,u^p`.

    Parameters
    ----------
    chain : array_like, (h,)
        Start of kind "trapped".
    sigma : float
        Target, positive.

    Returns
    -------
    AlgebraicTail
        Exponent p/(p-2); time of the loss 1/2 (sigma - p)^2.

    Raises
    ------
    ValueError
        If the start is not trapped, or only two moduli are tied: the decay is exponential then,
        like exp(-2 sigma c t).

    Notes
    -----
    Source: this book.
    """
    w, sigma = checked_chain(chain, sigma)
    kind = chain_fate(w, sigma).kind
    if kind != "trapped":
        raise ValueError(f"chain: expected a trapped start, got one of kind {kind!r}")
    count, product = slow_layers(w)
    speed = sigma * product
    if count == 2:
        raise ValueError(
            "chain: expected at least three tied moduli, got two: the decay is exponential, "
            f"like exp(-2 * {speed:g} * t)"
        )
    exponent = count / (count - 2)
    return AlgebraicTail(speed * ((count - 2) * speed) ** -exponent, exponent)


def checked_chain(chain, sigma=1.0):
    """Check a chain of at least two weights and a positive target."""
    w = as_array("chain", chain, ("h",))
    if len(w) < 2:
        raise ValueError("chain: expected at least two weights, got one")
    return w, as_positive("sigma", sigma)


def _smallest(w):
    """Mark the weights of smallest modulus; return the excess of all squares over theirs."""
    modulus = np.abs(w)
    least = modulus.min()
    tied = modulus <= least * (1 + TIE)
    excess = (modulus - least) * (modulus + least)
    return tied, np.where(tied, 0.0, excess)


def _smallest_square(excess, product):
    """Solve prod sqrt(x + excess_i) = product for the smallest square x > 0."""
    depth, log_product = len(excess), math.log(product)

    def gap(y):
        return 0.5 * np.sum(np.log(math.exp(y) + excess)) - log_product

    # The root is product**(2/h) if all squares agree and smaller otherwise, by no more than the
    # other squares allow; the margins cover rounding.
    high = 2 * log_product / depth
    rest = 0.5 * np.sum(np.log(math.exp(high) + np.sort(excess)[1:]))
    return math.exp(brentq(gap, 2 * (log_product - rest) - 1e-9, high + 1e-9, xtol=1e-15))


def _clock(start, stop, others, sigma):
    """Integrate dx / (q (sigma - x q)) with x = g sinh(theta): smooth on all scales at once."""
    scale = math.sqrt(others.min()) or abs(start)

    def rate(theta):
        x = scale * math.sinh(theta)
        q = math.sqrt(np.prod(x * x + others))
        return scale * math.cosh(theta) / (q * (sigma - x * q))

    low, high = math.asinh(start / scale), math.asinh(stop / scale)
    return quad(rate, low, high, epsabs=0, epsrel=1e-11, limit=500)[0]
