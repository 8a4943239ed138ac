"""Jump times and the loss curve, predicted from the start, against the flow."""

import numpy as np
import pytest
from scipy.special import expit

from gradflows.shallow_relu import (
    OrthogonalData,
    balanced_init,
    event_flow,
    jump_times,
    logistic_loss,
)
from tests.shallow_relu.instances import LABELS, TEN, data, neurons, toy

END = {2: 60.0, 4: 100.0, 6: 120.0, 10: 180.0, 20: 300.0, 30: 420.0}
SHIFTS = {"equal": (0.0, 0.0), "unequal": (0.168203, -0.011429)}


def simulated(case, decades):
    given, (directions, signs) = data(case), neurons()
    run = event_flow(given, directions, signs, -decades * TEN, END[decades])
    return run, (given, directions, signs, -decades * TEN)


def test_the_error_of_the_jump_time_falls_like_a_power_of_the_scale():
    errors = []
    for decades, known in ((4, 5.0e-2), (6, 1.5e-2), (10, 1.6e-3), (20, 9.4e-6), (30, 5.9e-8)):
        run, start = simulated("equal", decades)
        predicted = jump_times(*start).plus
        errors.append(predicted - run.half_drop(run.data.positive))
        assert errors[-1] == pytest.approx(known, rel=0.03)
    # The runners-up slow the winners by about lambda^0.22, see bias_rate.
    slope = np.log10(errors[-2] / errors[-1]) / 10
    assert slope == pytest.approx(0.22, abs=0.005)


def test_the_times_at_the_smallest_scale():
    run, start = simulated("equal", 30)
    times, leading = jump_times(*start), jump_times(*start, order="leading")
    assert run.half_drop(LABELS > 0) == pytest.approx(199.9511, abs=1e-4)
    assert run.half_drop(LABELS < 0) == pytest.approx(326.6186, abs=1e-4)
    assert times.minus == pytest.approx(run.half_drop(LABELS < 0), abs=1e-9)
    assert leading.plus == pytest.approx(196.803, abs=1e-3)
    assert leading.minus == pytest.approx(319.311, abs=1e-3)
    assert [jump.time for jump in run.jumps] == pytest.approx(list(times), abs=1e-7)
    ratio = run.jumps[0].time / leading.plus
    assert ratio == pytest.approx(1.016, abs=5e-4)


def test_unequal_norms_shift_the_times():
    errors = []
    for decades in (10, 20, 30):
        run, start = simulated("unequal", decades)
        times, groups = jump_times(*start), (LABELS > 0, LABELS < 0)
        errors.append([t - run.half_drop(group) for t, group in zip(times, groups, strict=True)])
    errors = np.array(errors)
    assert np.abs(errors[2]).max() < 2e-5
    # The negative group has the larger runner-up, of the exponent bias_rate: 0.172.
    assert np.log10(errors[1, 1] / errors[2, 1]) / 10 == pytest.approx(0.172, abs=1e-3)
    without = errors[2] - SHIFTS["unequal"]
    np.testing.assert_allclose(without, [-0.168, 0.0114], atol=1e-3)


def test_the_shift_is_that_of_one_neuron_along_the_force():
    """Measured at another scale than the library's own, in a problem of the group alone."""
    given = data("unequal")
    for group, shift in zip((LABELS > 0, LABELS < 0), SHIFTS["unequal"], strict=True):
        alone = OrthogonalData(given.norms[group], np.abs(LABELS[group]))
        rate, size = np.linalg.norm(alone.D_plus), np.linalg.norm(alone.beta_plus)
        run = event_flow(alone, [alone.D_plus / rate], [1.0], -12 * TEN, 60 / rate)
        wait = (np.log(size) + 24 * TEN + np.log(np.sqrt(2) - 1)) / (2 * rate)
        # The clock of the group alone is faster by the ratio of the numbers of samples.
        measured = (run.half_drop(alone.positive) - wait) * given.n / alone.n
        assert measured == pytest.approx(shift, abs=1e-6)


def test_the_loss_is_a_sum_of_two_logistics_for_equal_norms():
    for decades, known in ((6, 9.3e-4), (10, 1.0e-4), (20, 6.0e-7), (30, 3.7e-9)):
        run, start = simulated("equal", decades)
        times = np.union1d(np.linspace(0, run.t[-1], 2000), run.t)
        worst = np.abs(run.loss(times) - logistic_loss(*start, times)).max()
        assert worst == pytest.approx(known, rel=0.05)
    assert logistic_loss(*start, 0.0) == pytest.approx(0.425, abs=1e-15)
    assert logistic_loss(*start, jump_times(*start).plus) == pytest.approx(
        0.117 + 0.308 / 2, abs=1e-12
    )


def test_equal_norms_are_needed_only_within_a_group():
    given = OrthogonalData(np.array([1.0, 2.0, 1.0, 2.0, 1.0]), LABELS)
    directions, signs = balanced_init(100, 5, rng=np.random.default_rng(0))
    start = (given, directions, signs, -30 * TEN)
    run = event_flow(*start, 450.0)
    times = np.linspace(0, 450, 1500)
    np.testing.assert_allclose(logistic_loss(*start, times), run.loss(times), atol=1e-6)


def test_no_logistic_fits_unequal_norms():
    run, start = simulated("unequal", 30)
    with pytest.raises(ValueError, match="data: expected equal norms within a group"):
        logistic_loss(*start, 1.0)
    times = np.linspace(0, run.t[-1], 4000)
    fitted = np.zeros(times.size)
    for group, D in ((LABELS > 0, run.data.D_plus), (LABELS < 0, run.data.D_minus)):
        half = np.log(np.sqrt(2) - 1) + 2 * np.linalg.norm(D) * (times - run.half_drop(group))
        fitted += np.sum(LABELS[group] ** 2) / 10 * expit(-half) ** 2
    assert 5e-3 < np.abs(run.loss(times) - fitted).max() < 0.05


def test_equal_forces_are_one_step_in_the_limit_only():
    given = OrthogonalData(np.ones(4), [1.0, 0.7, -1.0, -0.7])
    directions, signs = balanced_init(40, 4, rng=np.random.default_rng(0))
    apart = []
    for decades in (30, 60):
        start = (given, directions, signs, -decades * TEN)
        run, times = event_flow(*start, 14.0 * decades), jump_times(*start)
        assert times.plus == pytest.approx(run.half_drop(given.positive), abs=1e-6)
        assert times.minus == pytest.approx(run.half_drop(given.negative), abs=1e-6)
        assert [jump.samples for jump in run.jumps] == [(0, 1, 2, 3)]
        apart.append(times.minus - times.plus)
        leading = jump_times(*start, order="leading")
        assert leading.plus == pytest.approx(leading.minus)
    assert abs(apart[0]) > 0.1 and apart[0] == pytest.approx(apart[1], abs=1e-9)


def test_the_larger_force_comes_first_not_the_larger_class():
    given = OrthogonalData([1.0, 1.0, 1.0, 1.5, 1.5], [1.0, 1.0, 1.0, -1.2, -1.2])
    directions, signs = balanced_init(100, 5, rng=np.random.default_rng(2))
    run = event_flow(given, directions, signs, -20 * TEN, 300.0)
    assert [jump.samples for jump in run.jumps] == [(3, 4), (0, 1, 2)]
    plain = OrthogonalData(np.ones(5), np.sign(given.labels))
    run = event_flow(plain, directions, signs, -20 * TEN, 400.0)
    assert [jump.samples for jump in run.jumps] == [(0, 1, 2), (3, 4)]


def test_one_group_only():
    given = OrthogonalData([1.0, 2.0], [1.0, 0.5])
    directions, signs = balanced_init(20, 2, rng=np.random.default_rng(0))
    start = (given, directions, signs, -20 * TEN)
    times = jump_times(*start)
    assert np.isnan(times.minus)
    assert event_flow(*start, 200.0).half_drop([0, 1]) == pytest.approx(times.plus, abs=1e-3)


def test_the_toy_takes_twice_as_long_for_its_second_jump():
    directions, signs = balanced_init(60, 2, rng=np.random.default_rng(0))
    start = (toy(), directions, signs, -6 * TEN)
    leading = jump_times(*start, order="leading")
    # Steps of size 1e-3 on the mean of squares, without 1/2: a step takes the time 2e-3.
    assert [round(t / 2e-3) for t in leading] == [6178, 12357]
    run = event_flow(*start, 60.0)
    assert [jump.samples for jump in run.jumps] == [(1,), (0,)]
    assert [jump.time for jump in run.jumps] == pytest.approx(list(jump_times(*start)), abs=1e-4)
    assert run.jumps[0].loss == pytest.approx(0.25, abs=1e-4)
    assert run.loss(0.0) == pytest.approx(0.5, abs=1e-9) and run.loss(60.0) < 1e-20


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: jump_times(*_start(60, 1)), "directions: expected a positive neuron that sees"),
        (lambda: jump_times(*_start(), order="exact"), "order: expected"),
        (lambda: jump_times(*_start()[:3], np.nan), "log_scale: expected finite"),
        (lambda: logistic_loss(*_start()[:3], 5.0, 1.0), "log_scale: expected a start below"),
        (lambda: logistic_loss(*_start(), [[1.0]]), "t: expected shape"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _start(width=100, seed=3):
    return (data("equal"), *neurons(width, seed), -10 * TEN)
