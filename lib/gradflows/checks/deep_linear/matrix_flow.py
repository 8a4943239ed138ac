"""Checks of the chapter deep_linear/matrix_flow: the flow of the adjacency matrix, and its laws.

Most identities are polynomial in the weights. They are checked on small integers, for which
floating point does not round, and violations are counted.
"""

import itertools

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.deep_linear import (
    adjacency_field,
    adjacency_matrix,
    balanced_factors,
    block_shift,
    end_to_end,
    hessian_form,
    imbalances,
    independent_imbalances,
    interior_blocks,
    kernel_operator,
    lax_generator,
    random_critical_point,
    weights_from,
    whitened_problem,
)
from gradflows.modular import rank_mod
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
SHAPES = [(2, 3, 2), (3, 1, 2, 2), (2, 3, 1, 3, 2)]


def integers(shape, rng):
    """Return small random integers, none of them zero, as floats."""
    return rng.integers(1, 4, shape) * rng.choice([-1.0, 1.0], shape)


def draw(widths, rng):
    """Return integer weights and an integer target."""
    weights = [integers((b, a), rng) for a, b in itertools.pairwise(widths)]
    return weights, integers((widths[-1], widths[0]), rng)


def velocities(weights, Sigma):
    """Return the velocities of all layers; any integer residual at the output is possible."""
    widths = (weights[0].shape[1], *(len(weight) for weight in weights))
    return weights_from(adjacency_field(adjacency_matrix(weights), Sigma, widths), widths)


def nonzero(*arrays):
    """Count entries that are not exactly zero."""
    return sum(int(np.count_nonzero(array)) for array in arrays)


def power(A, k):
    """Return a power of a matrix; of the transpose for a negative exponent."""
    return np.linalg.matrix_power(A if k >= 0 else A.T, abs(k))


def general_field(A, G, depth):
    """Return the sum of ``(A^(h-j))^T G (A^(j-1))^T`` for any square matrices."""
    return sum(power(A, j - depth) @ G @ power(A, 1 - j) for j in range(1, depth + 1))


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
    "matrix-flow-commutator",
    says="With the field F and the residual G, A^T F - F A^T = (A^h)^T G - G (A^h)^T, so the "
    "interior diagonal blocks of [A, A^T] do not move.",
    **BOOK,
    **EXACT,
)
def commutators(rng):
    """Check the identity for full matrices, then a network; the falsehood flips one sign."""
    violations, control = 0, 0
    for depth in (2, 3, 4):
        A, G = integers((4, 4), rng), integers((4, 4), rng)
        F = general_field(A, G, depth)
        left, first, last = A.T @ F - F @ A.T, power(A, -depth) @ G, G @ power(A, -depth)
        violations += nonzero(left - first + last)
        control += nonzero(left - first - last)
    for widths in SHAPES:
        weights, Sigma = draw(widths, rng)
        A = adjacency_matrix(weights)
        F = adjacency_field(A, Sigma, widths)
        rate = F @ A.T + A @ F.T - F.T @ A - A.T @ F
        violations += nonzero(*interior_blocks(rate, widths))
        control += nonzero(rate)
    return Evidence(violations, control)


def rates(weights, moves, sign=-1):
    """Return the velocities of the imbalances; with ``sign=1`` of sums in place of differences."""
    result = []
    for i in range(len(weights) - 1):
        above, below = weights[i + 1].T @ moves[i + 1], moves[i] @ weights[i].T
        result.append(above + above.T + sign * (below + below.T))
    return result


@statement(
    "matrix-flow-imbalances",
    says="Along gradient flow every imbalance C_i stays what it was, for every differentiable loss "
    "of the end-to-end matrix, hence for all data.",
    status="literature",
    source="arora2018optimization",
    **EXACT,
)
def imbalances_conserved(rng):
    """Let any residual at the output drive the layers; the falsehood is a plus in C_i."""
    violations, control = 0, 0
    for widths in SHAPES:
        for _ in range(3):
            weights, Sigma = draw(widths, rng)
            moves = velocities(weights, Sigma)
            violations += nonzero(*rates(weights, moves))
            control += nonzero(*rates(weights, moves, sign=1))
    return Evidence(violations, control)


def laws(width, m):
    """Return the count ``m d - m (m - 1) / 2`` of one hidden layer of width d."""
    return m * width - m * (m - 1) // 2


@statement(
    "matrix-flow-count",
    says="Generically the imbalances hold sum_i (m_i d_i - m_i (m_i - 1)/2) independent functions, "
    "m_i = min(d_i, d_{i-1} + d_{i+1}); for h = 2 with m the rank of (W_2; W_1^T) at every point.",
    **BOOK,
    **EXACT,
)
def count(rng):
    """Compare with ranks modulo a prime; the falsehood counts the entries, d_i (d_i + 1)/2."""
    violations, control = 0, 0
    for widths in [(1, 3, 1), (2, 4, 1), (3, 2, 3), (1, 3, 1, 3, 1), (1, 4, 2, 1), (2, 3, 2, 2)]:
        found, hidden = independent_imbalances(widths, rng=rng), widths[1:-1]
        bounds = [min(b, a + c) for a, b, c in zip(widths, hidden, widths[2:], strict=False)]
        violations += found != sum(map(laws, hidden, bounds))
        control += found != sum(d * (d + 1) // 2 for d in hidden)
    for m in (1, 2, 3):
        Q = (integers((4, m), rng) @ integers((m, 3), rng)).astype(int)
        # The differential of Q^T J Q with J = diag(1, 1, -1, -1): two inputs and two outputs.
        half = np.einsum("ap,bq->pqab", np.diag([1, 1, -1, -1]) @ Q, np.eye(3, dtype=int))
        full = (half + half.transpose(1, 0, 2, 3)).reshape(9, 12)
        rank = rank_mod(Q)
        violations += rank_mod(full) != laws(3, rank)
    return Evidence(violations, control)


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


def whitened_hessian(weights, Sigma):
    """Return the Hessian of the whitened problem at the weights."""
    problem, theta = whitened_problem(weights, Sigma)
    return problem.hessian(theta)


@statement(
    "matrix-flow-gauge",
    says="Along the flow W_i' W_i^T = W_{i+1}^T W_{i+1}' as full matrices: the velocity is "
    "orthogonal to the motions that change bases of hidden layers.",
    **BOOK,
    **EXACT,
)
def gauge(rng):
    """Compare full matrices, and form inner products; the falsehood transposes one side."""
    violations, control = 0, 0
    for widths in SHAPES:
        weights, Sigma = draw(widths, rng)
        moves = velocities(weights, Sigma)
        for i, d in enumerate(widths[1:-1]):
            left, right = moves[i] @ weights[i].T, weights[i + 1].T @ moves[i + 1]
            violations += nonzero(left - right)
            control += nonzero(left - right.T)
            X = integers((d, d), rng)
            work = np.sum(moves[i] * (X @ weights[i])) - np.sum(moves[i + 1] * (weights[i + 1] @ X))
            violations += int(work != 0)
    return Evidence(violations, control)


@statement(
    "matrix-flow-norms",
    says="The difference of the squared norms of neighbouring layers, and at every hidden node "
    "that of its outgoing and its incoming weights, are conserved; spectral norms stay close.",
    status="literature",
    source="du2018algorithmic",
    **EXACT,
)
def norms(rng):
    """Differentiate norms of layers and nodes; the falsehood adds in place of subtracting."""
    violations, control = 0, 0
    for widths in SHAPES:
        weights, Sigma = draw(widths, rng)
        moves = velocities(weights, Sigma)
        layers = [np.sum(w * v) for w, v in zip(weights, moves, strict=True)]
        violations += nonzero(np.diff(layers))
        control += nonzero(np.add(layers[1:], layers[:-1]))
        for i, C in enumerate(imbalances(weights)):
            leaving = np.sum(weights[i + 1] * moves[i + 1], axis=0)
            entering = np.sum(weights[i] * moves[i], axis=1)
            violations += nonzero(leaving - entering)
            below, above = (np.linalg.norm(weights[k], 2) ** 2 for k in (i, i + 1))
            violations += int(abs(above - below) > np.linalg.norm(C, 2) + 1e-9)
    return Evidence(violations, control)


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
