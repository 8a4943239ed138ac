"""Series modulo the prime: against rational arithmetic in sympy, and against brackets."""

import numpy as np
import pytest
import sympy as sp

from gradflows.conservation import lie_vectors
from gradflows.conservation.jets import (
    LinearJet,
    coefficient,
    derivative,
    residues,
    times,
    times_right,
    toeplitz,
    trajectory,
)
from gradflows.modular import PRIME

t = sp.symbols("t")


def mod(value):
    """Residue of a rational number, between 0 and p - 1."""
    value = sp.Rational(value)
    return value.p * pow(value.q, -1, PRIME) % PRIME


def series_of(matrix, K):
    """Coefficients of a polynomial matrix."""
    return residues(
        [[[int(e.coeff(t, k)) for e in row] for row in matrix.tolist()] for k in range(K)]
    )


def polynomial_matrix(rng, rows, columns, K):
    entries = [sp.Poly(rng.integers(-3, 4, K).tolist(), t).as_expr() for _ in range(rows * columns)]
    return sp.Matrix(rows, columns, entries)


def test_products_are_those_of_polynomials(rng):
    A, B = polynomial_matrix(rng, 2, 3, 4), polynomial_matrix(rng, 3, 2, 4)
    a, b, exact = series_of(A, 4), series_of(B, 4), series_of((A * B).expand(), 4)
    assert np.array_equal(times(toeplitz(a), b[None])[0], exact)
    assert np.array_equal(times(toeplitz(a), b[None, :2])[0], exact[:2])
    assert np.array_equal(times_right(a[None], toeplitz(b.mT))[0], exact)
    assert all(np.array_equal(coefficient(a, b, k), exact[k]) for k in range(4))
    assert np.array_equal(derivative(a, 0), series_of(A.diff(t), 3))


def test_the_trajectory_solves_its_equation(rng):
    widths, K = (2, 3, 1, 2), 4
    weights = [
        residues(rng.integers(0, PRIME, (b, a))) for a, b in zip(widths, widths[1:], strict=False)
    ]
    control = residues(rng.integers(0, PRIME, (K, 2, 2)))
    W, before, after = trajectory(weights, control)
    for i, series in enumerate(W):
        moved = times(toeplitz(after[i]), before[i].mT[None])[0]
        assert np.array_equal(derivative(series, 0), moved)
    assert np.array_equal(
        before[2], times(toeplitz(W[1][:K]), times(toeplitz(W[0][:K]), before[0][None]))[0]
    )


def test_iterates_are_those_of_vector_fields(rng):
    """Two orders by hand: Z, then [X, Z] with X the field of the control's first coefficient."""
    x = sp.symbols("x0:8")
    phi = (sp.Matrix(2, 2, x[4:]) * sp.Matrix(2, 2, x[:4])).expand()
    theta, U = rng.integers(1, 9, 8), rng.integers(1, 9, (2, 2, 2))
    left, right = rng.integers(1, 9, (3, 2)), rng.integers(1, 9, (3, 2))
    at = dict(zip(x, theta.tolist(), strict=True))

    def field(D):
        value = sum(int(D[a, b]) * phi[a, b] for a in range(2) for b in range(2))
        return sp.Matrix([value.diff(s) for s in x])

    jet = LinearJet(
        [residues(theta[:4].reshape(2, 2)), residues(theta[4:].reshape(2, 2))], residues(U)
    )
    found = jet.vectors(residues(left), residues(right)).astype(int) % PRIME
    X = field(U[0])
    for n in range(3):
        Z = field(np.outer(left[n], right[n]))
        bracket = Z.jacobian(x) * X - X.jacobian(x) * Z
        for order, vector in enumerate((Z, bracket)):
            assert found[order, n].tolist() == [mod(v) for v in vector.subs(at)]


def test_floating_point_agrees_where_nothing_is_large(rng):
    weights = [rng.integers(-2, 3, s) for s in [(3, 2), (2, 3)]]
    control, ends = rng.integers(-2, 3, (3, 2, 2)), rng.integers(-2, 3, (4, 2))
    exact = lie_vectors(weights, 6 * control, ends, ends)
    rounded = lie_vectors(weights, 6 * control, ends, ends, p=None)
    assert np.abs(rounded).max() < PRIME / 2
    assert np.array_equal(exact, rounded)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[[1]], [[1, 2]]]}, r"weights\[1\]: expected shape \(rows, 1\)"),
        ({"control": [[[1, 2]]]}, r"control: expected shape \(K, 1, 1\)"),
        ({"left": [[1, 2]]}, r"left: expected shape \(n, 1\)"),
        ({"right": [[1], [2]]}, r"right: expected shape \(1, 1\)"),
        ({"left": [[0.5]]}, "expected integers"),
        ({"p": 4}, "p: expected a prime"),
        ({"p": 2, "control": [[[1]], [[1]]]}, "p: expected a prime above the length"),
    ],
)
def test_bad_input(change, message):
    given = {"weights": [[[1]], [[2]]], "control": [[[3]]], "left": [[1]], "right": [[1]]}
    with pytest.raises(ValueError, match=message):
        lie_vectors(**(given | change))


def test_batches_do_not_matter(rng, monkeypatch):
    weights = [residues(rng.integers(0, PRIME, s)) for s in [(3, 2), (2, 3)]]
    jet = LinearJet(weights, residues(rng.integers(0, PRIME, (2, 2, 2))))
    left, right = (residues(rng.integers(0, PRIME, (5, 2))) for _ in range(2))
    whole = jet.vectors(left, right)
    monkeypatch.setattr("gradflows.conservation.jets.CHUNK", 1)
    assert np.array_equal(jet.vectors(left, right), whole)
