"""The event-driven flow: against the general flow, its switches, its balance, its edges."""

import numpy as np
import pytest

from gradflows import (
    Problem,
    ShallowReLU,
    SquaredLoss,
    gradient_descent,
    gradient_flow,
)
from gradflows.shallow_relu import OrthogonalData, balanced_init, event_flow, final_kernel
from tests.shallow_relu.instances import LABELS, TEN, data, neurons

END = {1: 150.0, 2: 120.0, 6: 180.0, 10: 250.0, 30: 450.0, 100: 1300.0, 300: 3500.0}


def problem_of(given, width):
    return Problem(ShallowReLU(given.d, width), given.inputs, SquaredLoss(given.labels[None]))


@pytest.mark.parametrize("case", ["equal", "unequal"])
def test_it_agrees_with_the_general_flow(case):
    given, (directions, signs) = data(case), neurons(30)
    run = event_flow(given, directions, signs, -2 * TEN, 40.0)
    problem, times = problem_of(given, 30), [1.0, 5.0, 12.0, 17.0, 40.0]
    flow = gradient_flow(problem, run.theta(0.0), 40.0, times=times, rtol=1e-10, atol=1e-13)
    for t, theta, loss in zip(times, flow.theta, flow.loss, strict=True):
        np.testing.assert_allclose(run.theta(t), theta, atol=1e-9)
        assert run.loss(t) == pytest.approx(loss, abs=1e-9)
        gradient = np.linalg.norm(problem.gradient(run.theta(t)))
        assert run.gradient_norm(t) == pytest.approx(gradient, abs=1e-10)
        outputs = problem.outputs(run.theta(t)).ravel()
        np.testing.assert_allclose(run.outputs(t), outputs, atol=1e-12)
    error = np.abs(run.theta(17.0) - flow.theta[3]).max()
    assert np.abs(run.theta(17.01) - flow.theta[3]).max() > 1e3 * error


def test_inputs_in_any_coordinates_give_the_same_flow():
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(7, 7)))[0]
    plain, (directions, signs) = data("unequal"), neurons(30)
    turned = OrthogonalData.from_inputs(rotation @ plain.inputs, LABELS)
    one = event_flow(plain, directions, signs, -4 * TEN, 60.0)
    other = event_flow(turned, directions @ rotation.T, signs, -4 * TEN, 60.0)
    np.testing.assert_allclose(one.outputs(40.0), other.outputs(40.0), atol=1e-9)
    found = other.neurons(40.0).directions @ rotation
    np.testing.assert_allclose(found, one.neurons(40.0).directions, atol=1e-9)


@pytest.mark.parametrize(("case", "last"), [("equal", 6.946), ("unequal", 5.424)])
def test_the_switches_do_not_depend_on_the_scale(case, last):
    given, (directions, signs) = data(case), neurons()
    sets = []
    for decades, end in END.items():
        run = event_flow(given, directions, signs, -decades * TEN, end)
        assert len(run.switches) == 132
        assert [s.time for s in run.switches] == sorted(s.time for s in run.switches)
        assert run.loss(end) < 1e-14
        sets.append({(s.neuron, s.sample) for s in run.switches})
        if decades > 1:
            assert run.switches[-1].time == pytest.approx(last, abs=2e-3)
    assert all(found == sets[0] for found in sets)


@pytest.mark.parametrize("case", ["equal", "unequal"])
def test_balance_is_kept(case):
    given, (directions, signs) = data(case), neurons()
    for decades in (1, 6, 30):
        run = event_flow(given, directions, signs, -decades * TEN, END[decades])
        assert run.balance_drift(np.linspace(0, END[decades], 50)).max() < 1e-12
        assert run.balance_drift(run.t).max() < 1e-12
        weights = run.theta(END[decades])
        rows, a = weights[:700].reshape(100, 7), weights[700:]
        assert np.abs(np.sum(rows**2, axis=1) - a**2).max() < 1e-12
        assert np.all(np.sign(a[a != 0]) == signs[a != 0])
    coarse = event_flow(data("unequal"), directions, signs, -2 * TEN, 120.0, rtol=1e-6)
    assert coarse.balance_drift(coarse.t).max() > 1e-11


def test_descent_drifts_in_proportion_to_the_step():
    given, (directions, signs) = data("equal"), neurons(30)
    theta = event_flow(given, directions, signs, -2 * TEN, 1.0).theta(0.0)
    drifts = []
    for step in (0.1, 0.02):
        end = gradient_descent(problem_of(given, 30), theta, step, round(40 / step)).theta[-1]
        rows, a = end[:210].reshape(30, 7), end[210:]
        drifts.append(np.abs(np.sum(rows**2, axis=1) - a**2).max())
    assert drifts[0] / drifts[1] == pytest.approx(5, rel=0.1)


def test_the_loss_reaches_zero_and_the_plateau_is_a_saddle():
    given, (directions, signs) = data("equal"), neurons()
    run = event_flow(given, directions, signs, -30 * TEN, 450.0)
    assert run.loss(0.0) == pytest.approx(0.425, abs=1e-15)
    first, second = run.jumps
    assert (first.samples, second.samples) == ((0, 2, 4), (1, 3))
    assert abs(first.loss - 0.117) < 1e-12 and second.loss < 1e-21
    times = np.linspace(150, 400, 800)
    norms = run.gradient_norm(times)
    assert norms.max() == pytest.approx(0.253, abs=1e-3)
    between = (times > first.time) & (times < second.time)
    assert norms[between].min() < 2e-9
    rest = times[between][norms[between].argmin()]
    residual = run.outputs(rest) - LABELS
    np.testing.assert_allclose(residual, [0, 0.6, 0, 0.9, 0], atol=1e-9)
    assert np.all(np.diff(run.loss(run.t)) <= 1e-15)


def test_the_final_tangent_kernel():
    given, (directions, signs) = data("equal"), neurons()
    run = event_flow(given, directions, signs, -100 * TEN, 1300.0, rtol=1e-12)
    kernel = problem_of(given, 100).kernel(run.theta(1300.0))
    np.testing.assert_allclose(kernel, final_kernel(given), atol=3e-8)
    values = [1.081665, 1.754993, 1.754993, 2.163331, 3.509986]
    np.testing.assert_allclose(np.linalg.eigvalsh(kernel), values, atol=1e-6)


def test_the_late_rate_doubles_only_for_a_while():
    """The relative rate of the loss: twice the guaranteed one at first, that one in the end."""
    given, (directions, signs) = data("equal"), neurons()
    least = 2 * np.linalg.eigvalsh(final_kernel(given)).min() / 5
    assert least == pytest.approx(0.43267, abs=1e-5)
    assert least == pytest.approx(2 * np.linalg.norm(given.D_minus))

    def rates(decades):
        run = event_flow(given, directions, signs, -decades * TEN, END[decades], rtol=1e-12)
        times = np.linspace(run.half_drop(given.negative), END[decades], 2000)
        loss = run.loss(times)
        places = [np.argmax(loss < level) for level in (1e-4, 1e-8, 1e-12, 1e-16)]
        return run.gradient_norm(times[places]) ** 2 / loss[places]

    assert rates(30)[1:] == pytest.approx(np.full(3, 2 * least), rel=1e-3)
    slow = rates(6)
    assert slow[0] > 1.9 * least and slow[2] == pytest.approx(least, rel=2e-3)
    middle = rates(10)
    assert middle[1] > 1.99 * least and middle[3] < 1.1 * least


def test_accuracy_compares_with_a_coarser_run():
    given, (directions, signs) = data("equal"), neurons(20)
    run = event_flow(given, directions, signs, -3 * TEN, 60.0)
    accuracy = run.accuracy()
    coarse = event_flow(given, directions, signs, -3 * TEN, 60.0, rtol=1e-10)
    assert accuracy.error >= np.abs(run.theta(run.t[-1]) - coarse.theta(run.t[-1])).max() > 0
    assert accuracy.error < 1e-6 and accuracy.drift < 1e-12 and accuracy.falls
    assert "DOP853 with events" in str(accuracy)


def test_times_in_steps_that_were_cut_short():
    """A step that ended at a switch is made anew; both ends must fit together."""
    given, (directions, signs) = data("unequal"), neurons(20)
    run = event_flow(given, directions, signs, -1 * TEN, 20.0)
    assert len(run.switches) > 5
    for switch in run.switches:
        before, after = (run.neurons(switch.time + shift) for shift in (-1e-9, 1e-9))
        assert before.active[switch.neuron, switch.sample]
        assert not after.active[switch.neuron, switch.sample]
        assert abs(before.directions[switch.neuron, switch.sample]) < 1e-8
        np.testing.assert_allclose(before.log_norms, after.log_norms, atol=1e-8)
        np.testing.assert_allclose(before.directions, after.directions, atol=1e-8)


def test_neurons_that_see_nothing_do_not_move():
    given = OrthogonalData.from_inputs(np.eye(3, 2), [1.0, -1.0])
    directions = np.array([[0.0, 0.0, 2.0], [-1.0, -0.5, 0.3], [0.0, -1.0, 0.0], [1.0, -1.0, 0.2]])
    run = event_flow(given, directions, np.ones(4), -5.0, 60.0)
    start, end = run.neurons(0.0), run.neurons(60.0)
    np.testing.assert_array_equal(end.log_norms[:3], start.log_norms[:3])
    np.testing.assert_allclose(end.directions[:3], start.directions[:3], atol=1e-15)
    assert run.switches == () and run.loss(60.0) == pytest.approx(0.25)
    # Its coordinates off the data stay what they were, though they fade in the direction.
    weights = run.theta(60.0)[:12].reshape(4, 3)
    np.testing.assert_allclose(weights[3, 1:], np.exp(-5.0) * directions[3, 1:], rtol=1e-9)


def test_a_network_of_idle_neurons_alone():
    given = OrthogonalData([1.0, 2.0], [1.0, -1.0])
    run = event_flow(given, [[-1.0, -1.0]], [1.0], 0.0, 10.0)
    assert run.loss(10.0) == run.loss(0.0) == 0.5 and run.jumps == ()
    still = event_flow(given, [[1.0, 1.0]], [1.0], -300 * TEN, 10.0)
    assert len(still.switches) == 1 and still.evaluations == 0 and still.jumps == ()


def test_at_zero_a_neuron_is_off():
    """n = 1, w orthogonal to the input: the flow stays, though it could also leave."""
    given = OrthogonalData.from_inputs([[1.0], [0.0]], [1.0])
    run = event_flow(given, [[0.0, 1.0]], [1.0], 0.0, 20.0)
    assert run.loss(20.0) == 0.5
    left = event_flow(given, [[1e-9, 1.0]], [1.0], 0.0, 60.0)
    assert left.loss(60.0) < 1e-12


def test_a_label_zero_is_kept_at_zero():
    given = OrthogonalData([1.0, 1.0, 2.0], [1.0, 0.0, -0.8])
    directions, signs = balanced_init(30, 3, rng=np.random.default_rng(0))
    run = event_flow(given, directions, signs, -30 * TEN, 600.0)
    assert [jump.samples for jump in run.jumps] == [(2,), (0,)]
    assert abs(run.outputs(600.0)[1]) < 1e-10
    assert run.variation_norm(600.0) == pytest.approx(given.minimum_variation_norm, abs=1e-9)
    flow = event_flow(given, directions, signs, -2 * TEN, 30.0)
    problem = problem_of(given, 30)
    theta = gradient_flow(problem, flow.theta(0.0), 30.0, times=[30.0], rtol=1e-9).theta[-1]
    np.testing.assert_allclose(flow.theta(30.0), theta, atol=1e-8)


def test_a_neuron_opposite_to_its_force_shrinks():
    given = OrthogonalData([1.0, 1.0], [-1.0, -2.0])
    run = event_flow(given, [[1.0, 2.0], [1.0, 1.0]], [1.0, -1.0], -18.0, 80.0)
    assert run.neurons(5.0).log_norms[0] == pytest.approx(
        -18.0 + np.log(np.sqrt(5)) - 5 * np.sqrt(5) / 2, abs=1e-9
    )
    assert run.loss(80.0) < 1e-12


def test_half_drops():
    given, (directions, signs) = data("equal"), neurons()
    run = event_flow(given, directions, signs, -6 * TEN, 60.0)
    time = run.half_drop(given.positive)
    assert time == run.half_drop([0, 2, 4])
    residual = (run.outputs(time) - LABELS)[LABELS > 0]
    assert residual @ residual == pytest.approx(3.08 / 2, abs=1e-9)
    with pytest.raises(ValueError, match="samples: .*half fitted by t = 60, got \\[1, 3\\]"):
        run.half_drop(given.negative)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"directions": np.ones((2, 3))}, "directions: expected shape"),
        ({"directions": [[0.0, 0.0], [1.0, 1.0]]}, "directions: .*zero row"),
        ({"signs": [1.0, 0.0]}, "signs: expected 1 or -1"),
        ({"log_scale": np.inf}, "log_scale: expected finite"),
        ({"t_max": 0.0}, "t_max: expected"),
        ({"rtol": 1e-15}, "rtol: expected at least"),
        ({"data": None}, "data: expected OrthogonalData"),
    ],
)
def test_bad_arguments_are_named(change, message):
    given = {
        "data": OrthogonalData([1.0, 2.0], [1.0, -1.0]),
        "directions": np.ones((2, 2)),
        "signs": [1.0, -1.0],
        "log_scale": -3.0,
        "t_max": 5.0,
    }
    with pytest.raises(ValueError, match=message):
        event_flow(**{**given, **change})
    run = event_flow(**given)
    for method in (run.loss, run.neurons):
        with pytest.raises(ValueError, match="t: expected times from 0 to 5, got 5.5"):
            method(5.5)
