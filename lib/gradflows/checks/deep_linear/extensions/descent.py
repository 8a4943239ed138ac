"""Checks of extensions, part one: gradient descent, its drift and its largest steps."""

import numpy as np
import sympy as sp

from gradflows import gradient_descent
from gradflows.checks.deep_linear.extensions.networks import (
    integers,
    pushed,
    safe_step,
    step_of_drift,
    worst_rise,
)
from gradflows.deep_linear import (
    adjacency_field,
    adjacency_matrix,
    balanced_factors,
    critical_step,
    descent_drift,
    loss_field,
    whitened_problem,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "extensions-algebra",
    says="Gradient descent for any loss of the product keeps the pattern of layers, A^(h+1) = 0, "
    "and all eigenvalues zero.",
    **BOOK,
    **EXACT,
)
def algebra(rng):
    """Take integer steps; the falsehood starts with one edge from layer 0 to layer 2."""
    widths = (2, 3, 2, 3)
    weights, Sigma = integers(widths, rng), rng.integers(1, 4, (3, 2)).astype(float)
    pattern = adjacency_matrix([np.ones_like(W) for W in weights]) != 0

    def violations(A):
        count = 0
        for _ in range(2):
            A = A + 2 * adjacency_field(A, Sigma, widths)
            count += np.count_nonzero(A[~pattern])
            count += np.count_nonzero(np.linalg.matrix_power(A, 4))
        return count

    A = adjacency_matrix(weights)
    skip = A.copy()
    skip[5, 0] = 1.0
    moved = pushed(weights, loss_field(weights, lambda W: W - Sigma), 2.0)
    same = np.count_nonzero(adjacency_matrix(moved) != A + 2 * adjacency_field(A, Sigma, widths))
    return Evidence(violations(A) + same, violations(skip))


@statement(
    "extensions-drift",
    says="One step of gradient descent changes C_i by exactly eta^2 (G_(i+1)^T G_(i+1) - "
    "G_i G_i^T), G_i the gradients, for any loss of the product.",
    **BOOK,
    **EXACT,
)
def drift(rng):
    """Compare in integers, for a quartic loss; the falsehood has a plus."""
    violations = control = 0
    for widths in ((3, 2, 3), (2, 3, 1, 2), (1, 2, 2, 1)):
        change, law = step_of_drift(widths, rng)
        violations += np.count_nonzero(change != law)
        control += np.count_nonzero(change != -law)
    return Evidence(violations, control)


@statement(
    "extensions-drift-bound",
    says="If every step descends, each C_i moves by at most 2 eta (L_0 - L_K) in nuclear norm, all "
    "together by sqrt(2) times that in Frobenius norm and twice that in the sum; all are sharp.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def drift_bound(rng):
    """Measure the excess over the bounds; the falsehood gives the factor 1 to all together."""
    error = control = 0.0
    cases = [([[[10.0]], [[0.0]], [[10.0]]], [[1.0]], 1e-4, 1)]
    for widths in ((3, 4, 3), (2, 3, 3, 2), (2, 2, 2, 2, 2)):
        shapes = zip(widths[1:], widths, strict=False)
        weights = [0.5 * rng.standard_normal(shape) for shape in shapes]
        cases.append((weights, rng.standard_normal((widths[-1], widths[0])), 1e-3, 300))
    for case in cases:
        run = descent_drift(*case)
        if not run.descends:
            raise RuntimeError("a step did not descend")
        shares = [run.nuclear.max(), run.frobenius / np.sqrt(2), run.nuclear.sum() / 2]
        error = max(error, max(shares) / run.bound - 1, run.squares / run.bound - 1)
        control = max(control, run.frobenius / run.bound - 1)
    return Evidence(max(error, 0.0), control)


@statement(
    "extensions-safe-step",
    says="On the region of bounded loss and nearly conserved imbalances, which is compact, a step "
    "can be chosen in advance with which descent never leaves it and goes down at every step.",
    **BOOK,
    evidence="numeric",
    bound=1e-12,
)
def safe_steps(rng):
    """Run with the explicit step; the falsehood takes a step of 0.7, as for a single layer."""
    error = control = 0.0
    for widths in ((2, 2, 2), (2, 2, 2, 2)):
        shapes = zip(widths[1:], widths, strict=False)
        weights = [rng.standard_normal(shape) for shape in shapes]
        Sigma = np.diag(rng.uniform(2.0, 3.0, 2))
        step = safe_step(weights, Sigma)
        error = max(error, worst_rise(weights, Sigma, step, 300))
        moved = descent_drift(weights, Sigma, step, 300)
        error = max(error, max(np.linalg.norm(C) for C in moved.changes) - 1)
        control = max(control, worst_rise(weights, Sigma, 0.7, 2))
    return Evidence(max(error, 0.0), control)


@statement(
    "extensions-threshold",
    says="A minimum W = Sigma attracts gradient descent below eta = 2/lambda_max, is left above "
    "it, and lambda_max >= h sigma_1^(2-2/h), with equality at balanced minima.",
    status="literature",
    source="mulayoff2020unique",
    evidence="numeric",
    bound=1e-8,
)
def threshold(rng):
    """Measure losses and sharpness; the falsehood steps 5 percent beyond the threshold."""
    error = control = 0.0
    for widths in ((2, 3, 2), (3, 3, 2, 2)):
        h, sigma = len(widths) - 1, np.array([2.0, 1.2]) * rng.uniform(0.9, 1.1)
        Sigma = np.zeros((widths[-1], widths[0]))
        np.fill_diagonal(Sigma, sigma)
        weights = balanced_factors(Sigma, widths, 2, rng=rng)
        flattest = 2 / (h * sigma[0] ** (2 - 2 / h))
        error = max(error, abs(critical_step(weights, Sigma) - flattest))
        weights[0], weights[1] = 1.5 * weights[0], weights[1] / 1.5
        limit = critical_step(weights, Sigma)
        error = max(error, limit - flattest)
        problem, theta = whitened_problem(weights, Sigma)
        theta = theta + 1e-3 * rng.standard_normal(theta.size)
        below = gradient_descent(problem, theta, 0.9 * limit, 800).loss
        above = gradient_descent(problem, theta, 1.05 * limit, 800).loss
        error, control = max(error, below[-1]), max(control, above.max())
    return Evidence(error, control)


@statement(
    "extensions-cubic",
    says="The map u + eta u (1 - u^2): cycle of period 2 with uv = 1/eta and multiplier 9 - "
    "2 (1 + eta)^2, three times the angle at eta = 2, expansion by more than 3 beyond.",
    **BOOK,
    **EXACT,
)
def cubic(rng):
    """Divide polynomials at rational steps; the falsehood is a cycle with u^2 + v^2 = 1."""
    u, x = sp.symbols("u x")

    def violations(excess):
        count = 0
        for numerator in rng.integers(30, 60, 4):
            eta = sp.Rational(int(numerator), 29)
            step = u + eta * u * (1 - u**2)
            cycle = u**4 - (1 + excess / eta) * u**2 + 1 / eta**2
            slopes = step.diff(u) * step.diff(u).subs(u, step)
            for claim in (step.subs(u, step) - u, slopes - (9 - 2 * (1 + eta) ** 2)):
                count += sp.rem(sp.expand(claim), cycle, u) != 0
            end = sp.Rational(4, 27) * (1 + eta) ** 3 / eta - (eta + 2) / eta
            count += sp.expand(end + (2 - eta) * (5 + 2 * eta) ** 2 / (27 * eta)) != 0
            gap = (1 + eta - 3 * x) ** 2 - 9 * (1 - eta * x + x**2)
            count += sp.expand(gap - (eta - 2) * (3 * x + eta + 4)) != 0
            rim = sp.expand(1 + 2 / eta - step**2)
            square = (u**2 + 1 / eta) ** 2 - (1 + 2 / eta) * u**2
            count += sp.expand(rim - eta**2 * (1 + 2 / eta - u**2) * square) != 0
        triple = sp.sqrt(2) * sp.expand_trig(sp.sin(3 * x))
        turned = (3 * u - 2 * u**3).subs(u, sp.sqrt(2) * sp.sin(x))
        return count + (sp.expand(triple - turned) != 0)

    return Evidence(violations(1), violations(0))


@statement(
    "extensions-trap",
    says="From equal layers alpha I flow and short-stepped descent towards a diagonal target end "
    "at the target with its negative entries replaced by zero.",
    **BOOK,
    evidence="numeric",
    bound=1e-5,
)
def trap(rng):
    """Run descent for depths 2 and 3; the falsehood disturbs the start."""
    error = control = 0.0
    for h in (2, 3):
        target = np.diag([2.0, -1.0]) * rng.uniform(0.9, 1.1)
        end = np.maximum(target, 0)
        problem, theta = whitened_problem([np.eye(2)] * h, target)
        other = theta + 0.05 * rng.standard_normal(theta.size)
        runs = gradient_descent(problem, np.array([theta, other]), 0.05, 2500)
        away = [np.abs(problem.outputs(run.theta[-1]) - end).max() for run in runs]
        error, control = max(error, away[0]), max(control, away[1])
    return Evidence(error, control)
