"""The numbers of the chapter shallow_relu/staircase, by other means than the chapter's."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from gradflows import Problem, ShallowReLU, SquaredLoss, gradient_flow
from gradflows.shallow_relu import OrthogonalData, balanced_init, jump_times

LABELS = np.array([1.0, -0.6, 0.8])


def test_small_gradients_are_found_only_near_the_listed_levels():
    """Start anywhere and make the gradient small: the loss is then one of the eight sums."""
    network, y = ShallowReLU(3, 4), LABELS
    problem = Problem(network, np.diag([1.0, 0.8, 1.5]), SquaredLoss(y[None]))
    sizes = range(4)
    levels = [sum(y[list(A)] ** 2) / 6 for r in sizes for A in itertools.combinations(range(3), r)]
    found = []
    for seed in range(30):
        theta = np.random.default_rng(seed).standard_normal(network.size)
        run = minimize(lambda v: np.sum(problem.gradient(v) ** 2), theta, method="BFGS", tol=1e-14)
        if run.fun < 1e-16:
            found.append(problem.loss(run.x))
    assert len(found) > 5
    assert np.abs(np.subtract.outer(found, levels)).min(axis=1).max() < 1e-6
    assert np.ptp(found) > 1e-2


def test_one_neuron_with_equal_norms_is_logistic_and_half_done_at_the_stated_place():
    target = np.array([1.0, 0.8, 1.2])

    def field(t, beta):
        D = (target - beta) / 5
        size = np.linalg.norm(beta)
        return size * D + (beta @ D) * beta / size

    b_star = np.linalg.norm(target)
    rate, b_0 = b_star / 5, 1e-6
    half = (np.log(b_star / b_0) + np.log(np.sqrt(2) - 1)) / (2 * rate)
    run = solve_ivp(field, (0, half), b_0 * target / b_star, rtol=1e-11, atol=1e-16)
    left = np.sum((target - run.y[:, -1]) ** 2) / b_star**2
    assert left == pytest.approx(0.5, abs=1e-5)


def test_the_toy_in_the_plain_parameters():
    """The ground floor's flow, in a_j and w_j, falls at the times predicted from the start."""
    X, y = np.array([[-0.5, 2.0], [1.0, 1.0]]), np.array([-1.0, 1.0])
    directions, signs = balanced_init(60, 2, rng=np.random.default_rng(0))
    W = 1e-6 * directions
    theta = np.concatenate([W.ravel(), signs * np.linalg.norm(W, axis=1)])
    plus, minus = jump_times(OrthogonalData.from_inputs(X, y), directions, signs, np.log(1e-6))
    assert (plus, minus) == pytest.approx((10.127, 21.428), abs=5e-4)
    problem = Problem(ShallowReLU(2, 60), X, SquaredLoss(y[None]))
    times = [0.0, plus, 15.0, minus, 40.0]
    run = gradient_flow(problem, theta, 40.0, times=times, rtol=1e-8, atol=1e-14)
    assert run.loss == pytest.approx([0.5, 0.375, 0.25, 0.125, 0.0], abs=1e-3)


@pytest.mark.parametrize(("labels", "number"), [((3, 4, 5), 7), ((1, 1, 1, 1, 1), 6)])
def test_the_numbers_of_different_levels(labels, number):
    data = OrthogonalData(np.ones(len(labels)), labels)
    sizes = range(data.n + 1)
    levels = {
        round(data.critical_level(A), 12)
        for r in sizes
        for A in itertools.combinations(range(data.n), r)
    }
    assert len(levels) == number


def test_the_widths_of_a_fall():
    """The logistic takes 1.84 over the rate from 90 to 10 percent of the loss."""

    def place(left):
        return np.log((1 - np.sqrt(left)) / np.sqrt(left)) / 2

    assert place(0.1) - place(0.9) == pytest.approx(1.84, abs=5e-3)
