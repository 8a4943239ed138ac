"""Ranks and kernels modulo a prime: against sympy, against python-flint, and bad input."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import modular
from gradflows.modular import PRIME, kernel_mod, pivots_mod, product_mod, rank_mod, reduce_mod


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def factored(rng, rows, inner, columns, p=PRIME):
    """A random matrix of residues whose rank is at most ``inner``."""
    left, right = (
        reduce_mod(rng.integers(0, p, s) * 1.0, p) for s in [(rows, inner), (inner, columns)]
    )
    return product_mod(left, right, p)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(1, 9)] * 3), st.sampled_from([2, 3, 7, PRIME]), st.integers(0, 2**30)
)
def test_rank_kernel_and_pivots_agree(shape, p, seed):
    A = factored(np.random.default_rng(seed), *shape, p)
    rank, kernel, pivots = rank_mod(A, p), kernel_mod(A, p), pivots_mod(A, p)
    assert rank <= min(shape)
    assert kernel.shape == (shape[2], shape[2] - rank)
    assert not (A.astype(int) @ kernel % p).any()
    assert kernel.min(initial=0) >= 0 and kernel.max(initial=0) < p
    prefix = [rank_mod(A[:, :k], p) for k in range(1, shape[2] + 1)]
    assert prefix == [int((pivots < k).sum()) for k in range(1, shape[2] + 1)]


def test_ranks_of_small_integers_are_those_over_the_rationals(rng):
    for _ in range(20):
        shape, inner = rng.integers(1, 7, 2), int(rng.integers(1, 4))
        M = rng.integers(-9, 9, (shape[0], inner)) @ rng.integers(-9, 9, (inner, shape[1]))
        assert rank_mod(M) == rank_mod(M * 1.0) == sp.Matrix(M.tolist()).rank()


def test_a_rank_can_only_fall(rng):
    assert rank_mod([[3, 0], [0, 1]], p=3) == 1
    assert rank_mod([[PRIME, 0], [0, 1]]) == 1
    assert rank_mod(np.full((3, 3), 2**62)) == 1
    assert rank_mod(np.array([[10**40, 1], [1, 10**40]], dtype=object)) == 2
    assert rank_mod(np.array([[1, 2], [3, 4]], dtype=np.uint8)) == 2
    assert rank_mod(np.zeros((0, 3))) == 0 and kernel_mod(np.zeros((0, 3))).shape == (3, 3)


@pytest.mark.parametrize(
    ("shape", "inner"), [((200, 130), 120), ((130, 200), 97), ((150, 150), 150)]
)
def test_many_blocks_of_columns(shape, inner, rng, monkeypatch):
    A = factored(rng, shape[0], inner, shape[1])
    assert rank_mod(A) == inner
    kernel = kernel_mod(A)
    assert not product_mod(A, reduce_mod(kernel * 1.0)).any()
    monkeypatch.setattr(modular, "BLOCK", 7)
    assert np.array_equal(kernel_mod(A), kernel)


def test_long_inner_dimensions_are_exact(rng):
    left, right = rng.integers(0, PRIME, (2, 5000)), rng.integers(0, PRIME, (5000, 2))
    exact = [
        [sum(int(a) * int(b) for a, b in zip(r, c, strict=True)) % PRIME for c in right.T]
        for r in left
    ]
    found = product_mod(reduce_mod(left * 1.0), reduce_mod(right * 1.0))
    assert (found.astype(int) % PRIME).tolist() == exact


def test_flint_gives_the_same(rng):
    pytest.importorskip("flint")
    for p in (2, 5, PRIME):
        for shape in [(1, 1, 1), (20, 7, 30), (90, 60, 70)]:
            A = factored(rng, *shape, p)
            assert rank_mod(A, p) == rank_mod(A, p, method="flint")
            assert np.array_equal(kernel_mod(A, p), kernel_mod(A, p, method="flint"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.5]],), "A: expected integers"),
        (([[np.nan]],), "A: expected integers"),
        (([[1j]],), "A: expected integers"),
        (([1, 2],), r"A: expected shape \(m, n\)"),
        (([[1], [1, 2]],), "rows of different lengths"),
        (([[1]], 2**40), "p: expected a prime"),
        (([[1]], 15), "p: expected a prime"),
        (([[1]], True), "p: expected a prime"),
    ],
)
def test_bad_input(arguments, message):
    for function in (rank_mod, kernel_mod, pivots_mod):
        with pytest.raises(ValueError, match=message):
            function(*arguments)


def test_unknown_methods(monkeypatch):
    with pytest.raises(ValueError, match="method: expected"):
        rank_mod([[1]], method="float")
    monkeypatch.setattr(modular, "nmod_mat", None)
    with pytest.raises(ValueError, match="without python-flint"):
        kernel_mod([[1]], method="flint")
