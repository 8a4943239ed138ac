from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradflows.beyond import (
    growth_exponent,
    initial_path,
    lipschitz_constant,
    p_variation,
    quadratic_variation,
)

PATHS = arrays(float, st.tuples(st.integers(2, 8), st.integers(1, 3)), elements=st.floats(-9, 9))
POWERS = st.sampled_from([1.0, 1.3, 2.0, 3.5])


@settings(max_examples=60, deadline=None)
@given(PATHS, POWERS)
def test_dynamic_programming_finds_the_best_partition(path, p):
    inner = range(1, len(path) - 1)
    best = max(
        sum(np.linalg.norm(path[j] - path[i]) ** p for i, j in zip(c, c[1:], strict=False))
        for size in range(len(path) - 1)
        for c in ((0, *middle, len(path) - 1) for middle in combinations(inner, size))
    )
    assert p_variation(path, p) == pytest.approx(best, rel=1e-12, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(PATHS, POWERS, st.floats(-3, 3))
def test_symmetries_and_bounds(path, p, factor):
    value = p_variation(path, p)
    assert p_variation(path[::-1], p) == pytest.approx(value, rel=1e-9, abs=1e-9)
    assert p_variation(path + 5.0, p) == pytest.approx(value, rel=1e-6, abs=1e-6)
    assert p_variation(factor * path, p) == pytest.approx(
        abs(factor) ** p * value, rel=1e-9, abs=1e-9
    )
    assert quadratic_variation(path) <= p_variation(path, 2) * (1 + 1e-12)
    assert value ** (1 / p) <= lipschitz_constant(path) * (1 + 1e-9)


def test_known_values():
    assert p_variation([0.0, 1.0, 0.0, 1.0], 2) == 3 == quadratic_variation([0, 1, 0, 1])
    line = np.linspace(0, 1, 11)
    assert p_variation(line, 2) == pytest.approx(1)
    assert quadratic_variation(line) == pytest.approx(0.1)
    assert p_variation(line, 1) == pytest.approx(1)
    assert lipschitz_constant(line) == pytest.approx(1.1)
    matrices = np.array([np.zeros((2, 2)), np.ones((2, 2))])
    assert p_variation(matrices, 3) == pytest.approx(8)


def test_growth_exponent_recovers_powers():
    sizes = np.array([3, 10, 40])
    assert growth_exponent(sizes, 7.0 * sizes**-1.7) == pytest.approx(-1.7)


def test_starts_have_their_laws():
    rng = np.random.default_rng(0)
    h, d = 400, 5
    paths = {
        kind: initial_path(kind, h, d, rng=rng, scale=0.5)
        for kind in ("smooth", "brownian", "small noise", "noise")
    }
    assert all(path.shape == (h, d, d) for path in paths.values())
    assert np.std(paths["noise"]) == pytest.approx(0.5, rel=0.05)
    assert np.std(paths["small noise"]) == pytest.approx(0.5 / 20, rel=0.05)
    assert quadratic_variation(paths["brownian"]) == pytest.approx(25 * 0.25, rel=0.1)
    assert quadratic_variation(paths["noise"]) == pytest.approx(2 * h * 25 * 0.25, rel=0.1)
    assert lipschitz_constant(paths["smooth"]) < 20


def test_a_smooth_start_is_one_function_read_off():
    coarse, fine = (initial_path("smooth", h, 2, rng=np.random.default_rng(3)) for h in (8, 16))
    assert fine[1::2] == pytest.approx(coarse, abs=1e-14)


@pytest.mark.parametrize("function", [lipschitz_constant, quadratic_variation])
@pytest.mark.parametrize("bad", [3.0, [], [1.0], [0.0, np.nan], ["a", "b"], [[1.0], [1.0, 2.0]]])
def test_bad_paths(function, bad):
    with pytest.raises(ValueError, match="^path"):
        function(bad)
    with pytest.raises(ValueError, match="^path"):
        p_variation(bad, 2)


def test_bad_arguments():
    rng = np.random.default_rng(0)
    for p in (0.5, 0, np.nan):
        with pytest.raises(ValueError, match="^p:"):
            p_variation([0.0, 1.0], p)
    for sizes, values, name in (
        ([1, 2], [0, 1], "values"),
        ([1, 1], [1, 2], "sizes"),
        ([-1, 2], [1, 2], "sizes"),
        ([1, 2], [1, 2, 3], "values"),
    ):
        with pytest.raises(ValueError, match=f"^{name}"):
            growth_exponent(sizes, values)
    with pytest.raises(ValueError, match="^kind"):
        initial_path("rough", 4, 2, rng=rng)
    with pytest.raises(ValueError, match="^depth"):
        initial_path("noise", 0, 2, rng=rng)
    with pytest.raises(ValueError, match="^width"):
        initial_path("noise", 3, 0, rng=rng)
    with pytest.raises(ValueError, match="^scale"):
        initial_path("noise", 3, 2, rng=rng, scale=-1)
