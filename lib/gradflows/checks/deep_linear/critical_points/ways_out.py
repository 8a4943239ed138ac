"""How critical points are left: curvature, strictness, index."""

import itertools
from fractions import Fraction

import numpy as np

from gradflows.checks.deep_linear.critical_networks import (
    build,
    critical,
    draw_points,
    draw_stubs,
    gauged,
    negatives,
    rank,
)
from gradflows.checks.deep_linear.critical_points.landscape import blocks
from gradflows.deep_linear import (
    hessian,
    hessian_form,
    morse_index,
    partial_product,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)
UNPAIRED = build((2,) * 5, (), (2, 1), [(0, 1, np.array([0.0, 1])), (3, 4, np.array([1.0, 0]))])


def fractions(matrix):
    """Turn an array into one of exact fractions."""
    return np.vectorize(lambda entry: Fraction(int(entry)), otypes=[object])(matrix)


def way_out(weights, Sigma, r, rng, size=Fraction(1, 10**6)):
    """Follow the proof: a nearby point, its distance, and its gradient in the layer of the gap."""
    Z = [fractions(z) for z in blocks(weights, r)]
    R = fractions(Sigma[r:, r:])
    heads = [fractions(np.eye(len(R.T)))]
    for z in Z:
        heads.append(z @ heads[-1])
    gap = max(i for i, head in enumerate(heads[:-1]) if np.any(head != 0)) + 1
    for i in range(gap, len(Z)):
        Z[i] = Z[i] + size * fractions(rng.integers(1, 4, Z[i].shape))
    above = fractions(np.eye(len(R)))
    for z in reversed(Z[gap:]):
        above = above @ z
    through = R.T @ above
    if gap > 1 and not np.any(heads[gap - 1] @ through):
        column = np.flatnonzero(np.any(heads[gap - 1] != 0, axis=0))[0]
        row = np.flatnonzero(np.any(through != 0, axis=1))[0]
        shift = fractions(np.eye(len(R.T)))
        shift[column, row] += size
        Z[0] = Z[0] @ shift
    below = fractions(np.eye(len(R.T)))
    for z in Z[: gap - 1]:
        below = z @ below
    return above @ Z[gap - 1] @ below, below @ through


@statement(
    "critical-points-no-traps",
    says="There is no local maximum and no local minimum that is not global: next to every "
    "critical point with a mode to spare lie points of the same loss that are not critical.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def no_traps(rng):
    """Build the neighbour of the proof in fractions; the falsehood looks for one of a minimum."""
    cases = [
        ((3, 3, 3, 3), (3,), (2, 0)),
        ((2, 3, 2, 2, 2), (), (2, 1)),
        ((3, 2, 4, 3), (), (1, 0, 0)),
        ((2, 2, 2), (3,), (1,)),
    ]
    error = 0
    for _, learnt, _, weights, Sigma in draw_points(rng, cases, 60):
        product, gradient = way_out(weights, Sigma, len(learnt), rng)
        error += bool(np.any(product != 0)) or not np.any(gradient != 0)
    weights, Sigma = build((3, 3, 3, 3), (2, 1), (0,))
    product, gradient = way_out(weights, Sigma, 2, rng)
    return Evidence(float(error), float(np.any(product != 0) or not np.any(gradient != 0)))


@statement(
    "critical-points-minima",
    says="Global minima are the points whose product is a best approximation of rank "
    "min(r_max, rho); with r = r_max <= rho and a gap the Hessian there has rank r(d_0 + d_h - r).",
    status="literature",
    source="trager2020pure",
    **EXACT,
)
def minima(rng):
    """Count ranks exactly; the falsehood d_0 d_h forgets the bottleneck."""
    cases = [
        ((3, 4, 3), (2, 2, 1), ()),
        ((4, 2, 3), (3, 2), (1,)),
        ((3, 1, 2, 3), (3,), (2, 1)),
        ((3, 2, 1, 2), (3,), (1,)),
    ]
    error = control = 0
    for widths, learnt, idle in cases:
        chosen = []
        for stub in draw_stubs(rng, widths, len(learnt)) if len(learnt) < widths[0] else []:
            if critical(*build(widths, learnt, idle, [*chosen, stub])):
                chosen.append(stub)
        weights, Sigma = build(widths, learnt, idle, chosen)
        moved, r = gauged(rng, weights), len(learnt)
        found = rank(hessian(moved, Sigma))
        error += not critical(moved, Sigma) or negatives(moved, Sigma) > 0
        error += found != r * (widths[0] + widths[-1] - r)
        control += found != widths[0] * widths[-1]
    return Evidence(float(error), float(control))


@statement(
    "critical-points-curvature",
    says="At every critical point the Hessian form is a sum of a part of swaps, determined by the "
    "learnt singular values, and a part of new paths, that of the unlearnt network.",
    **BOOK,
    **EXACT,
)
def curvature(rng):
    """Compare forms on integer directions (sigma powers of 2); the falsehood has no swaps."""
    cases = [((3, 3, 3, 3), (2,), (4, 1)), ((3, 2, 3, 4), (1,), (4, 2)), ((2, 3, 2), (1,), (2,))]
    error = control = 0
    for _, learnt, _, weights, Sigma in draw_points(rng, cases, 20):
        r, depth = len(learnt), len(weights)
        V = [rng.integers(-2, 3, weight.shape) * 1.0 for weight in weights]
        first = sum(
            partial_product(weights, depth, i + 1) @ V[i - 1] @ partial_product(weights, i - 1, 1)
            for i in range(1, depth + 1)
        )
        residual, low, high = Sigma[r:, r:], first[r:, :r], first[:r, r:]
        swaps = 2 * np.sum(residual * (low @ np.diag(1 / np.array(learnt)) @ high))
        unlearnt = hessian_form(blocks(weights, r), residual, blocks(V, r))
        whole = hessian_form(weights, Sigma, V)
        rest = np.sum(first[:r, :r] ** 2) + np.sum(low**2) + np.sum(high**2) + unlearnt
        error += whole != rest - swaps
        control += whole != rest
    return Evidence(float(error), float(control))


def pivots(weights, Sigma, r, pairing=True):
    """Tell whether there are two admissible cuts; without pairing, by three separate ranks."""
    depth = len(weights)
    for i, j in itertools.combinations(range(depth, 0, -1), 2):
        if rank(partial_product(weights, i - 1, j + 1)) <= r:
            continue
        below = partial_product(weights, j - 1, 1)
        above = partial_product(weights, depth, i + 1)
        if pairing and rank(below @ Sigma.T @ above) > r:
            return True
        if not pairing and min(rank(below), rank(above)) > r:
            return True
    return False


@statement(
    "critical-points-strict",
    says="A critical point has negative curvature iff a larger singular value is missing than one "
    "that is learnt, or two cuts are paired through the target.",
    status="literature",
    source="achour2024loss",
    **EXACT,
)
def strict(rng):
    """Count negative eigenvalues exactly; the falsehood has three ranks in place of the pairing."""
    cases = [
        ((2, 2, 2, 2), (), (2, 1)),
        ((2, 2, 2, 2), (2,), (1,)),
        ((2, 2, 2, 2), (), (1, 0)),
        ((2, 1, 2, 2, 2), (), (1, 1)),
        ((2, 2, 2, 2), (1,), (2,)),
        ((2, 2, 2), (1,), (1,)),
    ]
    error = control = 0
    points = [(len(p[1]), p[1], p[2], *p[3:]) for p in draw_points(rng, cases, 14)]
    points.append((0, (), (2, 1), *UNPAIRED))
    for r, learnt, idle, weights, Sigma in points:
        weights = gauged(rng, weights)
        truth = negatives(weights, Sigma) > 0
        swap = any(k > s for k, s in itertools.product(idle, learnt))
        error += truth != (swap or pivots(weights, Sigma, r))
        control += truth != (swap or pivots(weights, Sigma, r, pairing=False))
    return Evidence(float(error), float(control))


@statement(
    "critical-points-index",
    says="The Morse index is the number of inversions plus, for h = 2, idle hidden units times "
    "unlearnt modes; for h >= 3 without stubs the rank is r(d_0 + d_h - r) minus ties.",
    **BOOK,
    **EXACT,
)
def index(rng):
    """Count by Descartes' rule; the falsehood counts the inversions alone, for h = 2 too."""
    error = control = 0
    for widths, sigma in (((3, 2, 3), (2, 2, 1)), ((2, 3, 3), (2, 0)), ((2, 2, 2, 2), (2, 1)),
                          ((3, 1, 2, 3), (3, 2, 2))):  # fmt: skip
        positive = sum(s > 0 for s in sigma)
        for size in range(min(*widths, positive) + 1):
            for learned in itertools.combinations(range(positive), size):
                learnt = [sigma[k] for k in learned]
                idle = [s for k, s in enumerate(sigma) if k not in learned]
                weights, Sigma = build(widths, learnt, idle)
                moved = gauged(rng, weights)
                found, r = negatives(moved, Sigma), len(learnt)
                error += found != morse_index(widths, sigma, learned)
                pairs = list(itertools.product(idle, learnt))
                control += found != sum(k > s for k, s in pairs)
                ties = sum(k == s for k, s in pairs)
                full = r * (widths[0] + widths[-1] - r) - ties
                error += len(widths) > 3 and rank(hessian(moved, Sigma)) != full
    return Evidence(float(error), float(control))


@statement(
    "critical-points-plateaus",
    says="A nonstrict saddle has at least three layers, and has learnt the largest modes and "
    "fewer than it could; with two layers every saddle is strict.",
    status="literature",
    source="achour2024loss",
    **EXACT,
)
def plateaus(rng):
    """Look at saddles without negative curvature; the falsehood is the converse."""
    cases = [
        ((2, 2, 2), (), (2, 1)),
        ((2, 3, 2), (1,), (2,)),
        ((2, 2, 2, 2), (1,), (2,)),
        ((2, 2, 2, 2), (2,), (1,)),
        ((2, 2, 2, 2), (), (2, 1)),
    ]
    error = control = 0
    points = draw_points(rng, cases, 24)
    stub = [(0, 1, np.array([1.0]))]
    points.append(((2,) * 4, (2,), (1,), *build((2,) * 4, (2,), (1,), stub)))
    for widths, learnt, idle, weights, Sigma in points:
        flat = negatives(gauged(rng, weights), Sigma) == 0
        top = min([9, *learnt]) >= max(idle)
        error += flat and (len(widths) == 3 or not top)
        control += (len(widths) > 3 and top) != flat
    return Evidence(float(error), float(control))
