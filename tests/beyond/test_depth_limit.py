import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_descent, gradient_flow
from gradflows.beyond import ResidualProblem, guaranteed_rate, initial_path


def problem(h=5, alpha=0.4, activation="tanh", d=3, n=2, seed=0):
    X, Y = np.random.default_rng(seed).standard_normal((2, d, n))
    return ResidualProblem(X, Y, h, alpha, activation)


@pytest.mark.parametrize("activation", ["tanh", "identity", "softplus", "sigmoid"])
def test_the_gradient_is_the_derivative_of_the_loss(activation):
    net = problem(activation=activation)
    theta = np.random.default_rng(1).standard_normal(net.size)
    step = 1e-5 * np.eye(net.size)
    differences = (net.loss(theta + step) - net.loss(theta - step)) / 2e-5
    assert net.gradient(theta) == pytest.approx(differences, abs=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5), st.floats(0, 1), st.integers(0, 99))
def test_shapes_and_stacks(h, d, n, alpha, seed):
    net = problem(h, alpha, d=d, n=n, seed=seed)
    stack = np.random.default_rng(seed).standard_normal((3, net.size))
    assert net.loss(stack).shape == (3,)
    assert net.states(stack).shape == net.signals(stack).shape == (h + 1, 3, d, n)
    for theta, loss, gradient in zip(stack, net.loss(stack), net.gradient(stack), strict=True):
        assert net.loss(theta) == pytest.approx(loss, rel=1e-12)
        assert net.gradient(theta) == pytest.approx(gradient, rel=1e-9, abs=1e-12)
    assert net.weights(net.path(stack[0])) == pytest.approx(stack[0], rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999))
def test_rotations_of_a_linear_network(seed):
    """An orthogonal change of all states rotates weights and gradients."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, 3, 2))
    Q = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    V = rng.standard_normal((4, 3, 3))
    plain = ResidualProblem(X, Y, 4, 0.5, "identity")
    turned = ResidualProblem(Q @ X, Q @ Y, 4, 0.5, "identity")
    one, two = plain.weights(V), turned.weights(Q @ V @ Q.T)
    assert turned.loss(two) == pytest.approx(plain.loss(one), rel=1e-10)
    expected = Q @ plain.path(plain.gradient(one)) @ Q.T
    assert turned.path(turned.gradient(two)) == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_signals_differentiate_the_loss_in_the_inputs():
    net = problem()
    theta = np.random.default_rng(3).standard_normal(net.size)
    for i, j in ((0, 0), (2, 1)):
        change = np.zeros_like(net.inputs)
        change[i, j] = 1e-6
        moved = [
            ResidualProblem(net.inputs + sign * change, net.labels, 5, 0.4).loss(theta)
            for sign in (1, -1)
        ]
        slope = (moved[0] - moved[1]) / 2e-6
        assert net.signals(theta)[0][i, j] == pytest.approx(slope, abs=1e-8)


def test_zero_weights_are_the_identity():
    net = problem(h=9)
    assert np.array_equal(net.states(np.zeros(net.size))[-1], net.inputs)
    # G_k = h^alpha dL/dW_k
    gradient = 9**0.4 * net.gradient(np.zeros(net.size)).reshape(9, 3, 3)
    expected = (net.inputs - net.labels) @ net.inputs.T
    assert gradient == pytest.approx(np.tile(expected, (9, 1, 1)), rel=1e-12)


def test_the_linear_network_is_a_deep_linear_network():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 3, 2))
    V = rng.standard_normal((4, 3, 3))
    net = ResidualProblem(X, Y, 4, 0.3, "identity")
    chain = Problem(DeepLinear((3,) * 5), X, SquaredLoss(Y, mean=False))
    factors = (np.eye(3) + V / 4).ravel()
    assert net.loss(net.weights(V)) == pytest.approx(chain.loss(factors), rel=1e-12)
    # dL/dW = h^-alpha dL/dU
    expected = 4**-0.3 * chain.gradient(factors)
    assert net.gradient(net.weights(V)) == pytest.approx(expected, rel=1e-11)


def test_flow_and_descent_accept_the_problem():
    net = problem(h=6, d=2, n=1)
    start = net.weights(initial_path("smooth", 6, 2, rng=np.random.default_rng(0)))
    flow = gradient_flow(net, start, net.step(3.0), times=[0, net.step(3.0)], rtol=1e-9)
    descent = gradient_descent(net, start, net.step(3e-3), 1000)
    assert descent.theta[-1] == pytest.approx(flow.theta[-1], abs=0.02)
    assert np.all(np.diff(descent.loss) < 0)


def test_the_step_at_one_half_does_not_depend_on_depth():
    assert problem(h=64, alpha=0.5).step(0.2) == pytest.approx(0.2)
    assert problem(h=64, alpha=1.0).step(0.2) == pytest.approx(12.8)
    assert problem(h=64, alpha=0.0).step(0.2) == pytest.approx(0.2 / 64)


def test_the_guaranteed_rate():
    X = np.eye(4)[:, :3]
    assert guaranteed_rate(X, 0) == 1
    rates = [guaranteed_rate(X, M) for M in (0, 0.1, 0.2, 0.4)]
    assert np.all(np.diff(rates) < 0) and rates[-1] > 0
    # the bracket vanishes at e^M - 1 = 1 / sqrt(3)
    edge = np.log1p(1 / np.sqrt(3))
    assert guaranteed_rate(X, edge + 1e-9) == 0 < guaranteed_rate(X, edge - 1e-3)
    assert guaranteed_rate(np.ones((2, 3)), 0.1) == 0
    M, x = 0.2, np.array([[2.0]])
    by_hand = np.cosh(M * np.exp(M) * 2) ** -2 * np.exp(-2 * M) * 2 * (2 - np.exp(M))
    assert guaranteed_rate(x, M) == pytest.approx(by_hand**2, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"X": [[np.nan]]}, "X"),
        ({"Y": [[1.0, 2.0]]}, "Y"),
        ({"depth": 0}, "depth"),
        ({"depth": 2.5}, "depth"),
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": 1.1}, "alpha"),
        ({"activation": "cosine"}, "activation"),
        ({"activation": 3}, "activation"),
    ],
)
def test_bad_problems(change, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        ResidualProblem(**({"X": [[1.0]], "Y": [[2.0]], "depth": 3, "alpha": 0.5} | change))


def test_bad_arguments():
    net = problem()
    for method in (net.loss, net.gradient, net.states, net.signals, net.path):
        with pytest.raises(ValueError, match="^theta"):
            method(np.zeros(net.size - 1))
    with pytest.raises(ValueError, match="^path"):
        net.weights(np.zeros((4, 3, 3)))
    with pytest.raises(ValueError, match="^eta"):
        net.step(0)
    with pytest.raises(ValueError, match="^bound"):
        guaranteed_rate([[1.0]], -1)
    with pytest.raises(ValueError, match="^X"):
        guaranteed_rate([1.0], 1)
