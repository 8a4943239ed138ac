"""Building critical points; their values; and that there are no others."""

import itertools

import numpy as np
import pytest
from scipy.optimize import least_squares

from gradflows.deep_linear import (
    classify,
    critical_point,
    critical_values,
    end_to_end,
    gauge_act,
    path_counts,
    random_critical_point,
    random_gauge,
    whitened_problem,
)
from tests.deep_linear.targets import diagonal


def gradient(weights, Sigma):
    problem, theta = whitened_problem(weights, Sigma)
    return np.linalg.norm(problem.gradient(theta)), problem.loss(theta)


@pytest.mark.parametrize("aligned", [True, False])
def test_random_points_are_critical_with_the_value_of_their_modes(aligned, rng):
    for _ in range(300):
        widths = rng.integers(1, 5, rng.integers(3, 7)).tolist()
        sigma = np.sort(rng.choice([0, 1, 1, 2, 3.0], min(widths[0], widths[-1])))[::-1]
        rank = int(np.sum(sigma > 0))
        r = int(rng.integers(0, min(rank, *widths) + 1))
        learned = tuple(sorted(rng.choice(rank, r, replace=False).tolist())) if rank else ()
        weights = random_critical_point(widths, sigma, learned, rng=rng, aligned=aligned)
        Sigma = diagonal(widths, sigma)
        size, loss = gradient(weights, Sigma)
        assert size < 1e-10
        assert loss == pytest.approx(critical_values(sigma, min(widths))[learned], abs=1e-11)
        kept = np.zeros(len(sigma))
        kept[list(learned)] = sigma[list(learned)]
        np.testing.assert_allclose(end_to_end(weights), diagonal(widths, kept), atol=1e-11)


def test_random_points_have_stubs_of_all_kinds(rng):
    kinds = set()
    for _ in range(60):
        weights = random_critical_point((3, 4, 4, 4, 3), [3, 2, 1], [0], rng=rng, condition=2)
        for a, b in path_counts(weights):
            if a < b and (a, b) != (0, 4):
                kinds.add(("input" if a == 0 else "output" if b == 4 else "inner", b - a))
    assert kinds >= {("input", 1), ("input", 2), ("output", 1), ("output", 2), ("inner", 1)}


@pytest.mark.parametrize("widths", [(2, 2, 2), (2, 3, 2, 2), (3, 1, 3), (2, 2, 2, 2)])
def test_the_critical_points_that_a_search_finds_are_these(widths, rng):
    """Roots of the gradient from random, partly masked starts."""
    sigma = np.arange(min(widths[0], widths[-1]), 0, -1.0)
    Sigma, found = diagonal(widths, sigma), set()
    products = {
        learned: diagonal(widths, [s if k in learned else 0 for k, s in enumerate(sigma)])
        for learned in critical_values(sigma, min(widths))
    }
    shapes = [(b, a) for a, b in itertools.pairwise(widths)]
    problem, _ = whitened_problem([np.ones(s) for s in shapes], Sigma)
    for _ in range(25):
        masked = [rng.standard_normal(s) * (rng.random(s) < 0.6) for s in shapes]
        root = least_squares(
            problem.gradient,
            problem.network.join(masked),
            jac=problem.hessian,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        if np.linalg.norm(root.fun) > 1e-10:
            continue
        product = end_to_end(problem.network.split(root.x))
        gaps = {s: np.abs(product - p).max() for s, p in products.items()}
        nearest = min(gaps, key=gaps.get)
        assert gaps[nearest] < 1e-2  # roots at degenerate points are found to a few digits only
        found.add(nearest)
    assert len(found) >= 3


def test_critical_values_count_what_is_not_learnt():
    values = critical_values([3, 2, 1], 3)
    golden = {(): 7.0, (0,): 2.5, (1,): 5.0, (2,): 6.5, (0, 1): 0.5, (0, 2): 2.0, (1, 2): 4.5}
    assert values == {**golden, (0, 1, 2): 0.0}


def test_different_sets_can_share_a_value():
    """Distinct singular values do not suffice; distinct sums of squares do."""
    values = critical_values([5, 4, 3], 3)
    assert values[0,] == values[1, 2] == 12.5
    assert len(values) == 8 > len(set(values.values()))
    behind = critical_values([5, 4, 3], 1)  # with a bottleneck the two do not meet
    assert behind == {(): 25, (0,): 12.5, (1,): 17, (2,): 20.5}


def test_zero_singular_values_are_never_learnt():
    assert critical_values([2, 0], 2) == {(): 2.0, (0,): 0.0}
    with pytest.raises(ValueError, match="at most 20"):
        critical_values(np.arange(30, 0, -1), 30)


def test_layers_of_the_plain_point():
    w1, w2, w3 = critical_point((3, 2, 2, 3), [8, 2, 1], [0])
    assert w1[0, 0] == pytest.approx(2) and w2[0, 0] == pytest.approx(2)
    assert [np.count_nonzero(w) for w in (w1, w2, w3)] == [1, 1, 1]


def test_unlearnt_modes_need_two_missing_edges():
    """A single missing edge has a gradient; with sigma_k = 0 it has none."""
    with pytest.raises(ValueError, match="fewer than two edges"):
        critical_point((2, 2, 2, 2), [2, 1], [], stubs=[(0, 1, 0), (2, 3, 0)])
    with pytest.raises(ValueError, match="fewer than two edges"):
        critical_point((2, 2, 2), [2, 1], [], stubs=[(0, 1, 0)])
    weights = critical_point((2, 2, 2, 2), [2, 1], [], stubs=[(0, 1, 0), (2, 3, 1)])
    assert gradient(weights, np.diag([2.0, 1.0]))[0] == 0
    weights = critical_point((2, 2, 2, 2), [2, 0], [], stubs=[(0, 1, 1), (2, 3, 1)])
    assert gradient(weights, np.diag([2.0, 0.0]))[0] == 0
    one_edge = [np.diag([1.0, 0]), np.zeros((2, 2)), np.diag([1.0, 0])]
    assert gradient(one_edge, np.diag([2.0, 1.0]))[0] == 2


def test_stubs_of_several_modes_can_come_as_close_as_one_edge():
    """Both modes have one edge missing, and the gradient is zero: the pairing cancels."""
    weights = [
        np.array([[1.0, 1.0], [0.0, 0.0]]),
        np.zeros((2, 2)),
        np.array([[0.5, 0.0], [-1.0, 0.0]]),
    ]
    Sigma = np.diag([2.0, 1.0])
    assert gradient(weights, Sigma)[0] == 0
    built = critical_point((2, 2, 2, 2), [2, 1], [], stubs=[(0, 1, [1, 1]), (2, 3, [0.5, -1])])
    for a, b in zip(weights, built, strict=True):
        np.testing.assert_array_equal(a, b)
    assert classify(weights, Sigma).kind == "strict saddle"
    with pytest.raises(ValueError, match="fewer than two edges"):
        critical_point((2, 2, 2, 2), [2, 1], [], stubs=[(0, 1, [1, 1]), (2, 3, [0.5, 1])])


def test_the_gauge_is_applied(rng):
    widths, gauge = (3, 3, 3), random_gauge((3, 3, 3), rng=rng)
    moved = critical_point(widths, [3, 2, 1], [1], gauge=gauge)
    expected = gauge_act(gauge, critical_point(widths, [3, 2, 1], [1]))
    for a, b in zip(moved, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("stub", "message"),
    [
        ((0, 3, 0), "not from input to output"),
        ((2, 1, None), "start < stop"),
        ((1, 2, 0), "mode None"),
        ((0, 1, None), "mode"),
        ((0, 1, 2), "below 2"),
        ((0, 1, [1, 2, 3]), "mode"),
        ((0, 1, 0, np.nan), "weight"),
    ],
)
def test_stubs_are_checked(stub, message):
    with pytest.raises(ValueError, match=message):
        critical_point((2, 2, 2, 2), [2, 1], [], stubs=[stub])


def test_layers_must_have_room():
    with pytest.raises(ValueError, match="free node in layer 1"):
        critical_point((2, 1, 1, 2), [2, 1], [0], stubs=[(0, 1, 1)])
    with pytest.raises(ValueError, match="least width"):
        critical_point((2, 1, 2), [2, 1], [0, 1])
