"""The module shadow: bundles of neurons, and their Gram matrices as a closed system."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.deep_linear import imbalances
from gradflows.shallow_relu import (
    Neurons,
    OrthogonalData,
    active_bundles,
    balanced_init,
    event_flow,
    metric_flow,
    shadow_flow,
)

DATA = OrthogonalData([1.0, 0.8, 1.5, 1.2], [1.0, -0.6, 0.8, -0.9])


def network(seed=1, tau=0.0, log_scale=-4.0):
    directions, signs = balanced_init(20, 4, rng=np.random.default_rng(seed))
    run = metric_flow(DATA, directions, signs, log_scale, tau, 50.0)
    return run, signs, run.switches[-1].time + 1e-3


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.9])
def test_follows_the_network(tau):
    run, signs, begin = network(tau=tau)
    times = np.linspace(0, 50 - begin, 21)
    bundles = active_bundles(DATA, run.neurons(begin), signs)
    outputs, grams = shadow_flow(DATA, bundles, tau, times)
    assert np.allclose(outputs, run.outputs(begin + times), atol=1e-6)
    later = active_bundles(DATA, run.neurons(50.0), signs)
    assert np.allclose(grams[-1], [one.gram for one in later], atol=1e-6)


def test_bundles_are_linear_networks():
    """The imbalance of the weights of a bundle is what the Gram matrix has as spectrum."""
    run, signs, begin = network()
    changes = []
    for time in (begin, 50.0):
        neurons = run.neurons(time)
        sizes, found = np.exp(neurons.log_norms), []
        for one in active_bundles(DATA, neurons, signs):
            rows = sizes[one.members, None] * neurons.directions[one.members]
            Z, a = rows[:, one.active], (signs * sizes)[one.members]
            (C,) = imbalances([Z, a[None]])
            spectrum = np.linalg.eigvals(one.gram @ np.diag([1.0, -1, -1, -1, -1])).real
            outer = np.linalg.eigvalsh(C)
            top = min(len(outer), 5)
            both = (np.sort(np.abs(values))[::-1][:top] for values in (spectrum, outer))
            assert np.allclose(*both, atol=1e-7)
            found.append(C)
        changes.append(found)
    assert all(np.allclose(first, last, atol=1e-8) for first, last in zip(*changes, strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_members_and_symmetry(seed):
    rng = np.random.default_rng(seed)
    units = rng.standard_normal((9, 4))
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    neurons = Neurons(rng.normal(size=9), units, units > 0)
    bundles = active_bundles(DATA, neurons, rng.choice([-1.0, 1.0], 9))
    members = np.concatenate([one.members for one in bundles])
    assert np.array_equal(np.sort(members), np.flatnonzero((units > 0).any(axis=1)))
    for one in bundles:
        assert np.allclose(one.gram, one.gram.T) and np.linalg.eigvalsh(one.gram)[0] > -1e-9
        assert not one.gram[1:][~one.active].any()


def test_a_dead_network_has_no_bundle():
    units = -np.eye(4)
    assert active_bundles(DATA, Neurons(np.zeros(4), units, units > 0), np.ones(4)) == []


def test_bad_input():
    run = event_flow(DATA, np.ones((2, 4)), [1.0, -1.0], -2.0, 5.0)
    neurons = run.neurons(0.0)
    with pytest.raises(ValueError, match="signs"):
        active_bundles(DATA, neurons, [1.0])
    bundles = active_bundles(DATA, neurons, [1.0, -1.0])
    with pytest.raises(ValueError, match="tau: expected a number below 1"):
        shadow_flow(DATA, bundles, 1.0, [0.0, 1.0])
    with pytest.raises(ValueError, match="bundles: expected at least one"):
        shadow_flow(DATA, [], 0.0, [0.0, 1.0])
    with pytest.raises(ValueError, match="times"):
        shadow_flow(DATA, bundles, 0.0, [0.0, -1.0])
