"""Whether a point is critical, and which modes it has learnt: read, or refused."""

import itertools

import numpy as np
import pytest

from gradflows import gradient_flow
from gradflows.deep_linear import (
    NotCriticalError,
    UndecidedRankError,
    balanced_factors,
    classify,
    critical_point,
    gauge_act,
    random_critical_point,
    random_gauge,
    whitened_problem,
)


def test_repeated_singular_values_have_continua_of_products():
    """A rotated mode is critical only if the singular values agree."""
    c, s = np.cos(0.7), np.sin(0.7)
    frame = np.array([c, s, 0.0])
    Sigma = np.diag([2.0, 2.0, 1.0])
    weights = balanced_factors(np.outer(frame, frame) @ Sigma, (3, 3, 3, 3), 1)
    point = classify(weights, Sigma)
    assert (point.learned, point.value, point.order) == ((0,), 2.5, 3)
    with pytest.raises(NotCriticalError):
        classify(weights, np.diag([2.1, 2.0, 1.0]))
    with pytest.raises(UndecidedRankError, match="nearby"):
        classify(weights, np.diag([2.0 + 1e-8, 2.0, 1.0]), tol=1e-8 / 3)


def test_a_point_near_a_saddle_is_not_taken_for_it(rng):
    """A small gradient is not a zero gradient: it is measured against the layers."""
    chain = [np.array([[1e-4]]) for _ in range(4)]
    problem, theta = whitened_problem(chain, [[1.0]])
    assert np.linalg.norm(problem.gradient(theta)) < 1e-11
    with pytest.raises(NotCriticalError) as caught:
        classify(chain, [[1.0]])
    assert caught.value.gradient_norm == pytest.approx(2e-12)
    assert "2e-12" in str(caught.value)


def test_layers_of_rounding_errors_are_refused():
    weights = [np.eye(2), 1e-14 * np.ones((2, 2)), 1e-14 * np.ones((2, 2)), np.eye(2)]
    with pytest.raises((UndecidedRankError, NotCriticalError)):
        classify(weights, np.diag([2.0, 1.0]))
    point = classify([np.eye(2), np.zeros((2, 2)), np.zeros((2, 2)), np.eye(2)], np.diag([2.0, 1]))
    assert (point.kind, point.index_from) == ("strict saddle", "Hessian")


def test_a_target_of_unclear_rank_is_refused():
    with pytest.raises(UndecidedRankError, match="Sigma"):
        classify([np.zeros((2, 2))] * 2, np.diag([1.0, 1e-8]))
    assert classify([np.zeros((2, 2))] * 2, np.zeros((2, 2))).kind == "minimum"


def test_scaling_neighbouring_layers_keeps_a_point_critical():
    """The gradient grows a thousandfold, and so does what rounding would explain."""
    Sigma = np.diag([3.0, 2.0, 1.0]) + 0.1
    left, s, right = np.linalg.svd(Sigma)
    weights = balanced_factors((left[:, :2] * s[:2]) @ right[:2], (3, 3, 3, 3), 2)
    for scale in (1.0, 1e3):
        point = classify([scale * weights[0], weights[1] / scale, weights[2]], Sigma)
        assert (point.kind, point.learned) == ("nonstrict saddle", (0, 1))


@pytest.mark.parametrize("size", [1e-6, 1e-4, 1e-2])
def test_points_beside_critical_points_are_refused(size, rng):
    """Wherever the gradient is not zero, relative to the layers."""
    Sigma, refused = np.diag([3.0, 2.0, 1.0]), 0
    for _ in range(40):
        weights = random_critical_point((3, 4, 4, 3), [3, 2, 1], [0, 1], rng=rng)
        moved = [w + size * rng.standard_normal(w.shape) for w in weights]
        with pytest.raises((NotCriticalError, UndecidedRankError)):
            classify(moved, Sigma)
        refused += 1
    assert refused == 40


def test_the_precision_can_be_that_of_an_integration(rng):
    """The end of a flow is critical to the accuracy of the flow."""
    Sigma = np.diag([3.0, 2.0])
    start = [0.5 * rng.standard_normal((b, a)) for a, b in itertools.pairwise((2, 3, 2))]
    problem, theta = whitened_problem(start, Sigma)
    end = problem.network.split(gradient_flow(problem, theta, 4.0).theta[-1])
    with pytest.raises(NotCriticalError):
        classify(end, Sigma, tol=1e-12)
    assert classify(end, Sigma, tol=1e-3).kind == "minimum"


def test_the_gradient_is_measured_in_any_gauge(rng):
    weights = critical_point((2, 2, 2, 2), [2, 1], [1])
    for condition in (1, 1e3, 1e5):
        moved = gauge_act(random_gauge((2,) * 4, rng=rng, condition=condition), weights)
        assert classify(moved, np.diag([2.0, 1.0])).learned == (1,)
        moved[0] = moved[0] * 1.001
        with pytest.raises(NotCriticalError):
            classify(moved, np.diag([2.0, 1.0]))
