"""Problems: gradient, Hessian and kernel against differences and against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import MLP, CrossEntropy, DeepLinear, Problem, ShallowReLU, SquaredLoss
from gradflows.losses import Loss
from gradflows.problems import descent_field, losses_along


@st.composite
def problems(draw):
    """Any network and loss; width 1, one sample, whitened inputs, rank 0 and rank 1 among them."""
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4).map(tuple))
    kind = draw(st.sampled_from(["linear", "shallow", "tanh", "softplus", "sigmoid"]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    if kind == "shallow":
        network = ShallowReLU(widths[0], 3, widths[-1], bias=draw(st.booleans()))
    else:
        network = DeepLinear(widths) if kind == "linear" else MLP(widths, kind)
    samples = draw(st.integers(1, 4))
    X = rng.normal(size=(widths[0], samples))
    if draw(st.booleans()):
        X, samples = np.eye(widths[0]), widths[0]
    elif draw(st.booleans()):
        X[:, 1:] = X[:, :1]
    labels = rng.random((widths[-1], samples)) + 0.1
    name = draw(st.sampled_from(["mean", "sum", "entropy", "rank 0"]))
    if name == "entropy":
        loss = CrossEntropy(labels / labels.sum(axis=0))
    else:
        loss = SquaredLoss(0 * labels if name == "rank 0" else labels, mean=name != "sum")
    return Problem(network, X, loss), rng.normal(size=network.size), rng


def differences(function, theta, step=1e-6):
    pushes = step * np.eye(theta.size)
    pairs = [(function(theta + p), function(theta - p)) for p in pushes]
    return np.stack([(np.asarray(a) - b) / (2 * step) for a, b in pairs], axis=-1)


def far_from_kinks(problem, theta):
    state = problem.network.layers.forward(theta, problem.inputs)
    relu = isinstance(problem.network, ShallowReLU)
    return not relu or min(np.abs(z).min() for z in state.preactivations) > 1e-3


@settings(max_examples=80, deadline=None)
@given(problems())
def test_gradient_is_the_derivative(case):
    problem, theta, _ = case
    if far_from_kinks(problem, theta):
        expected = differences(problem.loss, theta)
        np.testing.assert_allclose(problem.gradient(theta), expected, atol=1e-6, rtol=1e-6)


@settings(max_examples=80, deadline=None)
@given(problems())
def test_hessian_is_the_derivative_of_the_gradient(case):
    problem, theta, _ = case
    hessian = problem.hessian(theta)
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-10 * (1 + np.abs(hessian).max()))
    if far_from_kinks(problem, theta):
        expected = differences(problem.gradient, theta)
        np.testing.assert_allclose(hessian, expected, atol=1e-5, rtol=1e-5)


class PlainLoss(Loss):
    """A loss from outside: it knows only products with its Hessian."""

    def __init__(self, loss):
        super().__init__(loss.labels)
        self._value, self._gradient = loss._value, loss._gradient
        self._hessian_product = loss._hessian_product


class PlainNetwork:
    """A network from outside: public methods only."""

    def __init__(self, network):
        self.size, self.widths = network.size, network.widths
        self.outputs, self.jacobian = network.outputs, network.jacobian
        self.pullback, self.second_order = network.pullback, network.second_order


@settings(max_examples=60, deadline=None)
@given(problems())
def test_hessian_is_gauss_newton_plus_second_order(case):
    problem, theta, _ = case
    network, X, loss = problem.network, problem.inputs, problem.loss_function
    outputs, J = network.outputs(theta, X), network.jacobian(theta, X)
    columns = [loss.hessian_product(outputs, c.reshape(outputs.T.shape).T).T.ravel() for c in J.T]
    expected = J.T @ np.stack(columns, axis=1)
    expected += network.second_order(theta, X, loss.gradient(outputs))
    np.testing.assert_allclose(problem.hessian(theta), expected, atol=1e-10)
    for other in (Problem(network, X, PlainLoss(loss)), Problem(PlainNetwork(network), X, loss)):
        np.testing.assert_allclose(other.hessian(theta), expected, atol=1e-10)
        np.testing.assert_allclose(other.gradient(theta), problem.gradient(theta), atol=1e-12)
        np.testing.assert_allclose(other.kernel(theta), problem.kernel(theta), atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_kernel_moves_the_outputs(case):
    problem, theta, _ = case
    J = problem.network.jacobian(theta, problem.inputs)
    kernel = problem.kernel(theta)
    np.testing.assert_allclose(kernel, J @ J.T, atol=1e-12)
    slope = problem.loss_function.gradient(problem.outputs(theta)).T.ravel()
    np.testing.assert_allclose(J @ problem.gradient(theta), kernel @ slope, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 4))
def test_a_stack_is_a_loop(case, count):
    problem, theta, rng = case
    stack = rng.normal(size=(count, theta.size))
    loop = [problem.loss(point) for point in stack]
    np.testing.assert_allclose(problem.loss(stack), loop, atol=1e-13)
    np.testing.assert_allclose(losses_along(problem, stack), loop, atol=1e-13)
    gradients = np.stack([problem.gradient(point) for point in stack])
    np.testing.assert_allclose(problem.gradient(stack), gradients, atol=1e-12)
    outputs = np.stack([problem.outputs(point) for point in stack])
    np.testing.assert_allclose(problem.outputs(stack), outputs, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(1, 4))
def test_the_field_of_integrators_is_minus_the_gradient(case, count):
    problem, theta, rng = case
    field = descent_field(problem, theta.shape)
    first = field(theta)
    np.testing.assert_allclose(first, -problem.gradient(theta), atol=1e-12)
    kept = first.copy()
    field(2 * theta)
    np.testing.assert_array_equal(first, kept)
    stack = rng.normal(size=(count, theta.size))
    expected = -problem.gradient(stack)
    np.testing.assert_allclose(descent_field(problem, stack.shape)(stack), expected, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_orthogonal_change_of_basis(seed):
    """Turning hidden and outer bases turns the gradient and leaves loss and spectrum alone."""
    rng = np.random.default_rng(seed)
    network, Sigma = DeepLinear((3, 4, 2)), rng.normal(size=(2, 3))
    U, Q, V = (np.linalg.qr(rng.normal(size=(d, d)))[0] for d in (2, 4, 3))
    problem = Problem(network, np.eye(3), SquaredLoss(Sigma, mean=False))
    turned = Problem(network, np.eye(3), SquaredLoss(U @ Sigma @ V.T, mean=False))
    theta = rng.normal(size=network.size)

    def turn(vector):
        W1, W2 = network.split(vector)
        return network.join([Q @ W1 @ V.T, U @ W2 @ Q.T])

    assert turned.loss(turn(theta)) == pytest.approx(problem.loss(theta))
    gradient = turned.gradient(turn(theta))
    np.testing.assert_allclose(gradient, turn(problem.gradient(theta)), atol=1e-12)
    pairs = [(problem, theta), (turned, turn(theta))]
    spectra = [np.linalg.eigvalsh(one.hessian(point)) for one, point in pairs]
    np.testing.assert_allclose(*spectra, atol=1e-10)


def test_rank_loss_at_the_origin():
    problem = Problem(DeepLinear((1, 1, 1)), [[1.0]], SquaredLoss([[1.0]], mean=False))
    assert problem.loss([0.0, 0.0]) == 0.5
    np.testing.assert_array_equal(problem.gradient([0.0, 0.0]), [0.0, 0.0])
    np.testing.assert_array_equal(problem.hessian([0.0, 0.0]), [[0.0, -1.0], [-1.0, 0.0]])
    np.testing.assert_array_equal(problem.kernel([0.0, 0.0]), [[0.0]])
    assert problem.kernel([2.0, 3.0]) == 13.0


def test_inputs_are_a_copy_and_stay():
    X = np.ones((1, 2))
    problem = Problem(DeepLinear((1, 1)), X, SquaredLoss(np.zeros((1, 2))))
    X[:] = 5.0
    assert problem.loss([1.0]) == 0.5
    problem.outputs([1.0])[:] = 7.0
    assert problem.loss([1.0]) == 0.5
