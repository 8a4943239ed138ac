r"""The edge of stability on a toy that can be computed, :math:`L = \tfrac14(u^2v^2-1)^2`.

Its minima with the imbalance :math:`c = u^2 - v^2` have the sharpness :math:`2\sqrt{c^2+4}`.
"""

import numpy as np
from scipy.special import lambertw

from gradflows.trajectories import IntegrationError
from gradflows.validation import as_array, as_count, as_positive


def quartic_descent(starts, step, n_steps, *, every=1):
    r"""Iterate gradient descent on the toy :math:`\tfrac14(u^2v^2-1)^2`.

    Parameters
    ----------
    starts : array_like, (k, 2)
        Rows (u, v).
    step : float
        The step size :math:`\eta`, positive.
    n_steps : int
    every : int
        Save every so many steps only.

    Returns
    -------
    numpy.ndarray, (1 + n_steps // every, k, 2)
        Start and saved iterates.

    Raises
    ------
    ValueError
        If an argument is not as described.
    IntegrationError
        If the iterates overflow.

    Notes
    -----
    Source: zhu2023understanding for the toy.
    """
    u, v = as_array("starts", starts, ("k", 2)).T.copy()
    step = as_positive("step", step)
    n_steps, every = as_count("n_steps", n_steps), as_count("every", every)
    saved = [np.stack([u, v], axis=1)]
    with np.errstate(all="ignore"):
        for k in range(1, n_steps + 1):
            product = u * v
            push = step * product * (product * product - 1)
            u, v = u - push * v, v - push * u
            if k % every == 0:
                saved.append(np.stack([u, v], axis=1))
    if not np.isfinite(u + v).all():
        raise IntegrationError(step * n_steps, "gradient descent on the quartic toy overflows")
    return np.array(saved)


def edge_start(x, z, step):
    r"""Point of the quartic toy with given scaled sharpness and scaled swing.

    With :math:`c = u^2 - v^2 > 0`,

    .. math:: \eta\sqrt{c^2+4} = 1 + \eta^2 x, \qquad uv = 1 + \eta\sqrt z.

    Parameters
    ----------
    x : array_like, (k,)
        The minimum with the imbalance c has :math:`\eta\lambda_{\max} = 2 + 2\eta^2 x`.
    z : array_like, (k,)
        Numbers >= 0.
    step : float
        The step size :math:`\eta`.

    Returns
    -------
    numpy.ndarray, (k, 2)
        Rows (u, v).

    Raises
    ------
    ValueError
        If an argument is not as described, or the step too large for these numbers.

    Notes
    -----
    Source: this book.
    """
    x, z, step = *_edge_point(x, z), as_positive("step", step)
    square = ((1 + step**2 * x) / step) ** 2 - 4
    if np.any(1 + step**2 * x <= 0) or np.any(square <= 0):
        raise ValueError("step: expected so small a step that sqrt(c^2 + 4) exceeds 2")
    product = 1 + step * np.sqrt(z)
    u = np.sqrt((np.sqrt(square + 4 * product**2) + np.sqrt(square)) / 2)
    return np.stack([u, product / u], axis=1)


def edge_end(x, z):
    r"""Where the averaged equations of the edge of stability end.

    :math:`\dot x = -4z,\ \dot z = z(4x - 16z)` conserve
    :math:`C = e^{-4x}(z - \tfrac x4 - \tfrac1{16})` and end with z = 0 at

    .. math:: x_\infty = -\tfrac14\big(1 + W_0(16\,C/e)\big) < 0,

    :math:`W_0` the Lambert function. Descent on the quartic toy, started at
    :func:`edge_start`, ends with :math:`\eta\lambda_{\max} = 2 + 2\eta^2x_\infty + o(\eta^2)`.

    Parameters
    ----------
    x : array_like, (k,)
    z : array_like, (k,)
        Positive.

    Returns
    -------
    numpy.ndarray, (k,)

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: this book.
    """
    x, z = _edge_point(x, z)
    if np.any(z == 0):
        raise ValueError("z: expected positive numbers; with z = 0 nothing moves")
    level = np.exp(-4 * x) * (z - x / 4 - 1 / 16)
    return -(1 + lambertw(16 * level / np.e).real) / 4


def _edge_point(x, z):
    x = as_array("x", x, ("k",))
    z = as_array("z", z, x.shape)
    if np.any(z < 0):
        raise ValueError(f"z: expected numbers >= 0, got {z.min():g}")
    return x, z
