"""Second derivatives: the form, the matrix, and what is known of its signature."""

import itertools

import numpy as np
import pytest

from gradflows.deep_linear import (
    UndecidedRankError,
    critical_point,
    gauge_act,
    gauge_direction,
    hessian,
    hessian_form,
    inertia,
    kernel_dimension,
    morse_index,
    orbit_dimension,
    random_critical_point,
    random_gauge,
    whitened_problem,
)
from tests.deep_linear.targets import diagonal


def subsets(rank, largest):
    sizes = range(min(rank, largest) + 1)
    return [s for k in sizes for s in itertools.combinations(range(rank), k)]


def flat(direction):
    return np.concatenate([v.ravel() for v in direction])


@pytest.mark.parametrize("widths", [(2, 3), (3, 2, 4), (2, 3, 3, 2), (1, 2, 2, 2, 2, 3)])
def test_the_form_is_that_of_the_matrix_and_of_differences(widths, rng):
    weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
    direction = [rng.standard_normal(w.shape) for w in weights]
    Sigma = rng.standard_normal((widths[-1], widths[0]))
    form, vector = hessian_form(weights, Sigma, direction), flat(direction)
    assert form == pytest.approx(vector @ hessian(weights, Sigma) @ vector, rel=1e-10)
    problem, theta = whitened_problem(weights, Sigma)
    step = 1e-5
    ends = [problem.gradient(theta + s * step * vector) @ vector for s in (1, -1)]
    assert form == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_a_direction_of_another_shape_is_refused(rng):
    weights = [np.ones((2, 2)), np.ones((2, 2))]
    with pytest.raises(ValueError, match="direction"):
        hessian_form(weights, np.eye(2), [np.ones((2, 2))])
    with pytest.raises(ValueError, match="direction"):
        hessian_form(weights, np.eye(2), [np.ones((3, 2)), np.ones((2, 3))])


def test_inertia_refuses_what_is_neither_zero_nor_nonzero():
    assert inertia(np.diag([1.0, -2.0, 1e-12])) == (1, 1, 1)
    with pytest.raises(UndecidedRankError):
        inertia(np.diag([1.0, 1e-9]))
    assert inertia(np.diag([1e-17, -1e-18]), scale=1.0) == (0, 2, 0)


ARCHITECTURES = [
    ((3, 3, 3), (3, 2, 1)),
    ((3, 2, 4), (3, 2, 1)),
    ((4, 5, 3), (3, 2, 0)),
    ((3, 4, 3), (2, 2, 1)),
    ((2, 1, 2), (2, 1)),
    ((3, 3, 3, 3), (3, 2, 1)),
    ((4, 3, 2, 5, 4), (4, 3, 2, 1)),
    ((3, 1, 1, 3), (3, 2, 1)),
    ((3, 4, 4, 3), (2, 2, 0)),
    ((3, 3, 4, 3), (2, 1, 1)),
    ((2, 3, 2, 3, 2, 3), (2, 1)),
]


@pytest.mark.parametrize(("widths", "sigma"), ARCHITECTURES)
def test_index_and_kernel_for_every_set_of_learnt_modes(widths, sigma, rng):
    """Repeated and zero singular values, bottlenecks, rectangular targets; any gauge."""
    for learned in subsets(int(np.sum(np.array(sigma) > 0)), min(widths)):
        weights = critical_point(widths, sigma, learned)
        weights = gauge_act(random_gauge(widths, rng=rng, condition=2), weights)
        negative, zero, _ = inertia(hessian(weights, diagonal(widths, sigma)), scale=1.0)
        assert negative == morse_index(widths, sigma, learned)
        assert zero == kernel_dimension(widths, sigma, learned)


def test_two_layers_have_one_index_and_one_kernel_over_every_set(rng):
    """With stubs too, in modes of singular value zero."""
    for _ in range(150):
        widths = rng.integers(1, 5, 3).tolist()
        sigma = np.sort(rng.choice([0, 1, 1, 2, 3], min(widths[0], widths[-1])))[::-1]
        rank = int(np.sum(sigma > 0))
        r = int(rng.integers(0, min(rank, *widths) + 1))
        learned = rng.choice(rank, r, replace=False).tolist() if rank else []
        weights = random_critical_point(widths, sigma, learned, rng=rng, aligned=False)
        negative, zero, _ = inertia(hessian(weights, diagonal(widths, sigma)), scale=1.0)
        assert negative == morse_index(widths, sigma, learned)
        if rank == len(sigma):
            assert zero == kernel_dimension(widths, sigma, learned)


@pytest.mark.parametrize(
    ("widths", "learned", "kernel"),
    [
        ((3, 2, 4, 3), 1, 21),
        ((4, 3, 2, 5, 4), 1, 41),
        ((3, 1, 3, 3), 1, 10),
        ((4, 2, 3, 3), 2, 13),
        ((2, 3, 4, 3, 5), 1, 39),
        ((3, 3, 3, 3), 0, 27),
        ((3, 3, 3, 3), 1, 22),
        ((3, 3, 3, 3), 2, 19),
        ((3, 3, 3, 3), 3, 18),
    ],
)
def test_golden_kernels(widths, learned, kernel):
    sigma = np.arange(min(widths[0], widths[-1]), 0, -1)
    assert kernel_dimension(widths, sigma, range(learned)) == kernel


def test_the_kernel_is_not_larger_than_the_orbit_behind_a_bottleneck():
    """Counterexample to "larger at every saddle of three or more layers"."""
    weights, Sigma = critical_point((3, 1, 1, 3), [3, 2, 1], [1]), np.diag([3.0, 2.0, 1.0])
    spectrum = np.linalg.eigvalsh(hessian(weights, Sigma))
    expected = [-1.26, 0, 0, 1.26, 3.78, 6.30, 7.56]
    np.testing.assert_allclose(spectrum, expected, atol=5e-3)
    assert kernel_dimension((3, 1, 1, 3), [3, 2, 1], [1]) == 2 == orbit_dimension(weights)
    weights = critical_point((3, 3, 3, 3), [3, 2, 1], [1])
    assert kernel_dimension((3, 3, 3, 3), [3, 2, 1], [1]) == 22 > 10 == orbit_dimension(weights)


def test_two_layers_are_morse_bott_also_for_rectangular_targets():
    """The fibre has dimension 2 r d_1 - r^2 + (d_1 - r)|d_0 - d_2|."""
    for widths, r in (((3, 3, 3), 2), ((4, 3, 2), 1), ((2, 5, 3), 0), ((2, 5, 3), 2)):
        d0, d1, d2 = widths
        fibre = 2 * r * d1 - r**2 + (d1 - r) * abs(d0 - d2)
        sigma = np.arange(min(d0, d2), 0, -1)
        assert kernel_dimension(widths, sigma, range(r)) == fibre


@pytest.mark.parametrize(
    ("widths", "rank"),
    [((3, 4, 5, 2), 6), ((3, 3, 3), 9), ((2, 3, 3, 2), 4), ((4, 2, 5, 4), 12), ((4, 2, 4), 12)],
)
def test_rank_of_the_hessian_at_global_minima(widths, rank, rng):
    """d_0 d_h without a bottleneck, r (d_0 + d_h - r) behind one; with stubs as well."""
    sigma = np.arange(min(widths[0], widths[-1]), 0, -1.0)
    learned = range(min(widths))
    for stubs in (0, 8):
        weights = random_critical_point(
            widths, sigma, learned, rng=rng, stubs=stubs, condition=2, aligned=False
        )
        assert inertia(hessian(weights, diagonal(widths, sigma)))[::2] == (0, rank)


def test_idle_modes_make_minima_degenerate():
    """The rank of the Hessian changes along the minima: not Morse-Bott."""
    widths, sigma = (3, 3, 3, 3), [2, 1, 0]
    plain = critical_point(widths, sigma, [0, 1])
    stub = critical_point(widths, sigma, [0, 1], stubs=[(0, 2, 2)])
    Sigma = np.diag([2.0, 1.0, 0.0])
    assert [inertia(hessian(w, Sigma))[::2] for w in (plain, stub)] == [(0, 8), (0, 9)]


def test_swaps_at_balanced_points():
    """Eigenvalue -sigma_s^((h-2)/h) (sigma_k - sigma_s) for every swap."""
    for depth in (2, 3, 4):
        weights = critical_point((3,) * (depth + 1), [3, 2, 1], [2])
        spectrum = np.linalg.eigvalsh(hessian(weights, np.diag([3.0, 2.0, 1.0])))
        if depth > 2:
            np.testing.assert_allclose(spectrum[:3], [-2, -1, 0], atol=1e-12)
        weights = critical_point((2,) * (depth + 1), [3, 2], [1])
        lowest = np.linalg.eigvalsh(hessian(weights, np.diag([3.0, 2.0])))
        assert np.abs(lowest + 2 ** ((depth - 2) / depth)).min() < 1e-12


def test_two_missing_edges_of_a_single_chain():
    weights = [np.array([[w]]) for w in (0.7, 0.0, 0.0, 1.3)]
    spectrum = np.linalg.eigvalsh(hessian(weights, [[2.0]]))
    np.testing.assert_allclose(spectrum, [-1.82, 0, 0, 1.82], atol=1e-12)


def test_a_borrowed_stub_has_another_eigenvalue():
    """Where the new edge joins stubs of two modes it costs: (1 - sqrt 21)/2, not -sigma c = -2."""
    weights = critical_point((2, 1, 1, 2), [2, 1], [], stubs=[(0, 1, 0), (2, 3, 1)])
    lowest = np.linalg.eigvalsh(hessian(weights, np.diag([2.0, 1.0])))[0]
    assert lowest == pytest.approx((1 - np.sqrt(21)) / 2, abs=1e-12)


def test_gauge_directions_lie_in_the_kernel(rng):
    widths, Sigma = (3, 4, 4, 3), np.diag([3.0, 2.0, 1.0])
    weights = random_critical_point(widths, [3, 2, 1], [1], rng=rng)
    generators = [rng.standard_normal((d, d)) for d in widths[1:-1]]
    direction = flat(gauge_direction(generators, weights))
    assert np.abs(hessian(weights, Sigma) @ direction).max() < 1e-10 * np.linalg.norm(direction)


def test_inertia_is_the_same_along_an_orbit(rng):
    widths, Sigma = (3, 3, 4, 3), np.diag([3.0, 2.0, 1.0])
    weights = random_critical_point(widths, [3, 2, 1], [2], rng=rng, condition=1)
    found = {
        inertia(hessian(gauge_act(random_gauge(widths, rng=rng, condition=5), weights), Sigma))
        for _ in range(20)
    }
    assert len(found) == 1


def test_modes_are_checked():
    with pytest.raises(ValueError, match="learned"):
        morse_index((3, 3, 3), [3, 2, 0], [2])
    with pytest.raises(ValueError, match="learned"):
        morse_index((3, 1, 3), [3, 2, 1], [0, 1])
    with pytest.raises(ValueError, match="sigma"):
        kernel_dimension((3, 3, 3), [1, 2, 3], [0])
    with pytest.raises(ValueError, match="hidden"):
        morse_index((3, 3), [3, 2, 1], [0])
