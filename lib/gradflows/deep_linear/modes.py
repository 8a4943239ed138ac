r"""One mode in closed form: how its strength grows, and how long that takes.

A mode of strength s with target :math:`\sigma`, in the flow of
:math:`\tfrac12(\sigma - s)^2`, whitened data. With h balanced layers :math:`u = s^{1/h}`,
:math:`\dot u = u^{h-1}(\sigma - u^h)`.
"""

import numpy as np
from scipy.special import digamma, hyp2f1

from gradflows.validation import as_array, as_count, as_positive


def mode_depth2(t, s0, sigma):
    r"""Strength of one balanced mode in depth 2: the logistic curve.

    :math:`\dot s = 2s(\sigma - s)`, hence
    :math:`s(t) = \sigma s_0 / (s_0 + (\sigma - s_0)e^{-2\sigma t})`; half of :math:`\sigma` is
    reached at :math:`\ln(\sigma/s_0 - 1)/(2\sigma)`. The two layers must be equal: product
    alone does not tell the speed.

    Parameters
    ----------
    t : array_like
        Times >= 0, any shape.
    s0 : float
        Strength at the start, >= 0; zero stays zero.
    sigma : float
        Target, >= 0.

    Returns
    -------
    numpy.ndarray, shape of ``t``

    Raises
    ------
    ValueError
        If a number is negative or not finite.

    Notes
    -----
    Source: saxe2014exact.

    Examples
    --------
    >>> float(mode_depth2(0.0, s0=0.25, sigma=1.0))
    0.25
    """
    t = np.asarray(t, dtype=np.float64)
    if not np.all(np.isfinite(t)) or np.any(t < 0):
        raise ValueError("t: expected finite times >= 0")
    s0 = as_positive("s0", s0, zero=True)
    sigma = as_positive("sigma", sigma, zero=True)
    left = np.exp(-2 * sigma * t)
    # (1 - exp(-2 sigma t)) / sigma, which tends to 2t for sigma = 0
    passed = -np.expm1(-2 * sigma * t) / sigma if sigma else 2 * t
    return s0 / (s0 * passed + left)


def mode_time(u0, u1, sigma, depth):
    r"""Time in which the layer weight of one balanced mode moves from u0 to u1.

    .. math:: t = \int_{u_0}^{u_1} \frac{du}{u^{h-1}(\sigma - u^h)} = \tau(u_1) - \tau(u_0),
        \qquad \tau(u) = \frac{u^{2-h}}{(2-h)\sigma}\,
        {}_2F_1\Big(1, \tfrac{2-h}h; \tfrac2h; \tfrac{u^h}\sigma\Big)

    for h >= 3 and below the target; logarithms for h = 1, 2; above the target
    :math:`\tau(u) = \frac{u^{2-2h}}{2h-2}\,
    {}_2F_1(1, 2-\tfrac2h; 3-\tfrac2h; \sigma u^{-h})`, where the first form would leave the
    real numbers. From a small start half of the target takes
    :math:`u_0^{2-h}/((h-2)\sigma)`.

    Parameters
    ----------
    u0 : float
        Layer weight at the start, > 0; the strength is its h-th power.
    u1 : array_like
        Layer weights to reach, any shape, between u0 and :math:`\sigma^{1/h}`.
    sigma : float
        Target, >= 0.
    depth : int
        Number h of layers, >= 1.

    Returns
    -------
    numpy.ndarray, shape of ``u1``

    Raises
    ------
    ValueError
        If a number is out of range, or a weight in ``u1`` does not lie ahead of ``u0``; the
        target itself is reached in infinite time only.

    Notes
    -----
    Source: saxe2014exact for h = 2; the closed form for h >= 3 is this book's.
    """
    u0, sigma = as_positive("u0", u0), as_positive("sigma", sigma, zero=True)
    depth = as_count("depth", depth)
    return strength_time(u0**depth, np.asarray(u1, dtype=np.float64) ** depth, sigma, depth)


def strength_time(s0, s1, sigma, depth):
    """Time from strength ``s0`` to ``s1``, as in :func:`mode_time` with u = s**(1/depth)."""
    depth = as_count("depth", depth)
    s1 = np.asarray(s1, dtype=np.float64)
    ahead = (s0 <= s1) & (s1 < sigma) if s0 < sigma else (sigma < s1) & (s1 <= s0)
    if s0 <= 0 or not np.all(ahead):
        raise ValueError(
            f"u1: expected to lie between the start, of strength {s0:g}, and the target, "
            f"{sigma:g}, which itself is reached in infinite time only"
        )
    return _tau(s1, sigma, depth) - _tau(np.float64(s0), sigma, depth)


def mode_depth2_unbalanced_time(s0, s1, sigma, imbalance):
    r"""Time in which one mode of depth 2 moves from strength s0 to s1 under imbalance.

    With :math:`w_2^2 - w_1^2 = \lambda`: :math:`\dot s = \sqrt{\lambda^2 + 4s^2}(\sigma - s)`.
    Let :math:`\kappa = \sqrt{\lambda^2 + 4\sigma^2}`, the rate of the tail; then

    .. math:: \kappa t = \Big[\operatorname{artanh}
        \frac{4\sigma s + \lambda^2}{\kappa\sqrt{4s^2 + \lambda^2}}\Big]_{s_0}^{s_1}
        = \Big[\ln\frac{\kappa\sqrt{4s^2+\lambda^2} + 4\sigma s + \lambda^2}{|\sigma - s|}
        \Big]_{s_0}^{s_1}.

    The second form is the one evaluated: it holds for :math:`\lambda = 0` too, where it is the
    logistic curve. Only :math:`|\lambda|` matters.

    Parameters
    ----------
    s0 : float
        Strength at the start; may be negative if the imbalance is not zero.
    s1 : array_like
        Strengths to reach, any shape, between s0 and sigma.
    sigma : float
        Target, > 0.
    imbalance : float
        The conserved number lambda, of either sign or zero.

    Returns
    -------
    numpy.ndarray, shape of ``s1``

    Raises
    ------
    ValueError
        If a number is out of range, a strength in ``s1`` does not lie ahead of ``s0``, or a
        balanced mode starts at or below zero, which it never leaves.

    Notes
    -----
    Source: saxe2014exact.
    """
    s0 = float(as_array("s0", s0, ()))
    imbalance = float(as_array("imbalance", imbalance, ()))
    sigma = as_positive("sigma", sigma)
    s1 = np.asarray(s1, dtype=np.float64)
    ahead = (s0 <= s1) & (s1 < sigma) if s0 < sigma else (sigma < s1) & (s1 <= s0)
    if not np.all(ahead):
        raise ValueError(
            f"s1: expected to lie between the start, {s0:g}, and the target, {sigma:g}, which "
            "itself is reached in infinite time only"
        )
    if imbalance == 0 and s0 <= 0:
        raise ValueError(f"s0: expected a number > 0 for a balanced mode, got {s0:g}")
    kappa = np.hypot(imbalance, 2 * sigma)
    return (
        _log_clock(s1, sigma, imbalance, kappa) - _log_clock(s0, sigma, imbalance, kappa)
    ) / kappa


def _log_clock(s, sigma, imbalance, kappa):
    """Evaluate the logarithm in the time of an unbalanced mode, without cancellation."""
    root, rest = kappa * np.hypot(2 * s, imbalance), 4 * sigma * s + imbalance**2
    # (root + rest)(root - rest) = 4 imbalance^2 (sigma - s)^2; use the factor that adds up.
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = np.log((root + rest) / np.abs(sigma - s))
        backward = np.log(4 * imbalance**2 * np.abs(sigma - s) / (root - rest))
    return np.where(rest >= 0, forward, backward)


def _tau(s, sigma, depth):
    """Evaluate the antiderivative of 1 / (u^(h-1) (sigma - u^h)) at u = s^(1/h)."""
    if depth == 1:
        return -np.log(np.abs(sigma - s))
    if np.any(s > sigma):
        power = 2 - 2 / depth
        return s**-power / (2 * depth - 2) * _gauss(power, sigma / s)
    if depth == 2:
        return 0.5 * np.log(s / (sigma - s)) / sigma
    power = 2 / depth - 1
    return s**power / ((2 - depth) * sigma) * _gauss(power, s / sigma)


def _gauss(b, z):
    """Evaluate 2F1(1, b; 1 + b; z) for 0 <= z < 1, also close to the logarithm at z = 1."""
    # scipy's hyp2f1 can lose all digits for z > 0.9 when c - a - b is zero up to rounding, so
    # the expansion in 1 - z (Abramowitz and Stegun 15.3.10) takes over in the upper half.
    z = np.asarray(z, dtype=np.float64)
    gap = np.where(z > 0.5, 1 - z, 0.5)
    total, factor = 0.0, 1.0
    for n in range(60):
        total = total + factor * (digamma(n + 1) - digamma(n + b) - np.log(gap)) * gap**n
        factor *= (n + b) / (n + 1)
    return np.where(z > 0.5, b * total, hyp2f1(1, b, 1 + b, np.minimum(z, 0.5)))
