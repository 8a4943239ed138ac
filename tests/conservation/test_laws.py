import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import MLP, DeepLinear, Problem, ShallowReLU, SquaredLoss, gradient_flow
from gradflows.conservation import known_laws, law_drift, observed_rank
from gradflows.deep_linear import UndecidedRankError, imbalances, independent_imbalances

WIDTHS = st.lists(st.integers(1, 4), min_size=3, max_size=5).map(tuple)


def data(network, n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((network.widths[0], n))
    return Problem(network, X, SquaredLoss(rng.standard_normal((network.widths[-1], n))))


@given(widths=WIDTHS, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_laws_of_linear_networks_are_the_imbalances(widths, seed):
    rng = np.random.default_rng(seed)
    network, laws = DeepLinear(widths), known_laws(widths, "linear")
    theta = rng.standard_normal(network.size)
    blocks = imbalances(network.split(theta))
    expected = np.concatenate([C[np.triu_indices(len(C))] for C in blocks])
    assert np.allclose(laws.values(theta), expected, atol=1e-12)
    gradients = network.jacobian(theta, rng.standard_normal((widths[0], 5)))
    assert np.abs(laws.gradients(theta) @ gradients.T).max() < 1e-10
    assert laws.independent == independent_imbalances(widths, rng=rng)


@given(
    inputs=st.integers(1, 4),
    hidden=st.integers(1, 5),
    outputs=st.integers(1, 3),
    bias=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=25, deadline=None)
def test_laws_of_shallow_relu_networks(inputs, hidden, outputs, bias, seed):
    rng = np.random.default_rng(seed)
    network = ShallowReLU(inputs, hidden, outputs, bias=bias)
    laws = known_laws((inputs, hidden, outputs), "relu", bias)
    assert laws.size == network.size and laws.independent == len(laws) == hidden
    theta = rng.standard_normal(network.size)
    gradients = network.jacobian(theta, rng.standard_normal((inputs, 20)))
    assert np.abs(laws.gradients(theta) @ gradients.T).max() < 1e-10


@pytest.mark.parametrize(
    ("widths", "kind", "bias", "size", "independent"),
    [
        ((1, 1, 1), "linear", False, 2, 1),
        ((2, 3, 2), "linear", False, 12, 6),
        ((2, 6, 2), "linear", False, 24, 18),
        ((1, 4, 1), "linear", False, 8, 7),
        ((2, 5, 5, 2), "linear", False, 45, 30),
        ((2, 4, 5, 2, 3), "linear", False, 44, 28),
        ((1, 2, 2, 1), "linear", False, 8, 6),
        ((3, 4, 2), "relu", False, 20, 4),
        ((3, 4, 2), "relu", True, 24, 4),
        ((2, 3, 3, 2), "relu", False, 21, 6),
        ((6, 7, 6, 5), "relu", True, 127, 13),
    ],
)
def test_known_counts(widths, kind, bias, size, independent):
    laws = known_laws(widths, kind, bias)
    assert (laws.size, laws.independent) == (size, independent)


def test_laws_of_deep_relu_networks_with_biases_hold_for_the_network():
    """The library's MLP has output biases too; they take no part in the laws."""
    network, laws = MLP((2, 3, 4, 2), "relu"), known_laws((2, 3, 4, 2), "relu", bias=True)
    for seed in range(5):
        theta = np.random.default_rng(seed).standard_normal(network.size)
        jacobian = network.jacobian(theta, data(network, 30).inputs)[:, : laws.size]
        assert np.abs(jacobian @ laws.gradients(theta[: laws.size]).T).max() < 1e-10


def test_training_keeps_the_laws():
    network, laws = ShallowReLU(2, 3, 2, bias=True), known_laws((2, 3, 2), "relu", bias=True)
    theta = np.random.default_rng(1).standard_normal(network.size)
    run = gradient_flow(data(network, 4), theta, 1.0)
    assert law_drift(laws, run).max() < 1e-6
    assert np.abs(run.theta[-1] - run.theta[0]).max() > 0.1


def test_drift_is_measured_from_the_start_law_by_law():
    laws = known_laws((1, 1, 1), "linear")
    assert law_drift(laws, [[1.0, 2.0], [1.0, 2.5], [1.0, 2.0]]) == pytest.approx([2.25])
    with pytest.raises(ValueError, match="trajectory"):
        law_drift(laws, [[1.0, 2.0, 3.0]])


@pytest.mark.parametrize(
    ("network", "rank"),
    [
        (ShallowReLU(3, 4, 2), 16),
        (ShallowReLU(3, 4, 2, bias=True), 20),
        (ShallowReLU(2, 3, 2), 9),
        (DeepLinear((2, 2, 2)), 4),
        (DeepLinear((3, 3, 3, 3)), 9),
    ],
)
def test_observed_rank_saturates_at_the_rank_of_the_model_map(network, rank):
    theta = np.random.default_rng(3).standard_normal(network.size)
    found = [observed_rank(data(network, n), theta) for n in (1, 2, 400, 800)]
    assert found[0] <= network.widths[-1] and np.all(np.diff(found) >= 0)
    assert found[2:] == [rank, rank]


def test_observed_rank_of_a_network_that_is_zero_and_of_one_that_is_undecided():
    network = DeepLinear((1, 1, 1))
    assert observed_rank(data(network, 3), [0.0, 0.0]) == 0
    network, X = ShallowReLU(1, 2, 1), np.array([[1.0, -1.0]])
    problem = Problem(network, X, SquaredLoss([[0.0, 0.0]]))
    with pytest.raises(UndecidedRankError, match="cannot be decided"):
        observed_rank(problem, [1.0, -1e-8, 0.0, 0.0])


def test_bad_input():
    for widths in ((2,), (2, 0, 1), (2, 1.5, 1), 3):
        with pytest.raises(ValueError, match="widths"):
            known_laws(widths, "linear")
    with pytest.raises(ValueError, match="kind: expected one of linear, relu, got 'tanh'"):
        known_laws((2, 2, 2), "tanh")
    with pytest.raises(ValueError, match="bias"):
        known_laws((2, 2, 2), "relu", bias=1)
    problem = data(DeepLinear((2, 2, 2)), 3)
    with pytest.raises(ValueError, match="theta"):
        observed_rank(problem, np.zeros(3))
    with pytest.raises(ValueError, match="tol"):
        observed_rank(problem, np.ones(8), tol=0)
