r"""Gradient descent with steps that are not small: the minima it can reach, and who reaches them.

Step k of gradient descent is :math:`\theta_{k+1} = \theta_k - \eta\nabla L(\theta_k)`; deep linear
networks have the loss :math:`\tfrac12\|\Sigma - W_h\cdots W_1\|_F^2` of whitened data.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.problems import descent_field
from gradflows.validation import as_array, as_count, as_positive

LOOK = 10  # steps between two looks at who has settled
FAR = 1e6  # from here on the iterates of the book's examples only grow


@dataclass(frozen=True, eq=False)
class Fates:
    """What became of k starts of gradient descent.

    Attributes
    ----------
    settled : numpy.ndarray of bool, (k,)
        Whether the gradient fell to the tolerance: the run converged to a critical point.
    diverged : numpy.ndarray of bool, (k,)
        Whether the iterates left every bound. The rest is still moving.
    ends : numpy.ndarray, (k, size)
        Last iterates; NaN where diverged.
    """

    settled: np.ndarray
    diverged: np.ndarray
    ends: np.ndarray


def min_sharpness(sigma_1, depth):
    r"""Sharpness of the flattest global minima of a deep linear network.

    .. math:: \min \lambda_{\max}(\nabla^2 L) = h\,\sigma_1^{2 - 2/h},

    attained by balanced weights. Steps above 2 over this number reach no minimum from almost
    every start.

    Parameters
    ----------
    sigma_1 : float
        Largest singular value of the target, positive.
    depth : int
        Number h of layers.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If sigma_1 is not positive or depth no positive integer.

    Notes
    -----
    Source: mulayoff2020unique.

    Examples
    --------
    >>> min_sharpness(1.0, 2)
    2.0
    """
    sigma_1, depth = as_positive("sigma_1", sigma_1), as_count("depth", depth)
    return depth * sigma_1 ** (2 - 2 / depth)


def sharpness(problem, theta):
    r"""Largest eigenvalue :math:`\lambda_{\max}` of the Hessian of the loss.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``hessian``.
    theta : array_like, (size,)
        Any point, critical or not.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``theta`` has another shape, or holds NaN or infinity.

    Notes
    -----
    Source: cohen2021gradient for the name.
    """
    return float(np.linalg.eigvalsh(problem.hessian(theta))[-1])


def gd_fate(problem, starts, step, n_steps=3000, *, tol=1e-9):
    r"""Run gradient descent from many starts and say what became of each.

    A start whose gradient is at most ``tol`` has settled and is moved no further; one with an
    entry beyond :math:`10^6` has diverged.

    Parameters
    ----------
    problem : Problem
    starts : array_like, (k, size)
    step : float
        The step size :math:`\eta`, positive.
    n_steps : int
        Rounded up to a multiple of ten.
    tol : float
        Norm of the gradient that counts as zero.

    Returns
    -------
    Fates

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: the experiment is that of craciun2024convergence.
    """
    starts = as_array("starts", starts, ("k", problem.size))
    step, tol = as_positive("step", step), as_positive("tol", tol)
    n_steps = as_count("n_steps", n_steps)
    ends = starts.copy()
    settled, diverged = np.zeros((2, len(ends)), dtype=bool)
    for _ in range(-(-n_steps // LOOK)):
        moving = np.flatnonzero(~settled & ~diverged)
        if moving.size == 0:
            break
        now, slope = _steps(problem, ends[moving], step)
        ends[moving] = now
        diverged[moving] = ~(np.abs(now) <= FAR).all(axis=1)
        settled[moving] = slope <= tol
    ends[diverged] = np.nan
    return Fates(settled, diverged, ends)


def _steps(problem, theta, step):
    """Take a few steps; return the iterates and the norms of the gradient there."""
    field = descent_field(problem, theta.shape)
    with np.errstate(all="ignore"):
        for _ in range(LOOK):
            theta = theta + step * field(theta)
        return theta, np.linalg.norm(field(theta), axis=1)


def landing_factor(u, v, step, target=1):
    r"""Factor by which one step of descent on two weights multiplies the residual.

    For :math:`\tfrac12(\sigma - uv)^2` with the residual :math:`r = \sigma - uv`,

    .. math:: r_{k+1} = r_k \big(1 - \eta(u^2+v^2) - \eta^2 r\,uv\big).

    Where it is zero the next iterate is a global minimum, however sharp.

    Parameters
    ----------
    u, v, step, target : number or array_like
        Broadcast against each other; exact numbers give exact results.

    Returns
    -------
    number or numpy.ndarray

    Notes
    -----
    Source: this book.
    """
    return 1 - step * (u * u + v * v) - step * step * (target - u * v) * u * v
