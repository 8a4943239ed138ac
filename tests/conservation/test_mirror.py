import numpy as np
import pytest

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.conservation import Preconditioned, node_balances


@pytest.fixture
def problem():
    return Problem(DeepLinear((2, 3, 2)), np.eye(2), SquaredLoss([[2.0, 1.0], [0.5, 3.0]]))


def test_metric_one_is_the_gradient_flow(problem):
    theta = np.random.default_rng(0).uniform(0.5, 1.5, problem.size)
    same = Preconditioned(problem, np.ones_like)
    assert np.array_equal(same.gradient(theta), problem.gradient(theta))
    assert same.loss(theta) == problem.loss(theta) and same.size == problem.size


def test_entropic_flow_keeps_column_sums_and_signs(problem):
    theta = np.random.default_rng(1).uniform(0.1, 1.5, problem.size)
    run = gradient_flow(Preconditioned(problem, lambda x: x), theta, 20.0, rtol=1e-11)
    assert run.theta.min() > 0 and np.all(np.diff(run.loss) <= 1e-9)
    first, second = problem.network.split(run.theta)
    sums = second.sum(axis=-2) - first.sum(axis=-1)
    assert np.abs(sums - sums[0]).max() < 1e-8
    squares = (second**2).sum(axis=-2) - (first**2).sum(axis=-1)
    assert np.abs(squares - squares[0]).max() > 0.1


def test_a_problem_from_outside():
    class Foreign:
        def loss(self, theta):
            return float(theta @ theta) / 2

        def gradient(self, theta):
            return theta

    ours = Preconditioned(Foreign(), lambda x: x)
    assert ours.gradient([1.0, 2.0]).tolist() == [1.0, 4.0] and ours.loss([3.0, 4.0]) == 12.5
    run = gradient_flow(ours, [1.0, 0.5], 1.0)
    assert run.theta[-1] == pytest.approx([1 / 2, 1 / 3], abs=1e-7)


def test_node_balances():
    W1, W2 = np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(2, 3)
    (square,) = node_balances([W1, W2], np.square)
    C = W2.T @ W2 - W1 @ W1.T
    assert np.array_equal(square, np.diag(C))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda p: Preconditioned(p, 2.0), "metric"),
        (lambda p: node_balances([np.ones((2, 2)), np.ones((2, 3))], np.square), "weights"),
        (lambda p: node_balances([np.ones((2, 2))] * 2, np.sum), "charge"),
        (lambda p: node_balances([-np.ones((2, 2))] * 2, lambda W: W / 0 * 0), "charge"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_input(problem, call, name):
    with pytest.raises(ValueError, match=name):
        call(problem)
