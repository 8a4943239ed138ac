from math import comb

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.conservation import (
    SearchError,
    known_laws,
    polynomial_laws,
    polynomial_search,
    search_matrix,
)
from gradflows.modular import rank_mod

WIDTHS = st.lists(st.integers(1, 3), min_size=2, max_size=4).map(tuple)


@pytest.mark.parametrize(
    ("widths", "degree", "kernel", "independent"),
    [
        ((2, 2, 2), 2, 3, 3),
        ((1, 2, 1), 2, 4, 3),
        ((1, 3, 1), 2, 9, 5),
        ((1, 4, 1), 2, 16, 7),
        ((1, 4, 2), 2, 10, 9),
        ((2, 4, 2), 2, 10, 10),
        ((5, 5, 5, 5), 2, 30, 30),
        ((1, 3, 2), 3, 1, 1),
        ((1, 4, 2), 3, 4, 4),
        ((2, 2, 2), 3, 0, 0),
        ((2, 2, 2), 4, 6, 3),
        ((2, 2, 2, 2), 4, 21, 6),
        ((1, 2, 2, 1), 1, 0, 0),
        ((1, 2, 2, 1), 2, 6, 6),
        ((1, 2, 2, 1), 3, 0, 0),
        ((1, 2, 2, 1), 4, 21, 6),
        ((1, 2, 2, 1), 5, 0, 0),
        ((1, 2, 2, 1), 6, 56, 6),
    ],
)
def test_counts_of_linear_networks(widths, degree, kernel, independent):
    laws = polynomial_laws(widths, degree)
    assert (laws.kernel_dimension, laws.independent) == (kernel, independent)


@pytest.mark.parametrize(
    ("widths", "degree", "bias", "kernel", "independent"),
    [
        ((2, 2, 2), 2, False, 2, 2),
        ((2, 2, 2), 4, False, 3, 2),
        ((2, 2, 2, 2), 4, False, 10, 4),
        ((2, 2, 2), 3, True, 0, 0),
        ((2, 3, 2), 2, True, 3, 3),
        ((1, 2, 1), 2, False, 2, 2),
    ],
)
def test_counts_of_relu_networks(widths, degree, bias, kernel, independent):
    laws = polynomial_laws(widths, degree, "relu", bias)
    assert (laws.kernel_dimension, laws.independent) == (kernel, independent)


def dense_kernel(widths, degree, kind, bias):
    """The dimension of the kernel, from all equations at once."""
    matrix = search_matrix(widths, degree, kind, bias).matrix
    return matrix.shape[1] - rank_mod(matrix.toarray())


@given(
    widths=WIDTHS,
    degree=st.integers(1, 2),
    kind=st.sampled_from(["linear", "relu"]),
    bias=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_the_search_agrees_with_the_whole_matrix_and_with_reversal(widths, degree, kind, bias):
    laws = polynomial_laws(widths, degree, kind, bias)
    assert laws.kernel_dimension == dense_kernel(widths, degree, kind, bias)
    assert rank_mod(laws.coefficients.toarray()) == len(laws)
    if not bias:
        assert len(polynomial_laws(widths[::-1], degree, kind)) == len(laws)
    if degree == 2:
        known = known_laws(widths, kind, bias)
        assert known.independent == laws.independent
        assert len(known) <= len(laws)


@given(widths=WIDTHS, kind=st.sampled_from(["linear", "relu"]), bias=st.booleans())
@settings(max_examples=20, deadline=None)
def test_known_laws_solve_the_equations(widths, kind, bias):
    system, laws = search_matrix(widths, 2, kind, bias), known_laws(widths, kind, bias)
    where = {tuple(pair): j for j, pair in enumerate(system.monomials.tolist())}
    columns = [where[tuple(pair)] for pair in laws.monomials.tolist()]
    assert (system.matrix[:, columns] @ laws.coefficients.T).count_nonzero() == 0


def test_equations_stay_within_a_sign_character():
    system = search_matrix((2, 3, 2), 2)
    entries = system.matrix.tocoo()
    assert np.array_equal(system.blocks[entries.col], system.row_blocks[entries.row])
    assert len(np.unique(system.blocks)) > 20


def test_equations_are_the_expanded_products():
    """Against sympy, for a network with two components of the model map."""
    widths, degree = (1, 2, 2), 3
    system = search_matrix(widths, degree)
    names = sp.symbols(polynomial_laws(widths, 2).names)
    a, b, c, d, e, f = names
    phi, expected = [c * a + d * b, e * a + f * b], []
    for row in system.monomials:
        power = sp.Mul(*(names[j] for j in row))
        products = [sum(power.diff(x) * y.diff(x) for x in names) for y in phi]
        expected.append(sorted(k for p in products for k in sp.Poly(p, *names).coeffs() if k))
    columns = system.matrix.tocsc()
    found = [sorted(columns[:, [j]].data.tolist()) for j in range(len(expected))]
    assert found == expected


def monomials_in(count, degree):
    return comb(count + degree - 1, degree)


@pytest.mark.parametrize("hidden", [1, 2, 3])
def test_polynomials_in_the_entries_of_the_imbalance_are_all_for_narrow_layers(hidden):
    """For hidden <= d_0 + d_2 - 1 the entries of C are algebraically independent."""
    for power in (1, 2):
        laws = polynomial_laws((2, hidden, 2), 2 * power)
        assert len(laws) == monomials_in(hidden * (hidden + 1) // 2, power)


@pytest.mark.parametrize(("ends", "hidden"), [((1, 1), 4), ((1, 2), 3), ((1, 2), 4), ((2, 1), 4)])
def test_determinants_are_counted(ends, hidden):
    total = sum(ends)
    quadratic = hidden * (hidden + 1) // 2 if total == 2 else 0
    laws = polynomial_laws((ends[0], hidden, ends[1]), total)
    assert len(laws) == quadratic + comb(hidden, total)


def test_the_basis_is_over_the_integers_and_without_common_factors():
    laws = polynomial_laws((1, 3, 1), 2)
    rows = laws.coefficients.toarray()
    assert np.all(np.gcd.reduce(rows, axis=1) == 1)
    assert np.abs(rows).max() == 1


def test_nothing_is_returned_that_is_a_law_modulo_the_prime_only(monkeypatch):
    """A kernel that is none must not survive the verification, whatever claims it is one."""

    def first_unit_vector(A):
        return np.eye(A.shape[1], dtype=int)[:, :1]

    monkeypatch.setattr(polynomial_search, "kernel_mod", first_unit_vector)
    with pytest.raises(SearchError, match="not all"):
        polynomial_laws((1, 1, 1), 2)
    monkeypatch.setattr(polynomial_search, "kernel_mod", lambda A: np.full((A.shape[1], 1), 1500))
    with pytest.raises(SearchError):
        polynomial_laws((1, 1, 1), 2)


@pytest.mark.parametrize("fraction", [(1, 1), (-1, 1), (3, 7), (-1000, 999), (2, 1)])
def test_fractions_come_back(fraction):
    above, below = fraction
    residue = above * pow(below, -1, polynomial_search.PRIME) % polynomial_search.PRIME
    assert polynomial_search._fraction(residue) == fraction


def test_bad_input():
    with pytest.raises(ValueError, match="degree: expected an integer >= 1"):
        polynomial_laws((1, 1, 1), 0)
    with pytest.raises(ValueError, match="at most 200000 monomials"):
        polynomial_laws((5, 5, 5), 6)
    with pytest.raises(ValueError, match="kind"):
        polynomial_laws((1, 1, 1), 2, "sigmoid")
    with pytest.raises(ValueError, match="widths"):
        search_matrix((1,), 2)
