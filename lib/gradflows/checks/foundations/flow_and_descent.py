"""Checks of the chapter foundations/flow_and_descent: what a drawn flow may be trusted for."""

from fractions import Fraction

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from gradflows import (
    DeepLinear,
    Problem,
    SquaredLoss,
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


def chain(layers):
    """Return the problem ``L = (1 - w_1 ... w_h)^2 / 2`` of a chain of `layers` scalar weights."""
    one = np.ones((1, 1))
    return Problem(DeepLinear((1,) * (layers + 1)), one, SquaredLoss(one, mean=False))


def slope(steps, errors):
    """Return the exponent p of ``error = C step^p``, by regression in the logarithms."""
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def largest_ratio(t, theta, loss):
    """Return the largest distance between two times over what energy allows between them."""
    i, j = np.triu_indices(len(t), 1)
    far = np.linalg.norm(theta[j] - theta[i], axis=1)
    return np.max(far / np.sqrt((t[j] - t[i]) * (loss[i] - loss[j])))


@statement(
    "flow-and-descent-existence",
    says="The flow of a loss bounded below exists for ever, and moves at most "
    "sqrt(time * loss lost).",
    status="literature",
    source="hirsch1974differential",
    evidence="numeric",
    bound=1e-6,
)
def moves_at_most_as_energy_allows(rng):
    """Measure by how much some distance along a flow exceeds its bound."""
    t = np.linspace(0, 3, 61)
    flow = gradient_flow(chain(3), rng.normal(size=3), 3.0, times=t)
    error = largest_ratio(t, flow.theta, flow.loss) - 1
    # Planted: the field of |theta|^2 / 2 with a rotation added, which is no gradient.
    spiral = np.exp((3j - 1) * t)
    spiral = np.column_stack([spiral.real, spiral.imag])
    control = largest_ratio(t, spiral, np.sum(spiral**2, axis=1) / 2) - 1
    return Evidence(max(error, 0.0), control)


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


def first_order_error(problem, flow, sign=1.0):
    """Return the limit of (descent - flow) / step, from its equation; `sign` plants an error."""
    path = flow.theta

    def rate(t, error):
        theta = np.array([np.interp(t, flow.t, column) for column in path.T])
        hessian = problem.hessian(theta)
        return -hessian @ error - sign * hessian @ problem.gradient(theta) / 2

    span = (flow.t[0], flow.t[-1])
    return solve_ivp(rate, span, np.zeros(path.shape[1]), rtol=1e-6, atol=1e-9).y[:, -1]


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
    "flow-and-descent-finite-length",
    says="Where the Lojasiewicz inequality holds, a trajectory is no longer than its bound allows.",
    status="literature",
    source="lojasiewicz1963propriete",
    evidence="numeric",
    bound=1e-6,
)
def length_is_bounded(rng):
    """Measure the length of a flow of two weights against its bound."""
    u = rng.uniform(1.2, 2)
    v = rng.uniform(0.3, 0.8) / u
    flow = gradient_flow(chain(2), [u, v], 30.0, times=np.linspace(0, 30, 3001))
    length = np.sum(np.linalg.norm(np.diff(flow.theta, axis=0), axis=1))
    # |grad L| = sqrt(2 L) |theta|, and |theta| grows as long as 0 < u v < 1.
    alpha, mu = 0.5, np.sqrt(2) * np.hypot(u, v)
    allowed = flow.loss[0] ** (1 - alpha) / mu
    # Planted: the factor 1 / (1 - alpha) forgotten.
    return Evidence(max(length / (allowed / (1 - alpha)) - 1, 0.0), length / allowed - 1)


def failures_of_the_hat(sign):
    """Count which of four properties the hat lacks; `sign` is that of its oscillation."""
    r, phi = sp.symbols("r phi", positive=True)
    psi, g = 1 / (1 - r**2), r**4 / (r**4 + (1 - r**2) ** 4)
    f = sp.exp(-psi) * (1 - sign * g * sp.sin(2 * phi - psi))
    velocity = (-sp.diff(f, r), -sp.diff(f, phi) / r**2)
    outward, around = (sp.factor(sp.exp(psi) * part.subs(phi, psi / 2)) for part in velocity)
    lacks = [
        around - sp.diff(psi / 2, r) * outward,
        outward - 2 * r * (1 - r**2) ** 2 / (r**4 + (1 - r**2) ** 4),
        sp.exp(psi) * f.subs(phi, psi / 2) - 1,
        sp.cancel(sp.diff(psi, r) * outward).subs(r, 1) - 4,
    ]
    return sum(sp.simplify(value) != 0 for value in lacks)


@statement(
    "flow-and-descent-hat",
    says="The curve 2 phi = 1 / (1 - r^2) is a trajectory of the hat and winds round for ever.",
    status="literature",
    source="absil2005convergence",
    **EXACT,
)
def hat_spirals(rng):
    """Differentiate the hat and put the spiral in; plant a flipped sign."""
    return Evidence(failures_of_the_hat(1), failures_of_the_hat(-1))


@statement(
    "flow-and-descent-strict-saddles",
    says="The starts from which the flow converges to some strict saddle form a null set.",
    status="literature",
    source="panageas2017gradient",
    **EXACT,
)
def random_starts_leave_strict_saddles(rng):
    """Count starts that end near a saddle."""
    flows = gradient_flow(chain(2), rng.normal(size=(40, 2)), 30.0, times=[0, 30], rtol=1e-6)
    trapped = sum(np.linalg.norm(flow.theta[-1]) < 0.05 for flow in flows)
    # Planted: the word strict dropped. L = x^3/3 + x^4/4 has a nonstrict saddle at 0.
    starts = rng.uniform(-1, 1, 40)
    run = solve_ivp(lambda t, x: -(x**2) * (1 + x), (0, 100), starts, rtol=1e-6)
    return Evidence(trapped, np.sum(np.abs(run.y[:, -1]) < 0.05))


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
    "flow-and-descent-chain-traps",
    says="A chain of scalar weights is trapped exactly if it starts at a saddle, or its product "
    "is negative and its smallest modulus occurs twice.",
    **BOOK,
    evidence="numeric",
    bound=1e-3,
)
def ties_are_trapped(rng):
    """Run one tied and one untied start with negative product."""
    a, b = rng.uniform(0.8, 1.0), rng.uniform(1.2, 1.5)
    stuck = gradient_flow(chain(3), [-a, a, b], 12.0).loss[-1]
    free = gradient_flow(chain(3), [-a, b, b], 60.0).loss[-1]
    # Planted: only three equal moduli trap, so that the tied start should come to loss 0.
    return Evidence(max(abs(stuck - 0.5), free), stuck)


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


@statement(
    "flow-and-descent-rates",
    says="Exponent 1/2 gives an exponential rate, exponent a > 1/2 the rate t^(-1/(2a-1)).",
    status="literature",
    source="polyak1963gradient",
    **EXACT,
)
def powers_attain_the_rates(rng):
    """Check that the bound solves the equation of the loss on powers."""
    t, x0 = sp.symbols("t x0", positive=True)

    def failures(power):
        count = 0
        for k in range(2, 6):  # L = x^(2k) / (2k), where the Lojasiewicz inequality is an equality
            a = 1 - sp.Rational(1, 2 * k)
            mu, start = sp.Integer(2 * k) ** a, x0 ** (2 * k) / (2 * k)
            bound = (start ** (1 - 2 * a) + (2 * a - 1) * mu**2 * t) ** (-1 / power(a))
            slant = mu * bound**a
            count += sp.simplify((sp.diff(bound, t) + slant**2).subs({t: 3, x0: 2})) != 0
        return count

    return Evidence(failures(lambda a: 2 * a - 1), failures(lambda a: 1 - a))
