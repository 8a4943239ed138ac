"""The numbers of the chapter beyond/large_steps, by other means than the chapter's."""

from fractions import Fraction

import numpy as np
import pytest


def test_landing_in_fractions_and_beside():
    def step(u, v, eta):
        r = 1 - u * v
        return u + eta * r * v, v + eta * r * u

    half = Fraction(1, 2)
    assert step(half, half, Fraction(4, 3)) == (1, 1)
    u, v = 0.5 + 1e-9, 0.5
    misses = []
    for _ in range(400):
        u, v = step(u, v, 4 / 3)
        misses.append(abs(u * v - 1))
    assert misses[0] < 1e-8 and max(misses[-40:]) > 0.3


@pytest.mark.parametrize(("step", "expected"), [(0.02, 1.99980), (0.04, 1.99921)])
def test_ends_at_the_edge_from_far(step, expected):
    """Iterate product and imbalance instead of weights."""
    s, c = 1.1, np.sqrt((1.05 / step) ** 2 - 4)
    for _ in range(round(14 / step**2)):
        g = s * (s * s - 1)
        s, c = (
            s - step * g * np.hypot(c, 2 * s) + (step * g) ** 2 * s,
            c * (1 - (step * g) ** 2),
        )
    assert 2 * step * np.hypot(c, 2) == pytest.approx(expected, abs=2e-5)


def test_the_flow_s_end_of_the_figure():
    u, v = 3.0, 0.1
    levels, losses = [], []
    for _ in range(40):
        r = 1 - u * v
        levels.append(np.hypot(u * u - v * v, 2))
        losses.append(r * r / 2)
        u, v = u + 0.3 * r * v, v + 0.3 * r * u
    assert levels[0] == pytest.approx(9.21, abs=0.005)
    assert levels[-1] == pytest.approx(2.71, abs=0.005)
    assert np.all(np.diff(levels) < 1e-12) and np.any(np.diff(losses) > 0)


def test_the_rate_of_label_noise():
    rng = np.random.default_rng(5)
    u, v = np.full(2000, 1.5), np.full(2000, 0.8)
    means = []
    for k in range(1200):
        if k >= 200:
            means.append(np.mean(u * u - v * v))
        r = 1 - u * v + rng.standard_normal(2000)
        u, v = u + 0.05 * r * v, v + 0.05 * r * u
    rate = -np.polyfit(np.arange(1000), np.log(means), 1)[0]
    assert rate == pytest.approx(0.00264, rel=0.05) and rate > 0.0025


def test_the_critical_step_attracts_like_one_over_the_root():
    s, c = 1.1, 0.3
    for _ in range(100000):
        e = s - 1
        s, c = s - e * np.hypot(c, 2 * s) + e * e * s, c * (1 - e * e)
    assert c * np.sqrt(100000) == pytest.approx(np.sqrt(2), rel=0.02)
