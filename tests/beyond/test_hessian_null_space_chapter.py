"""Further claims of the chapter beyond/hessian_null_space, by other means than the chapter's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import Problem, SquaredLoss
from gradflows.beyond import ActivatedSquaredLoss, DenseNetwork, nullity
from gradflows.deep_linear import orbit_dimension

EXACT = ("identity", "relu", "relu2", "quadratic")


@settings(max_examples=40, deadline=None)
@given(
    widths=st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 6)),
    n=st.integers(1, 6),
    activation=st.sampled_from(EXACT),
    seed=st.integers(0, 2**16),
)
def test_few_samples_bound_the_rank(widths, n, activation, seed):
    rng, network = np.random.default_rng(seed), DenseNetwork(widths, activation)
    theta, X = rng.integers(-9, 10, network.size), rng.integers(-9, 10, (widths[0], n))
    rank = network.size - nullity(network.jacobian(theta, X), exact=True)
    _, hidden, outputs = widths
    assert rank <= n * min(hidden, outputs) + max(outputs - hidden, 0) * min(n, hidden)


@settings(max_examples=20, deadline=None)
@given(
    widths=st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 2**16),
)
def test_flat_directions_outside_the_orbit(widths, seed):
    """The orbit of Part II, whose dimension is counted by paths, against the rank of J."""
    rng, network = np.random.default_rng(seed), DenseNetwork(widths, "identity")
    theta = rng.standard_normal(network.size)
    d0, d1, d2 = widths
    r1, r2 = min(d0, d1), min(d1, d2)
    J = network.jacobian(theta, rng.standard_normal((d0, 12)))
    excess = (d0 - r1) * (d1 - r2) + (d2 - r2) * (d1 - r1)
    assert nullity(J) == orbit_dimension(network.split(theta)) + excess
    assert (excess > 0) == (min(d0, d2) < d1 < max(d0, d2))


def test_two_tanh_neurons_that_meet():
    """Powers of the distance by regression: one sixth power, d_0 squares."""
    rng, network = np.random.default_rng(3), DenseNetwork((3, 2, 1), "tanh")
    W1, W2 = network.split(rng.standard_normal(8))
    X, u = 1.5 * rng.standard_normal((3, 200)), rng.standard_normal(3)
    distances, values = np.geomspace(0.01, 0.05, 6), []
    for eps in distances:
        W1[1] = W1[0] + eps * u
        J = network.jacobian(network.join([W1, W2]), X)
        values.append(np.linalg.svd(J, compute_uv=False)[::-1][:5] ** 2)
    slopes = np.polyfit(np.log(distances), np.log(values), 1)[0]
    np.testing.assert_allclose(slopes, [6, 2, 2, 2, 0], atol=0.1)


@pytest.mark.parametrize(("last", "rate"), [("tanh", 2), ("sigmoid", 1), ("softplus", 1)])
def test_saturation_shrinks_the_gradients_of_all_layers(last, rate):
    rng, network = np.random.default_rng(5), DenseNetwork((3, 4, 4, 1), "sigmoid")
    X, Y = rng.standard_normal((3, 20)), rng.uniform(-0.5, 0.5, (1, 20))
    problem = Problem(network, X, ActivatedSquaredLoss(Y, last))
    weights = network.split(rng.standard_normal(network.size))
    norms = []
    for shift in (4.0, 4.2):
        weights[2][:] = -shift
        gradient = problem.gradient(network.join(weights))
        norms.append([np.linalg.norm(part) for part in network.split(gradient)])
    low, high = (network.outputs(network.join([*weights[:2], np.full((1, 4), -s)]), X)
                 for s in (4.0, 4.2))  # fmt: skip
    drop = np.divide(norms[1], norms[0])
    bounds = np.exp(rate * (high - low))
    assert np.all(drop > 0.9 * bounds.min()) and np.all(drop < 1.1 * bounds.max())


def test_a_last_relu_that_is_off_leaves_a_constant_loss():
    rng, network = np.random.default_rng(6), DenseNetwork((3, 4, 4, 2), "sigmoid")
    weights = network.split(rng.standard_normal(network.size))
    weights[2][:] = -1
    theta, X = network.join(weights), rng.standard_normal((3, 20))
    problem = Problem(network, X, ActivatedSquaredLoss(rng.standard_normal((2, 20)), "relu"))
    near = theta + 0.01 * rng.uniform(-1, 1, (50, network.size))
    assert np.ptp(problem.loss(near)) == 0
    assert not problem.gradient(theta).any() and not problem.hessian(theta).any()


def test_a_square_traps_where_its_output_weight_is_negative():
    """L = (1 - v w^2)^2 / 2, as a network of one squared ReLU on the inputs 1 and -1."""
    network = DenseNetwork((1, 1, 1), "relu2")
    problem = Problem(network, [[1.0, -1.0]], SquaredLoss([[1.0, 1.0]]))
    rng = np.random.default_rng(7)
    near = 0.05 * rng.uniform(-1, 1, (500, 2))
    assert problem.loss(near + [0, -1]).min() >= 0.5
    assert problem.loss(near + [0, 1]).max() <= 0.5
    assert problem.loss(near).min() < 0.5 < problem.loss(near).max()
