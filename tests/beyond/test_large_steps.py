import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from gradflows import DeepLinear, IntegrationError, Problem, SquaredLoss
from gradflows.beyond import (
    edge_end,
    edge_start,
    gd_fate,
    landing_factor,
    min_sharpness,
    noisy_descent,
    quartic_descent,
    sharpness,
)
from gradflows.deep_linear import balanced_factors, imbalances, whitened_problem


def chain(layers, target=1.0):
    widths = (1,) * (layers + 1)
    return Problem(DeepLinear(widths), [[1.0]], SquaredLoss([[target]], mean=False))


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
@pytest.mark.parametrize("target", [0.5, 2.0])
def test_min_sharpness_is_the_least_over_the_minima(depth, target):
    """Minimise the curvature over the free weights, the last one being fixed by the product."""

    def curvature(logs):
        logs = np.append(logs, np.log(target) - logs.sum())
        return target**2 * np.sum(np.exp(-2 * logs))

    logs = np.random.default_rng(0).normal(size=depth - 1)
    least = minimize(curvature, logs, method="BFGS", options={"gtol": 1e-10}).fun
    assert least == pytest.approx(min_sharpness(target, depth), rel=1e-9)


@pytest.mark.parametrize("widths", [(2, 2, 2), (3, 2, 4), (2, 3, 2, 3)])
def test_min_sharpness_belongs_to_balanced_minima(widths):
    rng = np.random.default_rng(1)
    Sigma = np.zeros((widths[-1], widths[0]))
    Sigma[0, 0], Sigma[1, 1] = 1.7, 0.6
    weights = balanced_factors(Sigma, widths, 2, rng=rng)
    problem, theta = whitened_problem(weights, Sigma)
    least = min_sharpness(1.7, len(widths) - 1)
    assert sharpness(problem, theta) == pytest.approx(least, rel=1e-9)
    weights[0], weights[1] = 2 * weights[0], weights[1] / 2
    assert sharpness(problem, problem.network.join(weights)) > least * 1.01


@settings(max_examples=30, deadline=None)
@given(st.floats(0.1, 10), st.integers(1, 6), st.floats(0.1, 10))
def test_min_sharpness_is_homogeneous(sigma_1, depth, factor):
    scaled = min_sharpness(factor * sigma_1, depth)
    power = 2 - 2 / depth
    assert scaled == pytest.approx(factor**power * min_sharpness(sigma_1, depth))


def test_fates_of_two_weights():
    starts = np.random.default_rng(3).uniform(-2, 2, (800, 2))
    table = {0.5: (0.985, 0.016), 0.9: (0.773, 0.227), 1.02: (0.0, 0.337), 1.25: (0.0, 0.509)}
    for step, (settled, diverged) in table.items():
        fate = gd_fate(chain(2), starts, step, 2000)
        assert fate.settled.mean() == pytest.approx(settled, abs=0.06)
        assert fate.diverged.mean() == pytest.approx(diverged, abs=0.06)
        assert not np.any(fate.settled & fate.diverged)
        assert np.isnan(fate.ends[fate.diverged]).all()
        assert np.isfinite(fate.ends[~fate.diverged]).all()
        if settled:
            assert np.abs(fate.ends[fate.settled].prod(axis=1) - 1).max() < 1e-8
            assert (fate.ends[fate.settled] ** 2).sum(axis=1).max() <= 2 / step


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 1.3), st.integers(0, 1000))
def test_fates_are_symmetric(step, seed):
    """Both signs at once, and the two layers exchanged, change no fate."""
    starts = np.random.default_rng(seed).uniform(-1.5, 1.5, (5, 2))
    fates = [gd_fate(chain(2), s, step, 60) for s in (starts, -starts, starts[:, ::-1])]
    for fate in fates[1:]:
        assert np.array_equal(fate.settled, fates[0].settled)
        assert np.array_equal(fate.diverged, fates[0].diverged)


def test_a_start_at_a_critical_point_has_settled():
    fate = gd_fate(chain(3), [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], 5.0, 1)
    assert fate.settled.all()


@settings(max_examples=50, deadline=None)
@given(*[st.floats(-3, 3)] * 2, st.floats(0.01, 2), st.floats(-2, 2))
def test_the_landing_factor_multiplies_the_residual(u, v, step, target):
    r = target - u * v
    after = target - (u + step * r * v) * (v + step * r * u)
    assert after == pytest.approx(r * landing_factor(u, v, step, target), abs=1e-9)


def test_quartic_descent_is_descent():
    start = np.array([[1.4, 0.5], [0.9, -1.2]])
    path = quartic_descent(start, 0.1, 6, every=2)
    assert path.shape == (4, 2, 2)
    u, v = start.T
    for k in range(6):
        s = u * v
        u, v = u - 0.1 * s * (s * s - 1) * v, v - 0.1 * s * (s * s - 1) * u
        if k % 2:
            assert np.allclose(path[(k + 1) // 2], np.column_stack([u, v]), rtol=1e-14)


@settings(max_examples=40, deadline=None)
@given(st.floats(-3, 3), st.floats(0, 3), st.floats(0.005, 0.05))
def test_edge_start_has_the_numbers_asked_for(x, z, step):
    ((u, v),) = edge_start([x], [z], step)
    assert step * np.hypot(u * u - v * v, 2) == pytest.approx(1 + step**2 * x, rel=1e-12)
    assert u * v == pytest.approx(1 + step * np.sqrt(z), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.floats(-2, 3), st.floats(0.01, 3))
def test_edge_end_is_a_zero_on_the_orbit_below_the_edge(x, z):
    end = edge_end([x], [z])[0]
    level = np.exp(-4 * x) * (z - x / 4 - 1 / 16)
    assert end < 0 and end < x
    assert end / 4 + 1 / 16 + level * np.exp(4 * end) == pytest.approx(0, abs=1e-9)


def test_descent_ends_where_the_averaged_system_does_to_first_order():
    """The error of the scaled end falls with the step."""
    x, z = np.array([0.6, 1.0, 1.5]), np.array([0.8, 0.3, 0.6])
    errors = []
    for step in (0.1, 0.05, 0.025):
        n = round(14 / step**2)
        u, v = quartic_descent(edge_start(x, z, step), step, n, every=n)[-1].T
        ends = (step * np.hypot(u * u - v * v, 2) - 1) / step**2
        errors.append(np.abs(ends - edge_end(x, z)).max())
    assert errors[-1] < 0.01
    assert np.polyfit(np.log([4, 2, 1]), np.log(errors), 1)[0] > 0.8


def test_noisy_descent_without_noise_is_descent_with_decay():
    weights = [np.array([[0.5, 0.2], [0.1, -0.4]]), np.array([[1.0, 0.3]])]
    Sigma = np.array([[1.0, -0.5]])
    paths = noisy_descent(
        weights, Sigma, 0.1, 4, decay=0.3, runs=2, rng=np.random.default_rng(0), every=2
    )
    assert [W.shape for W in paths] == [(3, 2, 2, 2), (3, 2, 1, 2)]
    problem, theta = whitened_problem(weights, Sigma)
    for _ in range(4):
        theta = (1 - 0.03) * theta - 0.1 * problem.gradient(theta)
    for path, W in zip(paths, problem.network.split(theta), strict=True):
        assert np.allclose(path[-1], W, rtol=1e-13)


def test_decay_alone_makes_the_imbalance_fall_like_the_flow():
    """The exponent tends to 2 mu t with the first power of the step."""
    errors = []
    for step in (0.02, 0.01, 0.005):
        n = round(2 / step)
        layers = noisy_descent(
            [[[0.5]], [[1.5]]], [[1.0]], step, n, decay=0.4, rng=np.random.default_rng(0), every=n
        )
        start, end = (imbalances([W[k, 0] for W in layers])[0][0, 0] for k in (0, -1))
        errors.append(abs(np.log(start / end) / (2 * 0.4 * 2) - 1))
    assert np.polyfit(np.log([4, 2, 1]), np.log(errors), 1)[0] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: min_sharpness(-1.0, 2), "sigma_1"),
        (lambda: min_sharpness(1.0, 0), "depth"),
        (lambda: gd_fate(chain(2), [1.0, 2.0], 0.1), "starts"),
        (lambda: gd_fate(chain(2), [[1.0, np.nan]], 0.1), "starts"),
        (lambda: gd_fate(chain(2), [[1.0, 2.0]], 0.0), "step"),
        (lambda: gd_fate(chain(2), [[1.0, 2.0]], 0.1, tol=0.0), "tol"),
        (lambda: quartic_descent([[1.0, 2.0, 3.0]], 0.1, 2), "starts"),
        (lambda: quartic_descent([[1.0, 2.0]], 0.1, 0), "n_steps"),
        (lambda: edge_start([0.0], [-1.0], 0.1), "z"),
        (lambda: edge_start([0.0], [1.0], 0.6), "step"),
        (lambda: edge_end([1.0], [0.0]), "z"),
        (lambda: noisy_descent([[[1.0]]], [[1.0]], 0.1, 1, rng=None, noise=-1.0), "noise"),
        (lambda: noisy_descent([[[1.0]]], [[1.0]], 0.1, 1, rng=None, decay=-1.0), "decay"),
        (lambda: noisy_descent([[[1.0]]], [[1.0]], 0.1, 1, rng=None, runs=0), "runs"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()


def test_divergence_is_an_error_where_paths_are_returned():
    with pytest.raises(IntegrationError):
        quartic_descent([[9.0, 9.0]], 1.0, 20)
    with pytest.raises(IntegrationError):
        noisy_descent([[[9.0]], [[9.0]]], [[1.0]], 1.0, 20, rng=np.random.default_rng(0))
