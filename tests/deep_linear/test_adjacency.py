"""The adjacency matrix: powers, walks, nilpotency, and why its eigenvalues mislead."""

import itertools

import numpy as np
import pytest

from gradflows.deep_linear import (
    adjacency_matrix,
    block_shift,
    end_to_end,
    jordan_sizes,
    partial_product,
    pseudospectrum,
    walk_sum,
    walks,
    weights_from,
)

WIDTHS = (3, 4, 2, 3)


@pytest.fixture
def weights(rng):
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(WIDTHS)]


@pytest.mark.parametrize("k", range(4))
def test_powers_hold_the_partial_products(weights, k):
    power = np.linalg.matrix_power(adjacency_matrix(weights), k)
    blocks = [partial_product(weights, i + k, i + 1) for i in range(4 - k)]
    np.testing.assert_allclose(power, block_shift(blocks, k, WIDTHS), atol=1e-14)


def test_the_matrix_is_nilpotent_exactly(weights):
    assert not np.any(np.linalg.matrix_power(adjacency_matrix(weights), 4))
    assert np.any(np.linalg.matrix_power(adjacency_matrix(weights), 3))


def test_the_resolvent_is_a_polynomial_and_holds_the_product(weights):
    A, z = adjacency_matrix(weights), 0.7
    resolvent = np.linalg.inv(np.eye(12) - z * A)
    np.testing.assert_allclose(resolvent[-3:, :3], z**3 * end_to_end(weights), atol=1e-13)


def test_powers_sum_over_walks(rng):
    A = rng.integers(-3, 4, (5, 5)).astype(float)
    for k, (u, v) in itertools.product(range(4), itertools.product(range(5), repeat=2)):
        assert walk_sum(A, u, v, k) == np.linalg.matrix_power(A, k)[v, u]


def test_walks_of_a_layered_network_visit_each_layer_once():
    found = walks(adjacency_matrix([np.ones((2, 1)), np.ones((1, 2))]), 0, 3, 2)
    assert found == [(0, 1, 3), (0, 2, 3)]
    with pytest.raises(ValueError, match="target"):
        walks(np.eye(2), 0, 2, 1)


def test_ranks_of_powers_are_those_of_the_jordan_blocks(rng):
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise((4, 3, 5, 3))]
    A, sizes = adjacency_matrix(weights), np.array(jordan_sizes(weights))
    ranks = [np.linalg.matrix_rank(np.linalg.matrix_power(A, k)) for k in range(1, 5)]
    assert ranks == [9, 6, 3, 0]
    assert ranks == [int(np.maximum(sizes - k, 0).sum()) for k in range(1, 5)]


def test_eigenvalues_of_a_rotated_nilpotent_matrix_are_no_test(weights, rng):
    """They come out at the fourth root of rounding; the power does not."""
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    A = basis @ adjacency_matrix(weights) @ basis.T
    assert 1e-5 < np.abs(np.linalg.eigvals(A)).max() < 1e-2
    assert np.abs(np.linalg.matrix_power(A, 4)).max() < 1e-13


def test_pseudospectra_are_discs(weights):
    A = adjacency_matrix(weights)
    levels = pseudospectrum(A, 0.3 * np.exp(1j * np.linspace(0, 6, 7)).reshape(7, 1))
    np.testing.assert_allclose(levels, np.full((7, 1), levels[0, 0]), rtol=1e-10)
    z = 1e-2
    bound = z**4 / np.linalg.norm(end_to_end(weights), 2)
    assert pseudospectrum(A, z) == pytest.approx(bound, rel=0.1)
    resolvent = np.linalg.inv(0.3 * np.eye(12) - A)
    assert pseudospectrum(A, 0.3) == pytest.approx(1 / np.linalg.norm(resolvent, 2), rel=1e-12)


def test_weights_come_back(weights):
    again = weights_from(adjacency_matrix(weights), WIDTHS)
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))


def test_an_entry_outside_the_pattern_is_named(weights):
    A = adjacency_matrix(weights)
    A[0, 5] = 1e-30
    with pytest.raises(ValueError, match=r"1e-30 at \(0, 5\)"):
        weights_from(A, WIDTHS)


def test_blocks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="blocks"):
        block_shift([np.ones((2, 2))], 1, (2, 2, 2))
    with pytest.raises(ValueError, match=r"blocks\[1\]"):
        block_shift([np.ones((2, 2)), np.ones((1, 2))], 1, (2, 2, 2))
    with pytest.raises(ValueError, match="widths"):
        block_shift([], 0, (2,))
