"""The numbers of the chapter conservation/complete_lists, by other means than the chapter's."""

import itertools

import numpy as np
import sympy as sp

from gradflows import MLP, Problem, SquaredLoss
from gradflows.conservation import known_law_count, lie_dimension, observed_rank

ROOTS = np.array([2.0, 0.5]), np.array([2.4, 0.3])


def test_squares_of_components_from_the_roots():
    """The start of the riddle: C_1 = diag(2, 0.5) has a vector w with the wanted eigenvalues."""
    for roots in ROOTS:
        squares = np.array([2.0, 1.1]) ** 2
        # The two equations trace and determinant of diag(roots) + w w^T, solved for w^2.
        A = np.array([[1, 1], roots[::-1]])
        w2 = np.linalg.solve(A, [squares.sum() - roots.sum(), squares.prod() - roots.prod()])
        formula = [-np.prod(r - squares) / np.prod(np.delete(r - roots, j))
                   for j, r in enumerate(roots)]  # fmt: skip
        assert np.allclose(w2, formula) and np.all(w2 > 0)


def test_speed_of_the_singular_values_symbolically():
    """For a diagonal W_2: R(sigma_1^2) is the square of alpha_1 gamma_1 (s_1^2 - s_2^2)."""
    s1, s2, w1, w2, c1, c2 = sp.symbols("s1 s2 w1 w2 c1 c2", positive=True)
    B, w, c = sp.diag(s1, s2), sp.Matrix([w1, w2]), sp.Matrix([c1, c2])
    C1, C2 = B.T * B - w * w.T, c * c.T - B * B.T
    R = (s1**2 * sp.eye(2) - C1).det() * (s1**2 * sp.eye(2) + C2).det()
    assert sp.expand(R - (w1 * c1 * (s1**2 - s2**2)) ** 2) == 0


def test_lagrange_sums_vanish():
    x = sp.symbols("x1:4")
    for k in range(3):
        total = sum(
            x[i] ** k / sp.prod([x[i] - x[j] for j in range(3) if j != i]) for i in range(3)
        )
        assert sp.simplify(total) == (1 if k == 2 else 0)


def test_the_histogram_of_gates_counts_a_third():
    network = MLP((2, 3, 3, 2), "relu")
    X = 3 * np.random.default_rng(0).standard_normal((2, 800))
    problem = Problem(network, X, SquaredLoss(np.zeros((2, 800))))
    draws = [np.random.default_rng(seed).standard_normal(network.size) for seed in range(60)]
    assert sum(observed_rank(problem, theta) == network.size - 6 for theta in draws) == 21
    # The gradient of one output at one input lies in the span of all.
    J = network.jacobian(draws[0], X)
    assert np.linalg.matrix_rank(J) == observed_rank(problem, draws[0])


def test_widths_two_as_a_bottleneck_add_nothing():
    for a, b in itertools.product((2, 3, 4), repeat=2):
        widths = (3, a, 2, b, 3)
        size = 3 * a + 2 * a + 2 * b + 3 * b
        assert size - lie_dimension(widths).dimension == known_law_count(widths)
