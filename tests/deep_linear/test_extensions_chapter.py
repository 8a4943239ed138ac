"""The numbers of the chapter deep_linear/extensions, by other means than the chapter's."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, minimize


def chain_descent(weights, target, step, count):
    """Gradient descent on a scalar chain, written out; return all iterates."""
    w, path = np.array(weights, dtype=float), []
    for _ in range(count + 1):
        path.append(w.copy())
        others = np.array([np.delete(w, i).prod() for i in range(len(w))])
        w = w + step * others * (target - w.prod())
    return np.array(path)


def sharpness_of(weights, Sigma):
    """Largest eigenvalue of J J^T at W = Sigma, from the entries of a Jacobian by differences."""
    flat = np.concatenate([W.ravel() for W in weights])

    def product(theta):
        result, place = np.eye(weights[0].shape[1]), 0
        for W in weights:
            result = theta[place : place + W.size].reshape(W.shape) @ result
            place += W.size
        return result.ravel()

    assert product(flat) == pytest.approx(Sigma.ravel(), abs=1e-7)
    steps = 1e-6 * np.eye(flat.size)
    J = np.array([product(flat + s) - product(flat - s) for s in steps]) / 2e-6
    return np.linalg.eigvalsh(J.T @ J)[-1]


@pytest.mark.parametrize(("factor", "expected"), [(1, 3 * 3 ** (4 / 3)), (3, 43.7)])
def test_sharpness_of_the_two_minima_of_the_exercise(factor, expected):
    layer = np.diag([3.0, 2.0, 1.0]) ** (1 / 3)
    found = sharpness_of([factor * layer, layer / factor, layer], np.diag([3.0, 2.0, 1.0]))
    assert found == pytest.approx(expected, abs=0.05)


def test_factors_of_the_drift_bound_by_hand():
    before, after = chain_descent([10, 0, 10], 1.0, 1e-4, 1)
    drift = np.diff(after**2) - np.diff(before**2)
    spent = 2 * 1e-4 * (0.5 - (1 - after.prod()) ** 2 / 2)
    assert drift / spent == pytest.approx([1, -1], abs=1e-9)


@pytest.mark.parametrize(("step", "period"), [(0.95, 1), (1.2, 2), (1.26, 4), (1.29, 8)])
def test_periods_of_the_opening_figure(step, period):
    products = chain_descent([0.3, 0.3], 1.0, step, 6000).prod(axis=1)[-64:]
    assert np.ptp(products.reshape(-1, period), axis=0).max() < 1e-9
    if period > 1:
        assert np.ptp(products.reshape(-1, period // 2), axis=0).max() > 1e-3


def test_the_cycle_is_born_at_the_golden_step():
    """The multiplier of the two-cycle, from its points found by a root finder."""

    def multiplier(step):
        def cubic(u):
            return u + step * u * (1 - u**2)

        # Divide by the factors of the fixed points; the cycle is left.
        def rest(u):
            return (cubic(cubic(u)) - u) / (u - 1)

        u = brentq(rest, 1.0 + 1e-6, np.sqrt(1 + 1 / step) - 1e-9)
        v = cubic(u)
        assert u * v == pytest.approx(1 / step) and u**2 + v**2 == pytest.approx(1 + 1 / step)
        return np.prod([1 + step - 3 * step * x * x for x in (u, v)])

    assert brentq(lambda s: multiplier(s) + 1, 1.1, 1.4) == pytest.approx(np.sqrt(5) - 1, abs=1e-6)


def test_orbits_beyond_two_shrink_as_the_proof_says():
    """Of a fine grid of angles, the share that stays n steps falls faster than (3/mu)^n allows."""
    step = 2.5
    rim = np.sqrt(1 + 2 / step)
    x = np.linspace(0, step + 2, 200001)
    floor = 1 - step * x + x**2
    mu = np.sqrt(((1 + step - 3 * x) ** 2 / floor)[floor > 0].min())
    assert mu > 3
    u = rim * np.sin(np.pi * (np.arange(400000) + 0.5) / 400000 - np.pi / 2)
    for n in range(1, 6):
        u = u + step * u * (1 - u**2)
        u = u[np.abs(u) < rim]
        assert len(u) / 400000 < (3 / mu) ** n + 1e-3
    assert len(u) / 400000 < 0.9


def test_settled_sharpness_of_the_edge_figure():
    """Run descent in the weights themselves and measure J J^T at the end."""
    rng = np.random.default_rng(0)
    weights = [0.1 * rng.standard_normal((3, 3)) for _ in range(3)]
    weights[0] = 4 * weights[0] + 2 * np.eye(3)
    first, second, third = weights
    Sigma = np.diag([3.0, 2.0, 1.0])
    for _ in range(1600):
        R = Sigma - third @ second @ first
        first, second, third = (
            first + (2 / 14) * (third @ second).T @ R,
            second + (2 / 14) * third.T @ R @ first.T,
            third + (2 / 14) * R @ (second @ first).T,
        )
    assert sharpness_of([first, second, third], Sigma) == pytest.approx(13.92, abs=0.01)


def test_the_trap_holds_in_the_flow_of_one_entry():
    run = solve_ivp(lambda t, u: -(u**2) * (1 + u**3), (0, 200), [1.0], rtol=1e-10, atol=1e-14)
    assert 0 < run.y[0, -1] ** 3 < 1e-6


@pytest.mark.parametrize(("omega", "trapped"), [(1.05, False), (1.2, True)])
def test_where_the_weighted_trap_opens(omega, trapped):
    """Minimise over rank one by a library routine from close to mode 2."""
    heavy, Sigma = np.array([[1, omega], [omega, 1]]), np.diag([1.0, 0.9])

    def loss(z):
        return 0.5 * np.sum(heavy * (Sigma - np.outer(z[:2], z[2:])) ** 2)

    start = np.sqrt([0, 0.9, 0, 0.9]) + 1e-2 * np.random.default_rng(3).standard_normal(4)
    end = minimize(loss, start, method="BFGS", options={"gtol": 1e-9}).fun
    assert end == pytest.approx(0.5 if trapped else 0.405, abs=1e-6)


def test_residual_blocks_conserve_their_inner_imbalance():
    """The exercise: x -> x + W_2 W_1 x, two blocks, gradients by differences."""
    rng = np.random.default_rng(0)
    theta, target = 0.5 * rng.standard_normal(24), rng.standard_normal((2, 2))

    def loss(theta):
        W = [theta[:6].reshape(3, 2), theta[6:12].reshape(2, 3)]
        V = [theta[12:18].reshape(3, 2), theta[18:].reshape(2, 3)]
        out = (np.eye(2) + V[1] @ V[0]) @ (np.eye(2) + W[1] @ W[0])
        return 0.5 * np.sum((target - out) ** 2)

    steps = 1e-6 * np.eye(24)
    slope = np.array([loss(theta + s) - loss(theta - s) for s in steps]) / 2e-6
    parts = [(theta[i : i + 6], -slope[i : i + 6]) for i in (0, 6, 12, 18)]
    change = []
    for (a, da), (b, db) in itertools.pairwise(parts):
        if len(change) % 2 == 0:
            a, da, b, db = a.reshape(3, 2), da.reshape(3, 2), b.reshape(2, 3), db.reshape(2, 3)
        else:
            a, da, b, db = a.reshape(2, 3), da.reshape(2, 3), b.reshape(3, 2), db.reshape(3, 2)
        half = b.T @ db - da @ a.T
        change.append(np.abs(half + half.T).max())
    assert max(change[0], change[2]) < 1e-8 < 1e-2 < change[1]
