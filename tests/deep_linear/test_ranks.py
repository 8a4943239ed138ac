"""Ranks of products: the gap, the refusal, and what ranks say about paths."""

import itertools

import numpy as np
import pytest

from gradflows.deep_linear import (
    UndecidedRankError,
    gauge_act,
    jordan_sizes,
    partial_product,
    path_counts,
    random_gauge,
    rank_pattern,
    stub_free,
)


def generic(widths, rng):
    return [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def patterns(widths, rng, density=0.5):
    """Random weights with zeros, so that ranks drop."""
    return [w * (rng.random(w.shape) < density) for w in generic(widths, rng)]


def test_ranks_are_those_of_the_products():
    rng = np.random.default_rng(0)
    for _ in range(100):
        weights = patterns(rng.integers(1, 5, rng.integers(2, 6)).tolist(), rng)
        for (i, j), rank in rank_pattern(weights).items():
            assert rank == np.linalg.matrix_rank(partial_product(weights, i, j))


def test_ranks_do_not_see_a_badly_conditioned_gauge():
    """The product of the scaled layers sinks below what counts as nonzero elsewhere."""
    rng = np.random.default_rng(1)
    widths = (4, 4, 4, 4, 4, 4)
    weights = [w / np.linalg.norm(w, 2) for w in generic(widths, rng)]
    moved = gauge_act(random_gauge(widths, rng=rng, condition=1e5), weights)
    assert rank_pattern(moved) == rank_pattern(weights)
    naive = partial_product([w / np.linalg.norm(w, 2) for w in moved], 5, 1)
    assert np.linalg.norm(naive, 2) < 1e-7


def test_a_rank_in_the_gap_is_refused():
    for value, rank in ((1e-11, 1), (1e-3, 2)):
        assert rank_pattern([np.diag([1.0, value])])[1, 1] == rank
    with pytest.raises(UndecidedRankError, match="cannot be decided"):
        rank_pattern([np.diag([1.0, 1e-8])])
    assert rank_pattern([np.diag([1.0, 1e-8])], tol=1e-11)[1, 1] == 2
    assert issubclass(UndecidedRankError, ValueError)


def test_a_layer_of_rounding_errors_is_refused():
    with pytest.raises(UndecidedRankError, match="W_2"):
        rank_pattern([np.eye(2), 1e-13 * np.eye(2)])
    assert rank_pattern([np.eye(2), np.zeros((2, 2))])[2, 1] == 0


def test_scaling_neighbouring_layers_changes_no_rank():
    rng = np.random.default_rng(2)
    weights = patterns((3, 4, 4, 3), rng)
    scaled = [1e3 * weights[0], weights[1] / 1e3, weights[2]]
    assert rank_pattern(scaled) == rank_pattern(weights)


def test_paths_count_the_nodes_and_the_ranks():
    rng = np.random.default_rng(3)
    for _ in range(60):
        widths = rng.integers(1, 5, rng.integers(2, 6)).tolist()
        weights = patterns(widths, rng)
        counts, ranks = path_counts(weights), rank_pattern(weights)
        for layer, width in enumerate(widths):
            assert width == sum(m for (a, b), m in counts.items() if a <= layer <= b)
        for (i, j), rank in ranks.items():
            assert rank == sum(m for (a, b), m in counts.items() if a < j and i <= b)
        free = all(a == b or (a, b) == (0, len(weights)) for a, b in counts)
        assert stub_free(weights) == free


def test_generic_weights_are_paths_that_are_as_long_as_widths_allow():
    weights = generic((4, 3, 5, 3), np.random.default_rng(4))
    assert path_counts(weights) == {(0, 0): 1, (0, 3): 3, (2, 2): 2}
    assert jordan_sizes(weights) == (4, 4, 4, 1, 1, 1)


def test_the_orbits_of_the_network_2_2_2():
    """All rank patterns of widths (2, 2, 2): ten orbits under bases of all layers."""
    found = set()
    blocks = [np.diag(d).astype(float) for d in ((0, 0), (1, 0), (0, 1), (1, 1))]
    for w1, w2 in itertools.product(blocks, repeat=2):
        found.add(tuple(rank_pattern([w1, w2]).values()))
    expected = {
        (p, r, q)
        for p, q in itertools.product(range(3), repeat=2)
        for r in range(max(0, p + q - 2), min(p, q) + 1)
    }
    assert found == expected
    assert len(expected) == 10
