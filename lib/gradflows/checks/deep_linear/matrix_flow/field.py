"""The matrix flow: pattern, spectrum, Lax form, end-to-end flow, whitening."""

import itertools

import numpy as np
import sympy as sp

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.checks.deep_linear.matrix_flow.networks import (
    draw,
    general_field,
    integers,
    nonzero,
    power,
    rates,
    velocities,
)
from gradflows.deep_linear import (
    adjacency_field,
    adjacency_matrix,
    balanced_factors,
    block_shift,
    end_to_end,
    kernel_operator,
    lax_generator,
    weights_from,
    whitened_problem,
)
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
SHAPES = [(2, 3, 2), (3, 1, 2, 2), (2, 3, 1, 3, 2)]


@statement(
    "matrix-flow-gradient",
    says="For all square A and E, minus the gradient of |E - A^h|^2/2 is the sum of "
    "(A^(h-j))^T (E - A^h) (A^(j-1))^T; on a network its blocks are the layers' gradients.",
    **BOOK,
    **EXACT,
)
def gradient(rng):
    """Differentiate the loss, a polynomial on a line, in rationals; the falsehood transposes E."""
    violations, control = 0, 0
    for depth in (2, 3):
        A, E, V = (integers((4, 4), rng) for _ in range(3))
        nodes = list(range(-depth, depth + 1))
        rule = sp.finite_diff_weights(1, nodes, 0)[1][-1]
        losses = [int(np.sum((E - power(A + k * V, depth)) ** 2)) for k in nodes]
        slope = sum(w * loss for w, loss in zip(rule, losses, strict=True)) / 2
        for target in (E, E.T):
            F = general_field(A, target - power(A, depth), depth)
            wrong = int(slope + int(np.sum(F * V)) != 0)
            violations, control = violations + wrong * (target is E), control + wrong
    weights, Sigma = draw((2, 3, 1, 2), rng)
    W_1, W_2, W_3 = weights
    R = Sigma - W_3 @ W_2 @ W_1
    layers = [(W_3 @ W_2).T @ R, W_3.T @ R @ W_1.T, R @ (W_2 @ W_1).T]
    moves = zip(velocities(weights, Sigma), layers, strict=True)
    return Evidence(violations + nonzero(*(a - b for a, b in moves)), control)


@statement(
    "matrix-flow-pattern",
    says="If A has the block pattern of a network and the residual has degree h, the field has the "
    "pattern too: the flow of the full matrix keeps every zero between layers.",
    **BOOK,
    **EXACT,
)
def pattern(rng):
    """Count entries off the pattern; the falsehood is a residual that reaches one layer back."""
    outside, control = 0, 0
    for widths in SHAPES:
        depth = len(widths) - 1
        A = adjacency_matrix(draw(widths, rng)[0])
        off = adjacency_matrix([np.ones_like(w) for w in weights_from(A, widths)]) == 0
        for _ in range(3):
            G = block_shift([integers((widths[-1], widths[0]), rng)], depth, widths)
            outside += nonzero(general_field(A, G, depth)[off])
        blocks = [integers((widths[i + depth - 1], widths[i]), rng) for i in (0, 1)]
        G = block_shift(blocks, depth - 1, widths)
        control += nonzero(general_field(A, G, depth)[off])
    return Evidence(outside, control)


@statement(
    "matrix-flow-isospectral",
    says="Along the flow A^(h+1) = 0 and all eigenvalues are zero; the field is polynomial, the "
    "sum of parts of degrees h - 1 and 2h - 1.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def isospectral(rng):
    """Scale, and take powers on the way; the falsehood lowers both degrees and the index by one."""

    def violations(shift):
        count = 0
        for widths in SHAPES:
            depth, (weights, Sigma) = len(widths) - 1, draw(widths, rng)
            A = adjacency_matrix(weights)
            high = adjacency_field(A, 0 * Sigma, widths)
            low = adjacency_field(A, Sigma, widths) - high
            scaled = 2.0 ** (depth - 1 - shift) * low + 2.0 ** (2 * depth - 1 - shift) * high
            count += nonzero(adjacency_field(2 * A, Sigma, widths) - scaled)
            count += nonzero(power(A + low + high, depth + 1 - shift))
        return count

    return Evidence(violations(0), violations(1))


@statement(
    "matrix-flow-lax",
    says="While no rank of a partial product changes, A moves in one orbit of changes of basis, "
    "and its velocity is a commutator [B, A] with a block diagonal B.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def lax(rng):
    """Solve for B at generic points and along a flow of low rank; the falsehood forgets ranks."""
    error = 0.0
    for widths in [(3, 2, 4, 3), (2, 5, 1, 4), (2, 2, 2)]:
        weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
        error = max(error, lax_generator(weights, rng.standard_normal((widths[-1], widths[0])))[1])
    W = np.outer(rng.uniform(0.5, 1, 2), rng.uniform(0.5, 1, 2))
    Sigma = np.diag([2.0, 1.0])
    problem, theta = whitened_problem(balanced_factors(W, (2, 3, 2), 1), Sigma)
    run = gradient_flow(problem, theta, 1.0, times=np.linspace(0, 1, 5))
    for point in run.theta:
        first, last = problem.network.split(point)
        error = max(error, lax_generator([first, last], Sigma)[1])
    raising = [np.diag([1.0, 0.0]), np.eye(2)]
    return Evidence(error, lax_generator(raising, Sigma)[1])


@statement(
    "matrix-flow-lax-breaks",
    says="If d_0 = d_h, every Lax generator has tr B_h - tr B_0 = d/dt log|det W|, and so it grows "
    "without bound where det W passes zero.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def lax_breaks(rng):
    """Compare traces with the derivative of log|det W|; the falsehood adds the two traces."""
    error, control = 0.0, 0.0
    for widths in [(2, 2, 2), (2, 4, 3, 2), (3, 3, 4, 3)]:
        weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
        Sigma, d = rng.standard_normal((widths[-1], widths[0])), widths[0]
        B, _ = lax_generator(weights, Sigma)
        W, R = end_to_end(weights), Sigma - end_to_end(weights)
        speed = (kernel_operator(weights) @ R.T.ravel()).reshape(d, d).T
        rate = np.trace(np.linalg.solve(W, speed))
        first, last = np.trace(B[:d, :d]), np.trace(B[-d:, -d:])
        error = max(error, abs(last - first - rate) / (1 + np.abs(B).max()))
        control = max(control, abs(last + first - rate))
    return Evidence(error, control)


@statement(
    "matrix-flow-end-to-end",
    says="The product moves by the tangent kernel, W' = sum_i W_{h:i+1} W_{h:i+1}^T (Sigma - W) "
    "W_{i-1:1}^T W_{i-1:1}, and the squared gradient is the quadratic form of this kernel.",
    status="literature",
    source="arora2018optimization",
    **EXACT,
)
def end_to_end_flow(rng):
    """Compare with the product rule; the falsehood stacks rows in place of columns."""
    violations, control = 0, 0
    for widths in SHAPES:
        weights, Sigma = draw(widths, rng)
        moves, K = velocities(weights, Sigma), kernel_operator(weights)
        swapped = [weights[:i] + [v] + weights[i + 1 :] for i, v in enumerate(moves)]
        speed, R = sum(map(end_to_end, swapped)), Sigma - end_to_end(weights)
        violations += nonzero(K @ R.T.ravel() - speed.T.ravel())
        control += nonzero(K @ R.ravel() - speed.ravel())
        violations += int(sum(np.sum(v**2) for v in moves) != R.T.ravel() @ K @ R.T.ravel())
    return Evidence(violations, control)


@statement(
    "matrix-flow-whitening",
    says="With H = XX^T, whitening maps loss to loss, but multiplies the velocity of the first "
    "layer by H; the imbalances, formed with the original weights, are conserved for all data.",
    **BOOK,
    **EXACT,
)
def whitening(rng):
    """Compare velocities in integers, X square and diagonal; the falsehood omits H."""
    violations, control = 0, 0
    for widths in [(2, 3, 2), (3, 2, 2, 2)]:
        weights, Y = draw(widths, rng)
        X = np.diag(np.arange(1.0, widths[0] + 1))
        problem = Problem(DeepLinear(widths), X, SquaredLoss(Y, mean=False))
        theta = problem.network.join(weights)
        moves = problem.network.split(-problem.gradient(theta))
        violations += nonzero(*rates(weights, moves))
        white, primed = [weights[0] @ X, *weights[1:]], [moves[0] @ X, *moves[1:]]
        plain = velocities(white, Y)  # the target of the whitened problem is Y X^T H^(-1/2) = Y
        violations += int(problem.loss(theta) != 0.5 * np.sum((Y - end_to_end(white)) ** 2))
        control += nonzero(primed[0] - plain[0])
        plain[0] = plain[0] @ X @ X
        violations += nonzero(*(a - b for a, b in zip(primed, plain, strict=True)))
    return Evidence(violations, control)
