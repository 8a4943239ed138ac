"""Closed counts of known laws: against exact ranks, over random widths and special points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.conservation import (
    extra_law_count,
    known_law_count,
    known_law_rank,
    lie_dimension,
    scalar_chains,
    so_dimension,
)
from gradflows.conservation.complete_lists import law_monomials, parameter_count, split_layers
from gradflows.deep_linear.imbalance_count import imbalance_gradients
from gradflows.modular import PRIME, rank_mod

WIDTHS = st.lists(st.integers(1, 6), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(WIDTHS, st.integers(0, 2**30))
def test_the_formula_is_the_generic_rank(widths, seed):
    theta = np.random.default_rng(seed).integers(1, PRIME, parameter_count(widths))
    assert known_law_rank(widths, theta) == known_law_count(widths)
    assert known_law_count(widths) == known_law_count(widths[::-1])
    assert extra_law_count(widths) == extra_law_count(widths[::-1]) >= 0


@settings(max_examples=40, deadline=None)
@given(WIDTHS, st.integers(0, 2**30))
def test_the_formula_with_biases(widths, seed):
    theta = np.random.default_rng(seed).integers(1, PRIME, parameter_count(widths, True))
    assert known_law_rank(widths, theta, "linear", True) == known_law_count(widths, "linear", True)


@settings(max_examples=30, deadline=None)
@given(WIDTHS, st.booleans(), st.integers(0, 2**30))
def test_one_law_for_every_hidden_neuron(widths, bias, seed):
    theta = np.random.default_rng(seed).integers(1, PRIME, parameter_count(widths, bias))
    assert known_law_rank(widths, theta, "relu", bias) == sum(widths[1:-1])
    assert known_law_count(widths, "relu", bias) == sum(widths[1:-1])


@pytest.mark.parametrize(("kind", "bias"), [("linear", False), ("relu", False), ("relu", True)])
@pytest.mark.parametrize("widths", [(2, 3, 2), (1, 2, 3, 2), (2, 6, 2)])
def test_written_laws_have_the_gradients_that_are_counted(widths, kind, bias, rng):
    theta = rng.integers(1, 50, parameter_count(widths, bias))
    rows = np.zeros((len(laws := law_monomials(widths, kind, bias)), theta.size), dtype=int)
    for row, law in zip(rows, laws, strict=True):
        for c, (i, j) in law:
            row[i] += c * theta[j]
            row[j] += c * theta[i]
    assert rank_mod(rows) == known_law_rank(widths, theta, kind, bias)


@pytest.mark.parametrize(
    ("widths", "known", "extra"),
    [
        ((2, 6, 2), 18, 0),
        ((1, 2, 2, 1), 6, 1),
        ((1, 3, 3, 1), 12, 2),
        ((1, 2, 2, 2, 1), 9, 2),
        ((2, 1, 2, 2, 1, 2), 8, 1),
        ((2, 1, 5, 1, 2), 11, 0),
        ((1, 5, 1, 5, 1), 19, 0),
        ((4, 7), 0, 0),
    ],
)
def test_golden_counts(widths, known, extra):
    assert (known_law_count(widths), extra_law_count(widths)) == (known, extra)


def test_the_rank_is_that_of_the_imbalances_of_part_two(rng):
    for widths in [(2, 3, 2), (2, 2, 3, 1), (1, 5, 1)]:
        theta = rng.integers(1, 99, parameter_count(widths))
        rows = imbalance_gradients(split_layers(theta, widths)[0])
        assert rank_mod(rows) == known_law_rank(widths, theta)


def test_the_excess_of_two_layers_between_widths_one():
    for a in range(1, 8):
        for b in range(1, 8):
            assert extra_law_count((1, a, b, 1)) == min(a, b) - 1
    assert scalar_chains((1, 2, 1, 1, 3)) == [(0, 2), (2, 3)]


def test_full_rank_of_every_factor_is_not_enough():
    """W_1 = e_1, W_2 = diag(2, 3), W_3 = e_1^T."""
    assert known_law_rank((1, 2, 2, 1), [1, 0, 2, 0, 0, 3, 1, 0]) == 5


@pytest.mark.parametrize(
    "shape", [(1, 1, 2), (2, 1, 4), (2, 2, 2), (2, 2, 3), (3, 2, 4), (1, 3, 6)]
)
def test_every_rank_of_a_two_layer_network(shape, rng):
    n, m, r = shape
    for rank in range(min(r, n + m) + 1):
        Q = rng.integers(1, 2**10, (n + m, rank)) @ rng.integers(1, 2**10, (rank, r))
        theta = np.concatenate([Q[n:].T.ravel(), Q[:n].ravel()])
        assert lie_dimension((m, r, n), theta=theta).dimension == so_dimension(n, m, r, rank)
    assert n * r + m * r - so_dimension(n, m, r) == known_law_count((m, r, n))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: known_law_count((2,)), "widths: expected at least two"),
        (lambda: known_law_count((2, 0, 2)), r"widths\[1\]: expected an integer >= 1"),
        (lambda: known_law_count((2, 2), "tanh"), 'kind: expected "linear" or "relu"'),
        (lambda: known_law_count((2, 2), "relu", 1), "bias: expected True or False"),
        (lambda: known_law_rank((2, 1), [1, 2, 3]), r"theta: expected integers of shape \(2,\)"),
        (lambda: known_law_rank((2, 1), [1.0, 2.0]), "theta: expected integers"),
        (lambda: known_law_rank((2, 1), [1, 2**41]), "theta: expected integers below"),
        (lambda: so_dimension(2, 2, 2, 3), r"rank: expected at most min\(r, n \+ m\) = 2, got 3"),
        (lambda: so_dimension(2, 0, 2), "m: expected an integer >= 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
