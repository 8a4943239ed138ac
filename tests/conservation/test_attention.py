import numpy as np
import pytest

from gradflows import Problem, SquaredLoss, check_gradient, gradient_descent, gradient_flow
from gradflows.conservation import AttentionHead


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def by_hand(head, theta, X):
    """Token by token."""
    Q, K, V, O = head.split(theta)  # noqa: E741
    columns = []
    for first in range(0, X.shape[1], head.length):
        tokens = X[:, first : first + head.length].T
        for x in tokens:
            scores = np.array([np.exp((Q @ x) @ (K @ y)) for y in tokens])
            columns.append(O @ V @ (scores / scores.sum() @ tokens))
    return np.array(columns).T


@pytest.mark.parametrize(("d", "r", "length"), [(3, 2, 3), (2, 3, 4), (1, 1, 2), (4, 2, 1)])
def test_outputs_and_derivatives(rng, d, r, length):
    head, X = AttentionHead(d, r, length), rng.standard_normal((d, 2 * length))
    theta = rng.standard_normal(head.size)
    assert np.allclose(head.outputs(theta, X), by_hand(head, theta, X))
    problem = Problem(head, X, SquaredLoss(rng.standard_normal((d, 2 * length))))
    assert check_gradient(problem, theta).passed
    cotangent = rng.standard_normal(X.shape)
    J = head.jacobian(theta, X)
    assert J.shape == (X.size, head.size)
    assert np.allclose(J.T @ cotangent.T.ravel(), head.pullback(theta, X, cotangent))


def test_stacks(rng):
    head, X = AttentionHead(3, 2, 2), rng.standard_normal((3, 4))
    thetas, cotangents = rng.standard_normal((5, head.size)), rng.standard_normal((5, 3, 4))
    together = head.outputs(thetas, X), head.pullback(thetas, X, cotangents)
    for k in range(5):
        assert np.allclose(together[0][k], head.outputs(thetas[k], X))
        assert np.allclose(together[1][k], head.pullback(thetas[k], X, cotangents[k]))


def test_laws_along_flow_and_descent(rng):
    head, X = AttentionHead(3, 2, 3), rng.standard_normal((3, 9))
    problem = Problem(head, X, SquaredLoss(rng.standard_normal((3, 9))))
    theta = rng.standard_normal(head.size)
    run = gradient_flow(problem, theta, 3.0, method="DOP853", rtol=1e-11)
    start, end = (head.imbalances(x) for x in run.theta[[0, -1]])
    assert np.abs(np.subtract(end, start)).max() < 1e-8 < np.abs(run.theta[-1] - theta).max()
    step = 0.1
    once = gradient_descent(problem, theta, step, 1).theta[1]
    change = np.subtract(head.imbalances(once), start)
    assert np.allclose(change, step**2 * np.array(head.imbalances(problem.gradient(theta))))


def test_rank_of_the_span_of_gradients(rng):
    """Both products, of rank min(r, d): 2 (2 d r - r^2) directions, from three sequences on."""
    head, X = AttentionHead(3, 2, 3), rng.standard_normal((3, 30))
    theta = rng.standard_normal(head.size)
    assert np.linalg.matrix_rank(head.jacobian(theta, X)) == 16
    alone = AttentionHead(3, 2, 1)
    assert np.linalg.matrix_rank(alone.jacobian(theta, X)) == 8


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda h: AttentionHead(0, 2, 3), "width"),
        (lambda h: AttentionHead(2, 2.5, 3), "rank"),
        (lambda h: AttentionHead(2, 2, -1), "length"),
        (lambda h: h.split(np.ones(3)), "theta"),
        (lambda h: h.outputs(np.ones(h.size), np.ones((3, 4))), "X"),
        (lambda h: h.outputs(np.ones(h.size), np.ones((2, 3))), "X"),
        (lambda h: h.jacobian(np.ones((2, h.size)), np.ones((3, 3))), "theta"),
        (lambda h: h.pullback(np.ones(h.size), np.ones((3, 3)), np.ones((3, 4))), "cotangent"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call(AttentionHead(3, 2, 3))
