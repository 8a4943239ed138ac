"""The gradient check passes right gradients and catches planted errors."""

import numpy as np
import pytest

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    Problem,
    ShallowReLU,
    SquaredLoss,
    check_gradient,
)

RNG = np.random.default_rng(2)
X = RNG.normal(size=(3, 6))
SIGMA = RNG.normal(size=(2, 3))
LABELS = RNG.random((2, 6)) + 0.1
PROBLEMS = {
    "deep linear": Problem(DeepLinear((3, 4, 2)), X, SquaredLoss(LABELS)),
    "whitened": Problem(DeepLinear((3, 3, 3, 2)), np.eye(3), SquaredLoss(SIGMA, mean=False)),
    "quadratic": Problem(DeepLinear((3, 2)), X, SquaredLoss(LABELS)),
    "shallow": Problem(ShallowReLU(3, 4, 2, bias=True), X, SquaredLoss(LABELS)),
    "tanh": Problem(MLP((3, 5, 2)), X, SquaredLoss(LABELS)),
    "entropy": Problem(MLP((3, 5, 2), "softplus"), X, CrossEntropy(LABELS / LABELS.sum(axis=0))),
}


class Function:
    def __init__(self, loss, gradient):
        self.loss, self.gradient = loss, gradient


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", range(20))
def test_right_gradients_pass(name, seed):
    rng, problem = np.random.default_rng(seed), PROBLEMS[name]
    check = check_gradient(problem, rng.normal(size=problem.size), rng=rng)
    assert check.passed, str(check)
    assert check.slope == pytest.approx(2.0, abs=0.1)
    assert check.straight.size > 10
    assert str(check).startswith("passed")


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("seed", range(20))
def test_one_flipped_sign_is_caught(name, seed):
    rng, problem = np.random.default_rng(seed), PROBLEMS[name]
    theta = rng.normal(size=problem.size)
    place = int(np.argmax(np.abs(problem.gradient(theta))))

    def flipped(point):
        gradient = problem.gradient(point)
        gradient[place] *= -1
        return gradient

    check = check_gradient(problem, theta, gradient=flipped, rng=rng)
    assert not check.passed, str(check)
    assert str(check).startswith(("failed", "not decided"))


@pytest.mark.parametrize("factor", [2.0, 1.0 + 1e-4, 0.0, -1.0])
def test_a_wrong_factor_is_caught(factor):
    problem = PROBLEMS["tanh"]
    theta = np.random.default_rng(3).normal(size=problem.size)
    check = check_gradient(problem, theta, gradient=lambda p: factor * problem.gradient(p))
    assert not check.passed, str(check)


def test_a_slightly_wrong_gradient_has_a_bend_below_its_straight_part():
    problem = PROBLEMS["tanh"]
    theta = np.random.default_rng(3).normal(size=problem.size)
    check = check_gradient(problem, theta, gradient=lambda p: problem.gradient(p) + 1e-6)
    assert not check.passed
    assert check.slope == pytest.approx(2.0, abs=0.1)
    assert "slightly wrong" in str(check)


def test_a_linear_loss_leaves_no_remainder():
    slope = np.array([1.0, -2.0, 3.0])
    check = check_gradient(Function(lambda u: float(slope @ u), lambda u: slope), [0.3, 0.2, 0.1])
    assert check.passed
    assert np.isnan(check.slope)
    assert "linear" in str(check)
    wrong = check_gradient(Function(lambda u: float(slope @ u), lambda u: -slope), [0.3, 0.2, 0.1])
    assert not wrong.passed
    assert wrong.slope == pytest.approx(1.0, abs=1e-3)


def test_a_constant_loss_leaves_nothing_at_all():
    check = check_gradient(Function(lambda u: 0.0, np.zeros_like), [0.0, 0.0])
    assert check.passed
    np.testing.assert_array_equal(check.remainders, 0.0)


def test_at_a_saddle_of_higher_order_the_slope_is_higher():
    check = check_gradient(PROBLEMS["whitened"], np.zeros(PROBLEMS["whitened"].size))
    assert check.passed
    assert check.slope == pytest.approx(3.0, abs=0.1)


def test_at_an_interpolating_minimum():
    network = DeepLinear((2, 2, 2))
    theta = np.random.default_rng(1).normal(size=network.size)
    problem = Problem(network, X[:2], SquaredLoss(network.outputs(theta, X[:2])))
    assert check_gradient(problem, theta).passed


def test_the_direction_comes_from_the_generator():
    problem, theta = PROBLEMS["tanh"], np.full(PROBLEMS["tanh"].size, 0.3)
    first, again, other = (
        check_gradient(problem, theta, rng=np.random.default_rng(seed)).remainders
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
