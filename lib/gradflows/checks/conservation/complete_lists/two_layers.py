"""Two-layer linear networks: the algebra so(d_2, d_0), the imbalance, lower ranks, sheets.

The stack of W_2 and the transpose of W_1 is an (N, r) matrix, N = d_0 + d_2, r = d_1. All checks
count violations in exact arithmetic.
"""

import itertools

import numpy as np

from gradflows.modular import PRIME, kernel_mod, rank_mod
from gradflows.statements import Evidence, statement

SHAPES = ((1, 1, 3), (2, 1, 2), (2, 2, 3), (1, 3, 5), (3, 2, 4))


def signature(n, m):
    """Return J, with n ones and m times minus one."""
    return np.diag([1] * n + [-1] * m)


def tasks(n, m):
    """Return the matrices S of the generators, one for each entry of W_2 W_1."""
    result = []
    for i, j in np.ndindex(n, m):
        S = np.zeros((n + m, n + m), dtype=int)
        S[i, n + j] = S[n + j, i] = 1
        result.append(S)
    return result


def so_matrices(n, m):
    """Return a basis of the matrices L with L^T J + J L = 0."""
    J, result = signature(n, m), []
    for a, b in itertools.combinations(range(n + m), 2):
        K = np.zeros((n + m, n + m), dtype=int)
        K[a, b], K[b, a] = 1, -1
        result.append(J @ K)
    return result


def stack_of_rank(N, r, rank, rng):
    """Draw an integer (N, r) matrix of this rank."""
    return rng.integers(1, 500, (N, rank)) @ rng.integers(1, 500, (rank, r))


def imbalance_slopes(eta, J):
    """Return the gradients of the entries of eta^T J eta as rows."""
    r, rows = eta.shape[1], []
    for a, b in itertools.combinations_with_replacement(range(r), 2):
        S = np.zeros((r, r), dtype=int)
        S[a, b] += 1
        S[b, a] += 1
        rows.append((J @ eta @ S).ravel())
    return np.array(rows)


def ranks(N, r):
    """Return all ranks that an (N, r) matrix can have, 0 excluded."""
    return range(1, min(N, r) + 1)


EXACT = dict(evidence="exact", bound=0)
OURS = dict(status="this book", source="this book", **EXACT)


@statement(
    "complete-lists-so",
    says="The gradients of two linear layers generate the fields of so(d_2, d_0); at a stack of "
    "rank r they span N r - r (r + 1) / 2 dimensions.",
    **OURS,
)
def algebra(rng):
    """Close the generators under commutators; the falsehood counts symmetric matrices."""
    violations = control = 0
    for n, m, r in SHAPES:
        N, span = n + m, tasks(n, m)
        span += [A @ B - B @ A for A, B in itertools.combinations(span, 2)]
        flat = [L.ravel() for L in span]
        violations += rank_mod(flat) != N * (N - 1) // 2
        violations += rank_mod(flat + [L.ravel() for L in so_matrices(n, m)]) != rank_mod(flat)
        closed = flat + [(A @ B - B @ A).ravel() for A, B in itertools.combinations(span, 2)]
        violations += rank_mod(closed) != rank_mod(flat)
        for rank in ranks(N, r):
            eta = stack_of_rank(N, r, rank, rng)
            found = rank_mod([(L @ eta).ravel() for L in so_matrices(n, m)])
            violations += found != N * rank - rank * (rank + 1) // 2
            control += found != N * rank - rank * (rank - 1) // 2
    return Evidence(violations, control)


@statement(
    "complete-lists-two-layers",
    says="Near a stack of full rank all laws of two linear layers are functions of the entries of "
    "C_1: d_1 (d_1 + 1) / 2 independent ones for d_1 <= N, N (2 d_1 - N + 1) / 2 for d_1 >= N.",
    status="paper",
    source="marcotte2023abide",
    result="Cor. 4.4",
    **EXACT,
)
def two_layers(rng):
    """Add the ranks of laws and fields; the falsehood counts the entries of C_1."""
    violations = control = 0
    for n, m, _ in SHAPES:
        N = n + m
        for r in range(1, N + 4):
            eta = rng.integers(1, PRIME, (N, r))
            laws = rank_mod(imbalance_slopes(eta, signature(n, m)))
            fields = rank_mod([(L @ eta % PRIME).ravel() for L in so_matrices(n, m)])
            count = r * (r + 1) // 2 if r <= N else N * (2 * r - N + 1) // 2
            violations += (laws != count) + (laws + fields != N * r)
            control += laws != r * (r + 1) // 2
    return Evidence(violations, control)


@statement(
    "complete-lists-lower-rank",
    says="At a stack of rank r <= N - 2 the gradients of laws span r d_1 - r (r - 1) / 2 "
    "dimensions, all in C_1, fewer than the Lie algebra leaves free.",
    **OURS,
)
def lower_rank(rng):
    """Solve the equations for gradients of laws; the falsehood trusts the dimension there."""
    violations = control = 0
    for n, m, r in SHAPES:
        N, J = n + m, signature(n, m)
        for rank in range(min(N - 2, r) + 1):
            eta = stack_of_rank(N, r, rank, rng)
            fields = [(L @ eta).ravel() for L in so_matrices(n, m)]
            fixing = kernel_mod(np.array(fields).T).T
            # A gradient H is orthogonal to all L eta, and L^T H = 0 whenever L eta = 0.
            rows = [row % PRIME for row in fields]
            for c in fixing:
                L = sum(int(x) * M for x, M in zip(c, so_matrices(n, m), strict=True))
                rows += list(np.kron(L.T, np.eye(r, dtype=int)) % PRIME)
            allowed = N * r - rank_mod(rows)
            expected = rank * r - rank * (rank - 1) // 2
            violations += allowed != expected
            violations += rank_mod(imbalance_slopes(eta, J)) != expected
            control += N * r - rank_mod(fields) != expected
    return Evidence(violations, control)


@statement(
    "complete-lists-sheets",
    says="For d_1 >= N the N x N minors of the stack are laws; C_1 knows their squares, but not "
    "their signs.",
    **OURS,
)
def sheets(rng):
    """Reflect a stack; the falsehood is that C_1 determines the minor."""
    violations = control = 0
    for n, m, _ in SHAPES:
        N, J = n + m, signature(n, m)
        eta = rng.integers(-3, 4, (N, N + 1)) + 5 * np.eye(N, N + 1, dtype=int)
        mirror = np.diag([-1] + [1] * (N - 1)) @ eta
        minors = [round(np.linalg.det(x[:, :N])) for x in (eta, mirror)]
        C = eta.T @ J @ eta
        violations += not np.array_equal(C, mirror.T @ J @ mirror)
        violations += round(np.linalg.det(C[:N, :N])) != (-1) ** m * minors[0] ** 2
        violations += minors[0] != -minors[1]
        # The cofactor matrix is the gradient of the determinant; trace(L) = 0 makes it a law.
        cofactor = np.rint(np.linalg.inv(eta[:, :N]).T * minors[0]).astype(int)
        violations += sum(np.sum(cofactor * (S @ eta[:, :N])) != 0 for S in tasks(n, m))
        control += minors[0] != minors[1]
    return Evidence(violations, control)
