"""Trajectories and their accuracy strip."""

import dataclasses
import math
import pickle

import numpy as np
import pytest

from gradflows import (
    Accuracy,
    DeepLinear,
    IntegrationError,
    Problem,
    SquaredLoss,
    Trajectory,
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.trajectories import power_of_ten

TWO_WEIGHTS = Problem(DeepLinear((1, 1, 1)), [[1.0]], SquaredLoss([[1.0]], mean=False))


def hyperbola(theta):
    return theta[0] ** 2 - theta[1] ** 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3e-9, "1e-08"),
        (1e-9, "1e-09"),
        (0.0, "1e-14"),
        (1e-30, "1e-14"),
        (0.5, "1e+00"),
        (1, "1e+00"),
        (20.0, "1e+02"),
        (math.inf, "not known"),
        (math.nan, "not known"),
    ],
)
def test_powers_of_ten_round_up(value, text):
    assert power_of_ten(value) == text


def test_strip_in_full():
    strip = Accuracy("LSODA", 1e-9, 1e-12, 412, 3e-9, 2e-14, True)
    assert str(strip) == (
        "LSODA, rtol 1e-09, atol 1e-12, 412 evaluations | error 1e-08 | drift 1e-13 | loss falls"
    )


def test_strip_without_invariants_and_with_a_rise():
    strip = Accuracy("DOP853", 1e-6, 1e-9, 50, math.inf, None, False)
    assert str(strip).endswith("| error not known | drift none known | loss does not always fall")


def test_strip_of_an_iteration():
    path = gradient_descent(TWO_WEIGHTS, [0.5, 0.1], 0.1, 20)
    strip = path.accuracy(hyperbola)
    assert strip.error == 0
    assert 1e-4 < strip.drift < 1
    assert str(strip).startswith(
        "gradient descent, 20 evaluations | no integrator error: the iteration is exact | drift"
    )


def test_error_is_that_of_the_coarser_run():
    flow = gradient_flow(TWO_WEIGHTS, [0.5, 0.1], 5.0)
    sharp = gradient_flow(TWO_WEIGHTS, [0.5, 0.1], 5.0, times=flow.t, rtol=1e-12, atol=1e-14)
    true = np.abs(flow.theta - sharp.theta).max()
    strip = flow.accuracy([hyperbola, lambda theta: np.array([hyperbola(theta)] * 3)])
    assert true < strip.error < 1e-5
    assert strip.drift < 1e-7
    assert strip.falls


def test_no_drift_and_a_wrong_end():
    """A balanced start beside the saddle: the invariant sees nothing, the error does."""
    flow = gradient_flow(TWO_WEIGHTS, [1e-9, 1e-9], 19.0, method="RK45", rtol=1e-3, atol=1e-4)
    strip = flow.accuracy(hyperbola)
    assert strip.drift < 1e-14
    assert strip.error > 1e-3


def test_a_rising_loss_is_seen():
    path = gradient_descent(TWO_WEIGHTS, [2.0, 0.0], 0.6, 3)
    assert not path.accuracy().falls


def test_each_start_of_a_stack_has_its_own_strip():
    flows = gradient_flow(TWO_WEIGHTS, [[0.5, 0.1], [0.0, 0.0]], 3.0)
    assert flows[0].accuracy().error > 0
    assert flows[1].accuracy().error == 0


def test_energy_is_what_falls_with_momentum():
    flow = momentum_flow(TWO_WEIGHTS, [0.5, 0.1], 0.2, 20.0)
    strip = flow.accuracy()
    assert strip.falling == "energy"
    assert strip.falls
    assert not np.all(np.diff(flow.loss) <= 0)


def test_a_coarser_run_that_fails_leaves_the_error_unknown():
    def again(times, rtol, atol):
        raise IntegrationError(0.5, "too coarse")

    flow = gradient_flow(TWO_WEIGHTS, [0.5, 0.1], 1.0)
    assert dataclasses.replace(flow, again=again).accuracy().error == math.inf


@pytest.mark.parametrize("bad", [3, [3], lambda theta: math.nan])
def test_bad_invariants(bad):
    flow = gradient_flow(TWO_WEIGHTS, [0.5, 0.1], 1.0)
    with pytest.raises(ValueError, match="^invariants"):
        flow.accuracy(bad)


def test_results_are_frozen():
    flow = gradient_flow(TWO_WEIGHTS, [0.5, 0.1], 1.0)
    assert isinstance(flow, Trajectory)
    with pytest.raises(dataclasses.FrozenInstanceError):
        flow.t = None


def test_the_error_travels_between_processes():
    error = pickle.loads(pickle.dumps(IntegrationError(0.5, "too stiff")))
    assert (error.time_reached, error.reason) == (0.5, "too stiff")
    assert str(error) == "stopped at t = 0.5: too stiff"
