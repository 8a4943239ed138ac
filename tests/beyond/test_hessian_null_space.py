"""Nullities: measured, predicted, and by hand in the degenerate cases."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import CrossEntropy, Problem, SquaredLoss
from gradflows.activations import Activation
from gradflows.beyond import (
    ActivatedSquaredLoss,
    DenseNetwork,
    gauss_newton,
    nullity,
    origin_curvature,
    predicted_nullity,
    symmetry_dimension,
)
from gradflows.deep_linear import UndecidedRankError

WIDTHS = st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(1, 4))


def integers(rng, *shape):
    return rng.integers(1, 10, shape) * rng.choice([-1, 1], shape)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    rank=st.integers(0, 6),
    seed=st.integers(0, 2**16),
)
def test_the_nullity_of_a_matrix_of_known_rank(rows, columns, rank, seed):
    rng, rank = np.random.default_rng(seed), min(rank, rows, columns)
    left = np.eye(rows, rank, dtype=int) + np.tril(rng.integers(-1, 2, (rows, rank)), -1)
    right = np.eye(rank, columns, dtype=int) + np.triu(rng.integers(-1, 2, (rank, columns)), 1)
    A = left @ right if rank else np.zeros((rows, columns), dtype=int)
    assert nullity(A, exact=True) == nullity(A) == columns - rank == columns - sp.Matrix(A).rank()


def test_a_rank_without_a_gap_is_refused():
    with pytest.raises(UndecidedRankError, match="J"):
        nullity(np.diag([1.0, 1e-8]))
    assert nullity(np.diag([1.0, 1e-8]), tol=1e-6) == 1
    assert nullity(np.diag([1.0, 1e-8]), tol=1e-11) == 0


@settings(max_examples=30, deadline=None)
@given(widths=WIDTHS, seed=st.integers(0, 2**16))
def test_a_linear_network_is_predicted_exactly(widths, seed):
    rng, network = np.random.default_rng(seed), DenseNetwork(widths, "identity")
    W1, W2 = integers(rng, *widths[1::-1]), integers(rng, *widths[:0:-1])
    ranks = [np.linalg.matrix_rank(W) for W in (W1, W2)]
    J = network.jacobian(network.join([W1, W2]), integers(rng, widths[0], 30))
    full = ranks == [min(W.shape) for W in (W1, W2)]
    found = nullity(J, exact=True)
    predicted = predicted_nullity(widths, "identity")
    assert found == predicted if full else found >= predicted


@pytest.mark.parametrize(
    ("widths", "activation", "expected"),
    [
        ((4, 3, 2), "identity", 10),
        ((6, 2, 5), "identity", 4),
        ((1, 2, 3), "identity", 5),
        ((2, 6, 1), "identity", 16),
        ((4, 3, 2), "relu", 3),
        ((4, 3, 2), "relu2", 3),
    ],
)
def test_the_table_in_exact_arithmetic(widths, activation, expected):
    rng, network = np.random.default_rng(0), DenseNetwork(widths, activation)
    J = network.jacobian(integers(rng, network.size), integers(rng, widths[0], 300))
    assert nullity(J, exact=True) == predicted_nullity(widths, activation) == expected


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus"])
def test_smooth_activations_leave_nothing(activation):
    rng, network = np.random.default_rng(1), DenseNetwork((4, 3, 2), activation)
    theta, X = rng.standard_normal(18), 1.5 * rng.standard_normal((4, 100))
    assert nullity(network.jacobian(theta, X)) == predicted_nullity((4, 3, 2), activation) == 0
    few = [nullity(network.jacobian(theta, X[:, :n])) for n in (2, 4, 6)]
    assert few == [14, 10, 6]


def test_softplus_twins_of_opposite_sign_have_one_relation():
    """It is z = s(z) - s(-z) = z s'(z) + z s'(-z)."""
    rng, network = np.random.default_rng(2), DenseNetwork((4, 2, 1), "softplus")
    W1, W2 = network.split(rng.standard_normal(10))
    W1[1] = -W1[0]
    X = rng.standard_normal((4, 100))
    assert nullity(network.jacobian(network.join([W1, W2]), X)) == 1
    change = network.join([np.array([-1 / W2[0, 0], -1 / W2[0, 1]])[:, None] * W1[0], [[1, -1]]])
    np.testing.assert_allclose(network.jacobian(network.join([W1, W2]), X) @ change, 0, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(off=st.integers(0, 3), on=st.integers(0, 3), seed=st.integers(0, 2**16))
def test_kinds_of_neurons_are_counted(off, on, seed):
    if off + on > 4:
        return
    rng, network = np.random.default_rng(seed), DenseNetwork((3, 4, 2), "relu")
    W1, W2 = integers(rng, 4, 3), integers(rng, 2, 4)
    W1[:, 0] = [-1, 1, 1, -1]
    W1[:off, 0], W1[4 - on :, 0] = -50, 50
    crossing = W1[off : 4 - on]
    parallel = any(not np.cross(a, b).any() for i, a in enumerate(crossing) for b in crossing[:i])
    full = np.linalg.matrix_rank(W1[4 - on :]) == min(on, 3)
    full &= np.linalg.matrix_rank(W2[:, 4 - on :]) == min(on, 2) if on else True
    X = np.vstack([rng.integers(6, 9, 1500), integers(rng, 2, 1500)])
    found = nullity(network.jacobian(network.join([W1, W2]), X), exact=True)
    if full and not parallel:
        assert found == predicted_nullity((3, 4, 2), "relu", off=off, on=on)


def test_a_dead_neuron_costs_all_its_weights():
    assert predicted_nullity((4, 3, 2), "relu", off=1) == 8
    assert predicted_nullity((4, 3, 2), "relu2", off=1) == 8
    assert predicted_nullity((4, 3, 2), "relu", off=3) == 18
    assert predicted_nullity((4, 3, 2), "relu", on=3) == predicted_nullity((4, 3, 2), "identity")


def test_dimension_of_symmetries():
    assert [symmetry_dimension(a, 3) for a in ("identity", "relu", "relu2")] == [9, 3, 3]
    others = ("quadratic", "sigmoid", "softplus", "tanh")
    assert not any(symmetry_dimension(a, 3) for a in others)


def test_gauss_newton_of_other_losses():
    rng, network = np.random.default_rng(3), DenseNetwork((3, 4, 2), "tanh")
    theta, X = rng.standard_normal(20), rng.standard_normal((3, 6))
    cross = CrossEntropy(np.eye(2)[rng.integers(0, 2, 6)].T)
    losses = (SquaredLoss(rng.standard_normal((2, 6))), cross,
              ActivatedSquaredLoss(rng.standard_normal((2, 6)), "tanh"))  # fmt: skip
    for loss in losses:
        problem = Problem(network, X, loss)
        cotangent = loss.gradient(problem.outputs(theta))
        expected = problem.hessian(theta) - network.second_order(theta, X, cotangent)
        np.testing.assert_allclose(gauss_newton(problem, theta), expected, atol=1e-12)


def test_the_slope_at_zero_counts_with_its_modulus():
    """A hidden -tanh has the slope -1 and the same least eigenvalue."""
    rng, network = np.random.default_rng(4), DenseNetwork((4, 3, 2), "tanh")
    network.layers.activation = Activation(
        value=lambda z: -np.tanh(z),
        slope=lambda z, a: a * a - 1,
        curvature=lambda z, a: -2 * a * (1 - a * a),
    )
    X, Y = rng.standard_normal((2, 4, 20))
    problem = Problem(network, X, SquaredLoss(Y[:2]))
    least = np.linalg.eigvalsh(problem.hessian(np.zeros(18)))[0]
    assert least == pytest.approx(origin_curvature("tanh", X, Y[:2]), rel=1e-12)


def test_the_origin_of_other_activations_is_refused():
    X, Y = np.ones((2, 3)), np.ones((1, 3))
    for activation in ("relu", "sigmoid", "softplus"):
        with pytest.raises(ValueError, match="differentiable at 0"):
            origin_curvature(activation, X, Y)
    with pytest.raises(ValueError, match="Y: expected shape"):
        origin_curvature("tanh", X, np.ones((1, 4)))
    assert origin_curvature("relu2", X, Y) == 0


@pytest.mark.parametrize(
    ("arguments", "counts", "message"),
    [
        (((4, 3), "tanh"), {}, "widths: expected three"),
        (((4, 3, 2), "quadratic"), {}, "activation: expected one of identity"),
        (((4, 3, 2), "tanh"), {"off": 1}, "off: expected 0 for 'tanh'"),
        (((4, 3, 2), "identity"), {"on": 1}, "on: expected 0 for 'identity'"),
        (((4, 3, 2), "relu2"), {"on": 1}, "on: expected 0 for 'relu2'"),
        (((4, 3, 2), "relu"), {"off": 2, "on": 2}, "off: expected off"),
        (((4, 3, 2), "relu"), {"off": -1}, "off: expected an integer >= 0"),
    ],
)
def test_bad_predictions_are_refused(arguments, counts, message):
    with pytest.raises(ValueError, match=message):
        predicted_nullity(*arguments, **counts)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="A: expected integers"):
        nullity([[0.5]], exact=True)
    with pytest.raises(ValueError, match="J: expected finite"):
        nullity([[np.nan]])
    with pytest.raises(ValueError, match="hidden"):
        symmetry_dimension("relu", 0)
    with pytest.raises(ValueError, match="activation"):
        symmetry_dimension("cosine", 2)
    problem = Problem(DenseNetwork((1, 1, 1), "tanh"), [[1.0]], SquaredLoss([[1.0]]))
    with pytest.raises(ValueError, match="theta"):
        gauss_newton(problem, np.zeros(3))
