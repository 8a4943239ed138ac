"""Deep linear networks: how many of the known laws are independent. Exact checks."""

import numpy as np

from gradflows.conservation import known_law_count, known_law_rank
from gradflows.modular import PRIME
from gradflows.networks import DeepLinear
from gradflows.statements import Evidence, statement

OURS = dict(status="this book", source="this book", evidence="exact", bound=0)


def triangle(s):
    """Return the number of entries of a symmetric matrix of size s."""
    return s * (s + 1) // 2 if s > 0 else 0


@statement(
    "complete-lists-known",
    says="At generic weights the entries of all imbalances have differentials of rank "
    "sum T(d_i) - T(d_i - d_{i-1} - d_{i+1}), and nowhere a larger one.",
    **OURS,
)
def known(rng):
    """Compare with ranks at random and at singular points; the falsehood leaves T(...) out."""
    violations = control = 0
    for _ in range(25):
        widths = tuple(int(d) for d in rng.integers(1, 7, rng.integers(3, 6)))
        expected = sum(
            triangle(b) - triangle(b - a - c)
            for a, b, c in zip(widths, widths[1:], widths[2:], strict=False)
        )
        theta = rng.integers(1, PRIME, DeepLinear(widths).size)
        found = known_law_rank(widths, theta)
        violations += found != expected
        violations += known_law_rank(widths, theta * rng.integers(0, 2, theta.size)) > expected
        control += found != sum(triangle(d) for d in widths[1:-1])
    return Evidence(violations, control + 1)


@statement(
    "complete-lists-full-rank",
    says="Falling widths and W_1, ..., W_{h-1} of full row rank make all entries independent; "
    "full rank alone does not: 5 instead of 6 for widths (1, 2, 2, 1).",
    **OURS,
)
def full_rank(rng):
    """Take diagonal weights; the falsehood is that full rank suffices for widths (1, 2, 2, 1)."""
    violations = control = 0
    for widths in [(3, 3, 2, 4), (4, 3, 3, 1), (3, 2, 2, 2, 5)]:
        weights = [
            np.eye(b, a, dtype=int) * rng.integers(1, 9, (b, 1))
            for a, b in zip(widths, widths[1:], strict=False)
        ]
        rank = known_law_rank(widths, np.concatenate([W.ravel() for W in weights]))
        violations += rank != sum(triangle(d) for d in widths[1:-1])
        violations += rank != known_law_count(widths)
    for _ in range(5):
        a, b = rng.integers(1, 99, 2)
        rank = known_law_rank((1, 2, 2, 1), [1, 0, a, 0, 0, b, 1, 0])
        violations += rank != 5
        control += rank != known_law_count((1, 2, 2, 1))
    return Evidence(violations, control)
