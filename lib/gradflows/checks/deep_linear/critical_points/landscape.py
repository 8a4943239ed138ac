"""Which points are critical: products, values, normal form."""

import itertools

import numpy as np
import sympy as sp

from gradflows.checks.deep_linear.critical_networks import (
    build,
    critical,
    draw_points,
    draw_stubs,
    gauged,
    rank,
)
from gradflows.deep_linear import (
    critical_values,
    end_to_end,
    partial_product,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


def blocks(weights, r):
    """Unlearnt parts of weights in block form."""
    return [weight[r:, r:] for weight in weights]


@statement(
    "critical-points-product",
    says="At a critical point the product is the target with some singular values deleted, and "
    "every set of at most as many modes as the least width can be the learnt one.",
    status="literature",
    source="baldi1989neural",
    **EXACT,
)
def product(rng):
    """Reduce by a Groebner basis of the critical equations; the falsehood lets two values agree.

    Points that have learnt given modes are built for all sets of modes.
    """

    def violations(sigma, widths):
        names = iter(sp.symbols("w0:20"))
        layers = [
            sp.Matrix(b, a, lambda *_, names=names: next(names))
            for a, b in itertools.pairwise(widths)
        ]
        W = sp.eye(widths[0])
        for layer in layers:
            W = layer * W
        gap = sp.diag(*sigma) - W
        unknown = [w for layer in layers for w in layer]
        loss = sum(entry**2 for entry in gap) / 2
        basis = sp.groebner([loss.diff(w) for w in unknown], *unknown, order="grevlex")
        claims = [W[0, 1], W[1, 0], *(W[k, k] * (W[k, k] - s) for k, s in enumerate(sigma))]
        return sum(not basis.contains(sp.expand(claim)) for claim in claims)

    low = int(rng.integers(1, 4))
    error = violations((low + int(rng.integers(1, 4)), low), (2, 1, 2))
    for learnt in itertools.chain(*(itertools.combinations((3, 2, 1), k) for k in range(4))):
        idle = [s for s in (3, 2, 1) if s not in learnt]
        weights, Sigma = build((3, 3, 4, 3), learnt, idle)
        error += not critical(gauged(rng, weights), Sigma)
    return Evidence(float(error), float(violations((low, low), (2, 1, 2))))


@statement(
    "critical-points-values",
    says="The critical values are half the sums of the squares of the singular values not learnt; "
    "there are as many as sets of modes iff the sums over learnt sets differ.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def values(rng):
    """Compute losses in integers; the falsehood infers different values from different sigma."""
    error = control = 0
    for sigma, width in (((5, 4, 3), 3), ((5, 4, 3), 1), ((3, 2, 1), 2), ((7, 5, 2), 3)):
        listed = critical_values(sigma, width)
        for learned, value in listed.items():
            learnt = [sigma[k] for k in learned]
            idle = [s for k, s in enumerate(sigma) if k not in learned]
            stubs = [(0, 1, np.eye(len(idle))[0])] if idle and len(learnt) < width else []
            weights, Sigma = build((3, width, 3, 3), learnt, idle, stubs)
            moved = gauged(rng, weights)
            twice = np.sum((Sigma - end_to_end(moved)) ** 2)
            error += not critical(moved, Sigma) or twice != 2 * value
        sums = {sum(sigma[k] ** 2 for k in learned) for learned in listed}
        error += len(set(listed.values())) != len(sums)
        control += len(set(listed.values())) != len(listed)
    return Evidence(float(error), float(control))


def split_bases(weights, Sigma, kernels=True):
    """Bases of the learnt and the unlearnt part of every layer, as the proof defines them."""
    depth, W = len(weights), sp.Matrix(end_to_end(weights).astype(int))
    rows, columns = W.T.columnspace(), W.columnspace()
    frames = []
    for i in range(depth + 1):
        head = sp.Matrix(partial_product(weights, i, 1).astype(int))
        tail = sp.Matrix(partial_product(weights, depth, i + 1).astype(int))
        learnt = [head * row for row in rows]
        onto = sp.Matrix.hstack(*columns).T * tail
        frames.append((learnt, (onto if kernels else sp.Matrix.hstack(*learnt).T).nullspace()))
    return frames


@statement(
    "critical-points-splitting",
    says="Every hidden layer is the direct sum of a learnt and an unlearnt part, and every layer "
    "of weights maps like to like; the point is critical iff the unlearnt parts are.",
    status="literature",
    source="achour2024loss",
    **EXACT,
)
def splitting(rng):
    """Compute the splitting in rationals; the falsehood takes orthogonal complements."""

    def violations(weights, Sigma, kernels):
        frames, wrong = split_bases(weights, Sigma, kernels), 0
        r = len(frames[0][0])
        bases = [sp.Matrix.hstack(*learnt, *rest) for learnt, rest in frames]
        for basis in bases:
            wrong += basis.rows != basis.cols or basis.rank() < basis.rows
        for weight, after, before in zip(weights, bases[1:], bases, strict=False):
            block = after.inv() * sp.Matrix(weight.astype(int)) * before
            wrong += not (block[r:, :r].is_zero_matrix and block[:r, r:].is_zero_matrix)
            wrong += block[:r, :r].rank() < r
        return wrong

    error = control = 0
    cases = [((3, 3, 4, 3), (2, 1), (3,)), ((2, 3, 3, 2), (2,), (1,))]
    for _, learnt, _, weights, Sigma in draw_points(rng, cases, 3):
        moved = gauged(rng, weights)
        error += violations(moved, Sigma, True)
        control += violations(moved, Sigma, False)
        for i in range(1, len(moved) + 1):
            for j in range(1, i + 1):
                unlearnt = blocks(weights, len(learnt))
                expected = len(learnt) + rank(partial_product(unlearnt, i, j))
                error += rank(partial_product(moved, i, j)) != expected
    return Evidence(float(error), float(control))


@statement(
    "critical-points-stubs",
    says="A union of learnt paths and stubs is critical iff an input stub a reaching layer b and "
    "an output stub leaving layer c <= b + 1 with vector b' always satisfy b'.Ra = 0.",
    **BOOK,
    **EXACT,
)
def stubs(rng):
    """Compare with the gradient; the falsehood asks for two missing edges whatever the pairing."""
    sets = [((2, 3, 3, 3, 2), (), (2, 1)), ((3, 3, 3, 3), (3,), (2, 0)), ((2, 2, 2), (), (1, 0))]
    cases = [(*case, draw_stubs(rng, case[0], len(case[1]))) for case in sets for _ in range(40)]
    pair = [(0, 1, np.array([1.0, 1])), (2, 3, np.array([1.0, -2]))]
    cases.append(((2, 2, 2, 2), (), (2, 1), pair))
    error = control = 0
    for widths, learnt, idle, chosen in cases:
        depth, r = len(widths) - 1, len(learnt)
        residual = np.zeros((widths[-1] - r, widths[0] - r))
        np.fill_diagonal(residual, idle)
        entering = [(stop, a) for start, stop, a in chosen if start == 0]
        leaving = [(start, b) for start, stop, b in chosen if stop == depth]
        entering += [(0, a) for a in np.eye(residual.shape[1])]
        leaving += [(depth, b) for b in np.eye(len(residual))]
        close = [(a, b) for (n, a), (m, b) in itertools.product(entering, leaving) if m <= n + 1]
        truth = critical(gauged(rng, build(widths, learnt, idle, chosen)[0]),
                         build(widths, learnt, idle, chosen)[1])  # fmt: skip
        error += truth != (not any(b @ residual @ a for a, b in close))
        control += truth != (not any(np.any((residual.T @ b) * a) for a, b in close))
    return Evidence(float(error), float(control))


@statement(
    "critical-points-unbounded",
    says="Critical points of a given value are unbounded if a mode is learnt or h >= 3; with "
    "h = 2 and an invertible target only the zero network has the largest critical value.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def unbounded(rng):
    """Scale neighbouring layers against each other; the falsehood scales one of them only."""
    error = control = 0
    far = 10**6
    stub = [(0, 1, np.ones(2))]
    cases = (((2, 2, 2), (2,), (1,), ()), ((2, 2, 2, 2), (), (2, 1), stub))
    for widths, learnt, idle, chosen in cases:
        weights, Sigma = build(widths, learnt, idle, chosen)
        both = [far * weights[0], weights[1] / far, *weights[2:]]
        if not learnt:
            both = [far * weights[0], *weights[1:]]
        error += not critical(both, Sigma) or np.linalg.norm(both[0]) < far
        control += not critical([far * weights[0], *weights[1:]], Sigma)
    W = sp.Matrix(2, 2, sp.symbols("a:d"))
    only = sp.solve(list(W.T * sp.diag(2, 1)), list(W), dict=True)
    error += only != [dict.fromkeys(W, 0)]
    return Evidence(float(error), float(control))
