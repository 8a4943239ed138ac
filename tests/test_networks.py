"""Networks: shapes, derivatives against differences, stacks against loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import MLP, DeepLinear, ShallowReLU
from gradflows.activations import ACTIVATIONS

WIDTHS = st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple)


@st.composite
def networks(draw):
    kind = draw(st.sampled_from(["linear", "shallow", *sorted(ACTIVATIONS)]))
    if kind == "linear":
        return DeepLinear(draw(WIDTHS))
    if kind == "shallow":
        widths = [draw(st.integers(1, 4)) for _ in range(3)]
        return ShallowReLU(*widths, bias=draw(st.booleans()))
    return MLP(draw(WIDTHS), kind)


@st.composite
def situations(draw, rank_zero=True):
    """A network with inputs, parameters and a cotangent; one sample and rank 0 among them."""
    network, samples = draw(networks()), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    X = rng.normal(size=(network.widths[0], samples))
    theta = rng.normal(size=network.size)
    if rank_zero and draw(st.booleans()):
        X[:] = 0.0
    if rank_zero and draw(st.integers(0, 4)) == 0:
        theta[:] = 0.0
    return network, theta, X, rng.normal(size=(network.widths[-1], samples)), rng


def differences(function, theta, step=1e-6):
    """Central differences of a vector function, one column a parameter."""
    pushes = step * np.eye(theta.size)
    return np.stack([(function(theta + p) - function(theta - p)) / (2 * step) for p in pushes], -1)


def smooth(network, theta, X):
    """Whether no ReLU is within reach of its kink."""
    if network.layers.activation is not ACTIVATIONS["relu"]:
        return True
    state = network.layers.forward(theta, X)
    return all(np.abs(z).min() > 1e-3 for z in state.preactivations)


def test_sizes_and_order_of_parameters():
    assert MLP((2, 8, 2)).size == 42
    assert DeepLinear((10, 10, 10, 10)).size == 300
    assert ShallowReLU(3, 4, 2).size == 20
    assert ShallowReLU(3, 4, 2, bias=True).size == 24
    network = MLP((2, 3, 1))
    W1, b1, W2, b2 = network.split(np.arange(13.0))
    np.testing.assert_array_equal(W1, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(b1, [6, 7, 8])
    np.testing.assert_array_equal(W2, [[9, 10, 11]])
    np.testing.assert_array_equal(b2, [12])


def test_split_gives_views():
    network, theta = DeepLinear((2, 2, 1)), np.zeros(6)
    network.split(theta)[1][0, 1] = 5.0
    assert theta[5] == 5.0


def test_deep_linear_is_a_product():
    rng = np.random.default_rng(3)
    network, X = DeepLinear((3, 2, 4, 2)), rng.normal(size=(3, 5))
    W = [rng.normal(size=shape) for shape in [(2, 3), (4, 2), (2, 4)]]
    np.testing.assert_allclose(network.outputs(network.join(W), X), W[2] @ W[1] @ W[0] @ X)


def test_shallow_relu_by_hand():
    network = ShallowReLU(1, 2, bias=True)
    theta = network.join([[[1.0], [-1.0]], [0.5, -3.0], [[2.0, 7.0]]])
    np.testing.assert_allclose(network.outputs(theta, [[1.0, -0.5, -4.0]]), [[3.0, 0.0, 7.0]])


def test_relu_is_flat_at_its_kink():
    network = ShallowReLU(1, 1)
    np.testing.assert_array_equal(network.jacobian([0.0, 3.0], [[2.0]]), [[0.0, 0.0]])


def test_mlp_by_hand():
    network = MLP((1, 1, 1), "tanh")
    out = network.outputs([2.0, 0.5, 3.0, -1.0], [[0.25]])
    np.testing.assert_allclose(out, [[3 * np.tanh(1.0) - 1]])


@settings(max_examples=40, deadline=None)
@given(situations(), st.integers(1, 3))
def test_join_inverts_split(situation, count):
    network, theta, *_, rng = situation
    np.testing.assert_array_equal(network.join(network.split(theta)), theta)
    stack = rng.normal(size=(count, network.size))
    np.testing.assert_array_equal(network.join(network.split(stack)), stack)


@settings(max_examples=80, deadline=None)
@given(situations())
def test_jacobian_is_the_derivative(situation):
    network, theta, X, _, _ = situation
    if not smooth(network, theta, X):
        return
    by_sample = differences(lambda point: network.outputs(point, X).T.ravel(), theta)
    np.testing.assert_allclose(network.jacobian(theta, X), by_sample, atol=1e-6, rtol=1e-6)


@settings(max_examples=80, deadline=None)
@given(situations())
def test_pullback_is_the_transposed_jacobian(situation):
    network, theta, X, cotangent, _ = situation
    expected = network.jacobian(theta, X).T @ cotangent.T.ravel()
    np.testing.assert_allclose(network.pullback(theta, X, cotangent), expected, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(situations())
def test_second_order_is_the_derivative_of_the_pullback(situation):
    network, theta, X, cotangent, _ = situation
    second = network.second_order(theta, X, cotangent)
    np.testing.assert_allclose(second, second.T, atol=1e-10 * (1 + np.abs(second).max()))
    if smooth(network, theta, X):
        expected = differences(lambda point: network.pullback(point, X, cotangent), theta)
        np.testing.assert_allclose(second, expected, atol=1e-6, rtol=1e-5)


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(1, 4))
def test_a_stack_is_a_loop(situation, count):
    network, theta, X, cotangent, rng = situation
    stack = np.concatenate([theta[None], rng.normal(size=(count, theta.size))])
    cotangents = rng.normal(size=(count + 1, *cotangent.shape))
    for method in ("outputs", "jacobian"):
        function = getattr(network, method)
        loop = np.stack([function(point, X) for point in stack])
        np.testing.assert_allclose(function(stack, X), loop, atol=1e-12)
    for method in ("pullback", "second_order"):
        function = getattr(network, method)
        loop = np.stack([function(p, X, c) for p, c in zip(stack, cotangents, strict=True)])
        np.testing.assert_allclose(function(stack, X, cotangents), loop, atol=1e-11)
        same = np.stack([function(p, X, cotangent) for p in stack])
        np.testing.assert_allclose(function(stack, X, cotangent), same, atol=1e-11)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_derivatives_of_activations(name):
    activation, z = ACTIVATIONS[name], np.linspace(-3, 3, 20)
    a, e = activation.value(z), 1e-6
    slope = (activation.value(z + e) - activation.value(z - e)) / (2 * e)
    np.testing.assert_allclose(activation.slope(z, a), slope, atol=1e-8)
    curvature = (
        activation.slope(z + e, activation.value(z + e))
        - activation.slope(z - e, activation.value(z - e))
    ) / (2 * e)
    np.testing.assert_allclose(activation.curvature(z, a), curvature, atol=1e-8)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_stand_large_arguments(name):
    activation, z = ACTIVATIONS[name], np.array([-1e4, 1e4])
    with np.errstate(all="raise", under="ignore"):
        for value in (activation.value(z), activation.slope(z, activation.value(z))):
            assert np.isfinite(value).all()
