"""The numbers of the chapter conservation/exact_counting, by other means than the chapter's."""

import itertools

import numpy as np
import pytest

from gradflows.conservation import lie_vectors, rank_mod


@pytest.mark.parametrize("p", [2097143, 1999993, 65521])
def test_the_rank_of_the_first_figure_at_other_primes(p):
    rng, widths = np.random.default_rng(p), (2, 10, 10, 10, 2)
    weights = [rng.integers(0, p, (b, a)) for a, b in itertools.pairwise(widths)]
    left, right = np.repeat(np.eye(2), 2, axis=0), np.tile(np.eye(2), (2, 1))
    vectors = lie_vectors(weights, rng.integers(0, p, (27, 2, 2)), left, right, p=p)
    assert rank_mod(vectors.reshape(-1, 240), p) == 75


@pytest.mark.parametrize(("degree", "dimension"), [(0, 7), (1, 9), (2, 10)])
def test_what_a_special_control_reaches(degree, dimension):
    """The smallest space that contains all S_a and is stable under commutators with E."""

    def S(a):
        return np.block([[np.zeros((4, 4), int), a[:, None]], [a[None], np.zeros((1, 1), int)]])

    rng = np.random.default_rng(0)
    steer = [S(u) for u in rng.integers(-9, 10, (degree + 1, 4))]
    space, size = [S(a) for a in np.eye(4, dtype=int)], 0
    while len(space) > size:
        size = len(space)
        for X, Y in itertools.product(steer, list(space)):
            wider = [*space, (X @ Y - Y @ X) % 2097143]
            if rank_mod([Z.ravel().tolist() for Z in wider]) > len(space):
                space = wider
    assert len(space) == dimension


def test_two_numbers_that_double_precision_cannot_tell_apart():
    assert float(10**18 + 1) == float(10**18)
    assert rank_mod([[1, 10**9], [10**9, 10**18 + 1]]) == 2
