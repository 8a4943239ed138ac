"""Orthogonal inputs, their forces and levels, and balanced starts."""

import itertools

import numpy as np
import pytest

from gradflows import Problem, ShallowReLU, SquaredLoss
from gradflows.shallow_relu import OrthogonalData, active_sets, balanced_init
from tests.shallow_relu.instances import LABELS, data, neurons, toy


def angle(one, other):
    return np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))


def test_the_forces_are_those_of_the_gradient_at_zero_outputs():
    # Small neurons that see all inputs of one sign and none of the other.
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.normal(size=(6, 6)))[0][:, :4] * [1.0, 2.0, 0.5, 1.5]
    given = OrthogonalData.from_inputs(X, [1.0, -2.0, 3.0, -0.5])
    problem = Problem(ShallowReLU(6, 2), X, SquaredLoss(given.labels[None]))
    both = given.beta_plus - given.beta_minus
    weights = 1e-9 * np.array([both, -both])
    theta = np.concatenate([weights.ravel(), [1.0, -1.0]])
    force = -problem.gradient(theta)[:12].reshape(2, 6)
    np.testing.assert_allclose(force[0], given.D_plus, atol=1e-8)
    np.testing.assert_allclose(-force[1], given.D_minus, atol=1e-8)
    np.testing.assert_allclose(given.inputs, X, atol=1e-14)
    np.testing.assert_allclose(given.vectors(given.coordinates(X.T)), X.T, atol=1e-14)


def test_the_known_numbers():
    assert data("equal").minimum_variation_norm == pytest.approx(2.836658260118, abs=1e-12)
    assert data("unequal").minimum_variation_norm == pytest.approx(3.115707605453, abs=1e-12)
    given = data("unequal")
    assert angle(given.D_plus, given.beta_plus) == pytest.approx(32.3, abs=0.05)
    assert angle(-given.D_minus, given.beta_minus) == pytest.approx(21.0, abs=0.05)
    cosine = np.cos(np.radians(angle(given.D_plus, given.beta_plus)))
    assert cosine == pytest.approx(0.845, abs=5e-4)
    assert angle(data("equal").D_plus, data("equal").beta_plus) < 1e-6
    assert np.linalg.norm(toy().D_plus) == pytest.approx(np.sqrt(5) / 2)
    assert np.linalg.norm(toy().D_minus) == pytest.approx(np.sqrt(5) / 4)


def test_unit_labels_and_norms_have_square_roots_of_counts():
    given = OrthogonalData(np.ones(5), [1, 1, 1, -1, -1])
    assert np.linalg.norm(given.D_plus) == pytest.approx(np.sqrt(3) / 5)
    assert given.minimum_variation_norm == pytest.approx(np.sqrt(3) + np.sqrt(2))


def test_all_critical_levels_are_reached_by_two_neurons_at_rest():
    given = data("unequal")
    problem = Problem(ShallowReLU(7, 2), given.inputs, SquaredLoss(LABELS[None]))
    for size in range(6):
        for fitted in itertools.combinations(range(5), size):
            mask = np.isin(np.arange(5), fitted)
            weights = np.zeros((2, 7))
            for row, group in enumerate((given.positive, given.negative)):
                if (mask & group).any():
                    weights[row, :5] = given.final * mask * group - ~(mask & group)
            scale = weights.any(axis=1)
            theta = np.concatenate([weights.ravel(), scale * [1.0, -1.0]])
            assert problem.loss(theta) == pytest.approx(given.critical_level(fitted), abs=1e-15)
            assert np.abs(problem.gradient(theta)).max() < 1e-15
            assert given.critical_level(mask) == given.critical_level(fitted)
    assert given.critical_level([]) == pytest.approx(0.425)
    assert given.critical_level([0, 2, 4]) == pytest.approx(0.117)


def test_critical_levels_are_counted_by_subset_sums():
    given = OrthogonalData(np.ones(4), [1, -1, 1, 1])
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(4), size) for size in range(5)
    )
    assert len({round(given.critical_level(subset), 12) for subset in subsets}) == 5


def test_winners_are_as_rare_as_they_should_be():
    rng = np.random.default_rng(0)
    given, counts = data("equal"), []
    for _ in range(2000):
        seen = active_sets(given, *balanced_init(100, 7, rng=rng))
        counts.append([(seen == group).all(axis=1).sum() for group in (LABELS > 0, LABELS < 0)])
    counts = np.array(counts)
    # Standard errors of the means are 0.054 and 0.074, that of the share 0.0009.
    assert abs(counts[:, 0].mean() - 100 / 16) < 0.22
    assert abs(counts[:, 1].mean() - 100 / 8) < 0.3
    assert (counts[:, 0] == 0).mean() < 0.006


def test_the_two_draws_of_the_tests():
    for width, seed, expected in ((100, 3, (14, 5)), (60, 1, (0, 10))):
        seen = active_sets(data("equal"), *neurons(width, seed))
        groups = (LABELS > 0, LABELS < 0)
        assert tuple((seen == group).all(axis=1).sum() for group in groups) == expected


def test_samples_without_a_label_are_in_no_active_set():
    given = OrthogonalData([1.0, 1.0, 1.0], [1.0, 0.0, -1.0])
    found = active_sets(given, [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, 1.0, 0.0]], [1, -1, 1])
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 0, 1], [0, 0, 0]])


def test_inputs_that_are_not_orthogonal_are_named_with_their_cosine():
    X = np.eye(4)
    X[1, 3] = 0.1
    with pytest.raises(ValueError, match="columns 1 and 3 with cosine 0.0995"):
        OrthogonalData.from_inputs(X, np.ones(4))
    with pytest.raises(ValueError, match="columns .* with cosine"):
        OrthogonalData.from_inputs(np.ones((1, 2)), [1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OrthogonalData([1.0, 0.0], [1.0, 1.0]), "norms: .*index 1"),
        (lambda: OrthogonalData([1.0, 2.0], [1.0]), "labels: expected shape"),
        (lambda: OrthogonalData([1.0, 2.0], [0.0, 0.0]), "labels: .*zeros only"),
        (lambda: OrthogonalData.from_inputs([[1.0, 0.0]], [1.0, 1.0]), "X: .*zero column.*1"),
        (lambda: toy().critical_level([2]), "fitted: expected"),
        (lambda: toy().critical_level([0.5]), "fitted: expected"),
        (lambda: balanced_init(0, 3, rng=np.random.default_rng(0)), "width: expected"),
        (lambda: active_sets(toy(), np.ones((3, 3)), np.ones(3)), "directions: expected shape"),
        (lambda: active_sets(toy(), [[0.0, 0.0]], [1]), "directions: .*zero row"),
        (lambda: active_sets(toy(), [[0.0, 1.0]], [2]), "signs: .*got 2 at index 0"),
        (lambda: active_sets(None, [[0.0, 1.0]], [1]), "data: expected OrthogonalData"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
