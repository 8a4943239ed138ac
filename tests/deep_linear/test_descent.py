import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import (
    DeepLinear,
    IntegrationError,
    Problem,
    SquaredLoss,
    gradient_descent,
    gradient_flow,
)
from gradflows.deep_linear import (
    critical_step,
    cubic_map,
    cubic_tails,
    descent_drift,
    path_weights,
    whitened_problem,
)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.integers(1, 4), min_size=3, max_size=5),
    n_steps=st.integers(1, 40),
)
def test_drift_is_exactly_second_order(seed, widths, n_steps):
    rng = np.random.default_rng(seed)
    weights = [0.5 * rng.standard_normal(s) for s in zip(widths[1:], widths, strict=False)]
    Sigma = rng.standard_normal((widths[-1], widths[0]))
    drift = descent_drift(weights, Sigma, 1e-3, n_steps)
    for change, predicted in zip(drift.changes, drift.predicted, strict=True):
        assert np.abs(change - predicted).max() < 1e-13
    if drift.descends:
        rounding = 1e-13
        assert drift.squares <= drift.bound + rounding
        assert np.all(drift.nuclear <= drift.squares + rounding)
        assert drift.frobenius <= np.sqrt(2) * drift.bound + rounding
        assert drift.nuclear.sum() <= 2 * drift.bound + rounding


def test_constants_of_the_drift_bounds_are_sharp():
    """One step that lands in the minimum: each bound is attained, none holds without its factor."""
    drift = descent_drift([[[10.0]], [[0.0]], [[10.0]]], [[1.0]], 1e-4)
    assert drift.descends and drift.bound == pytest.approx(1e-4)
    assert [float(C[0, 0]) for C in drift.changes] == pytest.approx([1e-4, -1e-4], abs=1e-12)
    assert drift.nuclear == pytest.approx([drift.bound] * 2, rel=1e-9)
    assert drift.frobenius == pytest.approx(np.sqrt(2) * drift.bound, rel=1e-9)
    assert drift.nuclear.sum() == pytest.approx(2 * drift.bound, rel=1e-9)


def test_drift_halves_with_the_step_and_a_large_step_does_not_descend():
    rng = np.random.default_rng(0)
    weights = [0.6 * rng.standard_normal(s) for s in ((4, 3), (4, 4), (3, 4))]
    Sigma = np.diag([3.0, 2.0, 1.0])
    norms = [descent_drift(weights, Sigma, 1e-3 / n, 4000 * n).frobenius for n in (1, 2, 4)]
    assert np.array(norms[:-1]) / norms[1:] == pytest.approx([2, 2], abs=0.02)
    assert not descent_drift(weights, Sigma, 0.5, 2).descends


def test_distance_to_the_flow_halves_with_the_step():
    rng = np.random.default_rng(1)
    weights = [0.6 * rng.standard_normal(s) for s in ((3, 3), (3, 3), (3, 3))]
    problem, theta = whitened_problem(weights, np.diag([3.0, 2.0, 1.0]))
    end = gradient_flow(problem, theta, 2.0, rtol=1e-11).theta[-1]
    errors = [
        np.linalg.norm(gradient_descent(problem, theta, 2.0 / n, n).theta[-1] - end)
        for n in (2000, 4000)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_critical_step_of_a_balanced_minimum(depth):
    sigma = np.array([3.0, 2.0, 1.0])
    chains = np.repeat(sigma[:, None] ** (1 / depth), depth, axis=1)
    weights = path_weights((3,) * (depth + 1), chains)
    assert critical_step(weights, np.diag(sigma)) == pytest.approx(
        2 / (depth * 3 ** (2 - 2 / depth)), rel=1e-10
    )


def test_unbalanced_minima_are_sharper():
    chains = np.repeat(np.array([3.0, 2.0, 1.0])[:, None] ** (1 / 3), 3, axis=1)
    weights = path_weights((3, 3, 3, 3), chains)
    weights[0], weights[1] = 3 * weights[0], weights[1] / 3
    assert 2 / critical_step(weights, np.diag([3.0, 2.0, 1.0])) == pytest.approx(43.7, abs=0.05)


@pytest.mark.parametrize(("share", "stable"), [(0.95, True), (0.99, True), (1.01, False)])
def test_descent_leaves_a_minimum_beyond_the_critical_step(share, stable):
    sigma = np.array([3.0, 2.0, 1.0])
    chains = np.repeat(sigma[:, None] ** (1 / 3), 3, axis=1)
    weights = path_weights((3, 3, 3, 3), chains)
    problem, theta = whitened_problem(weights, np.diag(sigma))
    theta = theta + 1e-4 * np.random.default_rng(2).standard_normal(theta.size)
    loss = gradient_descent(
        problem, theta, share * critical_step(weights, np.diag(sigma)), 6000
    ).loss[-1]
    assert (loss < 1e-20) if stable else (loss > 1e-3)


def test_critical_step_with_a_bottleneck():
    """Minimum with a residual, and a saddle over the smaller mode that is refused."""
    first, second = (np.sqrt(2) * np.eye(2)[:1], np.sqrt(2) * np.eye(2)[:, :1])
    assert critical_step([first, second], np.diag([2.0, 1.0])) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="eigenvalues"):
        critical_step([first, second], np.diag([2.0, 3.0]))


def test_cubic_map_is_descent_on_a_balanced_mode():
    path = gradient_descent(
        Problem(DeepLinear((1, 1, 1)), [[1.0]], SquaredLoss([[2.0]], mean=False)),
        [0.4, 0.4],
        0.3,
        5,
    )
    u = 0.4 / np.sqrt(2)
    for theta in path.theta[1:]:
        u = cubic_map(u, 0.6)
        assert np.sqrt(2) * u == pytest.approx(theta[0], rel=1e-13)


def test_period_doubling_of_the_cubic_map():
    steps = np.array([0.9, 1.05, 1.2, 1.26, 1.3, 1.4, 1.6, 1.8, 1.99, 2.01])
    tails = cubic_tails(steps, keep=256)
    counts = [len(np.unique(np.round(tail, 7))) for tail in tails[:-1]]
    assert counts[:5] == [1, 2, 2, 4, 16]
    assert min(counts[5:]) >= 64
    assert np.isnan(tails[-1]).all()


def test_two_cycle_loses_stability_at_the_golden_step():
    def multiplier(step):
        a, b = cubic_tails([step], settle=20000, keep=2)[0]
        return (1 + step - 3 * step * a * a) * (1 + step - 3 * step * b * b)

    golden = np.sqrt(5) - 1
    assert multiplier(golden - 1e-4) == pytest.approx(-1, abs=2e-3)
    assert multiplier(1.0005) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: descent_drift([np.eye(2)], np.eye(2), 0.1), "two layers"),
        (lambda: descent_drift([np.eye(2)] * 2, np.eye(2), 0.0), "step"),
        (lambda: descent_drift([np.eye(2)] * 2, np.eye(2), 0.1, 0), "n_steps"),
        (lambda: critical_step([np.eye(2)] * 2, 2 * np.eye(2)), "gradient"),
        (lambda: critical_step([np.zeros((2, 2))] * 2, np.eye(2)), "minimum"),
        (lambda: critical_step([np.zeros((2, 2))] * 3, np.eye(2)), "minimum"),
        (lambda: cubic_tails([1.0, 0.0]), "steps"),
        (lambda: cubic_tails([1.0], keep=0), "keep"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()


def test_overflow_is_an_error():
    with pytest.raises(IntegrationError):
        descent_drift([10 * np.eye(2)] * 2, np.eye(2), 1.0, 100)
