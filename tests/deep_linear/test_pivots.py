"""Escape orders: the rank formula against paths, directions and measurements."""

import itertools

import numpy as np
import pytest

from gradflows.deep_linear import (
    classify,
    critical_point,
    escape_direction,
    escape_order,
    gauge_act,
    hessian,
    inertia,
    measured_order,
    partial_product,
    random_critical_point,
    random_gauge,
    whitened_problem,
)
from tests.deep_linear.targets import diagonal


def saddles(rng, count, sigmas=(3, 2.2, 1.5, 0.8), depths=(3, 6), widths_to=4, **options):
    """Saddles at which the largest modes are learnt."""
    while count:
        depth = int(rng.integers(*depths))
        widths = rng.integers(1, widths_to + 1, depth + 1).tolist()
        size = min(widths[0], widths[-1])
        sigma = np.sort(rng.choice(sigmas, size, replace=size > len(sigmas)))[::-1]
        rank = int(np.sum(sigma > 0))
        largest = min(rank, *widths)
        if largest == 0:
            continue
        learned = range(int(rng.integers(0, largest)))
        count -= 1
        yield (
            random_critical_point(widths, sigma, learned, rng=rng, **options),
            diagonal(widths, sigma),
        )


def lowest(weights, Sigma):
    return np.linalg.eigvalsh(hessian(weights, Sigma))[0]


@pytest.mark.parametrize("aligned", [True, False])
def test_orders_are_two_exactly_where_the_hessian_says_so(aligned, rng):
    seen = set()
    for weights, Sigma in saddles(rng, 300, aligned=aligned):
        order = escape_order(weights, Sigma)
        assert (order == 2) == (lowest(weights, Sigma) < -1e-8)
        assert 2 <= order <= len(weights)
        seen.add(order)
    assert seen >= {2, 3, 4}


def test_orders_are_lengths_of_cheapest_paths(rng):
    seen = set()
    for weights, Sigma in aligned_saddles(rng, 400):
        point = classify(weights, Sigma)
        if point.escape_path is None:
            continue
        new = [edge for edge in point.escape_path if weights[edge[0] - 1][edge[1:]] == 0]
        assert len(new) == point.order
        assert point.escape_path[0][2] == point.escape_path[-1][1] >= point.rank
        seen.add(point.order)
    assert seen >= {2, 3, 4}


def aligned_saddles(rng, count):
    """Coordinate stubs, no gauge: only then do edges have names."""
    while count:
        depth = int(rng.integers(3, 6))
        widths = rng.integers(2, 5, depth + 1).tolist()
        sigma = np.sort(rng.choice([3, 2.2, 1.5, 0.8], min(widths[0], widths[-1]), replace=False))
        learned = range(int(rng.integers(0, min(widths))))
        stubs = []
        for _ in range(5):
            start, stop = sorted(rng.choice(depth + 1, 2, replace=False).tolist())
            ends = widths[0] if start == 0 else widths[-1]
            mode = None if start > 0 and stop < depth else int(rng.integers(ends))
            try:
                critical_point(widths, sigma[::-1], learned, stubs=[*stubs, (start, stop, mode)])
            except ValueError:
                continue
            stubs.append((start, stop, mode))
        count -= 1
        yield (
            critical_point(widths, sigma[::-1], learned, stubs=stubs),
            diagonal(widths, sigma[::-1]),
        )


def test_the_loss_falls_with_the_order_along_the_direction(rng):
    for weights, Sigma in saddles(rng, 60, aligned=False, condition=2):
        order, direction = escape_order(weights, Sigma), escape_direction(weights, Sigma)
        assert sum(np.sum(v**2) for v in direction) == pytest.approx(1)
        problem, theta = whitened_problem(weights, Sigma)
        vector, base = problem.network.join(direction), problem.outputs(theta)
        falls = []
        for step in (0.004, 0.002):
            change = problem.outputs(theta + step * vector) - base
            falls.append(-np.sum((base - Sigma) * change) - 0.5 * np.sum(change**2))
        assert min(falls) > 0
        assert np.log2(falls[0] / falls[1]) == pytest.approx(order, abs=0.1)


MEASURED = [
    ((3, 3, 3), (3, 2, 1), 0, None, 2),
    ((3, 3, 3, 3), (3, 2, 1), 0, None, 3),
    ((2, 2, 2, 2, 2), (2, 1), 0, None, 4),
    ((2, 2, 2, 2), (2, 1), 1, None, 3),
    ((2, 2, 2, 2), (2, 1), 0, [(0, 1, 0)], 2),
    ((2, 2, 2, 2), (2, 1), 0, [(0, 1, [1, 1]), (2, 3, [0.5, -1])], 2),
    ((2, 2, 2, 2), (1, 1), 1, None, 3),
    ((2, 2, 2, 2, 2), (1, 1), 1, None, 4),
    ((3, 2, 2, 2), (2, 1), 0, [(0, 1, 2)], 3),
]


@pytest.mark.parametrize(("widths", "sigma", "r", "stubs", "order"), MEASURED)
def test_orders_are_measured_on_spheres(widths, sigma, r, stubs, order, rng):
    """Origins, plateaus, one stub, unaligned stubs, tied singular values, an idle input."""
    weights = critical_point(widths, sigma, range(r), stubs=stubs)
    Sigma = diagonal(widths, sigma)
    assert escape_order(weights, Sigma) == order
    assert measured_order(weights, Sigma, rng=rng, starts=10) == pytest.approx(order, abs=0.1)


def test_the_borrowed_null_mode_costs_a_power(rng):
    """The rank formula says 3, the loss falls like the fourth power: the order is undecided."""
    weights = [np.array([[0.0, 1.0]]), np.array([[0.0]]), np.array([[0.0], [1.0]])]
    Sigma = np.diag([1.0, 0.0])
    assert escape_order(weights, Sigma) is None
    assert measured_order(weights, Sigma, rng=rng) == pytest.approx(4, abs=0.02)
    point = classify(weights, Sigma)
    assert (point.kind, point.order) == ("nonstrict saddle", None)
    with pytest.raises(ValueError, match="full rank"):
        escape_direction(weights, Sigma)


def test_with_a_spare_node_the_same_stubs_have_order_three(rng):
    """So ranks cannot decide."""
    weights = critical_point((2, 2, 2, 2), [1, 0], [], stubs=[(0, 1, 1), (2, 3, 1)])
    Sigma = np.diag([1.0, 0.0])
    assert escape_order(weights, Sigma) is None
    assert measured_order(weights, Sigma, rng=rng, starts=12) == pytest.approx(3, abs=0.05)


@pytest.mark.parametrize(
    ("widths", "sigma", "r", "stubs"),
    [
        ((2, 2, 2, 2, 2, 2), (1, 0), 0, [(0, 2, 1), (3, 5, 1)]),
        ((3, 2, 2, 3), (2, 1, 0), 1, [(0, 1, 2), (2, 3, 2)]),
    ],
)
def test_other_undecided_orders(widths, sigma, r, stubs):
    weights = critical_point(widths, sigma, range(r), stubs=stubs)
    assert escape_order(weights, diagonal(widths, sigma)) is None


def test_rank_deficient_targets_are_decided_where_the_theorem_decides(rng):
    """Four cuts around two: order four, measured."""
    weights = critical_point((2, 2, 2, 2, 2), [1, 0], [], stubs=[(0, 1, 1), (3, 4, 1)])
    Sigma = np.diag([1.0, 0.0])
    assert escape_order(weights, Sigma) == 4
    assert measured_order(weights, Sigma, rng=rng, starts=10) == pytest.approx(4, abs=0.1)
    assert escape_order([np.zeros((2, 2))] * 3, Sigma) == 3
    found = {
        (escape_order(w, S) == 2) == (lowest(w, S) < -1e-8)
        for w, S in saddles(rng, 200, sigmas=(2, 1, 1, 0, 0), aligned=False)
    }
    assert found == {True}


def rank(matrix):
    return np.linalg.matrix_rank(matrix, tol=1e-8)


def strict_by_pairing(weights, Sigma, r):
    """Two cuts: the middle, and the outer two layers paired through the target."""
    depth = len(weights)
    for j, i in itertools.combinations(range(1, depth + 1), 2):
        outer = (
            partial_product(weights, j - 1, 1) @ Sigma.T @ partial_product(weights, depth, i + 1)
        )
        if rank(partial_product(weights, i - 1, j + 1)) > r and rank(outer) > r:
            return True
    return False


def strict_by_three_ranks(weights, r):
    """Remember a false criterion: three separate rank conditions."""
    depth = len(weights)
    return any(
        min(
            rank(partial_product(weights, depth, i + 1)),
            rank(partial_product(weights, i - 1, j + 1)),
            rank(partial_product(weights, j - 1, 1)),
        )
        > r
        for j, i in itertools.combinations(range(1, depth + 1), 2)
    )


def test_three_separate_ranks_do_not_decide():
    """The Hessian is zero although all three exceed the rank."""
    reads, writes = np.zeros((2, 2)), np.zeros((2, 2))
    reads[0, 1] = writes[0, 0] = 1.0
    weights, Sigma = [reads, np.zeros((2, 2)), np.zeros((2, 2)), writes], np.diag([2.0, 1.0])
    assert strict_by_three_ranks(weights, 0)
    assert not strict_by_pairing(weights, Sigma, 0)
    assert not np.any(hessian(weights, Sigma))
    assert classify(weights, Sigma).kind == "nonstrict saddle"


def test_the_pairing_criterion_is_the_order(rng):
    wrong = 0
    for weights, Sigma in saddles(rng, 300, condition=2):
        r = rank(partial_product(weights, len(weights), 1))
        strict = lowest(weights, Sigma) < -1e-8
        assert strict_by_pairing(weights, Sigma, r) == strict
        wrong += strict_by_three_ranks(weights, r) != strict
    assert wrong > 0


def test_orders_do_not_depend_on_the_gauge(rng):
    for weights, Sigma in saddles(rng, 40, condition=1):
        widths = [weights[0].shape[1], *(len(w) for w in weights)]
        moved = gauge_act(random_gauge(widths, rng=rng, condition=100), weights)
        assert escape_order(moved, Sigma) == escape_order(weights, Sigma)


def test_other_coordinates_of_the_target_change_nothing(rng):
    for weights, Sigma in saddles(rng, 40, sigmas=(2, 2, 1, 1), aligned=False):
        left, right = (np.linalg.qr(rng.standard_normal((d, d)))[0] for d in Sigma.shape)
        turned = [w.copy() for w in weights]
        turned[0], turned[-1] = turned[0] @ right.T, left @ turned[-1]
        one, two = classify(weights, Sigma), classify(turned, left @ Sigma @ right.T)
        assert (one.kind, one.order, one.index) == (two.kind, two.order, two.index)
        assert one.learned == two.learned


def test_a_minimum_has_no_order():
    """Behind a bottleneck too, where the rank formula would ask for more rank than there is."""
    for widths, r in (((2, 2, 2), 2), ((3, 1, 2, 3), 1)):
        sigma = np.arange(min(widths[0], widths[-1]), 0, -1)
        weights = critical_point(widths, sigma, range(r))
        for function in (escape_order, escape_direction):
            with pytest.raises(ValueError, match="minimum"):
                function(weights, diagonal(widths, sigma))
        assert inertia(hessian(weights, diagonal(widths, sigma)))[0] == 0
