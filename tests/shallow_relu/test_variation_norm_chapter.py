"""The numbers of the chapter shallow_relu/variation_norm, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from gradflows.shallow_relu import OrthogonalData, balanced_init, bias_rate, jump_process

LABELS = np.array([1.0, -0.6, 0.8, -0.9, 1.2])


def final_norm(norms, labels, directions, signs, scale, t_end):
    """Integrate w and a themselves, masks by the sign of z, and return sum |a| |w|."""
    width, n = directions.shape

    def field(t, theta):
        z, a = theta[: width * n].reshape(width, n), theta[width * n :]
        residual = norms * (a @ np.maximum(z, 0)) - labels
        force = (z > 0) * (-residual * norms / n)
        return np.concatenate([(a[:, None] * force).ravel(), np.sum(z * force, axis=1)])

    lengths = np.linalg.norm(directions, axis=1)
    start = scale * np.concatenate([directions.ravel(), signs * lengths])
    run = solve_ivp(field, (0, t_end), start, method="DOP853", rtol=1e-8, atol=1e-8 * scale)
    z, a = run.y[: width * n, -1].reshape(width, n), run.y[width * n :, -1]
    return np.abs(a) @ np.linalg.norm(z, axis=1)


def test_the_excess_at_a_hundredth():
    directions, signs = balanced_init(40, 5, rng=np.random.default_rng(0))
    norm = final_norm(np.ones(5), LABELS, directions, signs, 1e-2, 80.0)
    least = np.sqrt(1 + 0.64 + 1.44) + np.sqrt(0.36 + 0.81)
    assert norm - least == pytest.approx(0.154515, abs=1e-5)


def test_two_winners_leave_an_excess_of_second_order():
    directions = np.array([[0.5, 0.3], [0.1, 0.9]])
    labels, least = np.array([1.0, 0.7]), np.sqrt(1.49)
    found = [
        final_norm(np.ones(2), labels, directions, np.ones(2), scale, 60.0) - least
        for scale in (1e-1, 1e-2)
    ]
    assert found == pytest.approx([1.0092e-3, 1.0071e-5], rel=1e-3)


def test_the_exponents_come_from_sums_of_squares():
    directions, signs = balanced_init(40, 5, rng=np.random.default_rng(0))
    for norms, expected in (
        (np.ones(5), 0.2199),
        (np.array([1, 0.8, 1.5, 1.2, 0.7]), 0.1724),
    ):
        rates = []
        for sign in (1, -1):
            group = np.flatnonzero(sign * LABELS > 0)
            squares = (norms * LABELS)[group] ** 2
            seen = directions[signs == sign][:, group] > 0
            parts = [squares[row].sum() for row in seen if not row.all()]
            rates.append(2 * (1 - np.sqrt(max(parts) / squares.sum())))
        data = OrthogonalData(norms, LABELS)
        assert min(rates) == pytest.approx(expected, abs=5e-5)
        found = bias_rate(data, (directions > 0)[:, :5], signs)
        assert found == pytest.approx(min(rates), rel=1e-12)


def test_the_second_draw_has_no_positive_winner_and_a_fifth_more_norm():
    directions, signs = balanced_init(40, 5, rng=np.random.default_rng(5))
    positive = LABELS > 0
    assert not (directions[signs > 0][:, positive] > 0).all(axis=1).any()
    race = jump_process(OrthogonalData(np.ones(5), LABELS), directions > 0, signs)
    expected = np.hypot(1, 1.2) + 0.8 + np.hypot(0.6, 0.9)
    assert race.norm == pytest.approx(expected, rel=1e-12)
    least = np.sqrt(3.08) + np.hypot(0.6, 0.9)
    assert expected / least == pytest.approx(1.21, abs=0.005)


def test_two_neurons_of_an_interpolator_are_no_cheaper_than_the_formula():
    """Minimise half the squared parameters of four neurons under the constraint, numerically."""
    X, y = np.array([[-0.5, 2.0], [1.0, 1.0]]), np.array([-1.0, 1.0])

    def outputs(theta):
        W, a = theta[:8].reshape(4, 2), theta[8:]
        return a @ np.maximum(W @ X, 0)

    found = [
        minimize(
            lambda theta: theta @ theta / 2,
            np.random.default_rng(seed).standard_normal(12),
            constraints={"type": "eq", "fun": lambda theta: outputs(theta) - y},
            method="SLSQP",
            options={"maxiter": 500},
        )
        for seed in range(5)
    ]
    reached = [end.fun for end in found if end.success and np.allclose(outputs(end.x), y)]
    assert min(reached) == pytest.approx(3 / np.sqrt(5), abs=1e-5)


def test_correlated_inputs_break_the_formula():
    """With positive correlation both neurons see both samples."""
    X = np.array([[1.0, 2.0], [1.0, 1.0]])
    naive = (1 / np.linalg.norm(X, axis=0)).sum()
    angles = np.linspace(0, 2 * np.pi, 20001)
    features = np.maximum(np.column_stack([np.cos(angles), np.sin(angles)]) @ X, 0)
    dual = np.array([-1.0, 1.0])
    assert dual @ [-1.0, 1.0] / np.abs(features @ dual).max() > naive + 0.5
