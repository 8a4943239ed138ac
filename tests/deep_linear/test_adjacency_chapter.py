"""The numbers of the chapter deep_linear/adjacency, by other means than the chapter's."""

import itertools

import numpy as np
import pytest
import sympy as sp
from matplotlib.cbook import get_sample_data

from gradflows.checks.deep_linear.integer_networks import decompose, integer_network
from gradflows.deep_linear import jordan_sizes, path_counts, reduce_data


@pytest.fixture
def profiles():
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        height = file["elevation"] / 100
    west, east = height[:, 0:200:20].T, height[:, 200:400:20].T
    return [
        (part - part.mean(axis=1, keepdims=True)) / np.sqrt(part.shape[1]) for part in (west, east)
    ]


def fitted(X, Y):
    """The best linear prediction of Y, by least squares."""
    return np.linalg.lstsq(X.T, Y.T, rcond=None)[0].T @ X


def test_how_the_variance_of_the_terrain_divides(profiles):
    X, Y = profiles
    learnable, total = fitted(X, Y), np.sum(Y**2)
    shares = 100 * np.linalg.svd(learnable)[1] ** 2 / total
    assert shares[:3] == pytest.approx([35.7, 21.5, 3.2], abs=0.05)
    assert 100 * np.sum((Y - learnable) ** 2) / total == pytest.approx(36.8, abs=0.05)
    floors = [100 - shares[:r].sum() for r in (1, 2, 3, 4)]
    assert floors == pytest.approx([64.3, 42.8, 39.6, 38.2], abs=0.05)
    data = reduce_data(X, Y)
    assert data.sigma**2 == pytest.approx(total * shares / 100, abs=1e-12)
    assert data.constant == pytest.approx(np.sum((Y - learnable) ** 2) / 2, rel=1e-12)


def test_eight_profiles_are_fitted_and_mislead(profiles):
    X, Y = (part[:, ::43] for part in profiles)
    W = Y @ np.linalg.pinv(X)
    np.testing.assert_allclose(W @ X, Y, atol=1e-12)
    on_all = np.sum((profiles[1] - W @ profiles[0]) ** 2) / 2
    assert on_all > np.sum(profiles[1] ** 2) / 2
    assert reduce_data(X, Y).Sigma.shape == (10, 8)


def test_a_feedback_of_the_smallest_network():
    a, b, c, d, p, q, s, t, x = sp.symbols("a b c d p q s t lambda")
    closed = sp.Matrix([[0, 0, 0, 0, s], [0, 0, 0, 0, t], [a, b, 0, 0, 0], [c, d, 0, 0, 0],
                        [0, 0, p, q, 0]])  # fmt: skip
    gain = (p * a + q * c) * s + (p * b + q * d) * t
    assert sp.expand(closed.charpoly(x).as_expr() - x**2 * (x**3 - gain)) == 0


@pytest.mark.parametrize("rank", [1, 2, None])
def test_paths_of_the_proof_are_those_of_the_library(rank):
    weights = integer_network(np.random.default_rng(5), (3, 2, 4, 3), rank=rank)
    spans = [(birth, birth + len(path) - 1) for birth, path in decompose(weights)]
    assert path_counts(weights) == {span: spans.count(span) for span in sorted(set(spans))}


def test_ten_networks_of_width_two():
    layers = [np.diag(entries) for entries in itertools.product((0.0, 1.0), repeat=2)]
    kinds = {tuple(path_counts(pair).items()) for pair in itertools.product(layers, layers)}
    assert len(kinds) == 10


def test_similar_matrices_of_different_networks():
    edge, nothing = np.diag([1.0, 0.0]), np.zeros((2, 2))
    assert jordan_sizes([edge, nothing]) == jordan_sizes([nothing, edge]) == (2, 1, 1, 1, 1)
    assert path_counts([edge, nothing]) != path_counts([nothing, edge])
