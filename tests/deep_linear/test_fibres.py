"""Fibres: dimensions of orbits, balanced representatives, and fibres that are not critical."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize

from gradflows import DeepLinear
from gradflows.deep_linear import (
    NotCriticalError,
    UndecidedRankError,
    balance,
    balanced_factors,
    classify,
    critical_point,
    end_to_end,
    gauge_act,
    gauge_direction,
    imbalances,
    kernel_dimension,
    moment_map_flow,
    orbit_dimension,
    random_critical_point,
    random_gauge,
    schatten_cost,
    stub_free,
    whitened_problem,
)


def generic(widths, rng):
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def cost(weights):
    return sum(np.sum(w**2) for w in weights)


def tangent_rank(weights):
    """Dimension of the orbit as the rank of its tangent space."""
    sizes = [len(w) for w in weights[:-1]]
    columns = []
    for k, size in enumerate(sizes):
        for entry in range(size**2):
            generators = [np.zeros((s, s)) for s in sizes]
            generators[k].flat[entry] = 1.0
            direction = gauge_direction(generators, weights)
            columns.append(np.concatenate([v.ravel() for v in direction]))
    return int(np.linalg.matrix_rank(np.array(columns).T, tol=1e-8))


def test_dimensions_of_orbits_are_ranks_of_tangent_spaces(rng):
    for _ in range(100):
        widths = rng.integers(1, 5, rng.integers(3, 6)).tolist()
        weights = [w * (rng.random(w.shape) < 0.5) for w in generic(widths, rng)]
        assert orbit_dimension(weights) == tangent_rank(weights)


def test_dimensions_of_orbits_without_stubs(rng):
    for widths in ((3, 3, 3), (3, 2, 4, 3), (2, 3, 3, 2)):
        for r in range(min(widths) + 1):
            sigma = np.arange(min(widths[0], widths[-1]), 0, -1)
            weights = critical_point(widths, sigma, range(r))
            assert stub_free(weights)
            assert orbit_dimension(weights) == sum(d**2 - (d - r) ** 2 for d in widths[1:-1])


def test_golden_orbits_and_kernels():
    """Equal for two square layers, and smaller for three."""
    for depth, orbits, kernels in (
        (2, [0, 5, 8, 9], [0, 5, 8, 9]),
        (3, [0, 10, 16, 18], [27, 22, 19, 18]),
    ):
        widths = (3,) * (depth + 1)
        points = [critical_point(widths, [3, 2, 1], range(r)) for r in range(4)]
        assert [orbit_dimension(w) for w in points] == orbits
        assert [kernel_dimension(widths, [3, 2, 1], range(r)) for r in range(4)] == kernels


def test_a_fibre_can_be_one_point_or_unbounded():
    """Over nothing learnt, two square layers have the origin alone; one learnt mode is enough."""
    assert orbit_dimension([np.zeros((3, 3))] * 2) == 0
    assert classify([np.zeros((3, 3))] * 2, np.diag([3.0, 2, 1])).index == 9
    weights = critical_point((3, 3, 3), [3, 2, 1], [0])
    far = gauge_act([1e3 * np.eye(3)], weights)
    assert np.sqrt(cost(far)) > 1000
    assert classify(far, np.diag([3.0, 2, 1])).value == 2.5


def test_not_every_point_with_the_right_product_is_critical(rng):
    weights = [rng.standard_normal((2, 2)), np.zeros((2, 2))]
    problem, theta = whitened_problem(weights, np.diag([2.0, 1.0]))
    assert np.linalg.norm(problem.gradient(theta)) > 0.5
    with pytest.raises(NotCriticalError, match="norm"):
        classify(weights, np.diag([2.0, 1.0]))


@pytest.mark.parametrize("widths", [(3, 2, 4), (2, 3, 3, 2), (4, 3, 5, 3, 4)])
def test_balanced_factors(widths, rng):
    W = end_to_end(generic((widths[0], min(widths), widths[-1]), rng))
    for rank in range(min(widths) + 1):
        for frames in (None, rng):
            weights = balanced_factors(W, widths, rank, rng=frames)
            assert [w.shape for w in weights] == [(b, a) for a, b in itertools.pairwise(widths)]
            assert max(np.abs(C).max() for C in imbalances(weights)) < 1e-12
            left, s, right = np.linalg.svd(W, full_matrices=False)
            best = (left[:, :rank] * s[:rank]) @ right[:rank]
            np.testing.assert_allclose(end_to_end(weights), best, atol=1e-12)
            assert cost(weights) == pytest.approx(schatten_cost(best, len(weights), rank=rank))


def test_roots_of_rounding_errors_are_kept_out(rng):
    """A rank that is too large would turn 1e-17 into 1e-6 and spoil the gradient."""
    frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    Sigma = frame @ np.diag([3.0, 2.0, 1.0]) @ np.linalg.qr(rng.standard_normal((3, 3)))[0]
    left, s, right = np.linalg.svd(Sigma)
    W = (left[:, :1] * s[:1]) @ right[:1]
    with pytest.raises(ValueError, match="rank"):
        balanced_factors(W, (3, 3, 3, 3), 2)
    problem, theta = whitened_problem(balanced_factors(W, (3, 3, 3, 3), 1), Sigma)
    assert np.linalg.norm(problem.gradient(theta)) < 1e-13
    roots = np.linalg.svd(W)[1] ** (1 / 3)
    assert roots[1] > 1e-7  # what should be zero
    assert schatten_cost(W, 3) == pytest.approx(3 * 3 ** (2 / 3), rel=1e-12)
    assert 10 * np.sum(np.linalg.svd(W)[1] ** 0.2) > schatten_cost(W, 10) + 1e-3


@pytest.mark.parametrize("widths", [(3, 4, 3), (3, 3, 4, 2), (2, 3, 2, 4, 3)])
def test_balancing_finds_the_shortest_point_of_the_orbit(widths, rng):
    weights = generic((widths[0], *widths[1:]), rng)
    W = end_to_end(weights)
    rank = min(widths)
    start = gauge_act(
        random_gauge(widths, rng=rng, condition=3), balanced_factors(W, widths, rank, rng=rng)
    )
    balanced = balance(start)
    np.testing.assert_allclose(end_to_end(balanced), W, atol=1e-11)
    assert max(np.abs(C).max() for C in imbalances(balanced)) < 1e-11
    assert cost(balanced) == pytest.approx(schatten_cost(W, len(weights)), rel=1e-11)
    again = balance(balanced)
    assert max(np.abs(a - b).max() for a, b in zip(balanced, again, strict=True)) < 1e-12
    assert cost(_shortest(start)) == pytest.approx(cost(balanced), rel=1e-6)


def _shortest(weights):
    """Minimise the norm over the orbit numerically."""
    sizes = [len(w) for w in weights[:-1]]
    cuts = np.cumsum([s**2 for s in sizes])[:-1]

    def moved(x):
        gauge = [np.eye(s) + p.reshape(s, s) for s, p in zip(sizes, np.split(x, cuts), strict=True)]
        return gauge_act(gauge, weights)

    found = minimize(lambda x: cost(moved(x)), np.zeros(sum(s**2 for s in sizes)), tol=1e-12)
    return moved(found.x)


def test_balancing_follows_the_moment_map_flow_on_closed_orbits(rng):
    widths = (3, 3, 4, 3)
    W = end_to_end(generic(widths, rng))
    start = gauge_act(
        random_gauge(widths, rng=rng, condition=2), balanced_factors(W, widths, 3, rng=rng)
    )
    run = moment_map_flow(start, 20, times=np.linspace(0, 20, 41))
    layers = DeepLinear(widths).split(run.theta)
    np.testing.assert_allclose(end_to_end(layers), np.tile(W, (41, 1, 1)), atol=1e-6)
    assert np.all(np.diff(run.loss) < 1e-8)
    assert 2 * run.loss[-1] == pytest.approx(schatten_cost(W, 3), rel=1e-7)
    close = moment_map_flow(start, 1e-4, times=[0, 1e-4])
    speed = -sum(np.sum(C**2) for C in imbalances(start))
    assert np.diff(close.loss)[0] / 1e-4 == pytest.approx(speed, rel=1e-2)


def test_orbits_that_are_not_closed_are_left_algebraically():
    """The infimum is the same and not attained."""
    weights = critical_point((3, 3, 3, 3), [3, 2, 1], [0], stubs=[(1, 2, None)])
    least = schatten_cost(end_to_end(weights), 3)
    run = moment_map_flow(weights, 1000.0, times=[10.0, 100.0, 1000.0])
    gap = 2 * run.loss - least
    assert np.all(gap > 0)
    np.testing.assert_allclose(np.diff(np.log10(gap)), -1, atol=0.05)
    assert cost(balance(weights)) == pytest.approx(least, rel=1e-12)
    assert not stub_free(weights)


def test_balanced_points_over_a_fibre_have_no_stubs(rng):
    for _ in range(20):
        weights = random_critical_point((3, 4, 4, 3), [3, 2, 1], [1], rng=rng)
        assert stub_free(balance(weights))
        assert classify(balance(weights), np.diag([3.0, 2, 1])).learned == (1,)
    nothing = balance(critical_point((2, 2, 2), [2, 1], []))
    assert not np.any(nothing[0]) and not np.any(nothing[1])


def test_unclear_ranks_and_bad_times_are_refused():
    with pytest.raises(UndecidedRankError):
        balance([np.diag([1.0, 1e-8]), np.eye(2)])
    with pytest.raises(ValueError, match="times"):
        moment_map_flow([np.eye(2), np.eye(2)], 1.0, times=[1.0, 0.5])
    with pytest.raises(ValueError, match="rank"):
        balanced_factors(np.eye(3), (3, 2, 3), 3)
