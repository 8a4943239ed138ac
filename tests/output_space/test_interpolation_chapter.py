"""The numbers of the chapter output_space/interpolation, by other means than the chapter's."""

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from scipy.integrate import quad, solve_ivp
from scipy.optimize import brentq

from gradflows import MLP, DeepLinear, Problem, SquaredLoss
from gradflows.output_space import continuation_steps, output_flow, stopping_time
from tests.output_space.models import curve, theta


@pytest.fixture(scope="module")
def terrain():
    """Return all heights, coordinates of all places, the thirty places, and the start."""
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        height = file["elevation"] / 100
    place = np.stack(np.meshgrid(np.linspace(-1, 1, 403), np.linspace(-1, 1, 344)))
    start = np.random.default_rng(2).standard_normal(81)
    start[60:80] /= np.sqrt(20)
    return height, place, np.s_[34::69, 33::67], start


def unpack(q):
    return q[:40].reshape(20, 2), q[40:60], q[60:80], q[80]


def outputs(q, X):
    W, b, v, c = unpack(q)
    return v @ np.tanh(W @ X + b[:, None]) + c


def jacobian(q, X):
    W, b, v, _ = unpack(q)
    a = np.tanh(W @ X + b[:, None])
    slope = (v[:, None] * (1 - a**2)).T
    first = (slope[:, :, None] * X.T[:, None, :]).reshape(len(slope), -1)
    return np.hstack([first, slope, a.T, np.ones((len(slope), 1))])


def test_the_terrain_on_the_line(terrain):
    height, place, grid, start = terrain
    X, y = place[:, *grid].reshape(2, -1), height[grid].ravel()
    way = y - y.mean() - outputs(start, X)

    def field(t, state):
        v = np.linalg.lstsq(jacobian(state[:81], X), way, rcond=None)[0]
        return np.append(v, np.linalg.norm(v))

    run = solve_ivp(field, (0, 1), np.append(start, 0), rtol=1e-8, atol=1e-10, method="DOP853")
    end = run.y[:81, -1]
    assert np.abs(outputs(end, X) + y.mean() - y).max() < 1e-6
    assert run.y[81, -1] == pytest.approx(16.24, abs=0.01)
    values = np.linalg.svd(jacobian(start, X), compute_uv=False)
    assert 2e4 < values[0] / values[-1] < 3e4
    other = np.s_[::7, ::8]
    left = outputs(end, place[:, *other].reshape(2, -1)) + y.mean() - height[other].ravel()
    assert left.size == 2550
    assert np.sqrt(np.mean(left**2)) == pytest.approx(1.20, abs=0.005)
    assert np.sqrt(np.mean((height[other] - y.mean()) ** 2)) == pytest.approx(1.62, abs=0.005)


def test_the_terrain_under_gradient_flow(terrain):
    height, place, grid, start = terrain
    X, y = place[:, *grid].reshape(2, -1), height[grid].ravel()
    y = y - y.mean()

    def field(s, q):
        return -jacobian(q, X).T @ (outputs(q, X) - y) / 30

    run = solve_ivp(field, (0, 1e4), start, method="LSODA", rtol=1e-8, atol=1e-10)
    cost = np.sum((outputs(run.y[:, -1], X) - y) ** 2) / 60
    assert cost == pytest.approx(3.04e-9, rel=0.05)
    first = np.sum((outputs(start, X) - y) ** 2) / 60
    assert 15 * np.log(first / cost) == pytest.approx(304, abs=2)
    steps = np.linalg.norm(np.diff(run.y), axis=0)
    assert steps.sum() == pytest.approx(24.25, rel=0.02)


def test_the_greedy_path_is_a_hyperbola():
    """Gradient curves of u v from (1, 0): u = cosh a, v = sinh a, with u v = 1 at the end."""
    end = np.arcsinh(2.0) / 2
    length = quad(lambda a: np.sqrt(np.cosh(2 * a)), 0, end)[0]
    assert length == pytest.approx(0.843, abs=5e-4)
    nearest = brentq(lambda p: p - 1 - p**-3, 1, 2)
    assert np.hypot(nearest - 1, 1 / nearest) == pytest.approx(0.818, abs=5e-4)


def test_the_factor_of_the_deviation_is_the_maximum():
    z = np.linspace(1e-9, 1, 200001)
    for d in (0.01, 0.3, 0.9):
        assert np.max(z ** (1 - d) - z) == pytest.approx(d * (1 - d) ** (1 / d - 1), rel=1e-6)
    small = 1e-6 * (1 - 1e-6) ** (1e6 - 1)
    assert small == pytest.approx(1e-6 / np.e, rel=1e-5)


def test_one_step_reaches_the_labels_of_a_linear_model():
    rng = np.random.default_rng(0)
    network = DeepLinear((5, 2))
    problem = Problem(network, rng.normal(size=(5, 3)), SquaredLoss(rng.normal(size=(2, 3))))
    path = continuation_steps(problem, rng.normal(size=10), 1)
    assert path.shape == (2, 10)
    np.testing.assert_allclose(problem.outputs(path[-1]), problem.loss_function.labels, atol=1e-12)


def test_the_orders_of_the_steps():
    problem = curve([theta**2], 4.0)
    for n_steps in (500, 1000):
        once, again = (
            continuation_steps(problem, [1.0], n_steps, aim_again=again)[-1, 0] ** 2 - 4
            for again in (False, True)
        )
        assert n_steps * once == pytest.approx(0.75 * np.log(4), rel=5e-3)
        assert n_steps**2 * again == pytest.approx(9 / 16, rel=2e-2)


def test_steps_by_hand():
    """Half of the way to 4 from 1, then what is left: 1, 1 + 3/4, and on from there."""
    path = continuation_steps(curve([theta**2], 4.0), [1.0], 2)[:, 0]
    second = 1.75 + (4 - 1.75**2) / 3.5
    np.testing.assert_allclose(path, [1, 1.75, second])
    once = continuation_steps(curve([theta**2], 4.0), [1.0], 2, aim_again=False)[:, 0]
    np.testing.assert_allclose(once, [1, 1.75, 1.75 + 1.5 / 3.5])


def test_bad_steps_are_named():
    with pytest.raises(ValueError, match="^n_steps: expected"):
        continuation_steps(curve([theta], 1.0), [0.0], 0)
    with pytest.raises(ValueError, match="^theta0: expected"):
        continuation_steps(curve([theta], 1.0), [0.0, 1.0], 3)


def test_one_percent():
    assert stopping_time([10.0] * 30, [0.0] * 30, 30, 1 / 2) == pytest.approx(69.08, abs=0.005)


def test_features_at_rest_and_outputs_collapsed():
    """If only the last layer moves, the outputs of a class meet and the features do not."""
    rng = np.random.default_rng(1)
    features, classes = np.tanh(rng.normal(size=(7, 6))), np.array([0, 1, 0, 1, 0, 1])
    problem = Problem(MLP((7, 2)), features, SquaredLoss(np.eye(2)[:, classes]))
    run = output_flow(problem, rng.normal(size=16), 1.0, clock="t", t_end=1.0)
    assert np.ptp(run.outputs[-1][:, classes == 0], axis=1).max() < 1e-9
    assert np.ptp(features[:, classes == 0], axis=1).max() > 0.5
