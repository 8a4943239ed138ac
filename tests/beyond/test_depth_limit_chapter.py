"""The claims of the chapter beyond/depth_limit, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows.beyond import initial_path, lipschitz_constant, p_variation, quadratic_variation

RNG = np.random.default_rng(1)
X = np.eye(4)[:, :3]
Y = X + 0.5 * RNG.standard_normal((4, 3))
DEPTHS = np.array([16, 32, 64, 128])


def trained(W, alpha, steps, eta=0.15):
    """Train a residual network with weights W (h, d, d); written out again, loss by loss."""
    W, h, losses = W.copy(), len(W), []
    for _ in range(steps):
        states = [X]
        slopes = []
        for matrix in W:
            value = np.tanh(matrix @ states[-1])
            slopes.append(1 - value**2)
            states.append(states[-1] + value / h**alpha)
        signal = states[-1] - Y
        losses.append(0.5 * np.sum(signal**2))
        for k in reversed(range(h)):
            bent = slopes[k] * signal / h**alpha
            signal = signal + W[k].T @ bent
            W[k] -= eta * h ** (2 * alpha - 1) * bent @ states[k].T
    return W, np.array(losses)


def starts(kind, h, top=128):
    path = initial_path(kind, top, 4, rng=np.random.default_rng(5))[top // h - 1 :: top // h]
    return path * np.sqrt(top // h) if kind == "small noise" else path


@pytest.fixture(scope="module")
def runs():
    """Rescaled weights before and after, and losses, for four starts at alpha = 1/2."""
    found = {}
    for kind in ("smooth", "brownian", "small noise", "noise"):
        for h in DEPTHS:
            path = starts(kind, h)
            W, losses = trained(path / np.sqrt(h), 0.5, 40)
            found[kind, h] = path, W * np.sqrt(h), losses
    return found


def slope(values):
    return np.polyfit(np.log(DEPTHS), np.log(values), 1)[0]


def test_rates_do_not_depend_on_depth(runs):
    for kind, tolerance in (("smooth", 0.04), ("brownian", 0.04), ("noise", 0.2)):
        rates = [np.log(runs[kind, h][2][0] / runs[kind, h][2][-1]) / 39 for h in DEPTHS]
        assert min(rates) > 0.2 and np.ptp(rates) < tolerance * np.mean(rates)


def test_weights_move_by_the_root_of_the_depth(runs):
    for kind in ("smooth", "brownian", "small noise"):
        moved = [
            np.linalg.norm(runs[kind, h][1] - runs[kind, h][0], axis=(1, 2)).max() / np.sqrt(h)
            for h in DEPTHS
        ]
        assert slope(moved) == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize(("alpha", "expected"), [(0.3, -0.7), (0.7, -0.3)])
def test_the_exponent_of_the_change_is_minus_beta(alpha, expected):
    moved = []
    for h in DEPTHS:
        W = starts("smooth", h) * float(h) ** (alpha - 1)
        moved.append(np.linalg.norm(trained(W, alpha, 12)[0] - W, axis=(1, 2)).max())
    assert slope(moved) == pytest.approx(expected, abs=0.03)


def test_the_exponents_of_both_variations(runs):
    for kind, on_grid, over_all in (
        ("smooth", -0.95, 0.05),
        ("brownian", 0.0, 0.08),
        ("small noise", 0.0, 0.0),
        ("noise", 1.0, 1.0),
    ):
        ends = [runs[kind, h][1] for h in DEPTHS]
        assert slope([quadratic_variation(v) for v in ends]) == pytest.approx(on_grid, abs=0.15)
        assert slope([p_variation(v, 2) for v in ends]) == pytest.approx(over_all, abs=0.15)


def test_brownian_quadratic_variation_survives_training(runs):
    before, after, _ = runs["brownian", 128]
    assert quadratic_variation(after) == pytest.approx(quadratic_variation(before), abs=0.03)
    assert quadratic_variation(before) == pytest.approx(1.44, abs=0.15)


def test_the_displacement_converges_at_rate_one_over_depth(runs):
    added = [runs["smooth", h][1] - runs["smooth", h][0] for h in DEPTHS]
    gaps = [np.abs(b[1::2] - a).max() for a, b in zip(added, added[1:], strict=False)]
    assert np.divide(gaps[:-1], gaps[1:]) == pytest.approx([2, 2], abs=0.2)


def test_the_limit_is_the_descent_of_a_linear_equation(runs):
    """One step of descent for x' = v(s) x, integrated by an adaptive method."""
    first, second = np.random.default_rng(5).standard_normal((2, 4, 4))

    def v(s):
        return 0.3 * (np.cos(np.pi * s) * first + np.sin(np.pi * s) * second)

    options = dict(rtol=1e-10, atol=1e-12, dense_output=True)
    x = solve_ivp(lambda s, x: (v(s) @ x.reshape(4, 3)).ravel(), (0, 1), X.ravel(), **options)
    end = x.y[:, -1] - Y.ravel()
    p = solve_ivp(lambda s, p: -(v(s).T @ p.reshape(4, 3)).ravel(), (1, 0), end, **options)
    errors = []
    for h in DEPTHS:
        W = starts("smooth", h) / np.sqrt(h)
        step = np.sqrt(h) * (W - trained(W, 0.5, 1, eta=1.0)[0])
        places = np.arange(1, h + 1) / h
        limit = [p.sol(s).reshape(4, 3) @ x.sol(s).reshape(4, 3).T for s in places]
        errors.append(np.abs(step - limit).max())
    assert slope(errors) == pytest.approx(-1, abs=0.05) and errors[-1] < 0.05


def test_lipschitz_constants_diverge_from_noise_only():
    """At alpha = 0.7 the constant grows from noise, and not from smooth and Brownian starts."""
    growth = {}
    for kind in ("smooth", "brownian", "noise"):
        constants = []
        for h in (32, 128):
            W = starts(kind, h) * float(h) ** -0.3
            added = (trained(W, 0.7, 8)[0] - W) * float(h) ** 0.3
            constants.append(lipschitz_constant(added))
        growth[kind] = constants[1] / constants[0]
    assert growth["smooth"] < 1.1 and growth["brownian"] < 1.4 and growth["noise"] > 1.7


def test_the_limit_of_scalar_networks_has_a_clock():
    """The time of f' = f^2 (y - f) in closed form, against a network of depth 2000."""
    h, y, end = 2000, 3.0, 0.5
    run = solve_ivp(
        lambda t, V: (y - np.prod(1 + V / h)) * np.prod(1 + V / h) / (1 + V / h),
        (0, end),
        np.linspace(-1, 1, h),
        rtol=1e-8,
        atol=1e-10,
    )
    outputs = np.prod(1 + run.y / h, axis=0)

    def clock(f):
        return -1 / (y * f) + np.log(f / (y - f)) / y**2

    assert clock(outputs[-1]) - clock(outputs[0]) == pytest.approx(end, rel=3e-3)
    assert np.ptp(run.y[:, -1] - run.y[:, 0]) < 4e-3
