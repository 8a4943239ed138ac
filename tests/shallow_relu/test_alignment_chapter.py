"""The numbers of the chapter shallow_relu/alignment, by other means than the chapter's."""

import numpy as np
import pytest

from gradflows.shallow_relu import OrthogonalData, balanced_init, early_neuron, event_flow

FORCE = np.array([1.0, -0.6, 0.8, -0.9, 1.2]) / 5


def by_steps(start, force, sign, end, step=1e-3):
    """Midpoint rule in time with the mask taken from the signs; returns the last w."""
    w, active = np.array(start, float), np.array(start[: force.size]) > 0

    def velocity(w):
        pull = np.zeros(w.size)
        pull[: force.size] = sign * force * active
        return np.linalg.norm(w) * pull

    for _ in range(round(end / step)):
        w = w + step * velocity(w + step / 2 * velocity(w))
        active &= w[: force.size] > 0
        w[: force.size][~active & (np.array(start[: force.size]) > 0)] = 0.0
    return w


@pytest.mark.parametrize("sign", [1, -1])
def test_the_early_flow_by_small_steps(sign):
    start = np.array([0.4, 0.7, -0.2, 0.3, 0.5, 0.6, -0.8])
    neuron = early_neuron(start, FORCE, sign)
    w = by_steps(start, FORCE, sign, 12.0)
    assert np.linalg.norm(w) == pytest.approx(neuron.growth(12.0) * np.linalg.norm(start), rel=2e-3)
    assert w / np.linalg.norm(w) == pytest.approx(neuron.direction(12.0), abs=2e-3)


def test_all_switches_come_before_anything_is_learnt():
    data = OrthogonalData.from_inputs(np.eye(7)[:, :5], 5 * FORCE)
    g, signs = balanced_init(100, 7, rng=np.random.default_rng(3))
    wrong = np.sum((g[:, :5] > 0) & (signs[:, None] * FORCE < 0))
    run = event_flow(data, g, signs, np.log(1e-6), 80.0, rtol=1e-8)
    assert len(run.switches) == wrong == 132
    assert run.switches[-1].time == pytest.approx(6.946, abs=1e-3)
    assert run.loss(7.0) == pytest.approx(run.loss(0.0), rel=1e-6)


def test_a_neuron_that_sees_nothing_it_can_fit_and_has_nothing_else_never_dies():
    plane = early_neuron([1.0, 2.0], [-0.5, -0.5], 1)
    assert plane.active.tolist() == [False, True] and plane.kappa == 0
    w = by_steps([1.0, 2.0], np.array([-0.5, -0.5]), 1, 20.0)
    assert w[0] == 0 and 0 < w[1] < 1e-3


def test_the_switching_times_of_the_exercise():
    """In the clock S the coordinates are straight; integrate dt = dS / rho numerically."""
    S = (np.arange(200000) + 0.5) * 1.5 / 200000
    coordinates = [0.2 + S / 3, np.maximum(0.3 - S / 3, 0), np.maximum(0.5 - S / 3, 0)]
    t = np.cumsum(1.5 / 200000 / np.linalg.norm(coordinates, axis=0))
    neuron = early_neuron([0.2, 0.3, 0.5], np.array([1.0, -1.0, -1.0]) / 3, 1)
    expected = [t[int(np.searchsorted(S, level))] for level in (0.9, 1.5 - 1e-5)]
    assert [time for time, _ in neuron.switches] == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx([1.679, 2.665], abs=1e-3)
    assert neuron.kappa == pytest.approx(0.7 * np.exp(-expected[1] / 3), rel=1e-4)
