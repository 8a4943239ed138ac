"""The numbers of the chapter conservation/other_dynamics, by other means than the chapter's."""

from math import comb

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from gradflows.conservation import momentum_law_count
from gradflows.deep_linear import descent_drift


def test_where_momentum_overtakes_gradient_flow():
    def still(n, r):
        return r * (r + 1) // 2 - max(r - n, 0) * (max(r - n, 0) + 1) // 2

    for n, m in ((1, 2), (2, 2), (3, 3), (1, 4)):
        N = n + m
        ahead = [r for r in range(1, 20) if momentum_law_count((n, r, m)) > still(N, r)]
        assert ahead == [r for r in range(N + 1, 20) if comb(r - N, 2) > N]
        equal = [r for r in range(N + 1, 20) if comb(r - N, 2) == N]
        assert all(momentum_law_count((n, r, m)) == still(N, r) for r in equal)
    assert [r for r in range(1, 9) if momentum_law_count((1, r, 1)) > still(2, r)][0] == 3


def test_third_law_of_two_residual_blocks_along_training():
    """Train the ReLU network itself on random data of both signs."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 12))

    def field(_, theta):
        u, v, s, t = theta
        inner = np.maximum(v * x, 0)
        middle = x + u * inner
        outer = np.maximum(t * middle, 0)
        r = middle + s * outer - y
        passed = r * (1 + s * t * (t * middle > 0))
        slopes = [passed * inner, passed * u * x * (v * x > 0), r * outer,
                  r * s * middle * (t * middle > 0)]  # fmt: skip
        return -np.sum(slopes, axis=1) / len(x)

    def third(theta):
        u, v, s, t = theta
        return (u**2 + v**2 - s**2 - t**2) / 4 + np.log(abs(u + v)) - np.log(abs(s + t))

    for start, kept in (([0.9, 0.5, 0.3, 0.8], True), ([0.9, 0.5, 0.3, -0.8], False)):
        run = solve_ivp(field, (0, 0.5), start, rtol=1e-11, atol=1e-13)
        change = abs(third(run.y[:, -1]) - third(run.y[:, 0]))
        assert (change < 1e-9) == kept and (change > 1e-2) != kept
        squares = run.y**2
        assert np.ptp(squares[0] - squares[1]) < 1e-9 and np.ptp(squares[2] - squares[3]) < 1e-9


def test_drift_per_time_of_two_weights():
    """Drift of u^2 - v^2 over eta tends to the integral of the same form of the gradient."""
    start, T = [1.3, 0.4], 2.0
    flow = solve_ivp(lambda t, w: w[::-1] * (1 - w[0] * w[1]), (0, T), start,
                     rtol=1e-11, atol=1e-13, dense_output=True)  # fmt: skip

    def speed(t):
        u, v = flow.sol(t)
        return (v**2 - u**2) * (1 - u * v) ** 2

    integral = quad(speed, 0, T)[0]
    weights = [[[start[1]]], [[start[0]]]]
    errors = []
    for n in (500, 1000):
        run = descent_drift(weights, [[1.0]], T / n, n)
        errors.append(abs(run.changes[0][0, 0] * n / T - integral))
    assert errors[1] == pytest.approx(errors[0] / 2, rel=0.05) and errors[1] < 5e-3


def test_exponentiated_gradient_drifts_and_euler_does_not():
    rng = np.random.default_rng(4)
    W1, W2 = rng.uniform(0.3, 1.2, (2, 3, 3))
    G, step = rng.standard_normal((3, 3)), 0.01
    g1, g2 = W2.T @ G, G @ W1.T
    before = W2.sum(axis=0) - W1.sum(axis=1)
    euler = (W2 - step * W2 * g2).sum(axis=0) - (W1 - step * W1 * g1).sum(axis=1)
    assert np.abs(euler - before).max() < 1e-14
    power = (W2 * np.exp(-step * g2)).sum(axis=0) - (W1 * np.exp(-step * g1)).sum(axis=1)
    second = step**2 / 2 * ((W2 * g2**2).sum(axis=0) - (W1 * g1**2).sum(axis=1))
    assert np.abs(power - before - second).max() < 0.1 * np.abs(second).max()
