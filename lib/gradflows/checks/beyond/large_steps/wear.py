"""Checks of large_steps, part two: the edge of stability, and what wears the imbalance away."""

from fractions import Fraction
from itertools import product

import numpy as np

from gradflows.beyond import edge_end, edge_start, quartic_descent
from gradflows.deep_linear import imbalances, whitened_problem
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "large-steps-edge",
    says="On the quartic toy, started within eta^2 of the edge, descent ends at a minimum with "
    "eta lambda = 2 - eta^2 (1 + W_0(16 C/e))/2 + o(eta^2).",
    **BOOK,
    evidence="numeric",
    bound=0.01,
)
def edge(rng):
    """Measure the end in units of eta^2; the falsehood is 2 - eta^2/2 whatever the start."""
    step = 0.02
    x, z = rng.uniform(0.4, 2.0, 8), rng.uniform(0.1, 0.9, 8)
    z[0], x[0] = 0.9, 0.4
    end = quartic_descent(edge_start(x, z, step), step, 40000, every=40000)[-1]
    imbalance = end[:, 0] ** 2 - end[:, 1] ** 2
    seen = (step * 2 * np.hypot(imbalance, 2) - 2) / step**2
    return Evidence(np.abs(seen - 2 * edge_end(x, z)).max(), np.abs(seen + 0.5).max())


@statement(
    "large-steps-wear",
    says="One step with weight decay mu and any labels changes C_i into (1 - eta mu)^2 C_i + "
    "eta^2 (G_(i+1)^T G_(i+1) - G_i G_i^T), exactly.",
    **BOOK,
    **EXACT,
)
def wear(rng):
    """Compare in integers, with eta = 2 and mu = 3; the falsehood decays by 1 - 2 eta mu."""
    violations = control = 0
    for widths in ((2, 3, 2), (1, 2, 2, 3), (1, 1, 1)):
        problem, theta, weights = _integers(widths, rng)
        gradients = problem.network.split(problem.gradient(theta))
        moved = [(1 - 6) * W - 2 * G for W, G in zip(weights, gradients, strict=True)]
        for before, push, after in zip(
            imbalances(weights), imbalances(gradients), imbalances(moved), strict=True
        ):
            violations += np.count_nonzero(after != 25 * before + 4 * push)
            control += np.count_nonzero(after != (1 - 12) * before + 4 * push)
    return Evidence(violations, control)


@statement(
    "large-steps-flow-end",
    says="A step lowers the sharpness of the minimum that the flow would reach from two weights "
    "iff eta |r| < sqrt(2), and leaves it exactly at equality or for c = 0.",
    **BOOK,
    **EXACT,
)
def flow_end(rng):
    """Compare c^2 in rational arithmetic; the falsehood has eta |r| < 2."""
    violations = control = 0
    for k in rng.integers(-30, 31, (60, 3)):
        u, v, step = (Fraction(int(entry), 10) for entry in k)
        rest, step = 1 - u * v, abs(step)
        after = (u + step * rest * v) ** 2 - (v + step * rest * u) ** 2
        change = after**2 - (u * u - v * v) ** 2
        if u * u == v * v or step * rest == 0:
            violations += change != 0
            continue
        violations += (change < 0) != ((step * rest) ** 2 < 2)
        control += (change < 0) != ((step * rest) ** 2 < 4)
    # between the two thresholds the falsehood fails for certain
    control += 9 * (1 - Fraction(3, 2) ** 2) ** 2 > 9
    return Evidence(violations, control)


@statement(
    "large-steps-noise",
    says="Label noise of variance tau^2 adds eta^2 tau^2 (d_2 W_1 W_1^T - d_0 W_2^T W_2) to the "
    "mean of the imbalance: the layers are balanced if d_0 = d_2, and else in that proportion.",
    **BOOK,
    **EXACT,
)
def noise(rng):
    """Average over all signs of the noise, in integers; the falsehood is -d_0 C for all widths."""
    violations = control = 0
    for widths in ((2, 2, 3), (1, 2, 3), (2, 3, 2)):
        problem, theta, weights = _integers(widths, rng)
        network, R = problem.network, -problem.loss_function.gradient(problem.outputs(theta))
        signs = [np.reshape(s, R.shape) for s in product((-3.0, 3.0), repeat=R.size)]
        mean = 0.0
        for Xi in signs:
            gradient = network.pullback(theta, problem.inputs, -(R + Xi))
            moved = network.split(theta - 2 * gradient)
            mean = mean + imbalances(moved)[0] - imbalances(weights)[0]
        W1, W2 = weights
        residual = W1 @ R.T @ R @ W1.T - W2.T @ R @ R.T @ W2
        law = widths[2] * W1 @ W1.T - widths[0] * W2.T @ W2
        violations += np.count_nonzero(mean / len(signs) != 4 * residual + 36 * law)
        false = -widths[0] * imbalances(weights)[0]
        control += np.count_nonzero(mean / len(signs) != 4 * residual + 36 * false)
    return Evidence(violations, control)


def _integers(widths, rng):
    """Draw weights and a target with small integer entries, none of the weights zero."""
    shapes = list(zip(widths[1:], widths, strict=False))
    weights = [rng.integers(1, 4, shape) * rng.choice([-1.0, 1.0], shape) for shape in shapes]
    problem, theta = whitened_problem(weights, rng.integers(-3, 4, (widths[-1], widths[0])))
    return problem, theta, weights
