"""Stable ranks and their closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.beyond import (
    leaky_stable_rank,
    one_step_stable_rank,
    pattern_stable_rank,
    stable_rank,
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6))
def test_stable_rank(seed, rows, columns):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(rows, columns))
    singular = np.linalg.svd(W, compute_uv=False)
    value = stable_rank(W)
    assert value == pytest.approx(np.sum(singular**2) / singular[0] ** 2)
    assert 1 - 1e-12 <= value <= min(rows, columns) + 1e-12
    assert stable_rank(1e200 * W) == pytest.approx(value)
    Q = np.linalg.qr(rng.normal(size=(rows, rows)))[0]
    assert stable_rank(Q @ W) == pytest.approx(value)


def test_the_pattern_of_a_wide_layer():
    active = np.random.default_rng(0).random((20_000, 5)) < 0.5
    assert pattern_stable_rank(active) == pytest.approx(10 / 6, abs=0.01)
    assert pattern_stable_rank(np.ones((4, 3), bool)) == pytest.approx(1)
    assert pattern_stable_rank(np.eye(3, dtype=bool)) == pytest.approx(3)
    assert pattern_stable_rank([[True], [False]]) == 1


@pytest.mark.parametrize(
    ("slope", "expected"), [(0.05, 1.81859), (0.1, 1.66942), (0.3, 1.28994), (0.6, 1.0625)]
)
def test_the_table_of_the_leaky_layer(slope, expected):
    assert leaky_stable_rank(slope) == pytest.approx(expected, abs=1e-5)
    assert leaky_stable_rank(slope) == pytest.approx(2 * (1 + slope**2) / (1 + slope) ** 2)


@pytest.mark.parametrize(("m", "n", "slope"), [(100, 40, 0.1), (60, 60, 0.0), (80, 40, 0.5)])
def test_one_step_against_coins(m, n, slope):
    rng, seen = np.random.default_rng(1), []
    for _ in range(60):
        coins = rng.random((m, n)) < 0.5
        seen += [stable_rank(np.where(c, 1.0, slope)) for c in (coins, ~coins)]
    assert np.mean(seen) == pytest.approx(one_step_stable_rank(m, n, slope), rel=3e-3)


def test_one_step_tends_to_the_end():
    gaps = [leaky_stable_rank(0.2) - one_step_stable_rank(n, n, 0.2) for n in (100, 200, 400)]
    np.testing.assert_allclose(np.array(gaps[:-1]) / gaps[1:], 2, atol=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stable_rank(np.zeros((2, 2))), "W: expected a matrix that is not zero"),
        (lambda: stable_rank([1.0, 2.0]), "W: expected shape"),
        (lambda: pattern_stable_rank([[1, 0]]), "active: expected a matrix of truth"),
        (lambda: pattern_stable_rank([[True, False]]), "none for sample 1"),
        (lambda: leaky_stable_rank(-0.1), "slope: expected"),
        (lambda: leaky_stable_rank(1.1), "slope: expected"),
        (lambda: one_step_stable_rank(0, 3, 0.1), "neurons: expected"),
        (lambda: one_step_stable_rank(3, 2.5, 0.1), "samples: expected"),
        (lambda: one_step_stable_rank(3, 2, 2.0), "slope: expected"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
