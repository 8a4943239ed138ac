import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from gradflows import (
    CrossEntropy,
    DeepLinear,
    Problem,
    SquaredLoss,
    check_gradient,
    gradient_flow,
)
from gradflows.deep_linear import (
    WeightedSquaredLoss,
    dag_field,
    loss_field,
    node_imbalances,
    projected_target,
)


def random_weights(widths, rng):
    return [rng.standard_normal(shape) for shape in zip(widths[1:], widths, strict=False)]


def whitened(weights, loss):
    network = DeepLinear((weights[0].shape[1], *(len(W) for W in weights)))
    return Problem(network, np.eye(network.widths[0]), loss), network.join(weights)


LOSS_GRADIENTS = {
    "quartic": lambda W: W**3 - 1,
    "log-cosh": lambda W: np.tanh(W - 0.5),
    "exponential": lambda W: -np.exp(-W),
}


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    name=st.sampled_from(sorted(LOSS_GRADIENTS)),
)
def test_every_loss_conserves_the_imbalances(seed, widths, name):
    weights = random_weights(widths, np.random.default_rng(seed))
    velocities = loss_field(weights, LOSS_GRADIENTS[name])
    pairs = list(zip(weights, velocities, strict=True))
    for (inner, d_inner), (outer, d_outer) in zip(pairs, pairs[1:], strict=False):
        scale = 1 + np.abs(d_inner).max()
        assert np.abs(outer.T @ d_outer - d_inner @ inner.T).max() < 1e-10 * scale


@pytest.mark.parametrize(
    "loss",
    [
        SquaredLoss(np.diag([2.0, 1.0, 0.5])[:, :3], mean=False),
        CrossEntropy(np.eye(3)),
        WeightedSquaredLoss(np.eye(3), 1 + np.arange(9.0).reshape(3, 3)),
    ],
)
def test_loss_field_is_the_gradient_of_the_problem(loss):
    weights = random_weights((3, 4, 2, 3), np.random.default_rng(0))
    problem, theta = whitened(weights, loss)
    ours = problem.network.join(loss_field(weights, loss.gradient))
    assert np.abs(ours + problem.gradient(theta)).max() < 1e-12


def test_weighted_loss_has_the_derivatives_it_claims():
    rng = np.random.default_rng(1)
    loss = WeightedSquaredLoss(rng.standard_normal((2, 3)), rng.uniform(0.5, 2, (2, 3)))
    problem, theta = whitened(random_weights((3, 2, 2), rng), loss)
    assert check_gradient(problem, theta, rng=rng).passed
    step = 1e-5 * np.eye(theta.size)
    columns = (problem.gradient(theta + step) - problem.gradient(theta - step)) / 2e-5
    assert np.abs(problem.hessian(theta) - columns).max() < 1e-8


@pytest.mark.parametrize("omega", [1.3, 5.0])
def test_weighted_rank_one_loss_has_two_local_minima(omega):
    """Weights on the off-diagonal turn the strict saddle at the smaller value into a minimum."""
    Sigma, heavy = np.diag([1.0, 0.9]), np.array([[1.0, omega], [omega, 1.0]])
    network = DeepLinear((2, 1, 2))
    points = [[1.0, 0, 1.0, 0], [0, np.sqrt(0.9), 0, np.sqrt(0.9)]]
    weighted = Problem(network, np.eye(2), WeightedSquaredLoss(Sigma, heavy))
    plain = Problem(network, np.eye(2), SquaredLoss(Sigma, mean=False))
    assert [weighted.loss(p) for p in points] == pytest.approx([0.405, 0.5])
    for point in points:
        assert np.abs(weighted.gradient(point)).max() < 1e-12
        values = np.linalg.eigvalsh(weighted.hessian(point))
        assert np.abs(values[0]) < 1e-12 and values[1] > 1e-3
    assert np.linalg.eigvalsh(plain.hessian(points[1]))[0] < -0.05
    start = points[1] + 1e-3 * np.random.default_rng(2).standard_normal(4)
    assert gradient_flow(weighted, start, 200.0).loss[-1] == pytest.approx(0.5, abs=1e-6)
    assert gradient_flow(plain, start, 200.0).loss[-1] == pytest.approx(0.405, abs=1e-6)


def dag_loss(A, target, inputs, outputs):
    response = np.linalg.inv(np.eye(len(A)) - A)[np.ix_(outputs, inputs)]
    return 0.5 * np.sum((target - response) ** 2)


def random_dag(rng, nodes=7, inputs=(0, 1), outputs=(5, 6)):
    mask = np.tril(rng.random((nodes, nodes)) < 0.7, -1)
    mask[:2, :2] = False
    mask[3, 2] = mask[2, 0] = mask[6, 3] = True
    return np.where(mask, rng.standard_normal((nodes, nodes)), 0.0), list(inputs), list(outputs)


@pytest.mark.parametrize("seed", range(5))
def test_dag_field_is_minus_the_gradient_on_the_edges(seed):
    rng = np.random.default_rng(seed)
    A, inputs, outputs = random_dag(rng)
    target = rng.standard_normal((2, 2))
    field = dag_field(A, target, inputs, outputs)
    assert not np.any(field[A == 0])
    for v, u in np.argwhere(A):
        step = np.zeros_like(A)
        step[v, u] = 1e-6
        losses = [dag_loss(A + s * step, target, inputs, outputs) for s in (-1, 1)]
        assert field[v, u] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-6, rel=1e-6)


def test_dag_flow_conserves_the_hidden_nodes_only():
    rng = np.random.default_rng(6)
    A, inputs, outputs = random_dag(rng)
    A, target, mask = 0.5 * A, rng.standard_normal((2, 2)), A != 0
    solution = solve_ivp(
        lambda t, a: dag_field(a.reshape(7, 7), target, inputs, outputs, mask=mask).ravel(),
        (0, 5),
        A.ravel(),
        rtol=1e-11,
        atol=1e-13,
        method="DOP853",
    )
    drift = node_imbalances(solution.y[:, -1].reshape(7, 7)) - node_imbalances(A)
    assert np.abs(drift[2:5]).max() < 1e-9
    assert np.abs(drift[[0, 1, 5, 6]]).min() > 1e-3


def test_dag_of_a_layered_network_is_the_layered_network():
    rng, widths = np.random.default_rng(7), (2, 3, 2)
    weights, Sigma = random_weights(widths, rng), np.diag([2.0, 1.0])
    A = np.zeros((7, 7))
    A[2:5, :2], A[5:, 2:5] = weights
    field = dag_field(A, Sigma, [0, 1], [5, 6])
    layers = loss_field(weights, lambda W: W - Sigma)
    assert np.abs(field[2:5, :2] - layers[0]).max() < 1e-12
    assert np.abs(field[5:, 2:5] - layers[1]).max() < 1e-12
    imbalance = weights[1].T @ weights[1] - weights[0] @ weights[0].T
    assert node_imbalances(A)[2:5] == pytest.approx(np.diag(imbalance))


def test_an_edge_of_weight_zero_needs_the_mask():
    A = np.zeros((3, 3))
    A[1, 0] = 1.0
    mask = A != 0
    mask[2, 1] = True
    assert dag_field(A, [[1.0]], [0], [2])[2, 1] == 0
    assert dag_field(A, [[1.0]], [0], [2], mask=mask)[2, 1] == 1.0


def test_repeated_singular_values_have_a_circle_of_critical_products():
    Sigma, angle = np.diag([2.0, 2.0, 1.0]), 0.7
    u = np.array([np.cos(angle), np.sin(angle), 0])
    product = projected_target(Sigma, np.outer(u, u))
    weights = [2 ** (1 / 3) * np.outer(u, u)] * 3
    problem, theta = whitened(weights, SquaredLoss(Sigma, mean=False))
    assert np.abs(problem.outputs(theta) - product).max() < 1e-14
    assert np.abs(problem.gradient(theta)).max() < 1e-13
    assert problem.loss(theta) == pytest.approx(2.5)
    with pytest.raises(ValueError, match="commute"):
        projected_target(np.diag([2.1, 2.0, 1.0]), np.outer(u, u))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: WeightedSquaredLoss(np.eye(2), np.eye(3)), "omega"),
        (lambda: WeightedSquaredLoss(np.eye(2), np.eye(2)), "omega"),
        (lambda: loss_field([np.eye(2)], lambda W: W[:1]), "loss_gradient"),
        (lambda: dag_field(np.eye(3), [[1.0]], [0], [2]), "lower triangular"),
        (lambda: dag_field(np.zeros((3, 3)), [[1.0]], [0], [0]), "also an input"),
        (lambda: dag_field(np.zeros((3, 3)), [[1.0, 2.0]], [0], [2]), "target"),
        (lambda: dag_field(np.zeros((3, 3)), [[1.0]], [0], [3]), "outputs"),
        (lambda: dag_field(np.zeros((3, 3)), [[1.0], [1.0]], [0], [2, 2]), "different"),
        (lambda: dag_field(np.tri(3, k=-1), [[1.0]], [0], [2], mask=np.zeros((3, 3))), "mask"),
        (lambda: dag_field(np.zeros((3, 3)), [[1.0]], [0], [2], mask=np.eye(3)), "mask"),
        (lambda: node_imbalances(np.zeros((2, 3))), "A"),
        (lambda: projected_target(np.eye(2), 2 * np.eye(2)), "P\\^2"),
        (lambda: projected_target(np.eye(2), np.eye(3)), "projector"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
