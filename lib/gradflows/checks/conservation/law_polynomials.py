"""Model maps in sympy and products of invariants, for the checks of polynomial_search."""

from itertools import combinations, combinations_with_replacement

import numpy as np
import sympy as sp

from gradflows.conservation import known_laws
from gradflows.modular import PRIME, rank_mod


def symbols_of(widths):
    """Make the symbols of the parameters of a linear network, in the order of theta."""
    return sp.symbols(known_laws(widths, "linear").names, real=True)


def model_map(widths, names):
    """Multiply the layers of a linear network in sympy; return the entries of the product."""
    product, rest = sp.eye(widths[0]), list(names)
    for before, after in zip(widths, widths[1:], strict=False):
        weight = sp.Matrix(after, before, rest[: after * before])
        rest, product = rest[after * before :], weight * product
    return [sp.expand(entry) for entry in product]


def derivative(q, phi, names):
    """Form the polynomial <grad q, grad phi>."""
    return sp.Poly(sum(q.diff(x) * phi.diff(x) for x in names), *names)


def product_rank(widths, degree, rng, *, minors):
    """Count independent products, of a degree, of entries of the imbalance and of minors.

    They are evaluated at random points modulo the prime. ``minors`` tells whether the maximal
    minors of the stacked matrix (W_2 over W_1 transposed) are among the factors.
    """
    before, hidden, after = widths
    total, points = before + after, 400
    stacked = rng.integers(0, PRIME, (points, total, hidden))
    signs = np.repeat([1, -1], [after, before])
    gram = np.einsum("i,kia,kib->kab", signs, stacked, stacked % PRIME) % PRIME
    factors = [(2, gram[:, a, b]) for a in range(hidden) for b in range(a, hidden)]
    if minors:
        factors += [(total, _minor(stacked[:, :, c])) for c in combinations(range(hidden), total)]
    rows = []
    for count in range(1, degree // 2 + 1):
        for chosen in combinations_with_replacement(factors, count):
            if sum(size for size, _ in chosen) == degree:
                value = np.ones(points, dtype=np.int64)
                for _, factor in chosen:
                    value = value * factor % PRIME
                rows.append(value)
    return rank_mod(np.array(rows)) if rows else 0


def _minor(stack):
    """Expand determinants modulo the prime along their first rows."""
    if stack.shape[1] == 1:
        return stack[:, 0, 0]
    columns = np.arange(stack.shape[2])
    return (
        sum(
            (-1) ** j * (stack[:, 0, j] * _minor(stack[:, 1:, columns != j]) % PRIME)
            for j in columns
        )
        % PRIME
    )
