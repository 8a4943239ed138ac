"""The normal form: a union of paths, in a gauge that is reported."""

import itertools

import numpy as np
import pytest

from gradflows.deep_linear import (
    UndecidedRankError,
    classify,
    end_to_end,
    gauge_act,
    hessian,
    inertia,
    morse_index,
    normal_form,
    path_counts,
    random_critical_point,
    random_gauge,
)


def samples(rng, count, **options):
    for _ in range(count):
        widths = rng.integers(1, 5, rng.integers(3, 7)).tolist()
        sigma = np.sort(rng.choice([3, 2.2, 1.5, 0.8], min(widths[0], widths[-1]), replace=False))
        r = int(rng.integers(0, min(widths) + 1))
        learned = rng.choice(len(sigma), r, replace=False).tolist()
        yield (
            widths,
            sigma[::-1],
            sorted(learned),
            random_critical_point(widths, sigma[::-1], learned, rng=rng, **options),
        )


def test_the_form_is_in_the_orbit_and_has_the_paths(rng):
    for _, _, _, weights in samples(rng, 150, aligned=False):
        moved, gauge = normal_form(weights)
        for a, b in zip(moved, gauge_act(gauge, weights), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-9)
        assert path_counts(moved) == path_counts(weights)
        for inner in moved[1:-1]:
            assert set(np.unique(inner)) <= {0.0, 1.0}
            assert inner.sum(axis=0).max() <= 1 and inner.sum(axis=1).max() <= 1


def test_generic_weights_have_a_form_too(rng):
    for _ in range(50):
        widths = rng.integers(1, 6, rng.integers(3, 7)).tolist()
        weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
        moved, _ = normal_form(weights)
        np.testing.assert_allclose(end_to_end(moved), end_to_end(weights), atol=1e-8)
        assert path_counts(moved) == path_counts(weights)


def test_learnt_paths_come_first_and_carry_roots(rng):
    sigma = np.array([3.0, 2.0, 1.0])
    weights = random_critical_point((3, 4, 4, 3), sigma, [0, 2], rng=rng)
    moved, _ = normal_form(weights)
    np.testing.assert_allclose(moved[-1][:, :2] @ moved[0][:2], np.diag([3, 0, 1]), atol=1e-12)
    np.testing.assert_allclose(moved[0][:2] @ moved[0][:2].T, np.diag([3, 1]), atol=1e-12)
    np.testing.assert_array_equal(moved[1][:2, :2], np.eye(2))


def test_the_index_splits_into_inversions_and_the_unlearnt_network(rng):
    """Deleting the learnt paths leaves a network that has learnt nothing."""
    seen = set()
    for widths, sigma, learned, weights in samples(rng, 150, aligned=False):
        r, depth = len(learned), len(widths) - 1
        if depth < 3 or min(widths) == r:
            continue
        moved, _ = normal_form(weights)
        rest = [w[r if i < depth - 1 else 0 :, r if i > 0 else 0 :] for i, w in enumerate(moved)]
        rest[0] = np.delete(rest[0], learned, axis=1)
        rest[-1] = np.delete(rest[-1], learned, axis=0)
        residual = np.zeros((widths[-1], widths[0]))
        np.fill_diagonal(residual, sigma)
        residual = np.delete(np.delete(residual, learned, axis=0), learned, axis=1)
        index = inertia(hessian(rest, residual), scale=1.0)[0]
        target = np.zeros((widths[-1], widths[0]))
        np.fill_diagonal(target, sigma)
        total = classify(weights, target).index
        assert total == morse_index(widths, sigma, learned) + index
        seen.add(index)
    assert max(seen) > 2


def test_the_form_of_badly_conditioned_weights_is_right_or_refused(rng):
    refused = 0
    for widths, _, _, weights in samples(rng, 100, condition=1):
        moved = gauge_act(random_gauge(widths, rng=rng, condition=1e6), weights)
        try:
            form, _ = normal_form(moved)
        except UndecidedRankError:
            refused += 1
            continue
        assert path_counts(form) == path_counts(weights)
    assert refused < 50


def test_one_layer_is_refused():
    with pytest.raises(ValueError, match="two layers"):
        normal_form([np.eye(2)])
