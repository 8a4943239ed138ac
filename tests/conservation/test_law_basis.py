import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gradflows.conservation import LawBasis, known_laws, polynomial_laws

NAMES = ("x", "y", "z")


@pytest.fixture
def cubics():
    """The polynomials 2 x^3 - x y z and y^2 z."""
    monomials = np.array([[0, 0, 0], [0, 1, 2], [1, 1, 2]])
    return LawBasis(NAMES, monomials, sparse.csr_array([[2, -1, 0], [0, 0, 1]]))


def test_values_and_gradients_of_a_basis_by_hand(cubics):
    assert (len(cubics), cubics.size, cubics.degree) == (2, 3, 3)
    assert cubics.values([1, 2, 3]).tolist() == [2 - 6, 12]
    assert cubics.values([[1, 2, 3], [0, 1, 5]]).tolist() == [[-4, 12], [0, 5]]
    assert cubics.gradients([1, 2, 3]).tolist() == [[6 - 6, -3, -2], [0, 12, 4]]
    assert cubics.gradients_mod(np.array([1, 2, 3]), 7).tolist() == [[0, 4, 5], [0, 5, 4]]


def test_sympy_tells_the_same_polynomials(cubics):
    x, y, z = sp.symbols(NAMES, real=True)
    assert cubics.as_sympy() == [2 * x**3 - x * y * z, y**2 * z]


@given(seed=st.integers(0, 2**32 - 1), degree=st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_gradients_are_derivatives(seed, degree):
    rng = np.random.default_rng(seed)
    laws = polynomial_laws((1, 3, 1), degree)
    theta, direction = rng.standard_normal((2, laws.size))
    step = 1e-5
    slope = (laws.values(theta + step * direction) - laws.values(theta - step * direction)) / (
        2 * step
    )
    assert np.allclose(laws.gradients(theta) @ direction, slope, atol=1e-6)
    whole = rng.integers(-20, 20, laws.size)
    exact = np.rint(laws.gradients(whole)).astype(np.int64)
    assert np.array_equal(laws.gradients_mod(whole), exact % 2097143)


def test_independent_counts_functions_not_polynomials():
    squares = polynomial_laws((2, 2, 2), 4)
    assert (squares.kernel_dimension, squares.independent) == (6, 3)
    assert known_laws((2, 6, 2), "linear").independent == 18  # of 21: wider than both ends
    assert known_laws((3, 4), "linear").independent == 0  # no hidden layer


@pytest.mark.parametrize(
    ("names", "monomials", "coefficients", "message"),
    [
        (NAMES, [[0.0, 1.0]], [[1]], "monomials"),
        (NAMES, [0, 1], [[1, 1]], "monomials"),
        (NAMES, [[0, 3]], [[1]], "from 0 to 2"),
        (NAMES, [[0, 1]], [[1, 2]], "coefficients"),
        (NAMES, [[0, 1]], [[0.5]], "coefficients"),
    ],
)
def test_bad_bases_are_refused(names, monomials, coefficients, message):
    with pytest.raises(ValueError, match=message):
        LawBasis(names, np.array(monomials), sparse.csr_array(np.array(coefficients)))


def test_bad_points_are_refused(cubics):
    for method in (cubics.values, cubics.gradients):
        with pytest.raises(ValueError, match="theta: expected shape"):
            method([1.0, 2.0])
        with pytest.raises(ValueError, match="NaN"):
            method([1.0, np.nan, 0.0])
    with pytest.raises(ValueError, match="theta: expected integers"):
        cubics.gradients_mod([0.5, 1.0, 2.0])
