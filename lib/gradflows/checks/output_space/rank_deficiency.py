"""Checks of the chapter output_space/rank_deficiency: where the outputs leave the straight line."""

import numpy as np
import sympy as sp
from scipy.integrate import quad, trapezoid

from gradflows import MLP
from gradflows.checks.output_space.rank_deficiency_networks import (
    THETA,
    curve_problem,
    integer_layer,
    is_full,
    product_problem,
    run_or_stop,
    steps,
    tanh_problem,
)
from gradflows.modular import rank_mod
from gradflows.output_space import interpolation_deviation, output_flow, straight_line_reach
from gradflows.statements import Evidence, statement

NUMERIC = dict(evidence="numeric", bound=1e-6)
EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")


@statement(
    "rank-deficiency-deviation",
    says="The outputs minus the straight line are (1-t) times the integral of P_perp r/(1-t)^2; "
    "the distance to the labels never grows, and the loss is at least (1-t)^2 L_0.",
    **BOOK,
    **NUMERIC,
)
def deviation(rng):
    """Follow curves in three dimensions; the falsehood has the exponent 1 in the integral."""
    error = control = 0.0
    times = 1 - np.exp(-np.linspace(0, 3, 400))
    for _ in range(3):
        shape = rng.uniform(0.5, 1.5, 3)
        outputs = [sp.cos(THETA) * shape[0], sp.sin(THETA) * shape[1], THETA * shape[2]]
        problem = curve_problem(outputs, rng.normal(size=3))
        run = output_flow(problem, [2.0], 1.0, clock="t", t_end=0.96, times=times, rtol=1e-11)
        measured, formula = interpolation_deviation(run)
        error = max(error, np.abs(measured - formula).max())
        error = max(
            error, np.diff(run.loss).max(), ((1 - times) ** 2 - run.loss / run.loss[0])[1:].max()
        )
        parts = [gap - run.projection(k, gap) for k, gap in enumerate(run.outputs - run.labels)]
        once = np.array(parts) / (1 - times)[:, None, None]
        wrong = (1 - times[-1]) * trapezoid(once, times, axis=0)
        control = max(control, np.abs(measured[-1] - wrong).max())
    return Evidence(error, control)


@statement(
    "rank-deficiency-constant",
    says="If the projector P is constant, the outputs are y + (1-t) P r_0 + P_perp r_0, a straight "
    "line to y + P_perp r_0.",
    **BOOK,
    **NUMERIC,
)
def constant(rng):
    """Train on inputs two of which are repeated; the falsehood is the line to the labels."""
    X = rng.normal(size=(2, 4))
    problem, start = tanh_problem((2, 8, 2), np.hstack([X, X[:, :2]]), rng)
    times = np.linspace(0, 18, 10)
    run = output_flow(problem, start, 1.0, t_end=18.0, times=times, rank=8, rtol=1e-10)
    late, gap = (1 - run.share)[:, None, None], run.outputs[0] - run.labels
    moving = run.projection(0, gap)
    error = np.abs(run.labels + late * moving + gap - moving - run.outputs).max()
    return Evidence(error, np.abs(run.labels + late * gap - run.outputs).max())


@statement(
    "rank-deficiency-repeated",
    says="Repeated inputs: P takes the mean over the samples with equal inputs, if the Jacobian on "
    "the distinct inputs has full row rank; the outputs go straight to the mean labels.",
    **BOOK,
    **EXACT,
)
def repeated(rng):
    """Compare ranges in integers; the falsehood takes the mean over inputs that differ."""

    def violations(member, X):
        n, outputs = X.shape[1], 2
        counts = member.sum(axis=0)
        scale = int(np.prod(counts))
        mean = np.kron(member * (scale // counts) @ member.T, np.eye(outputs, dtype=int))
        V, W = rng.integers(-9, 10, (outputs, 3)), rng.integers(-9, 10, (3, 3))
        rows = [np.hstack([np.kron(np.eye(2, dtype=int), W @ x), np.kron(V, x)]) for x in X.T]
        J = np.vstack(rows)
        fixed = np.count_nonzero(mean @ J != scale * J)
        return fixed + abs(rank_mod(J) - rank_mod(mean)), n

    distinct = np.array([[1, 0, 0], [2, 1, 0], [-1, 3, 1]]) * rng.choice([-1, 1], (1, 3))
    member = np.eye(3, dtype=int)[[0, 1, 2, 0, 1, 0]]
    X = distinct @ member.T
    other = X.copy()
    other[:, 3] += [1, 0, 0]
    return Evidence(violations(member, X)[0], violations(member, other)[0])


@statement(
    "rank-deficiency-circle",
    says="On the unit circle with the label (R, 0): tan(theta/2) = tan(theta_0/2) (1-t)^R.",
    **BOOK,
    **NUMERIC,
)
def circle(rng):
    """Compare with the flow for R of both signs; the falsehood is the exponent 1."""
    times, error, control = np.linspace(0, 0.95, 20), 0.0, 0.0
    for radius in (rng.uniform(0.2, 0.8), rng.uniform(1.5, 3), rng.uniform(-2, -1.2)):
        start = rng.uniform(0.5, 2.5)
        problem = curve_problem([sp.cos(THETA), sp.sin(THETA)], [radius, 0.0])
        run = output_flow(problem, [start], 1.0, clock="t", t_end=0.95, times=times, rtol=1e-11)
        exact, wrong = (
            2 * np.arctan(np.tan(start / 2) * (1 - times) ** power) for power in (radius, 1)
        )
        error = max(error, np.abs(run.theta[:, 0] - exact).max())
        control = max(control, np.abs(run.theta[:, 0] - wrong).max())
    return Evidence(error, control)


@statement(
    "rank-deficiency-wall",
    says="One parameter, one output with a zero of order m - 1 of its derivative on the way: it is "
    "reached at t* = (x_*-x_0)/(y-x_0). For odd m a straight orbit crosses it, for even m none.",
    **BOOK,
    **NUMERIC,
)
def wall(rng):
    """Time the stop and integrate across it; the falsehood crosses at an even order."""
    error = control = 0.0
    for m in (2, 3, 4, 5):
        x0, y = rng.uniform(0.5, 2), -rng.uniform(0.5, 2)
        problem = curve_problem([THETA**m], [y])
        stop = run_or_stop(problem, [x0 ** (1 / m)])
        turn = x0 / (x0 - y)
        error = max(error, abs(stop.time - turn))

        def across(t, x0=x0, y=y, m=m):
            line = x0 + t * (y - x0)
            return np.sign(line) * abs(line) ** (1 / m)

        def speed(t, x0=x0, y=y, m=m, place=across):
            return (y - x0) / (m * place(t) ** (m - 1))

        # On both sides of t* the integral of the speed must give the way of the parameter.
        parts = [quad(speed, a, b, limit=500)[0] for a, b in ((0, turn), (turn, 1))]
        missed = abs(sum(parts) - across(1) + across(0))
        missed = max(missed, abs(across(1) ** m - y))
        if m % 2:
            error = max(error, missed)
        else:
            control = max(control, missed)
    return Evidence(error, control)


@statement(
    "rank-deficiency-layer",
    says="One hidden layer: J^T vec M consists of M Phi^T and of the vectors X~ diag(phi'_j) M^T "
    "v_j, so J loses row rank exactly if all of them vanish for some nonzero M.",
    **BOOK,
    evidence="numeric",
    bound=1e-10,
)
def layer(rng):
    """Compare the pullback with the formula; the falsehood forgets the slopes."""
    error = control = 0.0
    for widths, n in (((2, 3, 3), 6), ((1, 4, 2), 5), ((3, 2, 1), 4)):
        network, X = MLP(widths), rng.normal(size=(widths[0], n))
        theta, M = rng.normal(size=network.size), rng.normal(size=(widths[-1], n))
        W1, b1, W2, _ = network.split(theta)
        inner = np.tanh(W1 @ X + b1[:, None])
        Phi, ones = np.vstack([inner, np.ones(n)]), np.vstack([X, np.ones(n)])
        parts = network.split(network.pullback(theta, X, M))
        outer = np.column_stack([parts[2], parts[3]]) - M @ Phi.T
        back = np.column_stack([parts[0], parts[1]])
        formula = ((W2.T @ M) * (1 - inner**2)) @ ones.T
        error = max(error, np.abs(outer).max(), np.abs(back - formula).max())
        control = max(control, np.abs(back - W2.T @ M @ ones.T).max())
    return Evidence(error, control)


@statement(
    "rank-deficiency-outer",
    says="If all X~ diag(phi'_j) are injective on ker Phi, J has full row rank exactly if rank Phi "
    "= n or the output weights v_j span all outputs.",
    **BOOK,
    **EXACT,
)
def outer(rng):
    """Draw layers in integers; the falsehood asks for rank Phi = n, the obvious count."""
    violations = falsehood = 0
    for hidden, corank, spanning in (
        (5, 0, True),
        (5, 0, False),
        (5, 1, True),
        (5, 1, False),
        (4, 1, True),
        (4, 1, False),
        (3, 2, True),
        (3, 2, False),
    ):
        full = is_full(*integer_layer(6, 2, hidden, 3, corank, spanning, rng))
        violations += full != (corank == 0 or spanning)
        falsehood += full != (corank == 0)
    return Evidence(violations, falsehood)


@statement(
    "rank-deficiency-width",
    says="For tanh, distinct inputs and n - 1 hidden nodes, Phi has rank n outside a closed null "
    "set of parameters.",
    **BOOK,
    **EXACT,
)
def width(rng):
    """Find a nonzero minor in rational numbers; the falsehood repeats an input."""
    violations = falsehood = 0
    for n in (3, 4, 5):
        inputs = rng.choice(np.arange(-6, 7), n, replace=False)
        violations += steps(inputs).det() == 0
        inputs[-1] = inputs[0]
        falsehood += steps(inputs).det() == 0
    return Evidence(violations, falsehood)


@statement(
    "rank-deficiency-reach",
    says="If J is b-Lipschitz and |y - x_0| < sigma_0^2/(2 b), the adapted flow reaches the labels "
    "at t = 1, and its least singular value squared stays above sigma_0^2 - 2 b t |y - x_0|.",
    **BOOK,
    **NUMERIC,
)
def reach(rng):
    """Use products of two matrices, b = 1, and theta^2, b = 2; the falsehood forgets the half."""
    error = 0.0
    for widths in ((2, 4, 2), (3, 3, 3)):
        problem, start = product_problem(widths, lambda s: 0.99 * straight_line_reach(s, 1.0), rng)
        run = output_flow(problem, start, 1.0, clock="t", t_end=1.0, rtol=1e-10)
        values = run.smallest_singular_value
        distance = np.linalg.norm(run.outputs[0] - run.labels)
        floor = values[0] ** 2 - 2 * run.t * distance
        error = max(error, np.abs(run.outputs[-1] - run.labels).max(), (floor - values**2).max())
    x0 = rng.uniform(0.5, 2)
    ends = []
    for share in (0.99, 1.98):
        label = x0 - share * straight_line_reach(2 * np.sqrt(x0), 2.0)
        problem = curve_problem([THETA**2], [label])
        result = run_or_stop(problem, [np.sqrt(x0)])
        last = np.atleast_2d(result.theta)[-1]
        ends.append(abs(problem.outputs(last)[0, 0] - label))
    return Evidence(max(error, ends[0]), ends[1])
