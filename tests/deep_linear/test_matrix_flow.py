"""The flow in the adjacency matrix: pattern, conservation, Lax form and where it breaks."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows import gradient_flow
from gradflows.deep_linear import (
    adjacency_field,
    adjacency_loss,
    adjacency_matrix,
    balanced_factors,
    commutator,
    diagonal_blocks,
    end_to_end,
    imbalances,
    interior_blocks,
    kernel_operator,
    lax_generator,
    weights_from,
    whitened_problem,
)

WIDTHS = (3, 4, 2, 3)
SIGMA = np.array([[3.0, 0.2, 0.0], [0.1, 2.0, -0.4], [0.0, 0.3, 1.0]])


@pytest.fixture
def weights(rng):
    return generic(WIDTHS, rng)


def generic(widths, rng):
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def test_the_field_is_minus_the_gradient_of_the_network(weights):
    problem, theta = whitened_problem(weights, SIGMA)
    field = adjacency_field(adjacency_matrix(weights), SIGMA, WIDTHS)
    velocity = problem.network.join(weights_from(field, WIDTHS))
    np.testing.assert_allclose(velocity, -problem.gradient(theta), atol=1e-12)
    A = adjacency_matrix(weights)
    assert adjacency_loss(A, SIGMA, WIDTHS) == pytest.approx(problem.loss(theta), rel=1e-13)


def test_the_field_is_the_gradient_for_any_matrix(rng):
    A, V, widths = rng.standard_normal((5, 5)), rng.standard_normal((5, 5)), (2, 1, 1, 1)
    Sigma, step = np.array([[0.5, -1.0]]), 1e-5
    ends = [adjacency_loss(A + s * step * V, Sigma, widths) for s in (1, -1)]
    slope = -np.sum(adjacency_field(A, Sigma, widths) * V)
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, rel=1e-7)


def test_the_flow_of_the_full_matrix_stays_in_the_pattern(weights):
    def field(t, y):
        return adjacency_field(y.reshape(12, 12), SIGMA, WIDTHS).ravel()

    A = adjacency_matrix([0.5 * w for w in weights])
    run = solve_ivp(field, (0, 1), A.ravel(), rtol=1e-10, atol=1e-12, method="DOP853")
    end = run.y[:, -1].reshape(12, 12)
    assert not np.any(end[adjacency_matrix([np.ones_like(w) for w in weights]) == 0])
    assert not np.any(np.linalg.matrix_power(end, 4))
    before, after = diagonal_blocks(commutator(A), WIDTHS), diagonal_blocks(commutator(end), WIDTHS)
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved[1:-1]) < 1e-9
    assert min(moved[0], moved[-1]) > 0.1  # the end blocks are not conserved


def test_the_field_is_polynomial_of_two_degrees(weights):
    A, zero = adjacency_matrix(weights), np.zeros((3, 3))
    high = adjacency_field(A, zero, WIDTHS)
    low = adjacency_field(A, SIGMA, WIDTHS) - high
    np.testing.assert_allclose(adjacency_field(2 * A, zero, WIDTHS), 2**5 * high, rtol=1e-12)
    both = adjacency_field(2 * A, SIGMA, WIDTHS)
    np.testing.assert_allclose(both, 2**2 * low + 2**5 * high, atol=1e-9)


def test_the_commutator_identity(weights):
    A = adjacency_matrix(weights)
    F = adjacency_field(A, SIGMA, WIDTHS)
    power, E = np.linalg.matrix_power(A, 3), np.zeros((12, 12))
    E[-3:, :3] = SIGMA
    left, right = A.T @ F - F @ A.T, power.T @ (E - power) - (E - power) @ power.T
    np.testing.assert_allclose(left, right, atol=1e-11)
    assert max(np.abs(b).max() for b in interior_blocks(left, WIDTHS)) < 1e-12


def test_interior_blocks_of_the_commutator_are_minus_the_imbalances(weights):
    blocks = interior_blocks(commutator(adjacency_matrix(weights)), WIDTHS)
    for block, C, below, above in zip(
        blocks, imbalances(weights), weights, weights[1:], strict=False
    ):
        np.testing.assert_allclose(block, -C, atol=1e-14)
        np.testing.assert_allclose(C, above.T @ above - below @ below.T, atol=1e-14)


def test_imbalances_are_conserved_and_norms_do_not_run_apart(weights):
    problem, theta = whitened_problem(weights, SIGMA)
    run = gradient_flow(problem, theta, 3.0, rtol=1e-11, atol=1e-13)
    layers = problem.network.split(run.theta)
    for C in imbalances(layers):
        assert C.shape[0] == len(run.t)
        assert np.abs(C - C[0]).max() < 1e-8
    for below, above, C in zip(layers, layers[1:], imbalances(weights), strict=False):
        squares = np.sum(above**2, axis=(1, 2)) - np.sum(below**2, axis=(1, 2))
        assert np.ptp(squares) < 1e-8
        nodes = np.sum(above**2, axis=1) - np.sum(below**2, axis=2)
        assert np.abs(nodes - nodes[0]).max() < 1e-8
        norms = np.linalg.norm(above, 2, axis=(1, 2)), np.linalg.norm(below, 2, axis=(1, 2))
        assert np.all(np.abs(norms[0] ** 2 - norms[1] ** 2) <= np.linalg.norm(C, 2) + 1e-8)


def test_the_velocity_is_orthogonal_to_the_gauge_orbits(weights):
    """The skew part of the identity holds too, and gives no conserved quantity."""
    velocity = weights_from(adjacency_field(adjacency_matrix(weights), SIGMA, WIDTHS), WIDTHS)
    for i in range(2):
        left, right = velocity[i] @ weights[i].T, weights[i + 1].T @ velocity[i + 1]
        np.testing.assert_allclose(left, right, atol=1e-12)
        assert np.abs(left - left.T).max() > 0.1


def test_the_kernel_moves_the_product(weights):
    problem, theta = whitened_problem(weights, SIGMA)
    K, residual = kernel_operator(weights), SIGMA - end_to_end(weights)
    np.testing.assert_allclose(K, problem.kernel(theta), atol=1e-12)
    vec = residual.T.ravel()  # columns one after the other
    assert vec @ K @ vec == pytest.approx(np.sum(problem.gradient(theta) ** 2), rel=1e-12)
    assert abs(residual.ravel() @ K @ residual.ravel() - vec @ K @ vec) > 0.1
    velocity = problem.network.split(-problem.gradient(theta))
    moved = sum(
        end_to_end([velocity[i] if i == j else w for i, w in enumerate(weights)]) for j in range(3)
    )
    np.testing.assert_allclose(K @ vec, moved.T.ravel(), atol=1e-10)


@pytest.mark.parametrize("widths", [(3, 2, 4, 3), (2, 5, 1, 4), (4, 3, 5, 3), (2, 2, 2)])
def test_the_lax_form_holds_at_generic_points(widths, rng):
    weights = generic(widths, rng)
    Sigma = rng.standard_normal((widths[-1], widths[0]))
    B, residual = lax_generator(weights, Sigma)
    A = adjacency_matrix(weights)
    assert residual < 1e-11
    np.testing.assert_allclose(
        commutator(B, A), adjacency_field(A, Sigma, widths), atol=1e-9 * np.abs(B).max()
    )


def test_the_lax_form_breaks_where_the_flow_raises_a_rank():
    """No rank may be maximal: a balanced point of low rank keeps its ranks, and its Lax form."""
    Sigma = np.array([[2.0, 0.5], [0.0, 1.0]])
    stub = [np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])]
    assert lax_generator(stub, Sigma)[1] > 0.1
    balanced = balanced_factors(np.array([[1.0, 0.3], [0.4, 0.12]]), (2, 2, 2, 2), 1)
    assert lax_generator(balanced, Sigma)[1] < 1e-12


def test_the_generator_is_not_skew_and_singular_values_move(rng):
    weights = generic((3, 3, 3), rng)
    B, _ = lax_generator(weights, SIGMA)
    assert np.abs(B + B.T).max() > 0.1
    problem, theta = whitened_problem(weights, SIGMA)
    end = problem.network.split(gradient_flow(problem, theta, 0.5).theta[-1])
    before, after = (np.linalg.svd(adjacency_matrix(w))[1] for w in (weights, end))
    assert np.abs(before - after).max() > 0.1


def test_shapes_are_checked(weights):
    with pytest.raises(ValueError, match="A: expected shape"):
        adjacency_field(np.eye(5), SIGMA, WIDTHS)
    with pytest.raises(ValueError, match="Sigma"):
        adjacency_loss(np.eye(12), np.ones((2, 3)), WIDTHS)
    with pytest.raises(ValueError, match="B"):
        commutator(np.eye(3), np.eye(2))
