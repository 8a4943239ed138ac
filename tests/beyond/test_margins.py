"""Losses of the margins, the leaky layer, and its largest margin."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import DeepLinear, Problem, gradient_flow
from gradflows.beyond import (
    ExponentialLoss,
    LeakyLayer,
    LogExponentialLoss,
    largest_margin,
    near_orthogonality,
)


def difference(function, x, h=1e-6):
    """Central differences in all coordinates."""
    steps = h * np.eye(x.size)
    return np.array(
        [
            (function(x + e.reshape(x.shape)) - function(x - e.reshape(x.shape))) / (2 * h)
            for e in steps
        ]
    )


@pytest.mark.parametrize("kind", [ExponentialLoss, LogExponentialLoss])
def test_derivatives_of_the_losses(kind):
    rng = np.random.default_rng(0)
    loss, x, v = kind([1, -1, 1, 1]), rng.normal(size=(1, 4)), rng.normal(size=(1, 4))
    np.testing.assert_allclose(loss.gradient(x).ravel(), difference(loss.value, x), atol=1e-8)
    bend = (loss.gradient(x + 1e-6 * v) - loss.gradient(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(loss.hessian_product(x, v), bend, atol=1e-7)
    assert loss.value(np.array([x, 2 * x])).shape == (2,)
    assert "4 labels" in repr(loss)


def test_values_of_the_losses():
    x = np.array([[1.0, 2.0]])
    assert ExponentialLoss([1, -1]).value(x) == pytest.approx(np.exp(-1) + np.exp(2))
    assert LogExponentialLoss([1, -1]).value(1e4 * x) == pytest.approx(2e4)


@pytest.mark.parametrize("kind", [ExponentialLoss, LogExponentialLoss])
def test_hessian_of_a_deep_network(kind):
    rng = np.random.default_rng(1)
    problem = Problem(DeepLinear((2, 3, 1)), rng.normal(size=(2, 4)), kind([1, -1, 1, -1]))
    theta = 0.5 * rng.normal(size=9)
    np.testing.assert_allclose(
        problem.hessian(theta), difference(problem.gradient, theta), atol=1e-7
    )


def test_both_losses_follow_one_path():
    """At equal norms both flows are at the same point."""
    rng = np.random.default_rng(2)
    X, y = np.array([[1.0, 0.4, -0.3], [0.2, 1.5, -0.9]]), [1, 1, -1]
    start = 0.3 * rng.normal(size=9) + 0.5

    def reach(kind):
        event = lambda t, theta: theta @ theta - 8.0  # noqa: E731
        event.terminal = True
        problem = Problem(DeepLinear((2, 3, 1)), X, kind(y))
        return gradient_flow(problem, start, 1e5, events=event).theta[-1]

    np.testing.assert_allclose(reach(ExponentialLoss), reach(LogExponentialLoss), atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0.1, 10))
def test_the_layer_is_homogeneous_and_its_derivatives_agree(seed, slope, factor):
    rng = np.random.default_rng(seed)
    layer, X = LeakyLayer(3, rng.choice([-1, 1], 4), slope), rng.normal(size=(3, 5))
    theta, cotangent = rng.normal(size=12), rng.normal(size=(1, 5))
    outputs = layer.outputs(theta, X)
    np.testing.assert_allclose(layer.outputs(factor * theta, X), factor * outputs, rtol=1e-9)
    J = layer.jacobian(theta, X)
    np.testing.assert_allclose(J @ theta, outputs[0], atol=1e-12)
    np.testing.assert_allclose(layer.pullback(theta, X, cotangent), cotangent[0] @ J, atol=1e-12)
    stack = layer.outputs(np.array([theta, -theta]), X)
    assert stack.shape == (2, 1, 5)
    np.testing.assert_allclose(stack[0], outputs)


def test_the_layer_in_a_problem():
    rng = np.random.default_rng(3)
    layer = LeakyLayer(3, [1, 1, -1], 0.2, scale=0.7)
    problem = Problem(layer, rng.normal(size=(3, 4)), ExponentialLoss([1, -1, 1, -1]))
    theta = rng.normal(size=9)
    np.testing.assert_allclose(
        problem.gradient(theta), difference(problem.loss, theta), rtol=1e-6, atol=1e-6
    )
    assert layer.scale == 0.7 and LeakyLayer(3, [1] * 4, 0).scale == 0.5
    assert "slope=0.2" in repr(layer)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 1), st.floats(0.1, 3))
def test_largest_margin_is_a_kkt_point(seed, slope, scale):
    rng = np.random.default_rng(seed)
    X = np.linalg.qr(rng.normal(size=(30, 5)))[0] + 1e-4 * rng.normal(size=(30, 5))
    y, signs = rng.choice([-1, 1], 5), rng.choice([-1, 1], 7)
    layer = LeakyLayer(30, signs, slope, scale)
    best = largest_margin(layer, X, y)
    theta = best.W.ravel()
    np.testing.assert_allclose(y * layer.outputs(theta, X)[0], 1, atol=1e-8)
    stationary = (best.multipliers * y) @ layer.jacobian(theta, X)
    np.testing.assert_allclose(stationary, theta, atol=1e-8 * np.abs(theta).max())
    assert best.margin == pytest.approx(1 / np.sqrt(best.multipliers.sum()))
    assert np.linalg.matrix_rank(best.W, tol=1e-9 * np.abs(theta).max()) <= 2
    fresh = rng.normal(size=(30, 50))
    np.testing.assert_array_equal(
        np.sign(layer.outputs(theta, fresh)[0]), np.sign(best.normal @ fresh)
    )


def test_largest_margin_is_the_support_vector_machine_for_a_linear_layer():
    rng = np.random.default_rng(4)
    X, y = np.linalg.qr(rng.normal(size=(8, 4)))[0], np.array([1, -1, 1, 1])
    best = largest_margin(LeakyLayer(8, [1, -1], 1.0), X, y)
    np.testing.assert_allclose(best.normal / np.linalg.norm(best.normal), X @ y / 2, atol=1e-12)


def test_near_orthogonality():
    assert near_orthogonality(np.eye(3)) == np.inf
    X = np.array([[2.0, 0.5], [0.0, 1.0]])
    expected = 1.25**2 / (4 * 2 * 1.0)
    assert near_orthogonality(X) == pytest.approx(expected)
    assert near_orthogonality(3 * X) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ExponentialLoss([1, 0]), "y: expected entries 1 or -1"),
        (lambda: LogExponentialLoss([1, np.nan]), "y: expected finite"),
        (lambda: LeakyLayer(2, [1, 2], 0.1), "signs: expected"),
        (lambda: LeakyLayer(2, [1, -1], 1.5), "slope: expected"),
        (lambda: LeakyLayer(2, [1, -1], 0.5, 0.0), "scale: expected"),
        (lambda: LeakyLayer(0, [1], 0.5), "inputs: expected"),
        (lambda: largest_margin(LeakyLayer(2, [1], 0.0), np.eye(2), [1, 1]), "slope: expected"),
        (lambda: largest_margin(LeakyLayer(2, [1], 0.5), np.eye(2), [1]), "y: expected 2 labels"),
        (lambda: largest_margin(LeakyLayer(3, [1], 0.5), np.eye(2), [1, 1]), "X: expected shape"),
        (
            lambda: largest_margin(LeakyLayer(2, [1, -1], 0.5), [[1, 0.9], [0, 0.1]], [1, -1]),
            "X: expected nearly orthogonal",
        ),
        (
            lambda: largest_margin(LeakyLayer(2, [1, -1], 0.5), np.zeros((2, 2)), [1, 1]),
            "X: expected nearly orthogonal",
        ),
        (lambda: near_orthogonality([1.0]), "X: expected shape"),
        (lambda: near_orthogonality([[0.0, 0.0]]), "X: expected"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
