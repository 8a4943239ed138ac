r"""Flows and iterations: gradient flow, gradient descent, momentum flow.

Time is the time of :math:`\theta' = -\nabla L(\theta)`: with ``SquaredLoss(Y)`` that of the mean
loss, with ``mean=False`` that of the sum. One step of gradient descent takes the time ``step``.
"""

import numpy as np

from gradflows.integrators import integrate_field
from gradflows.options import Options, check_start
from gradflows.problems import descent_field, losses_along, unchecked
from gradflows.trajectories import IntegrationError, Trajectory
from gradflows.validation import LARGEST_COUNT, as_array, as_count, as_positive

__all__ = ["gradient_descent", "gradient_flow", "momentum_flow"]


def gradient_flow(
    problem,
    theta0,
    t_end,
    *,
    times=None,
    method="auto",
    rtol=1e-9,
    atol=1e-12,
    events=None,
    progress=False,
):
    r"""Follow the gradient flow :math:`\theta' = -\nabla L(\theta)` from 0 to ``t_end``.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``loss`` and ``gradient``, and ``hessian`` for LSODA.
    theta0 : array_like, (size,) or (k, size)
        Start, or a stack of k starts, which is integrated in one call.
    t_end : float
        Positive.
    times : array_like, (n_times,), optional
        Increasing times in [0, t_end] to save; the solver's own steps if left out.
    method : str
        "LSODA", "DOP853", "RK45", "RK23", "BDF" or "Radau"; "auto" is LSODA with the exact
        Jacobian of the field (minus the Hessian) up to 500 unknowns, and DOP853 above, for
        stacks, and for ReLU networks, whose field jumps where a neuron switches.
    rtol, atol : float
        Local tolerances. In a stack every start keeps them: the solver's norm is a mean over all
        k starts, so it is asked for tolerances smaller by :math:`\sqrt k`.
    events : callable or list of callables, optional
        ``event(t, theta)`` as in scipy, a zero of which is an event; the attributes ``terminal``
        and ``direction`` are honoured. A terminal event is a legitimate end, and its time is the
        last saved one. For a single start only.
    progress : bool
        Show a progress bar (needs tqdm).

    Returns
    -------
    Trajectory, or list of k of them for a stack

    Raises
    ------
    IntegrationError
        If the flow cannot reach ``t_end``: blow-up, NaN, a step size that vanishes.
    ValueError
        If an argument is not as described.

    Notes
    -----
    The integrators are scipy's ([hairer1993solving]_ for DOP853, [petzold1983lsoda]_ for LSODA).
    """
    theta0, hessian = check_start(problem, theta0, stack=True), unchecked(problem, "hessian")
    options = Options.check(
        theta0, _is_smooth(problem), t_end, times, method, rtol, atol, events, progress
    )
    field = descent_field(problem, theta0.shape)
    if theta0.ndim == 2:
        return _stack_flow(problem, field, theta0, options)
    solution = integrate_field(
        lambda t, theta: field(theta),
        theta0,
        options,
        jacobian=hessian and (lambda t, theta: -hessian(theta)),
    )

    def again(times, rtol, atol):
        method = options.method
        return gradient_flow(
            problem, theta0, times[-1], times=times, method=method, rtol=rtol, atol=atol
        )

    states = np.ascontiguousarray(solution.y.T)
    return _trajectory(problem, options, solution, states, again=again)


def _stack_flow(problem, field, starts, options):
    """Follow k starts in one system of k * size unknowns."""
    solution = integrate_field(
        lambda t, y: field(y.reshape(starts.shape)).ravel(), starts.ravel(), options, len(starts)
    )
    paths = solution.y.reshape(*starts.shape, -1).transpose(0, 2, 1)
    paths = np.ascontiguousarray(paths)
    losses = losses_along(problem, paths.reshape(-1, starts.shape[1])).reshape(len(starts), -1)

    def again_from(start):
        def again(times, rtol, atol):
            method = options.method
            return gradient_flow(
                problem, start, times[-1], times=times, method=method, rtol=rtol, atol=atol
            )

        return again

    return [
        _trajectory(problem, options, solution, path, loss=loss, again=again_from(start))
        for start, path, loss in zip(starts, paths, losses, strict=True)
    ]


def _trajectory(problem, options, solution, theta, *, loss=None, **rest):
    """Put together what a flow leaves behind."""
    return Trajectory(
        t=solution.t,
        theta=theta,
        loss=losses_along(problem, theta) if loss is None else loss,
        evaluations=int(solution.nfev),
        method=options.method,
        rtol=options.rtol,
        atol=options.atol,
        events=tuple(solution.t_events or ()),
        **rest,
    )


def gradient_descent(problem, theta0, step, n_steps):
    r"""Iterate gradient descent, :math:`\theta_{j+1} = \theta_j - \eta\nabla L(\theta_j)`.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``loss`` and ``gradient``.
    theta0 : array_like, (size,) or (k, size)
    step : float
        The step size :math:`\eta`, positive.
    n_steps : int
        At least 1.

    Returns
    -------
    Trajectory, or list of k of them for a stack
        All ``n_steps + 1`` iterates, at ``t = step * j``.

    Raises
    ------
    IntegrationError
        If the iterates overflow; the reason names the step.
    ValueError
        If an argument is not as described, or the iterates do not fit into memory.
    """
    theta0 = check_start(problem, theta0, stack=True)
    step, n_steps = as_positive("step", step), as_count("n_steps", n_steps)
    if (n_steps + 1) * theta0.size > LARGEST_COUNT:
        raise ValueError(
            f"n_steps: expected (n_steps + 1) * {theta0.size} numbers to be at most 2**31, got "
            f"n_steps = {n_steps}"
        )
    path = _iterate(descent_field(problem, theta0.shape), theta0, step, n_steps)
    t = step * np.arange(n_steps + 1)
    paths = path[None] if theta0.ndim == 1 else np.ascontiguousarray(path.swapaxes(0, 1))
    losses = losses_along(problem, paths.reshape(-1, theta0.shape[-1])).reshape(len(paths), -1)
    results = [
        Trajectory(t, theta, loss, n_steps, "gradient descent", None, None)
        for theta, loss in zip(paths, losses, strict=True)
    ]
    return results[0] if theta0.ndim == 1 else results


def _iterate(field, theta0, step, n_steps):
    """Return all iterates; look for overflow every few steps only, since looking costs time."""
    path = np.empty((n_steps + 1, *theta0.shape))
    path[0] = theta0
    with np.errstate(all="ignore"):
        for first in range(1, n_steps + 1, 64):
            block = range(first, min(first + 64, n_steps + 1))
            for j in block:
                np.add(path[j - 1], step * field(path[j - 1]), out=path[j])
            finite = np.isfinite(path[block.start : block.stop]).reshape(len(block), -1).all(1)
            if not finite.all():
                last = first - 1 + int(np.argmin(finite))
                reason = f"gradient descent overflows in step {last + 1} of {n_steps}"
                raise IntegrationError(step * last, reason)
    return path


def _is_smooth(problem):
    """Tell whether an integrator may use the Hessian: there is one, and no ReLU kinks the field."""
    network = getattr(problem, "network", None)
    return hasattr(problem, "hessian") and getattr(network, "smooth", True)


def momentum_flow(
    problem,
    theta0,
    damping,
    t_end,
    *,
    velocity0=None,
    times=None,
    method="auto",
    rtol=1e-9,
    atol=1e-12,
    progress=False,
):
    r"""Follow the flow with momentum, :math:`\theta'' + \gamma\theta' + \nabla L(\theta) = 0`.

    The energy :math:`\tfrac12|\theta'|^2 + L(\theta)` falls at the rate :math:`\gamma|\theta'|^2`
    [polyak1964some]_ [attouch2000heavy]_.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``loss`` and ``gradient``, and ``hessian`` for LSODA.
    theta0 : array_like, (size,)
    damping : float
        The friction :math:`\gamma \ge 0`.
    t_end : float
        Positive.
    velocity0 : array_like, (size,), optional
        Velocity at the start; at rest if left out.
    times, method, rtol, atol, progress
        As for :func:`gradient_flow`; there are ``2 * size`` unknowns here.

    Returns
    -------
    Trajectory
        With ``velocity``.

    Raises
    ------
    IntegrationError
        If the flow cannot reach ``t_end``.
    ValueError
        If an argument is not as described.
    """
    theta0 = check_start(problem, theta0, stack=False)
    damping = as_positive("damping", damping, zero=True)
    if velocity0 is None:
        velocity0 = np.zeros(theta0.size)
    velocity0 = as_array("velocity0", velocity0, theta0.shape).copy()
    start, hessian = np.concatenate([theta0, velocity0]), unchecked(problem, "hessian")
    options = Options.check(
        start, _is_smooth(problem), t_end, times, method, rtol, atol, None, progress
    )
    field, jacobian = _momentum_field(problem, hessian, damping, theta0.size)
    solution = integrate_field(field, start, options, jacobian=hessian and jacobian)

    def again(times, rtol, atol):
        given = {"velocity0": velocity0, "times": times, "method": options.method}
        return momentum_flow(problem, theta0, damping, times[-1], **given, rtol=rtol, atol=atol)

    theta, velocity = (np.ascontiguousarray(part.T) for part in np.split(solution.y, 2))
    return _trajectory(problem, options, solution, theta, velocity=velocity, again=again)


def _momentum_field(problem, hessian, damping, size):
    """Field and Jacobian of the first-order system in position and velocity."""
    descent = descent_field(problem, (size,))

    def field(t, state):
        velocity = state[size:]
        return np.concatenate([velocity, descent(state[:size]) - damping * velocity])

    def jacobian(t, state):
        result = np.zeros((2 * size, 2 * size))
        result[:size, size:] = np.eye(size)
        result[size:, :size] = -hessian(state[:size])
        result[size:, size:] = -damping * np.eye(size)
        return result

    return field, jacobian
