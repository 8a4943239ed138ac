"""One neuron under a constant force: closed forms against integration, switches, amplitudes."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows.shallow_relu import early_neuron, event_flow, jump_times
from gradflows.shallow_relu.alignment import early_paths
from gradflows.shallow_relu.polar_flow import PolarField, integrate
from tests.shallow_relu.instances import LABELS, TEN, data, neurons


def integrated(direction, force, sign, times):
    """Follow w and a themselves, each ReLU a scipy event; return norms, cosines and switches."""
    n, start = force.size, np.append(direction, sign * np.linalg.norm(direction))
    active, t, rows, switches = direction[:n] > 0, 0.0, [], []

    def field(t, state):
        D = np.zeros(direction.size)
        D[:n] = force * active
        return np.append(state[-1] * D, state[:-1] @ D)

    while t < times[-1]:
        events = [lambda t, state, k=k: state[k] for k in np.flatnonzero(active)]
        for event in events:
            event.terminal, event.direction = True, -1
        here = times[(times >= t)]
        run = solve_ivp(
            field, (t, times[-1]), start, "DOP853", here, events=events, rtol=1e-12, atol=1e-13
        )
        D = np.zeros(direction.size)
        D[:n] = sign * force * active
        for state in run.y.T:
            norm = np.linalg.norm(state[:-1])
            rows.append((norm, state[:-1] @ D / norm / np.linalg.norm(D) if D.any() else 0.0))
        if run.status == 0:
            break
        hit = next(i for i, found in enumerate(run.t_events) if len(found))
        t, start = run.t_events[hit][0], run.y_events[hit][0]
        sample = np.flatnonzero(active)[hit]
        switches.append((t, sample))
        active[sample] = False
    return np.array(rows).T, switches


@pytest.mark.parametrize("seed", range(6))
def test_growth_cosine_and_switches_against_integration(seed):
    rng = np.random.default_rng(seed)
    direction, force = rng.normal(size=7), rng.normal(size=5)
    sign = rng.choice([-1.0, 1.0])
    times = np.linspace(0, 6, 41)
    (norms, cosines), switches = integrated(direction, force, sign, times)
    neuron = early_neuron(direction, force, sign)
    assert [k for _, k in neuron.switches] == [k for _, k in switches]
    np.testing.assert_allclose(
        [t for t, _ in neuron.switches], [t for t, _ in switches], rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(neuron.growth(times), norms / norms[0], rtol=1e-9)
    np.testing.assert_allclose(neuron.cosine(times), cosines, atol=1e-9)
    lengths = np.linalg.norm(neuron.direction(times), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-13)


def test_the_closed_form_before_the_first_switch():
    neuron = early_neuron([0.3, 0.4, -1.2], [2.0, 1.0, -5.0], 1)
    force, c0 = np.array([2.0, 1.0]), (0.3 * 2 + 0.4) / 1.3 / np.sqrt(5)
    t = np.linspace(0, 3, 7)
    x = np.sqrt(5) * t
    np.testing.assert_allclose(neuron.cosine(t), np.tanh(x + np.arctanh(c0)), rtol=1e-14)
    np.testing.assert_allclose(neuron.growth(t), np.cosh(x) + c0 * np.sinh(x), rtol=1e-13)
    angle = np.arccos(neuron.cosine(t))
    np.testing.assert_allclose(np.tan(angle / 2), np.exp(-x) * np.tan(angle[0] / 2), rtol=1e-9)
    assert neuron.switches == () and neuron.rate == pytest.approx(np.linalg.norm(force))
    assert neuron.kappa == pytest.approx(1.3 * (1 + c0) / 2)


def test_the_amplitude_and_the_late_cosine():
    neuron = early_neuron([0.6, 0.8, 0.5], [1.0, -0.7, 0.4], 1)
    assert [k for _, k in neuron.switches] == [1]
    t, length = 30.0, np.linalg.norm([0.6, 0.8, 0.5])
    assert length * neuron.growth(t) * np.exp(-neuron.rate * t) == pytest.approx(neuron.kappa)
    # 1 - c ~ 2 (1 - c0)/(1 + c0) exp(-2 |D| (t - t0)) with c0 at the last switch t0
    t0, D = neuron.switches[-1][0], neuron.rate
    c0 = neuron.cosine(t0)
    for wait in (2.0, 4.0):
        small = 2 * (1 - c0) / (1 + c0) * np.exp(-2 * D * wait)
        assert 1 - neuron.cosine(t0 + wait) == pytest.approx(small, rel=small)


def test_long_times_do_not_overflow():
    neuron = early_neuron([0.6, 0.8], [1.0, -0.7], 1)
    assert neuron.log_growth(1e5) == pytest.approx(1e5, rel=1e-4)
    assert neuron.growth(1e5) == np.inf and neuron.cosine(1e5) == 1


def test_a_neuron_that_sees_only_the_other_sign_dies():
    neuron = early_neuron([0.5, 0.9, 0.2, -1.0], [-1.0, -0.3, -0.6, 2.0], 1)
    assert sorted(k for _, k in neuron.switches) == [0, 1, 2]
    assert neuron.cosine(0.0) < 0 and not neuron.active.any() and neuron.rate == 0
    end = neuron.switches[-1][0]
    assert neuron.growth(end + 5) == pytest.approx(neuron.growth(end))
    # By then the cosine would have become positive, which no vector with active samples can have.
    first = -np.arctanh(neuron.cosine(0.0)) / np.linalg.norm([1.0, 0.3, 0.6])
    assert neuron.switches[0][0] < first


def test_special_directions():
    opposite = early_neuron([1.0], [-2.0], 1)
    assert opposite.switches == () and opposite.kappa == 0
    np.testing.assert_allclose(opposite.log_growth([1.0, 400.0]), [-2.0, -800.0])
    np.testing.assert_array_equal(opposite.cosine([1.0, 400.0]), [-1, -1])
    unseen = early_neuron([0.0, -1.0, 3.0], [1.0, 1.0], 1)
    assert unseen.switches == () and unseen.rate == 0 and unseen.growth(7.0) == 1
    assert unseen.kappa == pytest.approx(np.sqrt(10))
    together = early_neuron([1.0, 1.0, 1.0], [-1.0, -1.0, 0.5], 1)
    assert [k for _, k in together.switches] == [0, 1]
    assert together.switches[0][0] == pytest.approx(together.switches[1][0], rel=1e-12)


@pytest.mark.parametrize(("decades", "bound"), [(6, 1e-7), (30, 1e-11)])
def test_the_network_follows_the_closed_form_up_to_its_own_outputs(decades, bound):
    """Here the early phase is integrated too, to a third of the jump time."""
    given, (directions, signs) = data("equal"), neurons()
    paths = early_paths(given, directions, signs, -decades * TEN)
    log_norms, units, active, _ = paths.at(0.0)
    field = PolarField(given, signs, active)
    end = jump_times(given, directions, signs, -decades * TEN, "leading").plus / 3
    segments, switches, _ = integrate(field, field.pack(log_norms, units), 0.0, end, 1e-13)
    assert len(switches) == len(paths.switches) == 132
    np.testing.assert_allclose(sorted(switches), paths.switches, atol=bound)
    found, turned = PolarField.unpack(*segments[-1].at(end))
    expected, units, active, _ = paths.at(end)
    np.testing.assert_allclose(found, expected, atol=bound, rtol=0)
    np.testing.assert_allclose(turned, units[:, :5] * active, atol=bound)
    change = np.abs(found - expected).max()
    if decades == 6:  # the back-reaction is seen, and of the size lambda^2 exp(2 |D| t)
        assert 1e-10 < change < 1e-12 * np.exp(2 * np.linalg.norm(given.D_plus) * end)


def test_winners_are_aligned_like_a_power_of_the_scale():
    given, (directions, signs) = data("equal"), neurons()
    run = event_flow(given, directions, signs, -6 * TEN, 30.0)
    jump = jump_times(given, directions, signs, -6 * TEN, "leading").plus
    winners = (signs > 0) & (directions[:, :5][:, LABELS > 0] > 0).all(axis=1)
    aim = given.D_plus / np.linalg.norm(given.D_plus)
    for part, expected in ((1 / 3, 1.13e-4), (1 / 2, 1.13e-6)):
        worst = 1 - (run.neurons(part * jump).directions[winners] @ aim).min()
        assert worst == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 0.0], [1.0, 1.0], 1), "direction: expected a vector that is not zero"),
        (([1.0], [1.0, 1.0], 1), "direction: expected at least 2"),
        (([1.0, 1.0], [1.0, np.nan], 1), "force: expected finite"),
        (([1.0, 1.0], [1.0, 1.0], 0), "signs: expected 1 or -1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        early_neuron(*arguments)
    with pytest.raises(ValueError, match="t: expected times >= 0"):
        early_neuron([1.0], [1.0], 1).growth(-1.0)
