"""The numbers of the chapter shallow_relu/orthogonal_data, by other means than the chapter's."""

import numpy as np
import pytest

LABELS = np.array([1, -0.6, 0.8, -0.9, 1.2])


def euler(X, y, W, a, step, n_steps):
    """Gradient descent on the mean loss, written out; yields weights after every step."""
    for _ in range(n_steps):
        z = W @ X
        residual = a @ np.maximum(z, 0) - y
        force = -((z > 0) * residual) @ X.T / y.size
        W, a = W + step * a[:, None] * force, a + step * np.sum(W * force, axis=1)
        yield W, a


def test_the_opening_network_switches_129_pairs_off_and_rests_at_the_plateau():
    rng = np.random.default_rng(3)
    g, s = rng.standard_normal((100, 5)), rng.choice([-1.0, 1.0], 100)
    start = 1e-6 * g
    active, lost, losses = start > 0, 0, []
    for W, a in euler(np.eye(5), LABELS, start, s * np.linalg.norm(start, axis=1), 0.02, 2250):
        assert not np.any((W > 0) & ~active)
        lost += np.count_nonzero(active & (W <= 0))
        active = W > 0
        losses.append(np.sum((a @ np.maximum(W, 0) - LABELS) ** 2) / 10)
    assert lost == 129
    assert losses[-1] == pytest.approx(0.117, abs=1e-3)
    assert sum(LABELS[LABELS < 0] ** 2) / 10 == pytest.approx(0.117)


def test_the_neuron_of_the_tilted_example_switches_on_again():
    angles, lengths = np.radians([100.0, 60.0, 0.0]), np.array([1.0, 0.3, 2.0])
    X = lengths * np.array([np.cos(angles), np.sin(angles)])
    w = 0.1 * np.array([[np.cos(np.radians(12)), np.sin(np.radians(12))]])
    path = euler(X, np.array([0.02, 1.0, 1.0]), w, np.array([0.1]), 1e-3, 6000)
    on = np.array([(W @ X)[0, 0] > 0 for W, _ in path])
    changes = 1e-3 * np.flatnonzero(np.diff(on))
    assert on[0] and on[-1]
    assert changes == pytest.approx([0.86, 3.07], abs=0.05)


def test_a_neuron_on_the_wrong_side_dies_only_with_a_part_at_rest():
    """Both labels negative, outputs negligible: the exercise on the wrong side."""
    for rest, dies in ((0.3, True), (0.0, False)):
        w, sizes = np.array([0.5, 0.8, -rest]), []
        for _ in range(4000):
            force = np.array([-0.5, -0.4, 0.0]) * (w > 0)
            w = w + 0.01 * np.linalg.norm(w) * force
            sizes.append(np.linalg.norm(w))
        # Who dies keeps the part at rest; who does not fades like exp(-0.4 t).
        assert (w[:2].max() <= 0 and sizes[-1] >= 0.3) == dies
        assert (sizes[-1] < 1e-3) != dies


def test_two_solutions_leave_the_edge():
    """Without the mask rule: z = sinh(phi), a = cosh(phi), with phi' = 1 - a z."""
    phi, step = 0.0, 1e-4
    for _ in range(5000):
        old = phi
        phi += step * (1 - np.sinh(phi) * np.cosh(phi))
        z_speed = (np.sinh(phi) - np.sinh(old)) / step
        assert z_speed == pytest.approx(np.cosh(old) * (1 - np.cosh(old) * np.sinh(old)), abs=1e-3)
    assert np.sinh(phi) > 0.3
