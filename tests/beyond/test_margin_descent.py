"""Long descents in coefficients, against plain descent and the closed forms."""

import numpy as np
import pytest

from gradflows import IntegrationError, Problem, gradient_descent
from gradflows.beyond import (
    ExponentialLoss,
    LeakyLayer,
    LogExponentialLoss,
    largest_margin,
    leaky_stable_rank,
    margin_descent,
    margin_spread,
    near_orthogonality,
    pattern_stable_rank,
    stable_rank,
)


def example(seed=0, d=9, n=4, slope=0.3):
    rng = np.random.default_rng(seed)
    layer = LeakyLayer(d, [1, 1, -1, -1, -1], slope)
    return layer, rng.normal(size=(d, n)), np.array([1, -1, 1, -1]), rng.normal(size=(5, d))


def test_normalised_steps_descend_on_the_logarithm():
    layer, X, y, W0 = example()
    run = margin_descent(layer, X, y, W0, 0.05, 30, save=[0, 10, 30])
    problem = Problem(layer, X, LogExponentialLoss(y))
    plain = gradient_descent(problem, W0.ravel(), 0.05, 30)
    for k, step in enumerate(run.steps):
        np.testing.assert_allclose(run.weights(k).ravel(), plain.theta[step], atol=1e-10)
        assert run.log_loss[k] == pytest.approx(plain.loss[step])
    np.testing.assert_allclose(run.margins[-1], y * problem.outputs(plain.theta[-1])[0])


def test_logistic_steps():
    layer, X, y, W0 = example(1)
    run = margin_descent(layer, X, y, W0, 0.3, 20, loss="logistic")
    W = W0.copy()
    for _ in range(20):
        weights = 1 / (1 + np.exp(y * layer.outputs(W.ravel(), X)[0]))
        W = W + 0.3 / 4 * layer.pullback(W.ravel(), X, weights * y).reshape(W.shape)
    np.testing.assert_allclose(run.weights(-1), W, atol=1e-12)
    assert run.log_loss[-1] == pytest.approx(np.log(np.log1p(np.exp(-run.margins[-1])).mean()))
    assert run.steps[0] == 0 and run.steps[-1] == 20
    assert "gradient descent" in str(run.accuracy()) and run.accuracy().falls


def test_small_normalised_steps_converge_to_the_flow_with_order_one():
    layer, X, y, W0 = example(2)
    ends = [margin_descent(layer, X, y, W0, 2.0 / n, n).weights(-1) for n in (50, 100, 200, 3200)]
    errors = [np.linalg.norm(end - ends[-1]) for end in ends[:-1]]
    order = -np.polyfit(np.log([50, 100, 200]), np.log(errors), 1)[0]
    assert 0.85 < order < 1.25


@pytest.mark.parametrize("slope", [0.05, 0.1, 0.3, 0.6])
def test_the_table_on_orthonormal_inputs(slope):
    y, signs = np.repeat([1, -1], 6), np.repeat([1, -1], 10)
    W0 = 1e-3 * np.random.default_rng(0).normal(size=(20, 12))
    end = margin_descent(
        LeakyLayer(12, signs, slope), np.eye(12), y, W0, 0.5, 3000, save=[3000]
    ).weights(0)
    assert stable_rank(end) == pytest.approx(leaky_stable_rank(slope), abs=8e-4)
    singular = np.linalg.svd(end, compute_uv=False)
    assert singular[1] / singular[0] == pytest.approx((1 - slope) / (1 + slope), abs=1e-3)
    assert singular[2] / singular[0] < 2e-3


def test_gaussian_inputs_far_from_the_hypothesis():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 12)) / np.sqrt(2000)
    y, signs = np.repeat([1, -1], [7, 5]), np.repeat([1, -1], [8, 12])
    layer = LeakyLayer(2000, signs, 0.3)
    best = largest_margin(layer, X, y)
    assert 0.9 < near_orthogonality(X) < 1.3
    assert best.margin == pytest.approx(0.2043, abs=0.003)
    W0 = 1e-2 * rng.normal(size=(20, 2000))
    run = margin_descent(layer, X, y, W0, 0.2, 5000, save=[500, 5000])
    for k, (cosine, third) in enumerate([(0.99, 0.04), (0.9998, 0.004)]):
        W = run.weights(k)
        norm = np.linalg.norm(W)
        assert np.sum(W * best.W) * best.margin / norm > cosine
        singular = np.linalg.svd(W, compute_uv=False)
        assert singular[2] < third * singular[0]
        assert run.margins[k].min() / norm < best.margin


def test_relu_and_leaky_blocks_after_many_logistic_steps():
    rng = np.random.default_rng(1)
    X = np.linalg.qr(rng.normal(size=(40, 16)))[0]
    y, signs = np.repeat([1, -1], 8), np.repeat([1, -1], 30)
    W0 = 1e-3 * rng.normal(size=(60, 40))
    ends = {}
    for slope in (0.2, 0.0):
        layer = LeakyLayer(40, signs, slope, 1 / 30)
        ends[slope] = margin_descent(layer, X, y, W0, 40.0, 20_000, loss="logistic", save=[20_000])
    leaky, relu = (ends[slope].weights(0) for slope in (0.2, 0.0))
    assert stable_rank(leaky[:30]) == pytest.approx(1, abs=5e-5)
    assert stable_rank(leaky) == pytest.approx(1.439, abs=2e-3)
    assert np.linalg.norm(leaky[:30], 2) == pytest.approx(113.238, abs=0.03)
    seen = pattern_stable_rank((W0 @ X > 0)[:30, :8])
    assert stable_rank(relu[:30]) == pytest.approx(seen, abs=0.02) and seen > 1.5
    assert margin_spread(ends[0.2].margins[0]) < 1e-5 < margin_spread(ends[0.0].margins[0])
    assert np.exp(ends[0.2].log_loss[0]) * 20_000 == pytest.approx(11.6, abs=0.05)


def test_the_smallest_example_ends_below_the_largest_margin():
    """One input, two ReLU neurons, of which one is off: margin 1 instead of the root of 2."""
    layer = LeakyLayer(1, [1, 1], 0.0, 1.0)
    run = margin_descent(layer, [[1.0]], [1], [[0.1], [-0.1]], 0.1, 2000, save=[2000])
    assert run.margins[0, 0] / np.linalg.norm(run.weights(0)) == pytest.approx(1, abs=1e-3)
    leaky = LeakyLayer(1, [1, 1], 0.2, 1.0)
    run = margin_descent(leaky, [[1.0]], [1], [[0.1], [-0.1]], 0.1, 2000, save=[2000])
    assert run.margins[0, 0] / np.linalg.norm(run.weights(0)) == pytest.approx(2**0.5, abs=1e-3)


def test_the_normalised_margin_may_fall():
    X, theta = np.array([[10.0, -1.0], [0.0, 1.0]]), np.array([0.2, 2.1])
    layer = LeakyLayer(2, [1], 1.0, 1.0)
    run = margin_descent(layer, X, [1, 1], theta[None], 1e-4, 1, save=[0, 1])
    sizes = [np.linalg.norm(run.weights(k)) for k in (0, 1)]
    normalised, smoothed = run.margins.min(axis=1) / sizes, -run.log_loss / sizes
    assert run.log_loss[0] < 0 and normalised[1] < normalised[0]
    assert smoothed[1] > smoothed[0]
    assert ExponentialLoss([1, 1]).value(theta[None] @ X) < 1


def test_overflow_is_an_error():
    layer, X, y, W0 = example()
    with pytest.raises(IntegrationError):
        margin_descent(layer, 1e200 * X, y, W0, 1e200, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(X=np.ones((2, 4))), "X: expected shape"),
        (dict(y=[1, 1]), "y: expected 4 labels"),
        (dict(y=[1, 1, 0, 1]), "y: expected entries"),
        (dict(W0=np.ones((2, 9))), "W0: expected shape"),
        (dict(step=0), "step: expected"),
        (dict(n_steps=0), "n_steps: expected"),
        (dict(loss="hinge"), "loss: expected one of"),
        (dict(save=[3, 2]), "save: expected rising"),
        (dict(save=[99]), "save: expected rising"),
        (dict(save=[-1]), "save: expected"),
    ],
)
def test_bad_input(change, message):
    layer, X, y, W0 = example()
    given = dict(X=X, y=y, W0=W0, step=0.1, n_steps=5) | change
    with pytest.raises(ValueError, match=message):
        margin_descent(layer, **given)


def test_bad_margins():
    with pytest.raises(ValueError, match="margins: expected a positive mean"):
        margin_spread([-1.0, 0.5])
