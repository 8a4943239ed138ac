"""Checks of the chapter conservation/exact_counting: ranks modulo a prime, controls, certificates.

All of them count violations in exact arithmetic.
"""

import itertools
import math

import numpy as np
import sympy as sp

from gradflows.conservation import lie_dimension, lie_dimension_of, lie_vectors, so_dimension
from gradflows.modular import PRIME, rank_mod
from gradflows.statements import Evidence, statement

EXACT = dict(status="this book", source="this book", evidence="exact", bound=0)
SMALL = (2, 3, 5, 7, 11)


@statement(
    "exact-counting-reduction",
    says="A rank modulo p is never more than the rational rank r, and equal to it unless p divides "
    "all minors of size r; at a random point it falls with a probability of at most s d / p.",
    **EXACT,
)
def reduction(rng):
    """Compare with minors, and with all points of a small field; the falsehood: it never falls."""
    violations = control = 0
    for inner in (1, 2, 3):
        A = rng.integers(-6, 7, (3, inner)) @ rng.integers(-6, 7, (inner, 4))
        r = sp.Matrix(A.tolist()).rank()
        choices = [list(itertools.combinations(range(n), r)) for n in A.shape]
        minors = [round(np.linalg.det(A[np.ix_(i, j)])) for i in choices[0] for j in choices[1]]
        common = math.gcd(*minors)
        for p in SMALL:
            falls = rank_mod(A, p) < r
            violations += (rank_mod(A, p) > r) + (falls != (common % p == 0))
            control += falls
    for p in (5, 7, 11):
        # Entries of degree 2 in two variables, at all points of the field.
        c, (x, y) = rng.integers(0, p, (6, 2, 2)), np.mgrid[:p, :p]
        powers = [np.ones_like(x), x, y, x * x, x * y, y * y]
        values = sum(a[:, :, None, None] * b for a, b in zip(c, powers, strict=True))
        ranks = [rank_mod(values[:, :, i, j], p) for i in range(p) for j in range(p)]
        violations += sum(rank < max(ranks) for rank in ranks) > max(ranks) * 2 / p * p**2
    return Evidence(violations, control + 1)


@statement(
    "exact-counting-float",
    says="For p below 2^21 a product of matrices of residues between -p/2 and p/2 with inner "
    "dimension at most 2^13 is computed without rounding in double precision.",
    **EXACT,
)
def exact_float(rng):
    """Compare with integers of Python; the falsehood takes a prime near 2^31."""

    def wrong(p):
        half = (p - 1) // 2
        A, B = (rng.integers(half - 9, half + 1, shape) for shape in [(3, 2**13), (2**13, 3)])
        A *= rng.choice([-1, 1], (3, 1))
        exact = np.array(A.astype(object) @ B.astype(object))
        return int(np.sum((A.astype(float) @ B.astype(float)).astype(object) != exact))

    return Evidence(wrong(PRIME), wrong(2**31 - 1))


def entry_fields(D, x):
    """Gradient of the entries of W_2 W_1, widths (2, 1, 2), weighted by D."""
    product = sp.Matrix(2, 1, x[2:]) * sp.Matrix(1, 2, x[:2])
    value = sum(int(D[a, b]) * product[a, b] for a in range(2) for b in range(2))
    return sp.Matrix([value.diff(s) for s in x])


def bracket(X, Y, x):
    """Return DY X - DX Y."""
    return (Y.jacobian(x) * X - X.jacobian(x) * Y).expand()


@statement(
    "exact-counting-iterates",
    says="The iterates of Z -> Z' - HZ along the trajectory of a control are values of iterated "
    "brackets: (d/dt + [X_u, .])^j applied to the gradients, at the starting point.",
    **EXACT,
)
def iterates(rng):
    """Compare two orders with brackets of polynomials; the falsehood turns the bracket round."""
    x, theta, U = sp.symbols("x0:4"), rng.integers(1, 9, 4), rng.integers(1, 9, (2, 2, 2))
    left, right = rng.integers(1, 9, (2, 2)), rng.integers(1, 9, (2, 2))
    found = lie_vectors([theta[None, :2], theta[2:, None]], U, left, right)
    at, fields = dict(zip(x, theta.tolist(), strict=True)), [entry_fields(D, x) for D in U]
    counts = []
    for sign in (1, -1):
        count = 0
        for n in range(2):
            Y = entry_fields(np.outer(left[n], right[n]), x)
            # (d/dt + ad)^2 at t = 0, with X_u = X_0 + t X_1.
            first, turn = sign * bracket(fields[0], Y, x), sign * bracket(fields[1], Y, x)
            second = sign * bracket(fields[0], first, x) + turn
            for order, vector in enumerate((Y, first, second)):
                gaps = [
                    int(v) - int(f) for v, f in zip(vector.subs(at), found[order, n], strict=True)
                ]
                count += sum(gap % PRIME != 0 for gap in gaps)
        counts.append(count)
    return Evidence(*counts)


def saturated(phi, x, at):
    """Rank at a point of brackets of gradients, until a round adds nothing twice."""
    fields = [sp.Matrix([f.diff(s) for s in x]) for f in phi]
    layer, values, ranks = fields, [], []
    while len(ranks) < 3 or ranks[-1] > ranks[-3]:
        values += [[int(v) % PRIME for v in Y.subs(at)] for Y in layer]
        ranks.append(rank_mod(values))
        if ranks[-1] == len(x):
            break
        layer = [bracket(X, Y, x) for X in fields for Y in layer]
    return ranks[-1]


@statement(
    "exact-counting-control",
    says="For almost all polynomial controls of sufficient degree the iterates at the start span "
    "the whole Lie algebra there.",
    **EXACT,
)
def one_control(rng):
    """Compare with brackets and with so(n, m); the falsehood holds the control constant."""
    violations, x = 0, sp.symbols("x0:3")
    for phi in ([x[0] * x[1] * x[2]], [x[0] * x[1], x[1] * x[2]], [x[0] ** 2 * x[1], x[2]]):
        theta = rng.integers(1, 50, 3)
        at = dict(zip(x, theta.tolist(), strict=True))
        violations += lie_dimension_of(phi, x, rng, theta=theta).dimension != saturated(phi, x, at)
    for n, r, m in [(2, 3, 2), (1, 4, 2), (3, 2, 2)]:
        for rank in range(1, min(r, n + m) + 1):
            Q = rng.integers(1, 99, (n + m, rank)) @ rng.integers(1, 99, (rank, r))
            theta = np.concatenate([Q[n:].T.ravel(), Q[:n].ravel()])
            found = lie_dimension((m, r, n), rng=rng, theta=theta).dimension
            violations += found != so_dimension(n, m, r, rank)
    ranks, weights = [], [rng.integers(1, PRIME, s) for s in [(5, 1), (4, 5)]]
    for constant in (False, True):
        U = rng.integers(1, PRIME, (8, 4, 1))
        U[1:] *= not constant
        vectors = lie_vectors(weights, U, np.eye(4), np.ones((4, 1)))
        ranks.append(rank_mod(vectors.reshape(-1, 25)))
    return Evidence(violations + (ranks[0] != so_dimension(4, 1, 5)), ranks[0] - ranks[1])


def so_vectors(theta):
    """Integer vectors L theta for a basis of so(2, 2), theta of shape (4, 3)."""
    J, rows = np.diag([1, 1, -1, -1]), []
    for a, b in itertools.combinations(range(4), 2):
        K = np.zeros((4, 4), dtype=int)
        K[a, b], K[b, a] = 1, -1
        rows.append((J @ K @ theta).ravel())
    return np.array(rows)


def gram_gradients(theta):
    """Gradients of the entries of theta^T J theta, theta of shape (4, 3)."""
    J, rows = np.diag([1, 1, -1, -1]), []
    for a, b in itertools.combinations_with_replacement(range(3), 2):
        S = np.zeros((3, 3), dtype=int)
        S[a, b] += 1
        S[b, a] += 1
        rows.append((J @ theta @ S).ravel())
    return np.array(rows)


@statement(
    "exact-counting-certificate",
    says="k vectors of the Lie algebra and N laws, independent modulo p at one point, with k + N = "
    "number of parameters: then the generic dimension is k and there are no other laws.",
    **EXACT,
)
def certificate(rng):
    """Let many small primes try to prove something false; the falsehood: laws modulo p are laws."""
    violations = closed = 0
    for p in (2, 3, 5, 7, 13, 101):
        for _ in range(30):
            theta = rng.integers(0, p, (4, 3))
            k, N = rank_mod(so_vectors(theta), p), rank_mod(gram_gradients(theta), p)
            violations += k > 6 or N > 6 or (k + N == 12 and (k, N) != (6, 6))
            closed += k + N == 12
    # phi = (x^2/2, p y^2/2) at (x, y): modulo p the second field is zero, and y is a law.
    x, y = (int(v) for v in rng.integers(1, 7, 2))
    k, N = rank_mod([[x, 0], [0, 7 * y]], 7), rank_mod([[0, 1]], 7)
    truth = rank_mod([[x, 0], [0, 7 * y]])
    return Evidence(violations + (closed == 0), int(k + N == 2) * (truth - k))


@statement(
    "exact-counting-paths",
    says="Where no parameter is zero, the gradients of n_theta paths, one through each parameter, "
    "span those of all paths of a ReLU network: n_theta minus the number of hidden neurons.",
    **EXACT,
)
def paths(rng):
    """Compare with all paths of small networks; the falsehood counts the biases as neurons."""
    violations = control = 0
    for widths in [(2, 3, 2), (2, 2, 3, 2), (1, 3, 2, 2)]:
        for bias in (False, True):
            rows = every_path(widths, bias)
            theta = rng.integers(1, PRIME, rows.shape[1])
            inverse = [pow(int(t), -1, PRIME) for t in theta]
            rank, hidden = rank_mod(rows * np.array(inverse)), sum(widths[1:-1])
            found = lie_dimension(widths, "relu", bias, theta=theta).dimension
            violations += (found != rank) + (rank != theta.size - hidden)
            control += rank != theta.size - hidden * (1 + bias)
    return Evidence(violations, control)


def every_path(widths, bias):
    """Incidence vectors of all paths from an input or a hidden bias to an output."""
    starts, total = [], 0
    for i, (columns, rows) in enumerate(itertools.pairwise(widths)):
        starts.append(total)
        total += rows * (columns + (bias and i < len(widths) - 2))
    result = []
    for first in range(len(widths) - 1 if bias else 1):
        for nodes in itertools.product(*map(range, widths[first:])):
            row = np.zeros(total, dtype=int)
            for i, (a, b) in enumerate(itertools.pairwise(nodes), start=first):
                row[starts[i] + b * widths[i] + a] = 1
            if first:
                row[starts[first - 1] + widths[first] * widths[first - 1] + nodes[0]] = 1
            result.append(row)
    return np.array(result)
