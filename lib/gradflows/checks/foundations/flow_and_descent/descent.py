"""Steps and friction: descent and momentum beside the flow."""

from fractions import Fraction

import numpy as np
import sympy as sp

from gradflows import (
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.checks.foundations.flow_and_descent.problems import chain, first_order_error, slope
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "flow-and-descent-euler",
    says="Up to a fixed time T gradient descent is within eta M (exp(beta T) - 1) / (2 beta) "
    "of the flow.",
    status="literature",
    source="hairer1993solving",
    evidence="numeric",
    bound=2e-2,
)
def distance_is_of_first_order(rng):
    """Fit the exponent of the distance in the step, and compare it with the bound."""
    problem, start, radius = chain(2), rng.uniform(0.3, 1.2, 2), 0.25
    flow = gradient_flow(problem, start, 1.0, times=np.linspace(0, 1, 257))
    acceleration = [problem.hessian(x) @ problem.gradient(x) for x in flow.theta]
    largest = np.max(np.linalg.norm(acceleration, axis=1))
    reach = (np.max(np.linalg.norm(flow.theta, axis=1)) + radius) ** 2
    beta = 1.5 * reach + 1  # |Hessian| <= u^2 + v^2 + |1 - u v|
    steps = 1 / np.array([64, 128, 256])
    allowed = steps * largest * np.expm1(beta) / (2 * beta)
    runs = [gradient_descent(problem, start, step, round(1 / step)).theta for step in steps]
    errors = [
        np.max(np.linalg.norm(run - flow.theta[:: round(256 * step)], axis=1))
        for run, step in zip(runs, steps, strict=True)
    ]
    exponent = slope(steps, errors)
    excess = max(np.max(errors / allowed) - 1, 0.0)
    return Evidence(max(abs(exponent - 1), excess), abs(exponent - 2))


@statement(
    "flow-and-descent-first-order",
    says="(descent - flow) / eta tends to the solution of e' = -H e - H grad L / 2, e(0) = 0.",
    status="literature",
    source="hairer1993solving",
    evidence="numeric",
    bound=1e-3,
)
def error_has_a_limit(rng):
    """Compare the scaled distance, extrapolated in the step, with the equation for it."""
    problem, start = chain(2), rng.uniform(0.3, 1.2, 2)
    flow = gradient_flow(problem, start, 1.0, times=np.linspace(0, 1, 401))

    def scaled(n_steps):
        end = gradient_descent(problem, start, 1 / n_steps, n_steps).theta[-1]
        return n_steps * (end - flow.theta[-1])

    seen = 2 * scaled(1000) - scaled(500)
    miss = [
        np.linalg.norm(seen - first_order_error(problem, flow, sign)) / np.linalg.norm(seen)
        for sign in (1.0, -1.0)
    ]
    return Evidence(*miss)


@statement(
    "flow-and-descent-drift",
    says="A step of descent multiplies u^2 - v^2 by 1 - eta^2 (1 - u v)^2, exactly.",
    **BOOK,
    **EXACT,
)
def imbalance_shrinks_exactly(rng):
    """Count violations over five steps in rational arithmetic."""
    # u > 1 > v in sixteenths: neither u = v nor u v = 1, where there is no drift to get wrong.
    u, v, step = (Fraction(int(rng.integers(*ends)), 16) for ends in ((17, 30), (4, 16), (1, 8)))
    error = control = 0
    for _ in range(5):
        c, r = u * u - v * v, 1 - u * v
        u, v = u + step * r * v, v + step * r * u
        factor = step**2 * r**2
        error += u * u - v * v != c * (1 - factor)
        control += u * u - v * v != c * (1 + factor)
    return Evidence(error, control)


@statement(
    "flow-and-descent-step",
    says="With a step up to 1 / beta descent lowers the loss by at least eta |grad L|^2 / 2.",
    status="literature",
    source="nesterov2018lectures",
    evidence="numeric",
    bound=1e-9,
)
def short_steps_descend(rng):
    """Measure the least descent on a sum of log-cosh, whose beta is known."""
    rows = rng.normal(size=(6, 4))
    beta = np.linalg.norm(rows, 2) ** 2

    def worst(theta, step, n_steps):
        excess = []
        for _ in range(n_steps):
            slant = rows.T @ np.tanh(rows @ theta)
            after = theta - step * slant
            change = np.sum(np.log(np.cosh(rows @ after) / np.cosh(rows @ theta)))
            excess.append(change / (step * slant @ slant / 2) + 1)
            theta = after
        return max(*excess, 0.0)

    steepest = np.linalg.svd(rows)[2][0]
    # Planted: the same promise for a step of 2.5 / beta, near the minimum.
    return Evidence(worst(rng.normal(size=4), 1 / beta, 8), worst(1e-3 * steepest, 2.5 / beta, 2))


@statement(
    "flow-and-descent-zero-drift",
    says="From u = v = delta descent keeps u = v exactly and leaves the saddle late, by the factor "
    "eta / log(1 + eta).",
    **BOOK,
    evidence="numeric",
    bound=5e-3,
)
def zero_drift_and_late(rng):
    """Measure drift and delay of descent from a tiny symmetric start."""
    step = rng.uniform(0.3, 0.7)
    u = v = delta = 1e-300
    steps = 0
    while u * v < 0.5:
        r = 1 - u * v
        u, v, steps = u + step * r * v, v + step * r * u, steps + 1
    delay = steps * step / np.log(1 / delta)
    # Planted: on time, as the vanishing drift suggests.
    return Evidence(abs(delay - step / np.log1p(step)) + abs(u - v), abs(delay - 1))


@statement(
    "flow-and-descent-momentum",
    says="Momentum flow loses energy at the rate gamma |theta'|^2, and the imbalance obeys "
    "c'' + gamma c' = 2 (u'^2 - v'^2).",
    **BOOK,
    **EXACT,
)
def companion_law(rng):
    """Differentiate energy and imbalance along the equation of motion."""
    t, gamma = sp.symbols("t gamma", positive=True)
    u, v = (sp.Function(name)(t) for name in "uv")
    loss = (1 - u * v) ** 2 / 2
    force = {w.diff(t, 2): -gamma * w.diff(t) - sp.diff(loss, w) for w in (u, v)}
    speed, skew = (u.diff(t) ** 2 + sign * v.diff(t) ** 2 for sign in (1, -1))
    c = u**2 - v**2

    def failures(drift, loss_of_energy):
        law = c.diff(t, 2) + gamma * c.diff(t) - 2 * drift
        energy = (speed / 2 + loss).diff(t) + loss_of_energy
        return sum(sp.expand(part.subs(force)) != 0 for part in (law, energy))

    # Planted: a sum instead of a difference of squares, and twice the friction.
    return Evidence(failures(skew, gamma * speed), failures(speed, 2 * gamma * speed))


@statement(
    "flow-and-descent-overdamped",
    says="On the clock t / gamma momentum is within O(1 / gamma^2) of the gradient flow.",
    **BOOK,
    evidence="numeric",
    bound=5e-2,
)
def friction_gives_the_flow(rng):
    """Fit the exponent of the distance to the gradient flow in the damping."""
    problem, start, clock = chain(2), rng.uniform(0.3, 1.2, 2), np.linspace(0, 2, 21)
    flow = gradient_flow(problem, start, 2.0, times=clock)
    dampings = np.array([16.0, 32.0, 64.0])
    errors = [
        np.max(np.abs(momentum_flow(problem, start, g, 2 * g, times=g * clock).theta - flow.theta))
        for g in dampings
    ]
    exponent = slope(dampings, errors)
    return Evidence(abs(exponent + 2), abs(exponent + 1))
