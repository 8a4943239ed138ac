import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import gradient_flow
from gradflows.deep_linear import (
    escape_order,
    gauge_act,
    measured_order,
    path_weights,
    random_gauge,
    sphere_decrease,
    whitened_problem,
)


def origin(widths):
    return path_weights(widths, np.zeros((1, len(widths) - 1)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), depth=st.integers(2, 4), modes=st.integers(1, 3))
def test_path_supported_weights_are_invariant(seed, depth, modes):
    rng = np.random.default_rng(seed)
    widths = rng.integers(modes, modes + 3, depth + 1)
    paths = np.array([rng.permutation(width)[:modes] for width in widths]).T
    paths[:, 0] = paths[:, -1] = rng.permutation(min(widths[0], widths[-1]))[:modes]
    chains = rng.uniform(0.3, 1.5, (modes, depth))
    Sigma = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(Sigma, rng.uniform(0.5, 3, min(Sigma.shape)))
    weights = path_weights(widths, chains, paths)
    problem, theta = whitened_problem(weights, Sigma)
    velocities = problem.network.split(-problem.gradient(theta))
    sigma, products = np.diag(Sigma)[paths[:, 0]], chains.prod(axis=1)
    for i, (W, V) in enumerate(zip(weights, velocities, strict=True)):
        assert np.abs(V[W == 0]).max(initial=0) < 1e-12
        scalar = products / chains[:, i] * (sigma - products)
        assert V[paths[:, i + 1], paths[:, i]] == pytest.approx(scalar, abs=1e-10)


@pytest.mark.parametrize("signs", [(a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
@pytest.mark.parametrize("mode", [1, 2])
def test_sign_patterns_decide_where_a_new_chain_goes(signs, mode):
    """An even number of minus signs learns the mode, an odd number falls back."""
    sigma = np.array([3.0, 2.0, 1.0])
    chains = np.zeros((3, 3))
    chains[0] = sigma[0] ** (1 / 3)
    problem, theta = whitened_problem(path_weights((3, 3, 3, 3), chains), np.diag(sigma))
    assert np.linalg.eigvalsh(problem.hessian(theta))[0] > -1e-12
    chains[mode] = 0.1 * np.array(signs)
    start = problem.network.join(path_weights((3, 3, 3, 3), chains))
    loss = gradient_flow(problem, start, 100.0, method="DOP853").loss[-1]
    learnt = np.prod(signs) > 0
    assert loss == pytest.approx(2.5 - 0.5 * sigma[mode] ** 2 * learnt, abs=2e-3)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_order_and_coefficient_at_the_origin(depth):
    rng = np.random.default_rng(depth)
    weights, Sigma = origin([2] * (depth + 1)), np.diag([2.0, 1.0])
    assert measured_order(weights, Sigma, rng=rng) == pytest.approx(depth, abs=2e-3)
    exact = 2 * (0.01 / np.sqrt(depth)) ** depth
    assert sphere_decrease(weights, Sigma, 0.01, rng=rng) == pytest.approx(exact, rel=2e-4)


@pytest.mark.parametrize(("depth", "order"), [(2, 2), (3, 3), (4, 4)])
def test_order_with_a_learnt_mode_and_a_tie(depth, order):
    rng = np.random.default_rng(0)
    for sigma in ([3.0, 1.0], [1.0, 1.0]):
        weights = path_weights([2] * (depth + 1), np.full((1, depth), sigma[0] ** (1 / depth)))
        assert measured_order(weights, np.diag(sigma), rng=rng) == pytest.approx(order, abs=0.01)


def test_a_stub_lowers_the_order():
    weights = path_weights((2, 2, 2, 2), [[0, 0, 0], [0, 1.0, 0]])
    order = measured_order(weights, np.diag([2.0, 1.0]), rng=np.random.default_rng(1))
    assert order == pytest.approx(2, abs=0.01)


@pytest.mark.parametrize("stub", [(0, 0, 0, 0), (0, 1, 0, 0), (1, 0, 0, 1), (0, 1, 1, 0)])
def test_measurement_agrees_with_the_rank_formula(stub):
    rng = np.random.default_rng(4)
    weights = path_weights((2, 2, 2, 2, 2), [[2**0.25] * 4, stub])
    weights = gauge_act(random_gauge((2, 2, 2, 2, 2), rng=rng, orthogonal=True), weights)
    Sigma = np.diag([2.0, 1.0])
    order = measured_order(weights, Sigma, rng=rng, starts=12)
    assert order == pytest.approx(escape_order(weights, Sigma), abs=0.02)


def test_rank_deficient_target_order_four_at_depth_three():
    """Rank conditions say 3; a borrowed path of a null mode costs one order more."""
    weights = [np.array([[0.0, 1.0]]), np.zeros((1, 1)), np.array([[0.0], [1.0]])]
    Sigma, rng = np.diag([1.0, 0.0]), np.random.default_rng(2)
    falls = [sphere_decrease(weights, Sigma, e, rng=rng) / e**4 for e in (0.1, 0.05, 0.025)]
    assert falls == pytest.approx([0.12438, 0.12484, 0.12496], abs=1e-5)
    # With a second hidden node there is a spare path, and the order is 3 again.
    wide = path_weights((2, 2, 2, 2), [[0, 0, 0], [1.0, 0, 1.0]])
    assert measured_order(wide, Sigma, rng=rng) == pytest.approx(3, abs=1e-2)


def test_no_order_at_a_minimum_and_one_off_criticality():
    rng, Sigma = np.random.default_rng(3), np.diag([2.0, 1.0])
    minimum = path_weights((2, 2, 2), np.sqrt([[2.0, 2.0], [1.0, 1.0]]))
    with pytest.raises(ValueError, match="falls nowhere"):
        measured_order(minimum, Sigma, rng=rng)
    regular = path_weights((2, 2, 2), [[1.0, 1.0], [1.0, 1.0]])
    order = measured_order(regular, Sigma, rng=rng, radii=(1e-3, 1e-4))
    assert order == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: path_weights((2, 2), [[1.0]], [[0, 2]]), "below the widths"),
        (lambda: path_weights((2, 2), [[1.0]], [[0, 0.5]]), "paths"),
        (lambda: path_weights((2, 2), [[1.0]], [[0, 1]]), "end at the number"),
        (lambda: path_weights((2, 2), [[1.0], [1.0]], [[0, 0], [0, 0]]), "disjoint"),
        (lambda: path_weights((1, 2, 2), [[1.0, 1.0], [1.0, 1.0]]), "paths"),
        (lambda: path_weights((2, 2), [[1.0, 1.0]]), "chains"),
        (lambda: sphere_decrease([np.eye(2)], np.eye(3), 0.1, rng=None), "Sigma"),
        (lambda: sphere_decrease([np.eye(2)], np.eye(2), 0.0, rng=None), "radius"),
        (lambda: sphere_decrease([np.eye(2), np.eye(3)], np.eye(2), 1, rng=None), "W_2"),
        (lambda: measured_order([np.eye(2)], np.eye(2), rng=None, radii=(0.1,)), "radii"),
        (lambda: measured_order([], np.eye(2), rng=None), "at least one matrix"),
        (lambda: measured_order(3, np.eye(2), rng=None), "expected a list"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
