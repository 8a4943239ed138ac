"""Checks of large_steps, part one: who stays, who converges, and who lands."""

from fractions import Fraction

import numpy as np
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from gradflows import DeepLinear, Problem, SquaredLoss
from gradflows.beyond import gd_fate, landing_factor, min_sharpness, sharpness
from gradflows.deep_linear import balanced_factors, whitened_problem
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "large-steps-stay",
    says="Near a critical point with a curvature outside [0, 2/eta] two iterates that differ in an "
    "unstable direction separate geometrically, so that those that stay form a null set.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def stay(rng):
    """Follow pairs near a minimum of two weights; the falsehood takes eta lambda below 2."""
    problem = _chain(2)

    def worst(product):
        v, u = 1 / (a := rng.uniform(1.5, 2.5)), a
        step = product / (u * u + v * v)
        unstable = np.array([u, v]) / np.hypot(u, v)
        pair = np.array([v, u]) + 1e-4 * rng.standard_normal((2, 2))
        pair[1] = pair[0] + 1e-5 * unstable
        short = 0.0
        for _ in range(40):
            if np.abs(pair - [v, u]).max() > 2e-3:
                break
            before = pair[1] - pair[0]
            pair = pair - step * problem.gradient(pair)
            growth = abs((pair[1] - pair[0]) @ unstable) / abs(before @ unstable)
            short = max(short, max(abs(product - 1) - 0.1, 1.0) - growth)
        return short

    error = max(worst(product) for product in (2.4, 3.0, 4.0))
    return Evidence(max(error, 0.0), worst(1.6))


@statement(
    "large-steps-null-sets",
    says="Descent on a deep linear network with h >= 2 takes no set of positive measure to a null "
    "set, for any step: det(I - eta Hessian) does not vanish identically.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def null_sets(rng):
    """Find a point with nonzero determinant, exactly; the falsehood uses the origin for h = 2."""
    violations = control = 0
    for hidden in (2, 3):
        roots = np.sort(rng.choice([1.0, 2.0, 4.0], 2, replace=False))[::-1]
        Sigma = np.diag(np.append(roots**2, 0.0)[: int(rng.integers(2, 4))])
        d = len(Sigma)
        tau = float(rng.choice([4.0, 8.0]))
        inner, outer = np.zeros((hidden, d)), np.zeros((d, hidden))
        inner[:2, :2], outer[:2, :2] = tau * np.diag(roots), np.diag(roots) / tau
        for step in 1 / roots**2:
            violations += _determinant([inner, outer], Sigma, step) == 0
            control += _determinant([0 * inner, 0 * outer], Sigma, step) == 0
    deep = [np.zeros((2, 2))] * 3
    violations += _determinant(deep, np.eye(2), 1.0) != 1
    return Evidence(violations, control)


@statement(
    "large-steps-outside",
    says="Outside a null set of starts, descent that converges does so at a critical point whose "
    "Hessian has all eigenvalues between 0 and 2/eta.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def outside(rng):
    """Inspect the ends of random runs; the falsehood says it of all starts, one that lands too."""
    error = 0.0
    for problem, steps in ((_chain(2), (0.5, 0.9)), (_chain(3), (0.3, 0.6))):
        for step in steps:
            fate = gd_fate(problem, rng.uniform(-1.5, 1.5, (100, problem.size)), step)
            for end in fate.ends[fate.settled]:
                values = np.linalg.eigvalsh(problem.hessian(end))
                error = max(error, step * values[-1] / 2 - 1, -step * values[0])
    landed = gd_fate(_chain(2), np.array([[0.5, 0.5]]), 4 / 3, 10)
    return Evidence(error, 4 / 3 * sharpness(_chain(2), landed.ends[0]) / 2 - 1)


@statement(
    "large-steps-critical-step",
    says="Above eta_c = 2/(h sigma_1^(2-2/h)) almost no start of descent converges to a minimum; "
    "below, every balanced minimum has a neighbourhood from which all do.",
    status="literature",
    source="craciun2024convergence",
    evidence="numeric",
    bound=1e-9,
)
def critical(rng):
    """Count wrong fates near balanced minima; the falsehood forgets the factor h."""
    wrong = control = 0.0
    for widths, rank in (((2, 2, 2), 2), ((3, 2, 3), 1), ((2, 3, 2, 2), 2)):
        depth, sigma = len(widths) - 1, np.sort(rng.uniform(0.8, 2.0, rank))[::-1]
        Sigma = np.zeros((widths[-1], widths[0]))
        Sigma[range(rank), range(rank)] = sigma
        weights = balanced_factors(Sigma, widths, rank, rng=rng)
        problem, theta = whitened_problem(weights, Sigma)
        starts = theta + 0.01 * rng.standard_normal((20, theta.size))
        limit = 2 / min_sharpness(sigma[0], depth)
        losses = [_end_loss(problem, starts, share * limit) for share in (0.9, 1.1)]
        wrong = max(wrong, np.mean(losses[0] > 1e-5), np.mean(losses[1] < 1e-5))
        control = max(control, np.mean(losses[1] > 1e-5))  # 1.1 limit is below 2 / sigma_1^(2-2/h)
    return Evidence(wrong, control)


@statement(
    "large-steps-landing",
    says="One step multiplies the residual of two weights by 1 - eta(u^2+v^2) - eta^2 r u v; where "
    "this vanishes descent lands on a minimum, and for every step such starts form a curve; "
    "sharp minima are reached in no other way.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def landing(rng):
    """Count in rational arithmetic; the falsehood starts 1e-9 beside the curve."""
    violations = control = 0
    for _ in range(20):
        u, v, step = (Fraction(int(k), 7) for k in rng.integers(-20, 21, 3))
        rest = 1 - u * v
        after = 1 - (u + step * rest * v) * (v + step * rest * u)
        violations += after != rest * landing_factor(u, v, step)
    for root in range(2, 7):  # u = v = x with x^2 = (2 + eta -+ (root - 1/root)) / (2 eta)
        step = Fraction(root) + Fraction(1, root) - 2
        for sign in (-1, 1):
            square = (2 + step + sign * (root - Fraction(1, root))) / (2 * step)
            # a step takes x to x (1 + eta (1 - x^2)), so its square is rational too
            violations += square * (1 + step * (1 - square)) ** 2 != 1
            beside = square + Fraction(1, 10**9)
            control += beside * (1 + step * (1 - beside)) ** 2 != 1
    return Evidence(violations, control)


def _chain(depth):
    """Make the problem of scalar weights with the target 1."""
    return Problem(DeepLinear((1,) * (depth + 1)), [[1.0]], SquaredLoss([[1.0]], mean=False))


def _determinant(weights, Sigma, step):
    """Evaluate det(I - step * Hessian) for dyadic entries, in exact arithmetic."""
    problem, theta = whitened_problem(weights, Sigma)
    matrix = np.eye(theta.size) - step * problem.hessian(theta)
    rows = [[QQ(*float(entry).as_integer_ratio()) for entry in row] for row in matrix]
    return DomainMatrix(rows, matrix.shape, QQ).det()


def _end_loss(problem, starts, step):
    """Return the loss at the end of each run, infinite where it diverged."""
    fate = gd_fate(problem, starts, step, 600)
    losses = np.full(len(starts), np.inf)
    if not fate.diverged.all():
        losses[~fate.diverged] = problem.loss(fate.ends[~fate.diverged])
    return losses
