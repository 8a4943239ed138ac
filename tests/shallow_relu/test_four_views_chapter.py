"""Numbers of the chapter four_views, on the draws that the tests of Part V share."""

import numpy as np
import pytest

from gradflows.shallow_relu import (
    OrthogonalData,
    active_sets,
    adapted_flow,
    balanced_init,
    bias_rate,
    event_flow,
    metric_flow,
)
from tests.shallow_relu.instances import TEN, data, neurons


@pytest.mark.parametrize(
    ("case", "scale", "adapted", "standard"),
    [
        ("equal", 1.0, 3.747, 3.756),
        ("equal", 0.01, 2.901, 2.915),
        ("equal", 0.001, 2.863, 2.872),
        ("unequal", 0.001, 3.146, 3.205),
    ],
)
def test_final_norms(case, scale, adapted, standard):
    start = data(case), *neurons(), np.log(scale)
    fast, slow = adapted_flow(*start, rtol=1e-8), event_flow(*start, 150.0, rtol=1e-8)
    assert abs(fast.variation_norm(fast.t[-1]) - adapted) < 1.5e-3
    assert abs(slow.variation_norm(150.0) - standard) < 1.5e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_exponent_of_the_adapted_flow(seed):
    half, _ = balanced_init(20, 5, rng=np.random.default_rng(seed))
    unequal = OrthogonalData(data("unequal").norms, data("unequal").labels)
    directions, signs = np.concatenate([half, half]), np.repeat([1.0, -1.0], 20)
    gaps = []
    for decades in (25, 40):
        run = adapted_flow(unequal, directions, signs, -decades * TEN)
        gaps.append(run.variation_norm(run.t[-1]) - unequal.minimum_variation_norm)
    sets = active_sets(unequal, directions, signs)
    assert np.array_equal(run.neurons(run.t[-1]).active, sets)
    p = bias_rate(unequal, sets, signs, flow="adapted")
    assert abs(np.log10(gaps[0] / gaps[1]) / 15 - p) < 2e-3
    assert bias_rate(unequal, sets, signs) > 2 * p


def test_metrics_agree_on_the_norm_for_equal_norms():
    """Below one the leading term of the excess is the same, at one it is not."""
    start = data("equal"), *neurons(), -12 * TEN
    ends = [metric_flow(*start, tau, 140 + 110 * (1 - tau)) for tau in (0.0, 0.7)]
    gaps = [run.variation_norm(run.t[-1]) - data("equal").minimum_variation_norm for run in ends]
    assert abs(gaps[0] / gaps[1] - 1) < 0.01
