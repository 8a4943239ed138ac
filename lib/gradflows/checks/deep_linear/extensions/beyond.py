"""Checks of extensions, part two: other losses, other graphs, repeated values, momentum."""

import numpy as np

from gradflows import CrossEntropy, DeepLinear, Problem, gradient_flow
from gradflows.checks.deep_linear.extensions.networks import (
    cubic_gradient,
    grams,
    graph,
    graph_field,
    graph_slopes,
    integers,
    weighted_spectrum,
)
from gradflows.deep_linear import (
    balanced_factors,
    imbalance_sources,
    imbalance_velocities,
    loss_field,
    projected_target,
    skew_charges,
    whitened_problem,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "extensions-separable",
    says="If the loss depends on one combination of the outputs and has no critical point in W, "
    "the parameters of every flow that starts below its value at W = 0 tend to infinity.",
    **BOOK,
    evidence="numeric",
    bound=0.01,
)
def separable(rng):
    """Measure the growth of the norm per decade up to 0.2; the falsehood has labels 0.9 and 0.1."""

    def shortfall(certainty):
        X = rng.standard_normal((2, 12))
        side = np.where(X[0] > 0, certainty, 1 - certainty)
        X[0] += np.sign(X[0]) * 0.3
        problem = Problem(DeepLinear((2, 3, 2)), X, CrossEntropy(np.array([side, 1 - side])))
        start = np.array([[1.0, 0.2], [0.1, 0.5], [0.3, -0.2]])
        theta = problem.network.join([start, np.array([[1.0, 0, 0], [-1.0, 0, 0.2]])])
        if problem.loss(theta) >= np.log(2):
            raise RuntimeError("the start is not below log 2")
        run = gradient_flow(problem, theta, 1e4, times=[0, 1e2, 1e3, 1e4], rtol=1e-7)
        growth = np.diff(np.linalg.norm(run.theta[1:], axis=1))
        return max(0.0, 0.2 - float(growth.min()))

    return Evidence(shortfall(1.0), shortfall(0.9))


@statement(
    "extensions-no-bottleneck",
    says="Without a bottleneck every local minimum of a differentiable loss of the product is a "
    "critical point of that loss in W, hence global if the loss is convex.",
    status="literature",
    source="laurent2018deep",
    evidence="numeric",
    bound=1e-6,
)
def no_bottleneck(rng):
    """Compare ends of flows with the convex minimum; the falsehood has a bottleneck of one."""
    labels = rng.dirichlet(np.full(3, 4.0), size=3).T
    loss, end = CrossEntropy(labels), []
    for widths in ((3, 3), (3, 4, 3), (3, 1, 3)):
        problem = Problem(DeepLinear(widths), np.eye(3), loss)
        start = 0.7 * rng.standard_normal(problem.network.size)
        run = gradient_flow(problem, start, 2000.0, rtol=1e-7)
        end.append(np.linalg.norm(loss.gradient(problem.outputs(run.theta[-1]))))
    return Evidence(max(end[:2]), end[2])


@statement(
    "extensions-weighted",
    says="With weights 1 on the diagonal and omega off it and one hidden node, the Hessian at mode "
    "k has the eigenvalues 0, 2 sigma_k, omega sigma_k +- sigma_j.",
    **BOOK,
    evidence="numeric",
    bound=1e-12,
)
def weighted(rng):
    """Compare spectra at random weights; the falsehood is the spectrum without weights."""
    error = control = 0.0
    for _ in range(5):
        sigma, omega = np.sort(rng.uniform(0.5, 2, 2))[::-1], rng.uniform(1.5, 3)
        for mode in (0, 1):
            slope, values = weighted_spectrum(sigma, omega, mode)
            own, other = sigma[mode], sigma[1 - mode]
            truth, plain = (
                np.sort([0, 2 * own, weight * own + other, weight * own - other])
                for weight in (omega, 1)
            )
            error = max(error, slope, np.abs(values - truth).max())
            control = max(control, np.abs(values - plain).max())
    return Evidence(error, control)


@statement(
    "extensions-dag",
    says="In a linear network on any acyclic graph the gradient is the residual between two "
    "responses; hidden nodes conserve outgoing minus incoming squares, twins also the products.",
    **BOOK,
    **EXACT,
)
def dag(rng):
    """Count in integers; the falsehood claims the law at inputs and outputs."""
    violations = control = 0
    for _ in range(3):
        A, mask = graph(rng)
        target = rng.integers(-3, 4, (2, 2)).astype(float)
        field = graph_field(A, mask, target)
        violations += np.count_nonzero(field != graph_slopes(A, mask, target))
        change = A.T @ field + field.T @ A - A @ field.T - field @ A.T
        violations += np.count_nonzero(np.diag(change)[2:6]) + (change[3, 4] != 0)
        control += np.count_nonzero(np.diag(change)[[0, 1, 6, 7]])
    return Evidence(violations, control)


@statement(
    "extensions-repeated",
    says="The critical products are P Sigma with orthogonal projectors P that commute with "
    "Sigma Sigma^T, also if singular values repeat.",
    **BOOK,
    evidence="numeric",
    bound=1e-10,
)
def repeated(rng):
    """Build critical points over random projectors; the falsehood mixes different values."""
    error = control = 0.0
    U, V = (np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(2))
    for values, mixed in (((2.0, 2.0, 1.0), False), ((2.0, 1.5, 1.0), True)):
        Sigma = U @ np.diag(values) @ V.T
        angle = rng.uniform(0.3, 1.2)
        line = U @ np.array([np.cos(angle), np.sin(angle), 0])
        P = np.outer(line, line)
        product = P @ Sigma if mixed else projected_target(Sigma, P)
        weights = balanced_factors(product, (3, 2, 3, 3), 1, rng=rng)
        problem, theta = whitened_problem(weights, Sigma)
        slope = np.abs(problem.gradient(theta)).max()
        if mixed:
            control = max(control, slope)
        else:
            error = max(error, slope, abs(problem.loss(theta) - 2.5))
    return Evidence(error, control)


@statement(
    "extensions-momentum",
    says="Under momentum the skew part of W_i' W_i^T - W_(i+1)^T W_(i+1)' decays like the "
    "friction, and C_i'' + gamma C_i' = 2 (W_(i+1)'^T W_(i+1)' - W_i' W_i'^T), for any loss.",
    **BOOK,
    **EXACT,
)
def momentum(rng):
    """Put the acceleration into both laws, in integers; the falsehood has no friction."""

    def violations(weights, speeds, bend, friction):
        turn, charge = skew_charges(weights, bend), skew_charges(weights, speeds)
        count = sum(np.count_nonzero(a + friction * b) for a, b in zip(turn, charge, strict=True))
        # Of the second derivative, the part with the acceleration and the part without.
        parts = imbalance_velocities(weights, bend), [2 * M for M in grams(speeds)]
        rest = imbalance_velocities(weights, speeds), imbalance_sources(speeds)
        laws = zip(*parts, *rest, strict=True)
        return count + sum(np.count_nonzero(a + b + friction * c - d) for a, b, c, d in laws)

    result = [0, 0]
    for widths in ((2, 3, 2), (3, 2, 2, 3)):
        weights, speeds = integers(widths, rng), integers(widths, rng)
        force = loss_field(weights, cubic_gradient(rng.integers(-3, 4, (widths[-1], widths[0]))))
        for k, friction in enumerate((3.0, 0.0)):
            bend = [F - friction * V for F, V in zip(force, speeds, strict=True)]
            result[k] += violations(weights, speeds, bend, 3.0)
    return Evidence(*result)
