"""What the matrix flow conserves, and how many laws there are."""

import numpy as np

from gradflows.checks.deep_linear.matrix_flow.networks import (
    draw,
    general_field,
    integers,
    laws,
    nonzero,
    power,
    rates,
    velocities,
)
from gradflows.deep_linear import (
    adjacency_field,
    adjacency_matrix,
    imbalances,
    independent_imbalances,
    interior_blocks,
)
from gradflows.modular import rank_mod
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
SHAPES = [(2, 3, 2), (3, 1, 2, 2), (2, 3, 1, 3, 2)]


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
