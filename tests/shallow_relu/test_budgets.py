"""The jump process against formulas, the flow, and its ties."""

import numpy as np
import pytest

from gradflows.shallow_relu import (
    OrthogonalData,
    active_sets,
    balanced_init,
    event_flow,
    jump_process,
)
from tests.shallow_relu.instances import TEN, data, neurons

STEPS = {
    "equal": ([3.20092, 3.68038, 4.62250], ((0, 4), (2,), (1, 3)), 3.44371531782),
    "unequal": (None, ((0, 2), (4,), (1, 3)), 3.90827921940),
}


def test_two_neurons_that_share_a_sample():
    given = OrthogonalData(np.ones(3), [1.0, 0.8, 1.2])
    process = jump_process(given, [[0, 2], [1, 2]], [1, 1])
    assert process.samples == ((0, 2), (1,))
    np.testing.assert_allclose(process.times, [1.920553, 2.208227], atol=1e-6)
    np.testing.assert_allclose(process.losses, [3.08 / 6, 0.64 / 6, 0], atol=1e-15)
    assert process.norm == pytest.approx(np.sqrt(2.44) + 0.8)
    # By hand: the second budget runs down with the force on {1, 2}, then on {1} alone.
    first = 3 / np.sqrt(2.44)
    second = first + (1 - first * np.sqrt(2.08) / 3) / (0.8 / 3)
    np.testing.assert_allclose(process.times, [first, second], rtol=1e-14)


@pytest.mark.parametrize("case", ["equal", "unequal"])
def test_without_winners_there_are_three_steps_and_a_larger_norm(case):
    given, (directions, signs) = data(case), neurons(60, 1)
    process = jump_process(given, active_sets(given, directions, signs), signs)
    times, samples, norm = STEPS[case]
    assert process.samples == samples and process.fitted.all()
    assert process.norm == pytest.approx(norm, abs=1e-11)
    assert process.norm > given.minimum_variation_norm + 0.5
    if times:
        np.testing.assert_allclose(process.times, times, atol=5e-6)
    found = []
    for decades in (140, 280):
        run = event_flow(given, directions, signs, -decades * TEN, 6 * decades * TEN)
        end = run.t[-1]
        assert run.variation_norm(end) == pytest.approx(norm, abs=1e-9)
        assert run.loss(end) < 1e-20
        assert tuple(jump.samples for jump in run.jumps) == samples
        plateaus = [jump.loss for jump in run.jumps[:-1]]
        np.testing.assert_allclose(plateaus, process.losses[1:-1], atol=1e-6)
        found.append(np.array([jump.time for jump in run.jumps]) / (decades * TEN))
    if case == "equal":
        np.testing.assert_allclose(found[0], [3.21498, 3.70907, 4.63762], atol=5e-6)
    # The error falls like 1/ln(1/lambda): twice the second less the first is free of it.
    np.testing.assert_allclose(2 * found[1] - found[0], process.times, atol=2e-4)


@pytest.mark.parametrize("seed", [1, 2, 4, 6, 7, 8, 9, 10, 11, 14, 15])
def test_random_draws_without_winners(seed):
    """Unequal norms, few neurons; in most draws no neuron sees some sample of its sign."""
    rng = np.random.default_rng(seed)
    labels = rng.choice([-1, 1], 5) * rng.uniform(0.5, 1.5, 5)
    given = OrthogonalData(rng.uniform(0.7, 1.5, 5), labels)
    directions, signs = balanced_init(7, 5, rng=rng)
    sets = active_sets(given, directions, signs)
    process = jump_process(given, sets, signs)
    np.testing.assert_array_equal(process.fitted, sets.any(axis=0))
    decades = 80
    end = process.times[-1] * decades * TEN + 400
    run = event_flow(given, directions, signs, -decades * TEN, end)
    assert run.variation_norm(end) == pytest.approx(process.norm, abs=1e-8)
    assert run.loss(end) == pytest.approx(process.losses[-1], abs=1e-12)
    # Coordinates on fitted samples fade to rounding; none of them is taken for a switch.
    predicted = {(s.neuron, s.sample) for s in run.switches}
    assert predicted == {(j, k) for _, j, k in run.early.switches}
    for samples, time in zip(process.samples, process.times, strict=True):
        assert abs(run.half_drop(samples) - time * decades * TEN) < 10
    if process.fitted.all():
        split = any(sum(labels[g[0]] * s > 0 for g in process.samples) > 1 for s in (1, -1))
        assert (process.norm > given.minimum_variation_norm + 1e-9) == split


def test_without_cover_the_norm_may_be_small_and_the_loss_is_not():
    given = OrthogonalData(np.ones(3), [1.0, 2.0, -1.0])
    process = jump_process(given, [[0], [0, 2]], [1, 1])
    assert process.samples == ((0,),) and process.losses[-1] == pytest.approx(5 / 6)
    assert process.norm == 1 < given.minimum_variation_norm


def test_with_winners_the_two_groups_are_the_two_steps():
    given, (directions, signs) = data("unequal"), neurons()
    process = jump_process(given, directions[:, :5] > 0, signs)
    assert process.samples == ((0, 2, 4), (1, 3))
    strengths = [np.linalg.norm(given.D_plus), np.linalg.norm(given.D_minus)]
    np.testing.assert_allclose(process.times, 1 / np.array(strengths), rtol=1e-13)
    assert process.norm == pytest.approx(given.minimum_variation_norm)


def test_masks_and_indices_and_samples_of_the_other_sign():
    given = OrthogonalData(np.ones(3), [1.0, -2.0, 0.0])
    seen = np.ones((2, 3), bool)
    process = jump_process(given, seen, [1, -1])
    assert process.samples == ((1,), (0,))
    same = jump_process(given, [[0], [1]], [1, -1])
    assert same.samples == process.samples and same.norm == process.norm == 3
    nothing = jump_process(given, [[], [2]], [1, 1])
    assert nothing.samples == () and nothing.norm == 0 and nothing.losses.size == 1


def test_ties():
    given = OrthogonalData(np.ones(4), [1.0, 1.0, 1.0, -1.0])
    with pytest.raises(ValueError, match="active_sets: .*neurons 0 and 1, .* share sample 1"):
        jump_process(given, [[0, 1], [1, 2]], [1, 1])
    twice = jump_process(given, [[0, 1], [0, 1]], [1, 1])
    assert twice.samples == ((0, 1),)
    apart = jump_process(given, [[0], [2], [3]], [1, 1, -1])
    assert sorted(apart.samples) == [(0,), (2,), (3,)]
    np.testing.assert_allclose(apart.times, 4.0)
    assert apart.norm == 3


@pytest.mark.parametrize(
    ("sets", "signs", "message"),
    [
        ([], [], "active_sets: expected at least one"),
        ([[0, 3]], [1], r"active_sets\[0\]: expected a mask"),
        ([[0]], [1, 1], "signs: expected shape"),
        ([[0]], [0.5], "signs: expected 1 or -1"),
    ],
)
def test_bad_arguments_are_named(sets, signs, message):
    with pytest.raises(ValueError, match=message):
        jump_process(OrthogonalData(np.ones(3), np.ones(3)), sets, signs)
