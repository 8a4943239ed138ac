"""Where the matrix flow goes: boundedness, limits, second derivatives."""

import itertools

import numpy as np
from scipy.integrate import solve_ivp

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.checks.deep_linear.matrix_flow.networks import whitened_hessian
from gradflows.deep_linear import (
    balanced_factors,
    end_to_end,
    hessian_form,
    imbalances,
    random_critical_point,
    whitened_problem,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
SHAPES = [(2, 3, 2), (3, 1, 2, 2), (2, 3, 1, 3, 2)]


@statement(
    "matrix-flow-bounded",
    says="With kappa the sum of |C_i|, |W_h|^2 <= |W|^(2/h) + kappa, and every layer obeys it with "
    "2 kappa; balanced weights attain the first with kappa = 0.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def bounded(rng):
    """Measure violations at random and balanced weights; the falsehood drops kappa."""
    error, control = 0.0, 0.0
    for widths in SHAPES:
        depth = len(widths) - 1
        for scale in 10 ** rng.uniform(-2, 1, (60, depth)):
            shapes = zip(itertools.pairwise(widths), scale, strict=True)
            weights = [s * rng.standard_normal((b, a)) for (a, b), s in shapes]
            kappa = sum(np.linalg.norm(C, 2) for C in imbalances(weights))
            reach = np.linalg.norm(end_to_end(weights), 2) ** (2 / depth)
            squares = [np.linalg.norm(weight, 2) ** 2 for weight in weights]
            size = max(squares)
            error = max(error, squares[-1] / (reach + kappa) - 1, size / (reach + 2 * kappa) - 1)
            control = max(control, squares[-1] / reach - 1)
    W = np.outer(rng.standard_normal(3), rng.standard_normal(2))
    last = balanced_factors(W, (2, 3, 1, 3), 1)[-1]
    tight = np.linalg.norm(last, 2) ** 2 / np.linalg.norm(W, 2) ** (2 / 3) - 1
    return Evidence(max(error, abs(tight)), control)


@statement(
    "matrix-flow-limit",
    says="Every trajectory stays within the bounds of its imbalances and its loss, has finite "
    "length, and converges to one critical point.",
    status="paper",
    source="wendin2025survey",
    evidence="numeric",
    bound=1e-6,
)
def limit(rng):
    """Let random networks come to rest; the falsehood drops the bound and follows exp(-uv)."""
    error, target = 0.0, np.diag([3.0, 2.0])
    for widths in [(2, 4, 2), (2, 3, 3, 2)]:
        network = DeepLinear(widths)
        problem = Problem(network, np.eye(2), SquaredLoss(target, mean=False))
        theta = rng.standard_normal(network.size) / 1.5
        run = gradient_flow(problem, theta, 80.0, times=[0.0, 40.0, 80.0])
        layers = network.split(theta)
        kappa = sum(np.linalg.norm(C, 2) for C in imbalances(layers))
        reach = (3 + np.sqrt(2 * run.loss[0])) ** (2 / (len(widths) - 1)) + 2 * kappa
        sizes = [np.linalg.norm(w, 2) ** 2 for end in run.theta for w in network.split(end)]
        moved = np.linalg.norm(run.theta[2] - run.theta[1])
        slope = np.linalg.norm(problem.gradient(run.theta[-1]))
        error = max(error, slope, moved, max(sizes) - reach)
    # From u = v the flow of exp(-uv) is u' = u exp(-u^2), which never stops.
    free = solve_ivp(lambda t, u: u * np.exp(-(u**2)), (0, 80), [1.0], t_eval=[40, 80])
    return Evidence(error, np.ptp(free.y))


@statement(
    "matrix-flow-almost-every",
    says="From almost every start the limit product is a best approximation of Sigma of its own "
    "rank; for h = 2 almost every start reaches a global minimum.",
    status="literature",
    source="bah2022learning",
    evidence="numeric",
    bound=1e-6,
)
def almost_every(rng):
    """Train from random starts; the falsehood says every start, and meets one of rank one."""
    sigma, error = np.array([3.0, 2.0, 1.0]), 0.0
    for widths in [(3, 2, 3), (3, 3, 2, 3)]:
        network = DeepLinear(widths)
        problem = Problem(network, np.eye(3), SquaredLoss(np.diag(sigma), mean=False))
        starts = rng.standard_normal((4, network.size)) / 1.5
        ends = np.array([gradient_flow(problem, start, 60.0).loss[-1] for start in starts])
        allowed = [0.5 * np.sum(sigma[k:] ** 2) for k in range(3)]
        allowed = allowed[-1:] if len(widths) == 3 else allowed
        error = max(error, np.abs(ends[:, None] - allowed).min(axis=1).max())
    first, last = np.zeros((2, 3)), np.zeros((3, 2))
    first[0, 0] = last[0, 0] = rng.uniform(0.5, 1)
    problem, theta = whitened_problem([first, last], np.diag(sigma))
    return Evidence(error, abs(gradient_flow(problem, theta, 60.0).loss[-1] - 0.5))


@statement(
    "matrix-flow-second-order",
    says="A critical point whose Hessian has no negative eigenvalue holds a best approximation of "
    "Sigma of its own rank, and for h = 2 it is a global minimum.",
    status="literature",
    source="kawaguchi2016deep",
    evidence="numeric",
    bound=1e-8,
)
def second_order(rng):
    """Measure the curvature -2 s (tau - s) of the rotation; the falsehood exchanges s and tau."""
    sigma, error, control = np.array([3.0, 2.0, 1.0]), 0.0, 0.0
    Sigma = np.diag(sigma)
    for widths in [(3, 3, 3), (3, 2, 4, 3), (3, 4, 2, 3, 3)]:
        for s, tau in [(1, 0), (2, 0), (2, 1)]:
            weights = random_critical_point(widths, sigma, [s], rng=rng)
            J = np.zeros((3, 3))
            J[tau, s], J[s, tau] = 1, -1
            still = [np.zeros_like(weight) for weight in weights[1:-1]]
            turn = [-weights[0] @ J, *still, J @ weights[-1]]
            form = hessian_form(weights, Sigma, turn)
            error = max(error, abs(form + 2 * sigma[s] * (sigma[tau] - sigma[s])))
            control = max(control, abs(form + 2 * sigma[tau] * (sigma[s] - sigma[tau])))
    for learned in ([], [0], [1]):
        least = np.linalg.eigvalsh(
            whitened_hessian(random_critical_point((3, 2, 3), sigma, learned, rng=rng), Sigma)
        )[0]
        error = max(error, least + 1e-6)
    return Evidence(error, control)
