"""A gradient check by Taylor's formula that reads its own plot."""

import math
from dataclasses import dataclass

import numpy as np

from gradflows.validation import as_array

__all__ = ["GradientCheck", "check_gradient"]

STEPS = 10.0 ** -np.arange(0, 12.01, 0.25)
DECADES = 2.5
"""Length of a straight stretch, in decades of the step, that counts as straight."""


@dataclass(frozen=True, eq=False)
class GradientCheck:
    """What a gradient check found; its text is the verdict in words.

    Attributes
    ----------
    passed : bool
    slope : float
        Slope of the straight stretch in the log-log plot of the remainders; NaN if there is none.
    steps : numpy.ndarray, (m,)
        Lengths of the steps, from 1 down to 1e-12.
    remainders : numpy.ndarray, (m,)
    straight : numpy.ndarray of int
        Indices of the straight stretch; empty if there is none.
    verdict : str
    """

    passed: bool
    slope: float
    steps: np.ndarray
    remainders: np.ndarray
    straight: np.ndarray
    verdict: str

    def __str__(self):
        return self.verdict


def check_gradient(problem, theta, *, gradient=None, rng=None):
    r"""Check a gradient by the Taylor remainder along a random direction.

    For the right gradient g, and only for it, the remainder
    :math:`r(e) = |L(\theta + e v) - L(\theta) - e\langle g, v\rangle|` falls like :math:`e^2` (or
    faster); a wrong one leaves a part that falls like e. The longest straight stretch of
    log r against log e is found automatically, and what lies below it must be rounding.

    Parameters
    ----------
    problem : Problem
        Or any object with ``loss`` and ``gradient``.
    theta : array_like, (size,)
    gradient : callable, optional
        Function ``theta -> (size,)`` to check instead of ``problem.gradient``.
    rng : numpy.random.Generator, optional
        Draws the direction v, a unit vector; seed 0 if left out.

    Returns
    -------
    GradientCheck

    Raises
    ------
    ValueError
        If ``theta`` or what ``gradient`` returns has another shape, or holds NaN or infinity.
    """
    theta = as_array("theta", theta, (getattr(problem, "size", "size"),))
    rng = np.random.default_rng(0) if rng is None else rng
    function = problem.gradient if gradient is None else gradient
    slope_vector = as_array("gradient", function(theta.copy()), theta.shape)
    direction = rng.normal(size=theta.size)
    direction /= np.linalg.norm(direction)
    along = float(slope_vector @ direction)
    base = problem.loss(theta)
    with np.errstate(all="ignore"):
        values = np.array([problem.loss(theta + e * direction) for e in STEPS])
        remainders = np.abs(values - base - STEPS * along)
    noise = _rounding(problem, theta, base, rng) + 4 * np.finfo(float).eps * (
        np.abs(values) + STEPS * abs(along)
    )
    return _judge(remainders, noise)


def _rounding(problem, theta, base, rng):
    """Estimate how far rounding of the parameters moves the loss."""
    signs = rng.choice([-1.0, 1.0], size=(8, theta.size))
    nearby = theta * (1 + 2 * np.finfo(float).eps * signs)
    moved = max(abs(problem.loss(point) - base) for point in nearby)
    return moved + np.finfo(float).eps * abs(base)


def _judge(remainders, noise):
    """Read the plot: slope of the longest straight stretch, and whether only noise is below."""
    clear = np.isfinite(remainders) & (remainders > 20 * noise)
    if not clear.any():
        text = "passed: the loss is linear here to rounding, and the gradient is its slope"
        return GradientCheck(True, math.nan, STEPS, remainders, np.arange(0), text)
    straight = _longest_straight(remainders, clear)
    decades = math.log10(STEPS[straight[0]] / STEPS[straight[-1]]) if straight.size else 0.0
    if decades < DECADES:
        text = f"not decided: no straight stretch of {DECADES} decades in the remainders"
        return GradientCheck(False, math.nan, STEPS, remainders, straight[:0], text)
    logs = np.log10(STEPS[straight]), np.log10(remainders[straight])
    slope = float(np.polyfit(*logs, 1)[0])
    if slope < 1.8:
        text = f"failed: the remainders fall with slope {slope:.1f}; the gradient is wrong"
        return GradientCheck(False, slope, STEPS, remainders, straight, text)
    if clear[straight[-1] + 1 :].any():
        text = (
            f"failed: below the stretch of slope {slope:.1f} the remainders stay above rounding; "
            "the gradient is slightly wrong"
        )
        return GradientCheck(False, slope, STEPS, remainders, straight, text)
    text = f"passed: the remainders fall with slope {slope:.1f} over {decades:.1f} decades"
    return GradientCheck(True, slope, STEPS, remainders, straight, text)


def _longest_straight(remainders, clear):
    """Find the longest run of clear points whose local slopes differ by at most 0.3."""
    with np.errstate(all="ignore"):
        slopes = np.diff(np.log10(remainders)) / np.diff(np.log10(STEPS))
    usable = clear[:-1] & clear[1:]
    best = np.arange(0)
    for first in range(len(slopes)):
        last, low, high = first, math.inf, -math.inf
        while last < len(slopes) and usable[last]:
            low, high = min(low, slopes[last]), max(high, slopes[last])
            if high - low > 0.3:
                break
            last += 1
        if last > first and last - first + 1 > best.size:
            best = np.arange(first, last + 1)
    return best
