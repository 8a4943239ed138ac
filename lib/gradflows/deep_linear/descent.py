r"""Gradient descent on deep linear networks: what drifts, what stays stable, what comes after.

Whitened data, :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2`; ``step`` is :math:`\eta` in
:math:`W_i \leftarrow W_i - \eta\nabla_i`.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.deep_linear.weights import whitened_problem
from gradflows.flows import gradient_descent
from gradflows.validation import as_array, as_count, as_positive


@dataclass(frozen=True)
class DescentDrift:
    r"""What a run of gradient descent did to the imbalances.

    Attributes
    ----------
    changes : list of numpy.ndarray
        :math:`C_i(A_K) - C_i(A_0)`, shapes ``(d_i, d_i)``, i = 1..h-1.
    predicted : list of numpy.ndarray
        The same by the exact law, a sum over the steps.
    squares : float
        :math:`\sum_k \eta^2\|\nabla L(A_k)\|_F^2`.
    bound : float
        :math:`2\eta\,(L(A_0) - L(A_K))`.
    descends : bool
        Whether every step satisfied
        :math:`L(A_{k+1}) \le L(A_k) - \tfrac\eta2\|\nabla L(A_k)\|^2`; only then do the bounds
        hold.
    nuclear : numpy.ndarray, (h - 1,)
        Nuclear norm of each change; each at most ``bound``, and the sum at most 2 ``bound``.
    frobenius : float
        Frobenius norm of all changes together; at most sqrt(2) ``bound``.
    """

    changes: list
    predicted: list
    squares: float
    bound: float
    descends: bool
    nuclear: np.ndarray
    frobenius: float


def descent_drift(weights, Sigma, step, n_steps=1):
    r"""Run gradient descent and account for the drift of every imbalance.

    One step changes :math:`C_i = W_{i+1}^T W_{i+1} - W_i W_i^T` by exactly

    .. math:: \eta^2\big(\nabla_{i+1}^T\nabla_{i+1} - \nabla_i\nabla_i^T\big),

    without a term of order :math:`\eta`. If every step descends,
    :math:`\|\Delta C_i\|_* \le \eta^2\sum_k\|\nabla L(A_k)\|^2 \le 2\eta(L(A_0) - L(A_K))` for
    each i; the constants of this and of the two bounds in :class:`DescentDrift` are sharp.

    Parameters
    ----------
    weights : sequence of array_like
        Start ``[W_1, ..., W_h]``, h >= 2, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)
    step : float
        The step size, positive.
    n_steps : int

    Returns
    -------
    DescentDrift

    Raises
    ------
    ValueError
        If shapes do not fit, there is one layer only, or step or n_steps is not positive.
    IntegrationError
        If the iterates overflow.

    Notes
    -----
    Source: this book.
    """
    problem, theta = whitened_problem(weights, Sigma)
    if len(problem.network.widths) < 3:
        raise ValueError("weights: expected at least two layers, got one")
    run = gradient_descent(problem, theta, step, n_steps)
    gradients = problem.gradient(run.theta[:-1])
    squared = np.sum(gradients**2, axis=1)
    loss = run.loss
    slack = 4 * np.finfo(float).eps * loss[:-1]
    changes = [
        last - first
        for first, last in zip(
            _imbalances(problem, run.theta[0]), _imbalances(problem, run.theta[-1]), strict=True
        )
    ]
    predicted = [step**2 * change.sum(axis=0) for change in _imbalances(problem, gradients)]
    nuclear = np.array([np.linalg.norm(change, "nuc") for change in changes])
    return DescentDrift(
        changes=changes,
        predicted=predicted,
        squares=float(step**2 * squared.sum()),
        bound=float(2 * step * (loss[0] - loss[-1])),
        descends=bool(np.all(loss[1:] <= loss[:-1] - 0.5 * step * squared + slack)),
        nuclear=nuclear,
        frobenius=float(np.sqrt(sum(np.sum(change**2) for change in changes))),
    )


def critical_step(weights, Sigma):
    r"""Step size beyond which gradient descent leaves a minimum: :math:`2/\lambda_{\max}`.

    Below it the minimum is linearly stable across its manifold of minima, above it is not; at
    equality nothing is decided. If :math:`W = \Sigma` it is at most
    :math:`2/(h\sigma_1^{2-2/h})`, which balanced minima attain.

    Parameters
    ----------
    weights : sequence of array_like
        A minimum ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit, the gradient is not zero (to 1e-6 of the scale of the Hessian), or
        the Hessian is negative in some direction or zero.

    Notes
    -----
    Source: mulayoff2020unique for the sharpness of minima.
    """
    problem, theta = whitened_problem(weights, Sigma)
    values = np.linalg.eigvalsh(problem.hessian(theta))
    sharpness = float(values[-1])
    slope = np.linalg.norm(problem.gradient(theta))
    if slope > 1e-6 * max(sharpness, 0.0) * max(1.0, np.linalg.norm(theta)):
        raise ValueError(f"weights: expected a minimum, got a gradient of norm {slope:.3g}")
    if sharpness <= 0 or values[0] < -1e-8 * sharpness:
        raise ValueError(
            f"weights: expected a minimum, got Hessian eigenvalues from {values[0]:.3g} to "
            f"{sharpness:.3g}"
        )
    return 2.0 / sharpness


def cubic_map(u, step):
    r"""One step of gradient descent on a balanced mode of depth 2: :math:`u + \eta u(1 - u^2)`.

    The target is 1; for :math:`\sigma > 0` replace u by :math:`u/\sqrt\sigma` and the step by
    :math:`\eta\sigma`. The fixed point 1 is stable for steps below 1, a cycle of period two
    takes over and doubles its period from :math:`\sqrt5 - 1` on, and beyond 2 orbits escape.

    Parameters
    ----------
    u : array_like
        Layer weight.
    step : array_like
        The number :math:`\eta\sigma > 0`; broadcast against ``u``.

    Returns
    -------
    numpy.ndarray

    Notes
    -----
    Source: this book.
    """
    return u + step * u * (1 - np.square(u))


def cubic_tails(steps, *, u0=0.3, settle=4000, keep=128):
    r"""Iterate the cubic map for many step sizes and keep the last iterates of each.

    Parameters
    ----------
    steps : array_like, (n,)
        Numbers :math:`\eta\sigma > 0`.
    u0 : float
        Start.
    settle : int
        Iterations that are thrown away.
    keep : int
        Iterations that are kept.

    Returns
    -------
    numpy.ndarray, (n, keep)
        NaN in the rows whose orbit diverges.

    Raises
    ------
    ValueError
        If a step is not positive, or a number is out of range.

    Notes
    -----
    Source: this book.
    """
    steps = as_array("steps", steps, ("n",))
    if steps.min() <= 0:
        raise ValueError(f"steps: expected positive numbers, got {steps.min():g}")
    u = np.full(len(steps), as_positive("u0", u0))
    settle, keep = as_count("settle", settle, minimum=0), as_count("keep", keep)
    tail = np.empty((len(steps), keep))
    for n in range(settle + keep):
        u = cubic_map(u, steps)
        # |u| > sqrt(1 + 2/step) grows for ever
        u[np.square(u) > 1 + 2 / steps] = np.nan
        if n >= settle:
            tail[:, n - settle] = u
    return tail


def _imbalances(problem, theta):
    """Imbalances of a vector or of each vector of a stack, as a list over hidden layers."""
    layers = problem.network.split(theta)
    return [
        outer.mT @ outer - inner @ inner.mT
        for inner, outer in zip(layers[:-1], layers[1:], strict=True)
    ]
