"""Classification of critical points against the eigenvalues of their Hessians."""

import itertools

import numpy as np
import pytest

from gradflows import gradient_flow
from gradflows.deep_linear import (
    NotCriticalError,
    UndecidedRankError,
    classify,
    critical_point,
    critical_values,
    end_to_end,
    gauge_act,
    hessian,
    random_critical_point,
    random_gauge,
    whitened_problem,
)
from tests.deep_linear.targets import diagonal


def draw(rng, depth, sigmas, replace):
    """Draw a random architecture, target, set of learnt modes, and critical point over it."""
    widths = rng.integers(1, 4, depth + 1).tolist()
    sigma = np.sort(rng.choice(sigmas, min(widths[0], widths[-1]), replace=replace))[::-1]
    rank = int(np.sum(sigma > 0))
    r = int(rng.integers(0, min(rank, *widths) + 1))
    learned = tuple(sorted(rng.choice(rank, r, replace=False).tolist())) if rank else ()
    if rng.random() < 0.4:
        learned = tuple(range(r))
    weights = random_critical_point(
        widths, sigma, learned, rng=rng, aligned=bool(rng.integers(2)), stubs=8
    )
    return widths, sigma, learned, weights


def compare(point, widths, sigma, learned, weights):
    """Compare a classification with eigenvalues and with the definition of a minimum."""
    spectrum = np.linalg.eigvalsh(hessian(weights, diagonal(widths, sigma)))
    scale = max(1.0, np.abs(spectrum).max())
    negative = int(np.sum(spectrum < -1e-9 * scale))
    best = 0.5 * np.sum(sigma[min(widths) :] ** 2)
    expected = "strict saddle" if negative else "nonstrict saddle"
    if 0.5 * np.sum(np.delete(sigma, list(learned)) ** 2) <= best + 1e-12:
        assert not negative
        expected = "minimum"
    assert (point.kind, point.index, point.rank) == (expected, negative, len(learned))
    assert sorted(sigma[list(point.learned)]) == sorted(sigma[list(learned)])
    assert point.value == pytest.approx(0.5 * np.sum(np.delete(sigma, list(learned)) ** 2))
    assert (point.order == 2) == (expected == "strict saddle")
    assert (point.order is None) <= (expected == "minimum" or min(sigma) == 0)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_a_thousand_random_points(depth):
    """Of which 250 each: full rank, simple singular values, random stubs, random gauges."""
    rng, kinds = np.random.default_rng(depth), []
    for _ in range(250):
        widths, sigma, learned, weights = draw(rng, depth, [3, 2.2, 1.5, 0.8], False)
        point = classify(weights, diagonal(widths, sigma))
        assert point.learned == learned
        compare(point, widths, sigma, learned, weights)
        kinds.append((point.kind, point.index_from))
    assert {kind for kind, _ in kinds} >= {"minimum", "strict saddle"}
    assert ("nonstrict saddle" in {kind for kind, _ in kinds}) == (depth > 2)
    assert ("Hessian" in {origin for _, origin in kinds}) == (depth > 2)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_repeated_and_zero_singular_values(depth):
    rng = np.random.default_rng(10 + depth)
    for _ in range(150):
        widths, sigma, learned, weights = draw(rng, depth, [2, 2, 1, 1, 0], True)
        compare(classify(weights, diagonal(widths, sigma)), widths, sigma, learned, weights)


GOLDEN = {
    (): (7.0, 9, 0, (2, 3, 4)),
    (0,): (2.5, 4, 0, (2, 3, 4)),
    (1,): (5.0, 5, 1, (2, 2, 2)),
    (2,): (6.5, 6, 2, (2, 2, 2)),
    (0, 1): (0.5, 1, 0, (2, 3, 4)),
    (0, 2): (2.0, 2, 1, (2, 2, 2)),
    (1, 2): (4.5, 3, 2, (2, 2, 2)),
    (0, 1, 2): (0.0, 0, 0, (None,) * 3),
}
LOWEST = {
    (): (-3, 0),
    (0,): (-2, 0),
    (1,): (-3, -1.260),
    (2,): (-3, -2),
    (0, 1): (-1, 0),
    (0, 2): (-2, -1),
    (1, 2): (-3, -2),
    (0, 1, 2): (0, 0),
}
KERNELS = {0: (0, 27), 1: (5, 22), 2: (8, 19), 3: (9, 18)}


@pytest.mark.parametrize("learned", GOLDEN)
def test_golden_table(learned):
    """Values, indices, kernels, least eigenvalues and orders for sigma = (3, 2, 1)."""
    value, index2, index3, orders = GOLDEN[learned]
    Sigma = np.diag([3.0, 2.0, 1.0])
    for depth, index, order in zip((2, 3, 4), (index2, index3, index3), orders, strict=True):
        weights = critical_point((3,) * (depth + 1), [3, 2, 1], learned)
        point = classify(weights, Sigma)
        assert (point.learned, point.value, point.order) == (learned, value, order)
        assert (point.index, point.index_from) == (index, "theorem")
        assert (point.kind == "minimum") == (len(learned) == 3)
        if depth < 4:
            spectrum = np.linalg.eigvalsh(hessian(weights, Sigma))
            assert np.sum(np.abs(spectrum) < 1e-10) == KERNELS[len(learned)][depth - 2]
            assert spectrum[0] == pytest.approx(LOWEST[learned][depth - 2], abs=5e-4)


def test_two_layers_have_strict_saddles_only(rng):
    for _ in range(200):
        widths, sigma, _, weights = draw(rng, 2, [3, 2, 2, 1, 0], True)
        assert classify(weights, diagonal(widths, sigma)).kind != "nonstrict saddle"


def test_nonstrict_saddles_have_learnt_the_largest_modes(rng):
    """Not conversely: with stubs the same product is strict."""
    for _ in range(200):
        widths, sigma, _, weights = draw(rng, 4, [3, 2.2, 1.5], False)
        point = classify(weights, diagonal(widths, sigma))
        if point.kind == "nonstrict saddle":
            assert point.learned == tuple(range(point.rank))
    weights = critical_point((2, 2, 2, 2), [2, 1], [0], stubs=[(0, 1, 1)])
    assert classify(weights, np.diag([2.0, 1.0])).kind == "strict saddle"


def test_no_critical_point_is_a_maximum(rng):
    """The loss rises along some direction at every sampled point."""
    for _ in range(60):
        widths, sigma, _, weights = draw(rng, int(rng.integers(2, 5)), [3, 2.2, 1.5], False)
        problem, theta = whitened_problem(weights, diagonal(widths, sigma))
        base = problem.outputs(theta)
        residual, rises = base - problem.loss_function.labels, []
        for direction in rng.standard_normal((200, problem.size)):
            change = problem.outputs(theta + 0.1 * direction) - base
            rises.append(np.sum(residual * change) + 0.5 * np.sum(change**2))
        assert max(rises) > 0


def test_a_bottleneck_makes_a_minimum_of_a_partial_success():
    """The least width counts input and output, and the loss keeps a floor."""
    point = classify(critical_point((3, 1, 3), [3, 2, 1], [0]), np.diag([3.0, 2, 1]))
    assert (point.kind, point.value, point.order) == ("minimum", 2.5, None)
    point = classify(critical_point((3, 3, 3), [3, 2, 1], [0]), np.diag([3.0, 2, 1]))
    assert point.kind == "strict saddle"


def test_gradient_flow_ends_behind_the_bottleneck(rng):
    Sigma = np.diag([4.0, 3, 2, 1])
    start = [0.7 * rng.standard_normal((b, a)) for a, b in itertools.pairwise((4, 2, 4, 4))]
    problem, theta = whitened_problem(start, Sigma)
    end = gradient_flow(problem, theta, 30.0).theta[-1]
    point = classify(problem.network.split(end), Sigma, tol=1e-7)
    assert (point.kind, point.learned, point.value) == ("minimum", (0, 1), 2.5)


@pytest.mark.parametrize("condition", [1e2, 1e4, 1e6, 1e8])
def test_a_badly_conditioned_gauge_is_never_misread(condition, rng):
    """The same answer, or none."""
    answered = 0
    for _ in range(60):
        widths, sigma, _, weights = draw(rng, int(rng.integers(2, 6)), [3, 2.2, 1.5], False)
        Sigma = diagonal(widths, sigma)
        expected = classify(weights, Sigma)
        moved = gauge_act(random_gauge(widths, rng=rng, condition=condition), weights)
        try:
            point = classify(moved, Sigma)
        except UndecidedRankError:
            continue
        answered += 1
        assert (point.kind, point.learned, point.order) == (
            expected.kind,
            expected.learned,
            expected.order,
        )
        assert point.index in (expected.index, None)
    assert answered > (55 if condition < 1e5 else 30)


def test_edges_of_an_escape_path():
    """An input stub is free; the swap saddle and the gauged saddle name no edges."""
    weights = critical_point((2, 2, 2, 2), [2, 1], [0], stubs=[(0, 1, 1)])
    point = classify(weights, np.diag([2.0, 1.0]))
    assert point.escape_path[0] == (1, 1, 1) and weights[0][1, 1] == 1
    assert [edge[0] for edge in point.escape_path] == [1, 2, 3]
    assert point.order == 2
    swap = critical_point((2, 2, 2), [2, 1], [1])
    assert classify(swap, np.diag([2.0, 1.0])).escape_path is None
    turned = gauge_act([np.array([[1.0, 1.0], [0.0, 1.0]])], critical_point((2, 2, 2), [2, 1], [0]))
    assert classify(turned, np.diag([2.0, 1.0])).escape_path is None
    oblique = np.array([[2.0, 0.5], [0.0, 1.0]])
    assert classify([np.zeros((2, 2))] * 3, oblique).escape_path is None


def test_the_path_lowers_the_loss():
    """Filling in the new edges with a positive product does, with a negative one does not."""
    Sigma = np.diag([3.0, 2.0, 1.0])
    for r in (0, 1, 2):
        weights = critical_point((3, 4, 4, 3), [3, 2, 1], range(r))
        point = classify(weights, Sigma)
        for sign in (1, -1):
            moved = [w.copy() for w in weights]
            for layer, after, before in point.escape_path:
                moved[layer - 1][after, before] = 0.1
            layer, after, before = point.escape_path[0]
            moved[layer - 1][after, before] *= sign
            loss = 0.5 * np.sum((Sigma - end_to_end(moved)) ** 2)
            assert (loss < point.value) == (sign == 1)


def test_values_are_those_of_the_table():
    for learned, value in critical_values([4, 3, 2, 1], 4).items():
        point = classify(critical_point((4,) * 4, [4, 3, 2, 1], learned), np.diag([4.0, 3, 2, 1]))
        assert point.value == value


def test_large_networks_leave_the_index_open_rather_than_wait(rng):
    weights = random_critical_point((30, 40, 40, 30), np.linspace(3, 1, 30), [1], rng=rng)
    point = classify(weights, diagonal((30, 30), np.linspace(3, 1, 30)))
    assert (point.kind, point.index, point.index_from) == ("strict saddle", None, "undecided")


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="two layers"):
        classify([np.eye(2)], np.eye(2))
    with pytest.raises(ValueError, match="Sigma"):
        classify([np.eye(2)] * 2, np.eye(3))
    with pytest.raises(ValueError, match="tol"):
        classify([np.zeros((2, 2))] * 2, np.eye(2), tol=0)
    assert issubclass(NotCriticalError, ValueError)
