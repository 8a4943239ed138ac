"""Dense networks without biases, and the squared loss behind a last activation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import MLP, DeepLinear, Problem, ShallowReLU, SquaredLoss
from gradflows.beyond import ActivatedSquaredLoss, DenseNetwork
from gradflows.beyond.dense_networks import KINDS

SMOOTH = ("identity", "quadratic", "sigmoid", "softplus", "tanh")


@pytest.mark.parametrize(
    ("activation", "other"),
    [("identity", DeepLinear((3, 4, 2))), ("relu", ShallowReLU(3, 4, 2))],
)
def test_it_agrees_with_the_networks_of_the_ground_floor(activation, other):
    rng = np.random.default_rng(0)
    network, theta = DenseNetwork((3, 4, 2), activation), rng.standard_normal(20)
    X = rng.standard_normal((3, 7))
    assert network.smooth == (activation == "identity")
    for method in ("outputs", "jacobian"):
        np.testing.assert_array_equal(getattr(network, method)(theta, X),
                                      getattr(other, method)(theta, X))  # fmt: skip


def test_biases_are_inputs_that_are_one():
    rng = np.random.default_rng(1)
    mlp, network = MLP((3, 4, 2), "tanh"), DenseNetwork((4, 4, 2), "tanh")
    W1, b1, W2, b2 = mlp.split(rng.standard_normal(mlp.size))
    X = rng.standard_normal((3, 5))
    theta = network.join([np.column_stack([W1, b1]), W2])
    expected = mlp.outputs(mlp.join([W1, b1, W2, 0 * b2]), X)
    np.testing.assert_allclose(network.outputs(theta, np.vstack([X, np.ones(5)])), expected)


@settings(max_examples=20, deadline=None)
@given(
    activation=st.sampled_from(sorted(KINDS)),
    depth=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
def test_the_jacobian_is_the_derivative_of_the_outputs(activation, depth, seed):
    rng = np.random.default_rng(seed)
    network = DenseNetwork((2, *rng.integers(1, 4, depth), 2), activation)
    theta, X = rng.standard_normal(network.size), rng.standard_normal((2, 3))
    direction, step = rng.standard_normal(network.size), 1e-6
    ahead, back = (network.outputs(theta + s * step * direction, X) for s in (1, -1))
    found = network.jacobian(theta, X) @ direction
    expected = ((ahead - back) / (2 * step)).T.ravel()
    np.testing.assert_allclose(found, expected, atol=1e-6 * max(1, np.abs(found).max()))


@pytest.mark.parametrize("activation", [*SMOOTH, "relu2"])
@pytest.mark.parametrize("last", SMOOTH)
def test_gradient_and_hessian_behind_a_last_activation(activation, last):
    rng = np.random.default_rng(2)
    network = DenseNetwork((2, 3, 3, 2), activation)
    theta, X = 0.7 * rng.standard_normal(network.size), rng.standard_normal((2, 4))
    problem = Problem(network, X, ActivatedSquaredLoss(rng.standard_normal((2, 4)), last))
    step = 1e-6 * np.eye(network.size)
    expected = (problem.loss(theta + step) - problem.loss(theta - step)) / 2e-6
    found = problem.gradient(theta)
    np.testing.assert_allclose(found, expected, atol=1e-7 * max(1, np.abs(found).max()))
    expected = (problem.gradient(theta + step) - problem.gradient(theta - step)) / 2e-6
    found = problem.hessian(theta)
    np.testing.assert_allclose(found, expected, atol=1e-7 * max(1, np.abs(found).max()))


def test_the_identity_as_last_activation_changes_nothing():
    rng = np.random.default_rng(3)
    Y, outputs, direction = rng.standard_normal((3, 2, 5))
    plain, activated = SquaredLoss(Y), ActivatedSquaredLoss(Y, "identity")
    assert activated.value(outputs) == plain.value(outputs)
    np.testing.assert_array_equal(activated.gradient(outputs), plain.gradient(outputs))
    np.testing.assert_allclose(
        activated.hessian_product(outputs, direction), plain.hessian_product(outputs, direction)
    )
    assert repr(activated) == "ActivatedSquaredLoss(Y (2, 5))"


def test_integers_stay_integers():
    rng = np.random.default_rng(4)
    for activation in ("identity", "relu", "relu2", "quadratic"):
        network = DenseNetwork((3, 4, 2), activation)
        theta, X = rng.integers(-9, 10, network.size), rng.integers(-9, 10, (3, 20))
        J = network.jacobian(theta, X)
        assert np.array_equal(J, np.rint(J)) and np.abs(J).max() < 2**53


@pytest.mark.parametrize("wrong", ["cosine", None, 3])
def test_unknown_activations_are_named(wrong):
    with pytest.raises(ValueError, match="activation: expected one of identity"):
        DenseNetwork((2, 2, 1), wrong)
    with pytest.raises(ValueError, match="activation: expected one of identity"):
        ActivatedSquaredLoss([[1.0]], wrong)


@pytest.mark.parametrize("wrong", [(2,), (2, 0, 1), 3, (2, 1.5, 1)])
def test_bad_widths_are_refused(wrong):
    with pytest.raises(ValueError, match="widths"):
        DenseNetwork(wrong, "tanh")
