"""The numbers of the chapter conservation/polynomial_search, by other means than the chapter's."""

from itertools import combinations_with_replacement
from math import comb

import numpy as np
import pytest
import sympy as sp


def kernel_by_evaluation(field, size, degree, rng, tolerance=1e-9):
    """Dimension of the polynomials of a degree conserved by a field, in floating point."""
    table = list(combinations_with_replacement(range(size), degree))
    rows = []
    for _ in range(2 * len(table)):
        theta = rng.standard_normal(size)
        X = field(theta, rng)
        rows.append(
            [
                sum(X[m[k]] * np.prod(theta[list(m[:k] + m[k + 1 :])]) for k in range(degree))
                for m in table
            ]
        )
    values = np.linalg.svd(rows, compute_uv=False)
    return int(np.sum(values < tolerance * values[0]))


def linear_field(widths):
    """Gradients of random entries' combinations of the product, in floating point."""

    def field(theta, rng):
        weights, rest = [], theta
        for a, b in zip(widths, widths[1:], strict=False):
            weights.append(rest[: a * b].reshape(b, a))
            rest = rest[a * b :]
        direction, parts = rng.standard_normal((widths[-1], widths[0])), []
        for i, weight in enumerate(weights):
            left, right = np.eye(widths[-1]), np.eye(widths[0])
            for other in weights[:i]:
                right = other @ right
            for other in weights[:i:-1]:
                left = left @ other
            parts.append((left.T @ direction @ right.T).ravel())
            assert parts[-1].size == weight.size
        return np.concatenate(parts)

    return field


@pytest.mark.parametrize(
    ("widths", "degree", "expected"),
    [
        ((2, 2, 2), 2, 3),
        ((1, 3, 1), 2, 9),
        ((1, 4, 2), 2, 10),
        ((1, 2, 2, 1), 2, 6),
        ((1, 2, 2, 1), 3, 0),
        ((1, 3, 2), 3, 1),
        ((1, 2, 1), 4, 9),
    ],
)
def test_kernels_in_floating_point(widths, degree, expected):
    size = sum(a * b for a, b in zip(widths, widths[1:], strict=False))
    found = kernel_by_evaluation(linear_field(widths), size, degree, np.random.default_rng(0))
    assert found == expected


def test_numbers_of_unknowns():
    assert comb(12 + 2, 3) == 364 and comb(48 + 1, 2) == 1176 and comb(12 + 3, 4) == 1365
    assert [comb(5 + k, k) for k in (1, 2, 3)] == [6, 21, 56]


def test_products_of_two_minors_are_minors_of_the_imbalance():
    eta = sp.Matrix(3, 4, sp.symbols("e1:13"))
    for inputs in (1, 2):
        J = sp.diag(*[1] * (3 - inputs), *[-1] * inputs)
        C = eta.T * J * eta
        for left, right in (([0, 1, 2], [0, 1, 2]), ([0, 1, 2], [1, 2, 3])):
            product = eta[:, left].det() * eta[:, right].det()
            assert sp.expand(C.extract(left, right).det() - (-1) ** inputs * product) == 0


def test_the_seventh_law_exists():
    """Slide along the one field of widths (1, 2, 2, 1): seven coordinates do not change."""
    from scipy.integrate import solve_ivp

    def field(s, theta):
        a, B, c = theta[:2], theta[2:6].reshape(2, 2), theta[6:]
        return np.concatenate([B.T @ c, np.outer(c, a).ravel(), B @ a])

    rng = np.random.default_rng(0)
    start = rng.standard_normal(8)
    normal = field(0, start) / np.linalg.norm(field(0, start))
    frame = np.linalg.svd(normal[None])[2][1:]

    def arrival(theta):
        def along(s, w):
            return field(s, w) / (field(s, w) @ normal)

        height = (theta - start) @ normal
        end = solve_ivp(along, (height, 0), theta, rtol=1e-11, atol=1e-13).y[:, -1]
        return frame @ (end - start)

    moved = solve_ivp(field, (0, 0.3), start, rtol=1e-11, atol=1e-13).y[:, -1]
    assert np.linalg.norm(moved - start) > 0.1
    assert np.abs(arrival(moved)).max() < 1e-8
    slopes = [arrival(start + 1e-5 * e) / 1e-5 for e in np.eye(8)]
    assert np.linalg.matrix_rank(slopes, tol=1e-2) == 7


def test_laws_of_two_weights_modulo_two():
    """2 (a + c) u v + b (u^2 + v^2) vanishes modulo 2 for b = 0 and any a, c."""
    u, v, a, b, c = sp.symbols("u v a b c")
    q, phi = a * u**2 + b * u * v + c * v**2, u * v
    product = sp.expand(q.diff(u) * phi.diff(u) + q.diff(v) * phi.diff(v))
    assert sp.expand(product - 2 * (a + c) * u * v - b * (u**2 + v**2)) == 0
