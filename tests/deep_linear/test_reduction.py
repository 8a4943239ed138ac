"""Reduction of data: the loss is kept, and the flow only where it may be."""

import numpy as np
import pytest

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.deep_linear import (
    UndecidedRankError,
    classify,
    critical_point,
    end_to_end,
    imbalances,
    reduce_data,
    whitened_problem,
)


def orthogonal_inputs(rng, inputs=4, samples=7):
    return np.linalg.qr(rng.standard_normal((samples, inputs)))[0].T


def data_loss(weights, X, Y):
    return 0.5 * np.sum((Y - end_to_end(weights) @ X) ** 2)


def reduced_loss(data, weights):
    return data.constant + 0.5 * np.sum((data.Sigma - end_to_end(data.reduce(weights))) ** 2)


@pytest.mark.parametrize("kind", ["orthogonal", "generic", "few samples", "idle input"])
def test_the_loss_is_kept(rng, kind):
    X = orthogonal_inputs(rng) if kind == "orthogonal" else rng.standard_normal((4, 7))
    if kind == "few samples":
        X = X[:, :3]
    if kind == "idle input":
        X[2] = 0.0
    Y = rng.standard_normal((3, X.shape[1]))
    data = reduce_data(X, Y)
    weights = [rng.standard_normal((5, 4)), rng.standard_normal((3, 5))]
    assert reduced_loss(data, weights) == pytest.approx(data_loss(weights, X, Y), rel=1e-12)
    assert data.orthogonal == (kind == "orthogonal")
    assert data.constant == pytest.approx(0.5 * (np.sum(Y**2) - np.sum(data.sigma**2)), abs=1e-12)
    off = data.Sigma.copy()
    np.fill_diagonal(off, 0)
    assert not np.any(off) and np.all(np.diff(data.sigma) <= 0)
    again = data.reduce(data.restore(data.reduce(weights)))
    np.testing.assert_allclose(end_to_end(again), end_to_end(data.reduce(weights)), atol=1e-12)


def test_the_values_are_those_of_the_whitened_matrix(rng):
    """Not those of Y X^T."""
    X, Y = rng.standard_normal((4, 7)), rng.standard_normal((3, 7))
    values, frame = np.linalg.eigh(X @ X.T)
    white = Y @ X.T @ (frame / np.sqrt(values)) @ frame.T
    np.testing.assert_allclose(reduce_data(X, Y).sigma, np.linalg.svd(white)[1], atol=1e-12)
    assert np.abs(reduce_data(X, Y).sigma - np.linalg.svd(Y @ X.T)[1]).max() > 0.1


def run(problem, weights, t_end):
    network = problem.network
    flow = gradient_flow(problem, network.join(weights), t_end, rtol=1e-12, atol=1e-13)
    return network.split(flow.theta[-1])


def flows(X, Y, weights):
    """Reduce the end of the flow on the data; integrate the reduced flow to the same time."""
    data = reduce_data(X, Y)
    network, inputs = DeepLinear((4, 5, 3)), data.Sigma.shape[1]
    original = run(Problem(network, X, SquaredLoss(Y, mean=False)), weights, 1.0)
    problem, _ = whitened_problem(data.reduce(weights), data.Sigma)
    assert problem.network.widths == (inputs, 5, 3)
    reduced = run(problem, data.reduce(weights), 1.0)
    return data.reduce(original), reduced, original


def test_the_flow_is_kept_for_orthogonal_inputs_only(rng):
    weights = [0.5 * rng.standard_normal((5, 4)), 0.5 * rng.standard_normal((3, 5))]
    Y = rng.standard_normal((3, 7))
    one, two, _ = flows(orthogonal_inputs(rng), Y, weights)
    assert max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) < 1e-9
    idle = orthogonal_inputs(rng, inputs=3)  # an input that is always zero does no harm
    idle = np.vstack([idle, np.zeros(7)])
    assert reduce_data(idle, Y).orthogonal
    one, two, _ = flows(idle, Y, weights)
    assert max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) < 1e-9
    one, two, original = flows(0.7 * rng.standard_normal((4, 7)), Y, weights)
    assert max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)) > 1e-2
    drift = np.abs(imbalances(original)[0] - imbalances(weights)[0]).max()
    assert drift < 1e-9  # imbalances survive without whitening


def test_critical_points_come_from_the_reduced_problem(rng):
    X, Y = rng.standard_normal((4, 9)), rng.standard_normal((3, 9))
    data = reduce_data(X, Y)
    weights = data.restore(critical_point((4, 3, 3), data.sigma, [0, 2]))
    network = DeepLinear((4, 3, 3))
    problem = Problem(network, X, SquaredLoss(Y, mean=False))
    theta = network.join(weights)
    assert np.abs(problem.gradient(theta)).max() < 1e-12
    assert problem.loss(theta) == pytest.approx(data.constant + 0.5 * data.sigma[1] ** 2)
    assert classify(data.reduce(weights), data.Sigma).learned == (0, 2)


def test_inputs_of_unclear_rank_are_refused(rng):
    X = np.diag([1.0, 1e-8])
    with pytest.raises(UndecidedRankError, match="X"):
        reduce_data(X, np.ones((1, 2)))
    with pytest.raises(ValueError, match="X"):
        reduce_data(np.zeros((2, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="Y"):
        reduce_data(np.eye(2), np.ones((1, 3)))
    with pytest.raises(ValueError, match="W_1"):
        reduce_data(np.eye(2), np.eye(2)).reduce([np.ones((2, 3)), np.ones((2, 2))])
