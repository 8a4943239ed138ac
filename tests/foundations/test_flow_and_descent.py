"""The chapter foundations/flow_and_descent, tested where its checks do not look."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad, solve_ivp

from gradflows import (
    MLP,
    DeepLinear,
    Problem,
    SquaredLoss,
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.checks.foundations.flow_and_descent.problems import chain, largest_ratio

TIGHT = dict(rtol=1e-12, atol=1e-13, method="DOP853")


def hat(x, y):
    square = x**2 + y**2
    psi = 1 / (1 - square)
    g = square**2 / (square**2 + (1 - square) ** 4)
    return sp.exp(-psi) * (1 - g * (2 * x * y * sp.cos(psi) - (x**2 - y**2) * sp.sin(psi)) / square)


@pytest.mark.parametrize("psi", [1.2, 2.0, 5.0, 20.0])
def test_the_descent_direction_of_the_hat_is_tangent_to_the_spiral(psi):
    x, y = sp.symbols("x y")
    radius = np.sqrt(1 - 1 / psi)
    place = {x: radius * np.cos(psi / 2), y: radius * np.sin(psi / 2)}
    slope = [-float(hat(x, y).diff(w).subs(place)) for w in (x, y)]
    t = sp.symbols("t")
    along = [
        float((sp.sqrt(1 - 1 / t) * part(t / 2)).diff(t).subs(t, psi)) for part in (sp.cos, sp.sin)
    ]
    speed = np.exp(-psi) * 4 * psi**3 * (psi - 1) / (1 + psi**2 * (psi - 1) ** 2)
    np.testing.assert_allclose(slope, speed * np.array(along), rtol=1e-9)


def test_the_hat_has_made_eighteen_turns_by_ten_to_the_hundred():
    psi = 4 * np.pi * np.array([18, 19])
    density = lambda p: (1 + p**2 * (p - 1) ** 2) / (4 * p**3 * (p - 1))  # noqa: E731
    log_time = [
        end + np.log(quad(lambda p, end=end: density(p) * np.exp(p - end), 1.5, end, limit=500)[0])
        for end in psi
    ]
    assert log_time[0] < 100 * np.log(10) < log_time[1]
    np.testing.assert_allclose(log_time, psi - np.log(4), atol=0.01)


def test_with_a_single_angle_the_fourth_derivative_of_the_hat_jumps():
    y = sp.symbols("y", real=True)
    psi, g = 1 / (1 - y**2), 4 * y**4 / (4 * y**4 + (1 - y**2) ** 4)
    above, below = (
        sp.diff(sp.exp(-psi) * (1 - side * g * sp.cos(psi)), y, 4).subs(y, 0) for side in (1, -1)
    )
    assert sp.simplify(below - above - 192 * sp.cos(1) * sp.exp(-1)) == 0


def test_the_energy_bound_holds_for_a_network_with_activation():
    rng = np.random.default_rng(0)
    problem = Problem(MLP((2, 5, 1)), rng.normal(size=(2, 6)), SquaredLoss(rng.normal(size=(1, 6))))
    theta = rng.normal(size=problem.network.size)
    flow = gradient_flow(problem, theta, 20.0, times=np.linspace(0, 20, 81))
    assert largest_ratio(flow.t, flow.theta, flow.loss) <= 1 + 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_the_safe_step_is_safe(seed):
    u, v = np.random.default_rng(seed).uniform(-3, 3, 2)
    c, r = u**2 - v**2, 1 - u * v
    step = 0.5 / (abs(c) + 2 + 3 * abs(r))
    run = gradient_descent(chain(2), [v, u], step, 400)
    slopes = np.array([chain(2).gradient(theta) for theta in run.theta[:-1]])
    least = step / 2 * np.sum(slopes**2, axis=1)
    assert np.all(np.diff(run.loss) <= -least + 1e-14)
    imbalance = run.theta[:, 1] ** 2 - run.theta[:, 0] ** 2
    assert np.all(np.diff(np.abs(imbalance)) <= 1e-12)
    assert np.all(np.abs(imbalance - c) <= 2 * step * (run.loss[0] - run.loss) + 1e-12)


def test_in_a_convex_landscape_the_error_has_no_exponential():
    rng = np.random.default_rng(1)
    roots = rng.uniform(0.1, 2, 3)
    step, start = 0.5, rng.normal(size=3)
    time = step * np.arange(200)
    flow = start * np.exp(-np.outer(time, roots))
    descent = start * (1 - step * roots) ** np.arange(200)[:, None]
    speed = lambda t: np.linalg.norm(roots**2 * start * np.exp(-roots * t))  # noqa: E731
    total = [quad(speed, 0, end)[0] for end in time]
    assert np.all(np.linalg.norm(descent - flow, axis=1) <= step * np.array(total) + 1e-12)


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_reaches_the_minimum_from_a_random_start(seed):
    start = np.random.default_rng(seed).normal(size=4)
    run = gradient_flow(chain(4), start, 3000.0, times=[0, 3000], rtol=1e-8)
    assert run.loss[-1] < 1e-6


def test_a_tied_chain_is_trapped_whatever_the_largest_weight():
    # w_1 = -w_2 is invariant; in its two unknowns no rounding can untie the weights.
    def field(t, state):
        a, b = state
        return np.array([-a * b, -(a**2)]) * (1 + a**2 * b)

    run = solve_ivp(field, (0, 100), (1.0, 1.2), **TIGHT)
    np.testing.assert_allclose(run.y[:, -1], [0, np.sqrt(0.44)], atol=1e-9)


def test_the_companion_law_holds_for_matrices():
    rng = np.random.default_rng(2)
    problem = Problem(
        DeepLinear((2, 3, 2)), np.eye(2), SquaredLoss(rng.normal(size=(2, 2)), mean=False)
    )
    gap = 1e-3
    run = momentum_flow(
        problem,
        rng.normal(size=12),
        0.7,
        2.0,
        times=1 + gap * np.arange(-2, 3),
        rtol=1e-12,
        atol=1e-13,
    )
    imbalances = [b.T @ b - a @ a.T for a, b in map(problem.network.split, run.theta)]
    first = (imbalances[3] - imbalances[1]) / (2 * gap)
    second = (imbalances[3] - 2 * imbalances[2] + imbalances[1]) / gap**2
    a, b = problem.network.split(run.velocity[2])
    np.testing.assert_allclose(second + 0.7 * first, 2 * (b.T @ b - a @ a.T), atol=1e-3)


@pytest.mark.parametrize("gamma", [160.0, 320.0])
def test_the_constant_of_the_overdamped_limit_is_a_bound(gamma):
    start, clock, rho = np.array([0.9, 0.6]), np.linspace(0, 1, 21), 0.3
    flow = gradient_flow(chain(2), start, 1.0, times=clock)
    slow = momentum_flow(chain(2), start, gamma, gamma, times=gamma * clock)
    reach = np.max(np.linalg.norm(flow.theta, axis=1)) + rho
    slope, beta = (1 + reach**2 / 2) * reach, 1.5 * reach**2 + 1
    bound = slope * (1 + beta) * np.exp(beta) / gamma**2
    assert np.max(np.linalg.norm(slow.theta - flow.theta, axis=1)) <= bound < rho


@pytest.mark.parametrize("delta", [1e-3, 1e-8])
def test_the_flow_leaves_the_symmetric_start_on_time(delta):
    run = gradient_flow(
        chain(2), [delta, delta], 30.0, atol=1e-16, events=lambda t, theta: theta.prod() - 0.5
    )
    assert run.events[0][0] == pytest.approx(np.log(delta**-2 - 1) / 2, abs=1e-4)
