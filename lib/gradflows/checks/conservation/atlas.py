"""Checks of the page conservation/atlas: reversed networks, their number, the range of counts.

All of them count violations in exact arithmetic.
"""

import itertools

import numpy as np

from gradflows.conservation import (
    atlas_networks,
    extra_law_count,
    known_law_rank,
    lie_dimension,
    lie_vectors,
)
from gradflows.deep_linear import imbalances
from gradflows.modular import PRIME
from gradflows.statements import Evidence, statement

EXACT = dict(status="this book", source="this book", evidence="exact", bound=0)


def reverse(weights):
    """Reverse and transpose."""
    return [W.T for W in reversed(weights)]


def reverse_vectors(vectors, widths):
    """Permute the last axis as the reversal does."""
    cuts = np.cumsum([a * b for a, b in itertools.pairwise(widths)])[:-1]
    blocks = np.split(vectors, cuts, axis=-1)
    shapes = list(zip(widths[1:], widths, strict=False))
    turned = [
        block.reshape(*vectors.shape[:-1], *shape).swapaxes(-1, -2).reshape(*vectors.shape[:-1], -1)
        for block, shape in zip(blocks, shapes, strict=True)
    ]
    return np.concatenate(turned[::-1], axis=-1)


@statement(
    "atlas-reversal",
    says="Reversing a network carries Lie algebra, laws and imbalances over; all counts agree.",
    **EXACT,
)
def reversal(rng):
    """Compare bracket vectors entry by entry; the falsehood forgets to exchange the two ends."""
    violations = control = 0
    for _ in range(4):
        hidden = rng.integers(1, 4, rng.integers(1, 4)).tolist()
        widths = (3, *hidden, 3)
        weights = [rng.integers(0, 9, (b, a)) for a, b in itertools.pairwise(widths)]
        U, (left, right) = rng.integers(0, 9, (3, 3, 3)), rng.integers(1, PRIME, (2, 4, 3))
        vectors = reverse_vectors(lie_vectors(weights, U, left, right), widths)
        turned, control_U = reverse(weights), U.swapaxes(1, 2)
        violations += np.sum(vectors != lie_vectors(turned, control_U, right, left))
        control += np.sum(vectors != lie_vectors(turned, U, left, right))
        pairs = zip(imbalances(turned), reversed(imbalances(weights)), strict=True)
        violations += sum(np.any(C != -D) for C, D in pairs)
        theta, other = (np.concatenate([W.ravel() for W in x]) for x in (weights, turned))
        violations += known_law_rank(widths, theta) != known_law_rank(widths[::-1], other)
        violations += extra_law_count(widths) != extra_law_count(widths[::-1])
    return Evidence(int(violations), int(control))


@statement(
    "atlas-number",
    says="There are (m^(h+1) + m^ceil((h+1)/2)) / 2 networks with h layers of weights and widths "
    "up to m, one of each pair of reversed networks.",
    **EXACT,
)
def number(rng):
    """Count pairs as sets, and in the library; the falsehood is half of all networks."""
    violations = control = 0
    for m, h in itertools.product((2, 3, 4), (2, 3, 4)):
        everything = itertools.product(range(1, m + 1), repeat=h + 1)
        pairs = {frozenset([widths, widths[::-1]]) for widths in everything}
        listed = [widths for widths in atlas_networks(m, h) if len(widths) == h + 1]
        claimed = (m ** (h + 1) + m ** ((h + 2) // 2)) // 2
        violations += (len(pairs) != claimed) + (len(listed) != claimed)
        violations += pairs != {frozenset([widths, widths[::-1]]) for widths in listed}
        control += len(pairs) != m ** (h + 1) // 2
    return Evidence(violations, control)


@statement(
    "atlas-range",
    says="A linear network has between h - 1 and n_theta - (d_0 + d_h - 1) independent laws; h - 1 "
    "exactly if all hidden layers have width 1, n_theta - 1 exactly if both ends have.",
    **EXACT,
)
def law_range(rng):
    """Compare with computed counts; the falsehood has a range that is smaller at both ends."""
    violations = control = 0
    hidden = [rng.integers(1, 4, n).tolist() for n in (1, 2, 3, 3)]
    ends = [rng.integers(1, 4, 2).tolist() for _ in range(3)]
    networks = [(a, *middle, b) for (a, b), middle in itertools.product([*ends, (1, 1)], hidden)]
    networks += [(a, 1, 1, b) for a, b in ends] + [(2, *middle, 1) for middle in hidden]
    for widths in networks:
        size, h = sum(a * b for a, b in itertools.pairwise(widths)), len(widths) - 1
        laws = size - lie_dimension(widths, rng=rng).dimension
        least, most = h - 1, size - (widths[0] + widths[-1] - 1)
        violations += not least <= laws <= most
        violations += (laws == least) != (set(widths[1:-1]) == {1})
        violations += (laws == size - 1) != (widths[0] == widths[-1] == 1)
        control += not least < laws < most
    return Evidence(violations, control)
