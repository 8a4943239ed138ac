"""Flows and iterations against closed forms, each other, and bad luck."""

import builtins
import sys
import time
import types

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    IntegrationError,
    Problem,
    ShallowReLU,
    SquaredLoss,
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.integrators import EXPLICIT, IMPLICIT

TWO_WEIGHTS = Problem(DeepLinear((1, 1, 1)), [[1.0]], SquaredLoss([[1.0]], mean=False))
METHODS = EXPLICIT + IMPLICIT


def logistic(t, s0):
    """Product u v of two balanced weights on the way to 1."""
    return np.exp(2 * t) / (np.exp(2 * t) - 1 + 1 / s0)


def deep_linear(seed=0, widths=(4, 3, 5, 2)):
    rng = np.random.default_rng(seed)
    loss = SquaredLoss(rng.normal(size=(widths[-1], widths[0])), mean=False)
    network = DeepLinear(widths)
    return Problem(network, np.eye(widths[0]), loss), 0.5 * rng.normal(size=network.size)


class Function:
    """A problem from outside: any function with its gradient, and perhaps its Hessian."""

    def __init__(self, loss, gradient, hessian=None):
        self.loss, self.gradient = loss, gradient
        if hessian is not None:
            self.hessian = hessian


QUADRATIC = Function(lambda u: 0.5 * u @ u, lambda u: u, lambda u: np.eye(u.size))
CUBIC = Function(lambda u: -np.sum(u**3) / 3, lambda u: -(u**2), lambda u: np.diag(-2 * u))
CLIFF = Function(
    lambda u: -u.sum(),
    lambda u: np.where(u < 2, -1.0, np.nan),
    lambda u: np.zeros((u.size, u.size)),
)


@pytest.mark.parametrize("method", METHODS)
def test_two_weights_follow_the_logistic_curve(method):
    s0, times = 0.01, np.linspace(0, 6, 25)
    rtol = 1e-6 if method in ("RK23", "BDF", "Radau") else 1e-10
    flow = gradient_flow(TWO_WEIGHTS, [0.1, 0.1], 6.0, times=times, method=method, rtol=rtol)
    np.testing.assert_allclose(flow.theta.prod(axis=1), logistic(times, s0), atol=300 * rtol)
    np.testing.assert_allclose(flow.loss, 0.5 * (1 - logistic(times, s0)) ** 2, atol=300 * rtol)
    np.testing.assert_array_equal(flow.t, times)
    assert flow.method == method
    assert flow.evaluations > 10


def test_auto_chooses_by_size_stack_and_hessian():
    assert gradient_flow(TWO_WEIGHTS, [0.1, 0.1], 1.0).method == "LSODA"
    assert gradient_flow(TWO_WEIGHTS, [[0.1, 0.1]], 1.0)[0].method == "DOP853"
    for width, method in [(250, "LSODA"), (251, "DOP853")]:
        problem = Problem(DeepLinear((1, width, 1)), [[1.0]], SquaredLoss([[1.0]]))
        start = np.full(problem.size, 0.01)
        assert gradient_flow(problem, start, 0.1).method == method
        assert momentum_flow(problem, start, 1.0, 0.1).method == "DOP853"
    without = Function(QUADRATIC.loss, QUADRATIC.gradient)
    assert gradient_flow(without, [1.0], 1.0).method == "DOP853"


def test_the_watched_dop853_makes_the_steps_of_scipy():
    problem, theta = deep_linear()
    flow = gradient_flow(problem, theta, 5.0, method="DOP853", rtol=1e-7, atol=1e-9)
    bare = solve_ivp(
        lambda t, y: -problem.gradient(y), (0, 5.0), theta, method="DOP853", rtol=1e-7, atol=1e-9
    )
    assert flow.evaluations == bare.nfev
    np.testing.assert_allclose(flow.t, bare.t, rtol=1e-6)
    np.testing.assert_allclose(flow.theta, bare.y.T, atol=1e-8)


def test_a_flow_ends_where_it_was_sent_and_keeps_its_start():
    problem, theta = deep_linear()
    given = theta.copy()
    flow = gradient_flow(problem, theta, 2.5)
    np.testing.assert_array_equal(theta, given)
    np.testing.assert_array_equal(flow.theta[0], given)
    assert (flow.t[0], flow.t[-1]) == (0.0, 2.5)
    assert flow.theta.shape == (flow.t.size, problem.size)
    np.testing.assert_allclose(flow.loss, [problem.loss(point) for point in flow.theta])


@pytest.mark.parametrize("method", ["LSODA", "DOP853"])
def test_imbalances_are_conserved(method):
    problem, theta = deep_linear()

    def imbalances(point):
        W = problem.network.split(point)
        pairs = zip(W[:-1], W[1:], strict=True)
        return np.concatenate([(B.T @ B - A @ A.T).ravel() for A, B in pairs])

    flow = gradient_flow(problem, theta, 20.0, method=method)
    assert flow.accuracy(imbalances).drift < 1e-7
    wrong = flow.accuracy(lambda point: imbalances(point * np.sign(np.arange(point.size) - 11)))
    flipped = flow.accuracy(lambda point: np.sum(point**2))
    assert min(flipped.drift, wrong.drift + 1) > 1e-3


def test_relu_neurons_keep_their_balance():
    rng = np.random.default_rng(4)
    problem = Problem(
        ShallowReLU(3, 6), rng.normal(size=(3, 5)), SquaredLoss(rng.normal(size=(1, 5)))
    )

    def balances(point):
        W, a = problem.network.split(point)
        return np.sum(a**2, axis=0) - np.sum(W**2, axis=1)

    flow = gradient_flow(problem, rng.normal(size=problem.size), 3.0, method="DOP853")
    assert flow.accuracy(balances).drift < 1e-7
    assert flow.accuracy(lambda point: balances(point)[0] + 3 * point[0] ** 2).drift > 1e-3


@pytest.mark.parametrize("loss", ["squared", "entropy"])
def test_loss_falls_on_a_smooth_network(loss):
    rng = np.random.default_rng(5)
    labels = rng.random((2, 6)) + 0.1
    labels /= labels.sum(axis=0)
    kind = SquaredLoss(labels) if loss == "squared" else CrossEntropy(labels)
    problem = Problem(MLP((2, 8, 2)), rng.normal(size=(2, 6)), kind)
    strip = gradient_flow(problem, rng.normal(size=42), 20.0).accuracy()
    assert strip.falls
    assert strip.error < 1e-5


def test_gradient_descent_tends_to_the_flow_with_order_one():
    problem, theta = deep_linear()
    end = gradient_flow(problem, theta, 1.0, rtol=1e-12, atol=1e-14).theta[-1]
    steps = 0.01 * 0.5 ** np.arange(5)
    errors = [
        np.linalg.norm(gradient_descent(problem, theta, h, round(1 / h)).theta[-1] - end)
        for h in steps
    ]
    slope = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.03)


def test_gradient_descent_by_hand():
    path = gradient_descent(QUADRATIC, [1.0, 2.0], 0.5, 3)
    np.testing.assert_allclose(path.theta, np.outer(0.5 ** np.arange(4), [1.0, 2.0]))
    np.testing.assert_allclose(path.t, [0, 0.5, 1, 1.5])
    assert (path.method, path.evaluations, path.rtol) == ("gradient descent", 3, None)


def test_gradient_descent_of_a_stack():
    problem, theta = deep_linear()
    starts = np.stack([theta, 0.5 * theta, 0 * theta])
    for path, start in zip(gradient_descent(problem, starts, 0.05, 70), starts, strict=True):
        alone = gradient_descent(problem, start, 0.05, 70)
        np.testing.assert_allclose(path.theta, alone.theta, atol=1e-12)
        np.testing.assert_allclose(path.loss, alone.loss, atol=1e-12)


def test_gradient_descent_that_overflows_names_the_step():
    with pytest.raises(IntegrationError, match="overflows in step") as caught:
        gradient_descent(TWO_WEIGHTS, [10.0, 9.0], 1.0, 1000)
    steps = int(caught.value.time_reached)
    assert 2 < steps < 20
    assert np.isfinite(gradient_descent(TWO_WEIGHTS, [10.0, 9.0], 1.0, steps).theta).all()
    assert f"step {steps + 1} of 1000" in caught.value.reason


def test_momentum_on_a_quadratic():
    times = np.linspace(0, 10, 30)
    flow = momentum_flow(QUADRATIC, [1.0], 0.5, 10.0, times=times, rtol=1e-10)
    w = np.sqrt(1 - 0.25**2)
    exact = np.exp(-0.25 * times) * (np.cos(w * times) + 0.25 / w * np.sin(w * times))
    np.testing.assert_allclose(flow.theta[:, 0], exact, atol=1e-7)
    np.testing.assert_allclose(np.gradient(exact, times)[5:-5], flow.velocity[5:-5, 0], atol=0.05)


@pytest.mark.parametrize("method", ["LSODA", "DOP853"])
def test_energy_falls_and_without_friction_stays(method):
    problem, theta = deep_linear()
    damped = momentum_flow(problem, theta, 0.3, 10.0, method=method)
    assert damped.accuracy().falls
    free = momentum_flow(problem, theta, 0.0, 10.0, method=method)
    energy = free.loss + 0.5 * np.sum(free.velocity**2, axis=1)
    assert np.ptp(energy) < 1e-6
    assert np.ptp(free.loss) > 0.1


def test_momentum_starts_with_the_velocity_given():
    flow = momentum_flow(QUADRATIC, [0.0, 0.0], 0.0, 1.0, velocity0=[1.0, -1.0])
    np.testing.assert_array_equal(flow.velocity[0], [1.0, -1.0])
    np.testing.assert_allclose(flow.theta[-1], np.sin(1.0) * np.array([1.0, -1.0]), atol=1e-7)


def test_heavy_friction_is_gradient_flow_on_a_slow_clock():
    problem, theta = deep_linear()
    slow = momentum_flow(problem, theta, 300.0, 300.0).theta[-1]
    np.testing.assert_allclose(slow, gradient_flow(problem, theta, 1.0).theta[-1], atol=1e-3)


def test_a_stack_follows_every_start():
    problem, theta = deep_linear()
    starts = np.random.default_rng(6).normal(size=(7, theta.size))
    times = np.linspace(0, 3, 5)
    flows = gradient_flow(problem, starts, 3.0, times=times)
    for flow, start in zip(flows, starts, strict=True):
        alone = gradient_flow(problem, start, 3.0, times=times, method="DOP853")
        np.testing.assert_allclose(flow.theta, alone.theta, atol=1e-7)
        np.testing.assert_allclose(flow.loss, alone.loss, atol=1e-7)
        assert flow.method == "DOP853"


def test_one_fast_start_keeps_its_tolerance():
    """Among 63 starts at rest an error norm that is a mean would look away."""
    problem, theta = deep_linear(1)
    times, rtol, atol = np.linspace(0, 8, 17), 1e-6, 1e-9
    starts = np.zeros((64, theta.size))
    starts[17] = 2 * theta
    sharp = gradient_flow(problem, starts[17], 8.0, times=times, rtol=1e-12, atol=1e-14).theta
    given = {"times": times, "method": "DOP853", "rtol": rtol, "atol": atol}
    alone = np.abs(gradient_flow(problem, starts[17], 8.0, **given).theta - sharp).max()
    together = np.abs(gradient_flow(problem, starts, 8.0, **given)[17].theta - sharp).max()
    assert together <= 1.5 * alone


def test_orthogonal_change_of_basis():
    rng = np.random.default_rng(7)
    problem, theta = deep_linear(2, (3, 4, 2))
    U, Q, V = (np.linalg.qr(rng.normal(size=(d, d)))[0] for d in (2, 4, 3))
    labels = U @ problem.loss_function.labels @ V.T
    turned = Problem(problem.network, np.eye(3), SquaredLoss(labels, mean=False))

    def turn(vector):
        W1, W2 = problem.network.split(vector)
        return problem.network.join([Q @ W1 @ V.T, U @ W2 @ Q.T])

    end = gradient_flow(problem, theta, 4.0).theta[-1]
    np.testing.assert_allclose(
        gradient_flow(turned, turn(theta), 4.0).theta[-1], turn(end), atol=1e-7
    )


def test_the_mean_loss_runs_on_a_slower_clock():
    rng = np.random.default_rng(8)
    X, Y, network = rng.normal(size=(2, 5)), rng.normal(size=(1, 5)), DeepLinear((2, 3, 1))
    theta = rng.normal(size=network.size)
    mean = gradient_flow(Problem(network, X, SquaredLoss(Y)), theta, 5.0)
    total = gradient_flow(Problem(network, X, SquaredLoss(Y, mean=False)), theta, 1.0)
    np.testing.assert_allclose(mean.theta[-1], total.theta[-1], atol=1e-7)


def half(t, theta):
    return theta[0] - 0.5


def quarter(t, theta):
    return theta[0] - 0.25


@pytest.mark.parametrize("times", [None, [0.1, 0.2, 2.0], [3.0], [0.0]])
def test_a_terminal_event_is_a_legitimate_end(times):
    def stop(t, theta):
        return quarter(t, theta)

    stop.terminal = True
    flow = gradient_flow(QUADRATIC, [1.0], 5.0, times=times, events=[half, stop])
    assert flow.t[-1] == pytest.approx(np.log(4))
    np.testing.assert_allclose(flow.theta[-1], 0.25)
    assert flow.loss.shape == flow.t.shape
    np.testing.assert_allclose(np.concatenate(flow.events), np.log([2, 4]), rtol=1e-7)
    assert flow.accuracy().error < 1e-4


def test_an_event_is_noted_and_its_direction_honoured():
    assert gradient_flow(QUADRATIC, [1.0], 2.0, events=half).events[0].size == 1

    def rising(t, theta):
        return half(t, theta)

    rising.direction = 1
    assert gradient_flow(QUADRATIC, [1.0], 2.0, events=rising).events[0].size == 0
    assert gradient_flow(QUADRATIC, [1.0], 2.0).events == ()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("times", [None, [0.25, 4.0]])
def test_blow_up_in_finite_time(method, times):
    """u' = u^2 from 1 reaches infinity at time 1."""
    start = time.perf_counter()
    with pytest.raises(IntegrationError) as caught:
        gradient_flow(CUBIC, [1.0], 5.0, method=method, rtol=1e-6, times=times)
    assert caught.value.time_reached == pytest.approx(1.0, abs=1e-3)
    assert "step size" in caught.value.reason or "finite" in caught.value.reason
    assert time.perf_counter() - start < 10


@pytest.mark.parametrize("method", METHODS)
def test_a_field_that_is_not_a_number_does_not_hang(method):
    start = time.perf_counter()
    with pytest.raises(IntegrationError) as caught:
        gradient_flow(CLIFF, [1.0, 0.5], 5.0, method=method, rtol=1e-6)
    assert caught.value.time_reached <= 1.0 + 1e-9
    assert time.perf_counter() - start < 10


def test_a_start_where_the_field_is_not_a_number():
    for method in METHODS:
        with pytest.raises(IntegrationError):
            gradient_flow(CLIFF, [3.0], 5.0, method=method)


def test_blow_up_of_one_start_of_a_stack_and_of_momentum():
    with pytest.raises(IntegrationError):
        gradient_flow(CUBIC, [[-1.0], [1.0]], 5.0)
    with pytest.raises(IntegrationError):
        momentum_flow(CUBIC, [1.0], 0.1, 50.0)


@pytest.mark.filterwarnings("error")
def test_no_warnings(capfd):
    problem, theta = deep_linear()
    gradient_flow(problem, theta, 30.0)
    gradient_flow(problem, np.stack([theta] * 3), 3.0, rtol=1e-13, atol=1e-15)
    with pytest.raises(IntegrationError):
        gradient_flow(CUBIC, [1.0], 5.0)
    with pytest.raises(IntegrationError):
        gradient_descent(CUBIC, [1.0], 10.0, 100)
    assert capfd.readouterr() == ("", "")


def test_a_progress_bar_when_asked(monkeypatch):
    shown = []

    class Bar:
        def __init__(self, total, **_):
            shown.append(total)

        def update(self, amount):
            shown.append(amount)

        def close(self):
            shown.append("closed")

    module = types.ModuleType("tqdm.auto")
    module.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", module)
    gradient_flow(QUADRATIC, [1.0], 2.0, progress=True)
    assert (shown[0], shown[-1]) == (2.0, "closed")
    assert sum(shown[1:-1]) == pytest.approx(2.0)


def test_without_tqdm_the_error_says_what_to_do(monkeypatch):
    true_import = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return true_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match="pip install tqdm"):
        gradient_flow(QUADRATIC, [1.0], 2.0, progress=True)
