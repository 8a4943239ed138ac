"""The numbers of the chapter output_space/cross_entropy, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, minimize
from scipy.special import softmax


def outputs_after(y, x0, end):
    """Follow one sample in output space."""
    y = np.asarray(y, dtype=float)
    field = lambda s, x: y - y.sum() * softmax(x)  # noqa: E731
    return solve_ivp(field, (0, end), x0, rtol=1e-11, atol=1e-12).y[:, -1]


def test_the_minimiser_on_a_fibre_by_search():
    y, x0 = np.array([0.9, 0.4, 0.2]), np.array([1.0, -2.0, 0.5])

    def cost(free):
        x = np.append(free, x0.sum() - free.sum())
        return -y @ np.log(softmax(x))

    found = minimize(cost, np.zeros(2), tol=1e-12)
    expected = np.log(y) + (x0 - np.log(y)).mean()
    np.testing.assert_allclose(found.x, expected[:2], atol=1e-5)
    q = y / y.sum()
    assert found.fun == pytest.approx(-y.sum() * q @ np.log(q), abs=1e-9)


def test_the_end_of_the_exercise():
    end = outputs_after([0.5, 0.25, 0.25], [0.0, 0.0, 3.0], 100.0)
    np.testing.assert_allclose(end, [1.4621, 0.7690, 0.7690], atol=1e-4)


@pytest.mark.parametrize("d", [2, 3, 7])
def test_rates_lie_between_the_two_smallest_labels(d):
    rng = np.random.default_rng(d)
    for _ in range(50):
        y = np.sort(rng.uniform(0.05, 2.0, d))
        rate = np.linalg.eigvalsh(np.diag(y) - np.outer(y, y) / y.sum())[1]
        assert y[0] - 1e-12 <= rate <= y[1] + 1e-12


def test_the_time_at_which_bounded_outputs_are_used_up():
    """x = 2 tanh(theta), label (0.99, 0.01): in output space, without parameters."""
    gap = lambda s, u: -2 * (1 / (1 + np.exp(-u)) - 0.99)  # noqa: E731
    run = solve_ivp(gap, (0, 60), [0.0], rtol=1e-11, atol=1e-12, dense_output=True)
    assert brentq(lambda s: run.sol(s)[0] - 4, 1, 60) == pytest.approx(42.0, abs=0.06)
    slow = lambda s, u: -2 * (1 / (1 + np.exp(-u)) - 1)  # noqa: E731
    run = solve_ivp(slow, (0, 60), [0.0], rtol=1e-11, atol=1e-12, dense_output=True)
    assert brentq(lambda s: run.sol(s)[0] - 4, 1, 60) == pytest.approx((3 + np.exp(4)) / 2)


@pytest.mark.parametrize(("d", "lines"), [(3, 3), (4, 7), (5, 15)])
def test_straight_lines_for_equal_labels(d, lines):
    """Directions with components of two values, up to a factor: one for each split in two."""
    splits = {tuple(sorted((k, 2**d - 1 - k))) for k in range(1, 2**d - 1)}
    assert len(splits) == lines
    for first, _ in splits:
        v = np.array([float(first >> a & 1) for a in range(d)])
        v -= v.mean()
        path = outputs_after(np.full(d, 1 / d), v, 2.0)
        assert np.linalg.matrix_rank([v, path], tol=1e-8) == 1


def test_sums_of_outputs_need_no_vanishing_rows_to_rest():
    """Only the last layer is trained: K = (A^T A) x I maps the sums to sums."""
    A = np.random.default_rng(0).normal(size=(3, 4))
    K, ones = np.kron(A.T @ A, np.eye(2)), np.kron(np.eye(4), np.ones((1, 2)))
    centring = np.eye(8) - ones.T @ ones / 2
    assert np.abs(ones @ K @ centring).max() < 1e-12 and np.abs(ones @ K).max() > 0.1
