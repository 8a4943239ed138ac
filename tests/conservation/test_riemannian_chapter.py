"""The numbers of the chapter conservation/riemannian, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

START, EXAMPLE, LABEL = np.array([0.1, 0.8]), np.array([0.9, 0.6]), 1.6


def end_of(lam):
    """Follow u and v by hand."""
    u = np.sqrt((lam + np.sqrt(lam**2 + 4 * START @ START)) / 2)

    def field(t, theta):
        error = theta[2] * theta[:2] @ EXAMPLE - LABEL
        return -error * np.append(theta[2] * EXAMPLE, theta[:2] @ EXAMPLE)

    theta = solve_ivp(field, (0, 60), [*(START / u), u], rtol=1e-10, atol=1e-12).y[:, -1]
    return theta[2] * theta[:2]


def test_the_ends_of_the_opening_figure():
    nearest = START + EXAMPLE * (LABEL - EXAMPLE @ START) / (EXAMPLE @ EXAMPLE)
    radial = START * LABEL / (EXAMPLE @ START)
    assert np.linalg.norm(end_of(16) - nearest) == pytest.approx(0.00224, abs=1e-4)
    assert np.linalg.norm(end_of(-16) - radial) == pytest.approx(0.0324, abs=1e-3)
    assert end_of(0) == pytest.approx([0.7353, 1.5638], abs=1e-3)


def test_the_two_modes_trade_places():
    """Each mode is a pair of weights with the imbalance of its node; nothing else enters."""

    def speed(w, c):
        return np.sqrt(c**2 + 4 * w**2)

    def mode(w, c):
        run = solve_ivp(lambda t, s: speed(s, c) * (2 - s), (0, 0.4), [w], rtol=1e-9)
        return run.y[0, -1]

    first, second = (np.array([mode(0.6, a), mode(0.3, b)]) for a, b in ((3.0, 0.0), (0.0, 3.0)))
    assert first - second == pytest.approx([0.3529, -0.6876], abs=1e-3)


def test_metric_at_the_two_networks_of_the_exercise():
    grams = [
        (c + np.sqrt(c**2 + 4 * w**2)) / 2 for w, c in ((0.6, 3), (0.3, 0), (0.6, 0), (0.3, 3))
    ]
    assert grams == pytest.approx([3.1155, 0.3, 0.6, 3.0297], abs=1e-3)


def test_a_path_through_zero_follows_the_direction_of_v():
    u = np.sqrt((-3 + np.sqrt(9 + 4 * 0.61)) / 2)

    def field(t, theta):
        error = theta[2] * theta[:2] @ EXAMPLE - LABEL
        return -error * np.append(theta[2] * EXAMPLE, theta[:2] @ EXAMPLE)

    def zero(t, theta):
        return theta[2]

    run = solve_ivp(field, (0, 40), [-0.6 / u, 0.5 / u, u], events=zero, rtol=1e-10, atol=1e-12)
    (theta,) = run.y_events[0]
    assert theta[:2] @ theta[:2] == pytest.approx(3, rel=1e-6)
    assert theta[:2] / np.linalg.norm(theta[:2]) == pytest.approx([-0.672, 0.740], abs=1e-3)
