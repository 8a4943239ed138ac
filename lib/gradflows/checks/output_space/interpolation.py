"""Checks of the chapter output_space/interpolation: straight lines in the space of outputs."""

import numpy as np
import sympy as sp
from scipy.integrate import simpson

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import (
    RankDeficiencyError,
    SymbolicModel,
    class_scatter,
    continuation_steps,
    homotopy_field,
    linear_interpolation,
    output_flow,
    stopping_time,
)
from gradflows.statements import Evidence, statement

NUMERIC = dict(evidence="numeric", bound=1e-6)
BOOK = dict(status="this book", source="this book")


def tanh_problem(rng, widths=(2, 8, 2), n=4):
    """Return a tanh network with random inputs and labels, and a random start."""
    network = MLP(widths)
    labels = SquaredLoss(rng.normal(size=(widths[-1], n)))
    return Problem(network, rng.normal(size=(widths[0], n)), labels), rng.normal(size=network.size)


def off_line(run):
    """Return the largest distance of the outputs from where the straight line says, by time."""
    line = linear_interpolation(run.outputs[0], run.labels, run.share)
    return np.linalg.norm(run.outputs - line, axis=(1, 2))


@statement(
    "interpolation-straight-line",
    says="As long as the adapted flow of a squared loss exists and J has full row rank, the "
    "outputs are (1 - t) x_0 + t Y with t = 1 - exp(-s/n), and the cost is (1 - t)^2 L_0.",
    status="paper",
    source="chen2024equivalence",
    **NUMERIC,
)
def straight_line(rng):
    """Follow tanh networks in the time s; the falsehood is the standard flow."""
    error = control = 0.0
    for widths, n in (((2, 8, 2), 4), ((3, 12, 1), 6)):
        problem, start = tanh_problem(rng, widths, n)
        given = dict(t_end=3.0 * n, times=np.linspace(0, 3.0 * n, 13), rtol=1e-9)
        run = output_flow(problem, start, 1.0, **given)
        cost = run.loss[0] * np.exp(-2 * run.t / n)
        error = max(error, off_line(run).max(), np.abs(run.loss - cost).max())
        control = max(control, off_line(output_flow(problem, start, 0.0, **given)).max())
    return Evidence(error, control)


@statement(
    "interpolation-finite-clock",
    says="On the clock t the adapted flow is theta' = J^+ (Y - x_0); where it exists up to t = 1 "
    "it reaches the labels there.",
    status="literature",
    source="davidenko1953new",
    **NUMERIC,
)
def finite_clock(rng):
    """Compare the two fields along the way, and the end; the falsehood aims at Y - x(t)."""
    problem, start = tanh_problem(rng)
    labels, X = problem.loss_function.labels, problem.inputs
    run = output_flow(problem, start, 1.0, clock="t", t_end=1.0, times=np.linspace(0, 1, 9))
    error, control = np.abs(run.outputs[-1] - labels).max(), 0.0
    way = labels - run.outputs[0]
    for t, theta, outputs in zip(run.t[:-1], run.theta, run.outputs, strict=False):
        J, g = problem.network.jacobian(theta, X), problem.loss_function.gradient(outputs)
        ds_dt = labels.shape[1] / (1 - t)
        expected = homotopy_field(J, g, 1.0).velocity * ds_dt
        inverse = np.linalg.pinv(J)
        error = max(error, np.abs(inverse @ way.T.ravel() - expected).max())
        wrong = inverse @ (labels - outputs).T.ravel()
        control = max(control, np.abs(wrong - expected).max())
    return Evidence(error, control)


@statement(
    "interpolation-ends",
    says="The line ends before t = 1 in one of two ways: at a point where J loses rank, after a "
    "finite length, or after an infinite length, as for x = arctan(theta) and labels beyond pi/2.",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def ends(rng):
    """Compare times and places with formulas; the falsehood is that full rank suffices."""
    theta = sp.Symbol("theta")
    near, far = rng.uniform(0.5, 1.3), rng.uniform(2.0, 3.0)
    reached = arc(sp.atan(theta), theta, 0.0, near)
    error = max(abs(reached[0] - 1), abs(reached[1] - np.tan(near)))
    escape = arc(sp.atan(theta), theta, 0.0, far)
    error = max(error, abs(escape[0] - np.pi / (2 * far)), 1 / abs(escape[1]))
    wall = arc(theta**2, theta, 1.0, -near)
    error = max(error, abs(wall[0] - 1 / (1 + near)), abs(wall[1]))
    return Evidence(error, control=abs(escape[0] - 1))


def arc(formula, symbol, start, label):
    """Return the time at which the line of a scalar model ends, and the parameter there."""
    problem = Problem(SymbolicModel([formula], [symbol]), [[1.0]], SquaredLoss([[label]]))
    try:
        run = output_flow(problem, [start], 1.0, clock="t", t_end=1.0, guard=1e-10)
    except RankDeficiencyError as error:
        return error.time, error.theta[0]
    return run.t[-1], run.theta[-1, 0]


@statement(
    "interpolation-stopping",
    says="At full rank the adapted flow has the cost L at the time (n/2) log(L_0/L); the standard "
    "flow needs between 1/mu_max and 1/mu_min of this, mu the eigenvalues of K on the way.",
    status="literature",
    source="chen2023global",
    **NUMERIC,
)
def stopping(rng):
    """Stop at random costs and bound the rate of the standard flow; the falsehood: n for n/2."""
    problem, start = tanh_problem(rng)
    n, x0, labels = 4, problem.outputs(start), problem.loss_function.labels
    cost = problem.loss(start) * rng.uniform(1e-3, 1e-1)
    wait = stopping_time(x0, labels, n, cost)
    given = dict(times=[0, wait, 2 * wait], rtol=1e-10)
    run = output_flow(problem, start, 1.0, t_end=2 * wait, **given)
    error, control = np.abs(run.loss[1:] / cost - 1)
    standard = output_flow(problem, start, 0.0, t_end=3.0, times=np.linspace(0, 3, 1501))
    needed = 0.5 * n * np.log(standard.loss[0] / standard.loss)
    slow, fast = standard.singular_values.min() ** 2, standard.singular_values.max() ** 2
    outside = np.max([needed - fast * standard.t, slow * standard.t - needed])
    return Evidence(max(error, outside, 0.0), control)


@statement(
    "interpolation-cheapest",
    says="Among the velocities v of the parameters with J v = w the shortest is J^+ w, and only "
    "this one; its square is w^T K^-1 w.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def cheapest(rng):
    """Count violations in rational numbers; the falsehood solves with the first columns of J."""
    error = control = 0
    for _ in range(4):
        J = sp.Matrix(2, 4, [int(k) for k in rng.integers(-5, 6, 8)])
        w = sp.Matrix([int(k) for k in rng.integers(1, 6, 2)])
        if J[:, :2].det() == 0:
            J[:, :2] = J[:, :2] + 11 * sp.eye(2)
        K = J * J.T
        price = (w.T * K.inv() * w)[0]
        best = J.T * K.inv() * w
        corner = sp.Matrix([*(J[:, :2].inv() * w), 0, 0])
        error += bool(J * best != w) + bool(best.dot(best) != price)
        for kernel in J.nullspace():
            other = best + int(rng.integers(1, 5)) * kernel
            error += bool(J * other != w) + bool(other.dot(other) <= price)
        control += bool(J * corner == w) and bool(corner.dot(corner) != price)
    return Evidence(error, control)


@statement(
    "interpolation-steps",
    says="After N steps that aim again the outputs miss the labels by N^-2 times half the second "
    "derivative of x along the end of the flow; aiming once, by N^-1 times half its integral.",
    **BOOK,
    evidence="numeric",
    bound=0.05,
)
def steps(rng):
    """Compare with the constants; the falsehood is the second order without aiming again."""
    problem, start = tanh_problem(rng, (2, 10, 1), 3)
    labels, N = problem.loss_function.labels, 512
    run = output_flow(problem, start, 1.0, clock="t", t_end=1.0, times=np.linspace(0, 1, 65))
    bends = np.array([half_bend(problem, theta, run.outputs[0]) for theta in run.theta])
    missed = [
        problem.outputs(continuation_steps(problem, start, N, aim_again=again)[-1]) - labels
        for again in (True, False)
    ]
    again, once = bends[-1], simpson(bends, x=run.t, axis=0)
    error = max(relative(N**2 * missed[0], again), relative(N * missed[1], once))
    return Evidence(error, control=relative(N**2 * missed[1], again))


def half_bend(problem, theta, x0):
    """Return half the second derivative of the outputs along the velocity of the flow."""
    network, X, labels = problem.network, problem.inputs, problem.loss_function.labels
    velocity = np.linalg.pinv(network.jacobian(theta, X)) @ (labels - x0).T.ravel()
    bend = np.zeros(labels.shape)
    for place in np.ndindex(labels.shape):
        unit = np.zeros(labels.shape)
        unit[place] = 1
        bend[place] = velocity @ network.second_order(theta, X, unit) @ velocity / 2
    return bend


def relative(found, expected):
    """Return the distance in units of the expected size."""
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@statement(
    "interpolation-nearly-straight",
    says="Between the flows, if all eigenvalues of K(tau K + 1 - tau)^-1 stay within d < 1 of 1, "
    "outputs stay within d (1 - d)^(1/d - 1) |x_0 - Y| of the line; the bound is attained.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def nearly_straight(rng):
    """Measure tanh networks and the extremal linear one; the falsehood is half the bound."""
    error, tau = 0.0, 0.98
    for _ in range(2):
        problem, start = tanh_problem(rng, (2, 30, 1), 3)
        times = np.linspace(0, 30, 61)
        run = output_flow(problem, start, tau, t_end=30.0, times=times)
        error = max(error, off_line(run).max() - deviation_bound(run, tau))
    theta, slope = sp.Symbol("theta"), rng.uniform(0.4, 0.8)
    model = SymbolicModel([sp.Float(slope) * theta], [theta])
    problem = Problem(model, [[1.0]], SquaredLoss([[1.0]]))
    run = output_flow(problem, [0.0], 0.0, t_end=6.0, times=np.linspace(0, 6, 3001))
    bound, far = deviation_bound(run, 0.0), off_line(run).max()
    return Evidence(max(error, abs(far - bound)), control=far - bound / 2)


def deviation_bound(run, tau):
    """Return the bound of the statement, with the eigenvalues that the run has met."""
    kernel = run.singular_values**2
    d = np.abs(kernel / (tau * kernel + 1 - tau) - 1).max()
    return d * (1 - d) ** (1 / d - 1) * np.linalg.norm(run.outputs[0] - run.labels)


@statement(
    "interpolation-collapse",
    says="Scatter within classes and squared distances from class means to labels fall as "
    "(1 - t)^2; the hidden features may rest all the while.",
    **BOOK,
    **NUMERIC,
)
def collapse(rng):
    """Measure a trained net, and one whose last layer alone moves; the falsehood is 1 - t."""
    classes = np.array([0, 0, 1, 2, 1, 0, 2, 2, 1])
    labels, share = np.eye(3)[:, classes], np.linspace(0, 0.9, 10)
    network = MLP((2, 20, 3))
    problem = Problem(network, rng.normal(size=(2, 9)), SquaredLoss(labels))
    given = dict(clock="t", t_end=0.9, times=share, rtol=1e-10)
    run = output_flow(problem, rng.normal(size=network.size), 1.0, **given)
    features = rng.normal(size=(12, 9))  # of a hidden layer at rest: inputs of the last layer
    last = Problem(MLP((12, 3)), features, SquaredLoss(labels))
    frozen = output_flow(last, rng.normal(size=last.size), 1.0, **given)
    error = control = 0.0
    for found in (run, frozen):
        means = found.outputs @ (labels / labels.sum(axis=1, keepdims=True)).T
        to_labels = np.sum((means - np.eye(3)) ** 2, axis=(1, 2))
        for spread in (class_scatter(found.outputs, classes), to_labels):
            error = max(error, np.abs(spread / spread[0] - (1 - share) ** 2).max())
            control = max(control, np.abs(spread / spread[0] - (1 - share)).max())
    return Evidence(error, control)
