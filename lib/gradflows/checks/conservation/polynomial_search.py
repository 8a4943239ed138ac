"""Checks of the chapter conservation/polynomial_search: laws by linear algebra."""

from math import comb

import numpy as np
import sympy as sp
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from gradflows.checks.conservation.law_polynomials import (
    derivative,
    model_map,
    product_rank,
    symbols_of,
)
from gradflows.conservation import polynomial_laws, search_matrix
from gradflows.modular import PRIME, kernel_mod, rank_mod
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "polynomial-search-system",
    says="A polynomial is a law of a polynomial model map if and only if its coefficients solve "
    "the linear equations of the search matrix.",
    status="paper",
    source="marcotte2023abide",
    **EXACT,
)
def system(rng):
    """Expand products with random polynomials in sympy; the falsehood forgets multiplicities."""
    error = control = 0
    for widths, degree in (((1, 2, 1), 3), ((2, 1, 2), 2), ((1, 1, 1, 1), 3)):
        names, found = symbols_of(widths), search_matrix(widths, degree)
        powers = [sp.Mul(*(names[j] for j in row)) for row in found.monomials]
        coefficients = rng.integers(-9, 10, len(powers))
        q = sum(int(c) * power for c, power in zip(coefficients, powers, strict=True))
        products = [derivative(q, phi, names) for phi in model_map(widths, names)]
        expected = sorted(int(c) for p in products for c in p.coeffs() if c)
        for matrix, wrong in ((found.matrix, False), (found.matrix.sign(), True)):
            values = matrix @ coefficients
            missed = sorted(values[values != 0].tolist()) != expected
            error, control = error + missed * (not wrong), control + missed * wrong
    return Evidence(error, control)


@statement(
    "polynomial-search-homogeneous",
    says="If each component of the model map is homogeneous, the homogeneous components of a "
    "polynomial law are laws.",
    **BOOK,
    **EXACT,
)
def homogeneous(rng):
    """Split a mixed law of a network; the falsehood has a model map of mixed degrees."""

    def failing(law, maps, names):
        parts = {}
        for powers, coefficient in sp.Poly(law, *names).terms():
            term = coefficient * sp.Mul(*(x**k for x, k in zip(names, powers, strict=True)))
            parts[sum(powers)] = parts.get(sum(powers), 0) + term
        return sum(any(derivative(q, phi, names) for phi in maps) for q in parts.values())

    names = symbols_of((1, 3, 2))
    first, second = (polynomial_laws((1, 3, 2), d).as_sympy()[0] for d in (2, 3))
    a, b, c = (int(k) for k in rng.integers(1, 9, 3))
    law = sp.expand((a + first) * (b + second) + c * first)
    x, y = sp.symbols("x y")
    shifted = [(y + 1) ** 2 - x**2]
    assert derivative(x * y + x, shifted[0], (x, y)).is_zero
    return Evidence(
        failing(law, model_map((1, 3, 2), names), names),
        failing(x * y + x, shifted, (x, y)),
    )


@statement(
    "polynomial-search-independence",
    says="The number of independent functions among polynomials is the rank of their gradients "
    "at almost every point; it can be smaller than the number of linearly independent ones.",
    **BOOK,
    **EXACT,
)
def independence(rng):
    """Compare ranks at random points, and three relations; the falsehood counts polynomials."""
    error = control = 0
    for widths, degree in (((1, 3, 1), 2), ((1, 4, 2), 2), ((2, 2, 2), 4)):
        laws = polynomial_laws(widths, degree)
        points = rng.integers(1, PRIME, (3, laws.size))
        ranks = [rank_mod(laws.gradients_mod(point)) for point in points]
        error += sum(rank != laws.independent for rank in ranks)
        control += sum(rank != len(laws) for rank in ranks)
    theta = sp.Matrix(2, 3, sp.symbols("u1:4 v1:4"))
    gram = theta.T * sp.diag(1, -1) * theta
    for pair in ([0, 1], [0, 2], [1, 2]):
        minor = theta[:, pair].det()
        error += sp.expand(minor**2 + gram.extract(pair, pair).det()) != 0
    return Evidence(int(error), control)


@statement(
    "polynomial-search-signs",
    says="Every equation of the search matrix contains monomials of one sign character only, so "
    "that the laws of each character are found separately.",
    **BOOK,
    **EXACT,
)
def signs(rng):
    """Count entries off the blocks; the falsehood flips single weights at random."""
    error = control = 0
    for widths, degree, kind, bias in (
        ((2, 3, 2), 2, "linear", False),
        ((2, 2, 1, 2), 3, "linear", False),
        ((2, 2, 2), 3, "relu", True),
    ):
        found = search_matrix(widths, degree, kind, bias)
        entries = found.matrix.tocoo()
        error += np.count_nonzero(found.blocks[entries.col] != found.row_blocks[entries.row])
        flips = rng.integers(0, 2, found.monomials.max() + 1)  # of single weights
        parity = flips[found.monomials].sum(axis=1) % 2
        first = parity[found.matrix.indices[found.matrix.indptr[:-1]]]
        control += np.count_nonzero(parity[entries.col] != first[entries.row])
    return Evidence(error, control)


@statement(
    "polynomial-search-modular",
    says="A kernel modulo a prime has at least the dimension of the rational kernel; it is exact "
    "when as many independent vectors are verified over the integers.",
    **BOOK,
    **EXACT,
)
def modular(rng):
    """Compare with rational elimination; the falsehoods are two kernels with vectors too many."""
    error = 0
    for widths, degree, kind in (
        ((1, 2, 2), 2, "linear"),
        ((1, 3, 1), 2, "linear"),
        ((1, 2, 1), 3, "linear"),
        ((2, 2, 1), 2, "relu"),
    ):
        matrix = search_matrix(widths, degree, kind).matrix.toarray()
        exact = DomainMatrix([[QQ(int(x)) for x in row] for row in matrix], matrix.shape, QQ)
        rational = matrix.shape[1] - exact.rank()
        error += rational != len(polynomial_laws(widths, degree, kind))
        error += kernel_mod(matrix).shape[1] < rational
    # phi = (x^2/2, p y^2/2): the equations for a linear q = a x + b y are a = 0 and p b = 0.
    spurious = kernel_mod([[1, 0], [0, PRIME]]).shape[1]
    cubes = kernel_mod(search_matrix((1, 1, 1), 3).matrix.toarray(), 3).shape[1]
    return Evidence(int(error), spurious + cubes)


@statement(
    "polynomial-search-two-layers",
    says="Every polynomial law of a linear network with two layers is a polynomial in the entries "
    "of the imbalance and in the maximal minors of the stacked weights.",
    **BOOK,
    **EXACT,
)
def two_layers(rng):
    """Compare the kernels with spans of products; the falsehood leaves out the minors."""
    error = control = 0
    for widths, degree in (
        ((1, 3, 1), 2),
        ((1, 3, 1), 4),
        ((1, 2, 1), 6),
        ((1, 3, 2), 3),
        ((2, 4, 1), 3),
        ((1, 3, 2), 5),
        ((2, 2, 2), 4),
    ):
        kernel = len(polynomial_laws(widths, degree))
        error += kernel != product_rank(widths, degree, rng, minors=True)
        control += kernel != product_rank(widths, degree, rng, minors=False)
    return Evidence(error, control)


@statement(
    "polynomial-search-counts",
    says="With N = d_0 + d_2: r^2 quadratic laws for N = 2, r(r+1)/2 for N > 2; no law of odd "
    "degree below N, and binom(r, N) of degree N for odd N.",
    **BOOK,
    **EXACT,
)
def counts(rng):
    """Search; the falsehood takes the entries of the imbalance for all laws."""
    error = control = 0
    for before, hidden, after in ((1, 2, 1), (1, 4, 1), (1, 3, 2), (2, 4, 2), (3, 2, 1)):
        total = before + after
        entries = comb(hidden + 1, 2)
        found = [len(polynomial_laws((before, hidden, after), d)) for d in (1, 2, 3)]
        odd = comb(hidden, 3) if total == 3 else 0
        error += found != [0, hidden**2 if total == 2 else entries, odd]
        control += found != [0, entries, 0]
    return Evidence(error, control)


@statement(
    "polynomial-search-hidden-law",
    says="With widths (1, 2, 2, 1) there are seven independent laws near almost every point, but "
    "the polynomial ones up to degree 6 are polynomials in six quadratic ones.",
    **BOOK,
    **EXACT,
)
def hidden_law(rng):
    """Compare all six kernels with monomials in six laws; the falsehood has a seventh."""
    kernels = [polynomial_laws((1, 2, 2, 1), d) for d in range(1, 7)]
    found = [len(laws) for laws in kernels]

    def monomials(count):
        return [0 if d % 2 else comb(count - 1 + d // 2, d // 2) for d in range(1, 7)]

    six, seven = monomials(6), monomials(7)
    error = sum(a != b for a, b in zip(found, six, strict=True))
    theta = rng.integers(1, PRIME, 8)
    error += any(rank_mod(laws.gradients_mod(theta)) != 6 for laws in kernels[1::2])
    return Evidence(error, sum(a != b for a, b in zip(found, seven, strict=True)))
