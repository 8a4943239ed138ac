"""The gauge group: what it keeps, and what only its orthogonal part keeps."""

import itertools

import numpy as np
import pytest

from gradflows import gradient_flow
from gradflows.deep_linear import (
    end_to_end,
    gauge_act,
    gauge_direction,
    random_gauge,
    whitened_problem,
)

WIDTHS = (3, 4, 2, 3)
SIGMA = np.diag([3.0, 2.0, 1.0])


@pytest.fixture
def weights(rng):
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(WIDTHS)]


def test_the_product_stays_and_gradients_move_contragrediently(weights, rng):
    gauge = random_gauge(WIDTHS, rng=rng)
    moved = gauge_act(gauge, weights)
    np.testing.assert_allclose(end_to_end(moved), end_to_end(weights), atol=1e-12)
    frames = [np.eye(3), *gauge, np.eye(3)]
    gradients = []
    for point in (weights, moved):
        problem, theta = whitened_problem(point, SIGMA)
        gradients.append(problem.network.split(problem.gradient(theta)))
    for i, (before, after) in enumerate(zip(*gradients, strict=True)):
        expected = np.linalg.inv(frames[i + 1]).T @ before @ frames[i].T
        np.testing.assert_allclose(after, expected, atol=1e-10)


def test_acting_twice_is_acting_with_the_product(weights, rng):
    first, second = random_gauge(WIDTHS, rng=rng), random_gauge(WIDTHS, rng=rng)
    both = [b @ a for a, b in zip(first, second, strict=True)]
    one, two = gauge_act(second, gauge_act(first, weights)), gauge_act(both, weights)
    for a, b in zip(one, two, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def test_the_direction_is_the_derivative_of_the_action(weights, rng):
    generators = [rng.standard_normal((d, d)) for d in WIDTHS[1:-1]]
    direction, step = gauge_direction(generators, weights), 1e-6
    ends = [
        gauge_act([np.eye(len(x)) + s * step * x for x in generators], weights) for s in (1, -1)
    ]
    for plus, minus, velocity in zip(*ends, direction, strict=True):
        np.testing.assert_allclose((plus - minus) / (2 * step), velocity, atol=1e-7)


def ends(weights, gauge):
    """Products after time 1 from a point and from its image under a gauge."""
    found = []
    for point in (weights, gauge_act(gauge, weights)):
        problem, theta = whitened_problem(point, SIGMA)
        run = gradient_flow(problem, theta, 1.0, rtol=1e-11, atol=1e-13)
        found.append(end_to_end(problem.network.split(run.theta[-1])))
    return found


def test_the_flow_is_carried_along_by_orthogonal_gauges_only(weights, rng):
    weights = [0.5 * w for w in weights]
    one, two = ends(weights, random_gauge(WIDTHS, rng=rng, orthogonal=True))
    assert np.abs(one - two).max() < 1e-8
    one, two = ends(weights, random_gauge(WIDTHS, rng=rng, condition=5))
    assert np.abs(one - two).max() > 0.01


def test_condition_numbers_are_bounded(rng):
    for condition in (1.0, 7.0):
        for frame in random_gauge((2, 5, 5, 1), rng=rng, condition=condition):
            assert np.linalg.cond(frame) <= condition * (1 + 1e-9)
    for frame in random_gauge((2, 5, 4, 1), rng=rng, orthogonal=True):
        np.testing.assert_allclose(frame @ frame.T, np.eye(len(frame)), atol=1e-13)


def test_gauges_are_checked(weights, rng):
    with pytest.raises(ValueError, match="expected 2 matrices"):
        gauge_act([np.eye(4)], weights)
    with pytest.raises(ValueError, match=r"gauge\[1\]"):
        gauge_act([np.eye(4), np.eye(3)], weights)
    with pytest.raises(ValueError, match="P_1 is singular"):
        gauge_act([np.zeros((4, 4)), np.eye(2)], weights)
    with pytest.raises(ValueError, match="condition"):
        random_gauge(WIDTHS, rng=rng, condition=0.5)
