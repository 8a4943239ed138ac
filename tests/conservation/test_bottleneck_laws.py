"""The hidden laws of widths (1, a, b, 1): conserved, independent, local, symmetric."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows import DeepLinear
from gradflows.conservation import bottleneck_laws, known_law_count, known_laws


def flowed(network, start, t=0.01):
    """Follow the gradient of the output."""

    def field(_, theta):
        W1, W2, W3 = network.split(theta)
        return network.join([W2.T @ W3.T, W3.T @ W1.T, (W2 @ W1).T])

    return solve_ivp(field, (0, t), start, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]


def positive(network, rng):
    """Draw weights at which nothing is near a change of sign."""
    a, b = network.widths[1:3]
    middle = np.eye(b, a) * (1 + np.arange(a)) + 0.05 * rng.standard_normal((b, a))
    return network.join([0.3 + rng.random((a, 1)), middle, 0.3 + rng.random((1, b))])


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 4), (2, 3), (3, 2), (5, 3), (2, 6)])
def test_all_laws_together_are_one_less_than_the_parameters(shape, rng):
    network = DeepLinear((1, *shape, 1))
    start = positive(network, rng)
    end = flowed(network, start)
    assert np.abs(end - start).max() > 1e-3
    assert np.abs(bottleneck_laws(network.widths, end, start)).max() < 1e-10
    slopes = []
    for step in 1e-5 * np.eye(network.size):
        ahead, behind = (bottleneck_laws(network.widths, start + s * step, start) for s in (1, -1))
        slopes.append((ahead - behind) / 2e-5)
    hidden = np.array(slopes).T
    hidden /= np.linalg.norm(hidden, axis=1, keepdims=True)
    gradients = np.vstack([hidden, known_laws(network.widths, "linear").gradients(start)])
    known, m = known_law_count(network.widths), min(shape)
    assert len(hidden) == m - 1 and known + m == network.size
    assert np.linalg.matrix_rank(gradients[m - 1 :], tol=1e-7) == known
    assert np.linalg.matrix_rank(gradients, tol=1e-7) == network.size - 1


def test_the_network_read_backwards_has_the_same_laws(rng):
    network, mirror = DeepLinear((1, 2, 3, 1)), DeepLinear((1, 3, 2, 1))
    start = positive(network, rng)
    near = start + 0.01 * rng.standard_normal(start.size)

    def turned(theta):
        return mirror.join([W.T for W in network.split(theta)[::-1]])

    here = bottleneck_laws(network.widths, near, start)
    there = bottleneck_laws(mirror.widths, turned(near), turned(start))
    assert here == pytest.approx(there, rel=1e-9) and np.abs(here).max() > 1e-5
    both = bottleneck_laws(network.widths, [start, near], start)
    assert both.shape == (2, 1) and both[:, 0] == pytest.approx([0, here[0]])


def test_bad_input():
    start = [1.0, 0.5, 2.0, 0.0, 0.0, 1.0, 0.7, 0.4]
    cases = [
        ((2, 2, 2, 1), start, start, r"widths: expected \(1, a, b, 1\), got \(2, 2, 2, 1\)"),
        ((1, 2, 2, 1), start[:-1], start, "theta: expected"),
        ((1, 2, 2, 1), start, start[:-1], "start: expected"),
        ((1, 2, 2, 1), [1, 1, 1, 0, 0, 1, 1, 1], start, "theta: expected distinct positive"),
        ((1, 2, 2, 1), [-1.0, *start[1:]], start, "theta: expected the signs"),
        ((1, 2, 2, 1), [*start[:2], 9.0, *start[3:]], [1, 3, *start[2:]], "theta: expected R"),
    ]
    for widths, theta, first, message in cases:
        with pytest.raises(ValueError, match=message):
            bottleneck_laws(widths, theta, first)
