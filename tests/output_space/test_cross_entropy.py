"""Cross-entropy in output space: fibres, minimisers, rates, one-hot labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import softmax

from gradflows import CrossEntropy
from gradflows.output_space import cross_entropy_minimiser, cross_entropy_rate, one_hot_gap


def draw(d, n, seed):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(d, 2.0), n).T, rng.normal(size=(d, n))


@given(st.integers(2, 5), st.integers(1, 4), st.integers(0))
@settings(max_examples=40, deadline=None)
def test_the_minimiser_is_critical_and_on_the_fibre(d, n, seed):
    Y, x0 = draw(d, n, seed)
    goal = cross_entropy_minimiser(Y, x0)
    np.testing.assert_allclose(goal.sum(axis=0), x0.sum(axis=0), atol=1e-10)
    assert np.abs(CrossEntropy(Y).gradient(goal)).max() < 1e-12
    entropy = -np.sum(Y * np.log(Y)) / n
    assert CrossEntropy(Y).value(goal) == pytest.approx(entropy)


def test_labels_need_not_sum_to_one():
    Y = np.array([[0.5, 3.0], [1.5, 1.0]])
    goal = cross_entropy_minimiser(Y, np.zeros((2, 2)))
    np.testing.assert_allclose(Y.sum(axis=0) * softmax(goal, axis=0), Y)


def test_the_outputs_approach_at_the_rate():
    Y, x0 = draw(3, 2, 4)
    loss, rate = CrossEntropy(Y), cross_entropy_rate(Y)
    goal = cross_entropy_minimiser(Y, x0)

    def velocity(s, x):
        return -loss.gradient(x.reshape(3, 2)).ravel()

    times = np.array([0, 6, 8]) / rate
    run = solve_ivp(velocity, (0, times[-1]), x0.ravel(), t_eval=times, rtol=1e-11, atol=1e-14)
    far = np.linalg.norm(run.y.T - goal.ravel(), axis=1)
    assert np.log(far[1] / far[2]) / (times[2] - times[1]) == pytest.approx(rate, rel=1e-2)


def test_one_hot_gaps_solve_their_equation():
    times = np.linspace(0, 50, 11)
    gaps = one_hot_gap(-1.0, times)
    np.testing.assert_allclose(gaps + np.exp(gaps), -1 + np.exp(-1) + 2 * times, rtol=1e-12)
    run = solve_ivp(
        lambda s, u: 2 / (1 + np.exp(u)), (0, 50), [-1.0], t_eval=times, rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(gaps, run.y[0], atol=1e-8)
    assert gaps[0] == pytest.approx(-1.0)
    assert one_hot_gap(-1.0, 5.0) == pytest.approx(1.9974728703, abs=1e-10)


def test_late_gaps_do_not_overflow():
    assert one_hot_gap(0.0, 1e6) == pytest.approx(np.log(2e6), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cross_entropy_minimiser([[0.0], [1.0]], [[1.0], [1.0]]), "Y"),
        (lambda: cross_entropy_minimiser([[0.5], [0.5]], [[1.0]]), "x0"),
        (lambda: cross_entropy_rate([[1.0]]), "Y"),
        (lambda: one_hot_gap(0.0, -1.0), "s"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        call()
