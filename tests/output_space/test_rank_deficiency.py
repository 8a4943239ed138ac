"""The deviation from the straight line, and how far straight lines are certain."""

import numpy as np
import pytest
import sympy as sp

from gradflows import MLP, CrossEntropy, Problem
from gradflows.output_space import (
    RankDeficiencyError,
    interpolation_deviation,
    output_flow,
    straight_line_reach,
)
from tests.output_space.models import curve, tanh_problem, theta


def test_the_deviation_on_the_circle():
    problem = curve([sp.cos(theta), sp.sin(theta)], [2.0, 0.0])
    times = 1 - np.exp(-np.linspace(0, 4, 300))
    run = output_flow(problem, [2.5], 1.0, clock="t", t_end=0.99, times=times, rtol=1e-11)
    measured, formula = interpolation_deviation(run)
    assert np.abs(measured).max() > 0.1
    assert np.abs(measured - formula).max() < 1e-8


def test_repeated_inputs_go_to_the_mean_of_their_labels():
    problem, start = tanh_problem(repeated=2)
    times = np.linspace(0, 60, 300)
    run = output_flow(problem, start, 1.0, t_end=60.0, times=times, rank=8, rtol=1e-11)
    measured, formula = interpolation_deviation(run)
    assert np.abs(measured - formula).max() < 1e-8 and np.abs(measured).max() > 0.1
    labels, goal = run.labels, run.labels.copy()
    for first, second in ((0, 4), (1, 5)):
        goal[:, first] = goal[:, second] = (labels[:, first] + labels[:, second]) / 2
    np.testing.assert_allclose(run.outputs[-1], goal, atol=1e-3)
    assert run.loss[-1] == pytest.approx(np.sum((goal - labels) ** 2) / 12, abs=1e-6)
    # constant projector: x = y + (1 - t) P r + (1 - P) r
    gap = run.outputs[0] - labels
    moving = run.projection(0, gap)
    late = (1 - run.share)[:, None, None]
    np.testing.assert_allclose(run.outputs, labels + late * moving + gap - moving, atol=1e-8)


def test_full_rank_has_no_deviation():
    problem, start = tanh_problem()
    measured, formula = interpolation_deviation(
        output_flow(problem, start, 1.0, clock="t", t_end=1.0, rtol=1e-11)
    )
    assert np.abs(measured).max() < 1e-8 and not formula.any()


def test_what_has_no_straight_line_is_refused():
    problem, start = tanh_problem()
    with pytest.raises(ValueError, match="tau = 0.5"):
        interpolation_deviation(output_flow(problem, start, 0.5, t_end=1.0))
    with pytest.raises(ValueError, match="saved times"):
        interpolation_deviation(output_flow(problem, start, 1.0, t_end=1.0, times=[0.0, 1.0]))
    crossed = Problem(MLP((2, 8, 2)), problem.inputs, CrossEntropy(np.full((2, 4), 0.5)))
    with pytest.raises(ValueError, match="another loss"):
        interpolation_deviation(output_flow(crossed, start, 1.0, t_end=1.0))


def test_labels_within_reach_are_reached():
    """x = sin(theta) at 0 has D = 1, and D is 1-Lipschitz: all labels below 1/2 in modulus."""
    assert straight_line_reach(1.0, 1.0) == 0.5
    model = [sp.sin(theta)]
    assert output_flow(curve(model, 0.499), [0.0], 1.0, clock="t", t_end=1.0).loss[-1] < 1e-12
    with pytest.raises(RankDeficiencyError):
        output_flow(curve(model, 1.5), [0.0], 1.0, clock="t", t_end=1.0)
    with pytest.raises(ValueError, match="lipschitz"):
        straight_line_reach(1.0, 0.0)
