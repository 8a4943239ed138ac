"""The module four_views: the flow under every metric against the generic integrator, and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import Problem, ShallowReLU, SquaredLoss
from gradflows.output_space import homotopy_field, output_flow
from gradflows.shallow_relu import (
    OrthogonalData,
    adapted_flow,
    balanced_init,
    event_flow,
    homotopy_jump_times,
    log_clock,
    metric_flow,
)
from gradflows.shallow_relu.four_views import AdaptedField, MetricField
from gradflows.shallow_relu.polar_flow import PolarField

LABELS = np.array([1.0, -0.6, 0.8, -0.9, 1.2])
UNEQUAL = OrthogonalData([1.0, 0.8, 1.5, 1.2, 0.7], LABELS)
EQUAL = OrthogonalData(np.ones(5), LABELS)


def doubled(width=12, seed=0, n=5):
    half, _ = balanced_init(width, n, rng=np.random.default_rng(seed))
    return np.concatenate([half, half]), np.repeat([1.0, -1.0], width)


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.9])
def test_the_generic_flow_of_the_homotopy(tau):
    directions, signs = balanced_init(15, 5, rng=np.random.default_rng(3))
    run = metric_flow(UNEQUAL, directions, signs, np.log(0.3), tau, 4.0)
    problem = Problem(ShallowReLU(5, 15), UNEQUAL.inputs, SquaredLoss(LABELS[None]))
    other = output_flow(problem, run.theta(0.0), tau, t_end=4.0, rtol=1e-8, atol=1e-10)
    assert np.allclose(run.theta(4.0), other.theta[-1], atol=1e-6)
    assert np.isclose(run.gradient_norm(4.0), np.linalg.norm(problem.gradient(run.theta(4.0))))


def test_the_generic_adapted_flow():
    directions, signs = doubled()
    run = adapted_flow(UNEQUAL, directions, signs, np.log(0.3))
    problem = Problem(ShallowReLU(5, 24), UNEQUAL.inputs, SquaredLoss(LABELS[None]))
    given_ = dict(clock="t", t_end=1.0, rtol=1e-8, atol=1e-10)
    other = output_flow(problem, run.theta(0.0), 1.0, **given_)
    assert np.allclose(run.theta(run.t[-1]), other.theta[-1], atol=1e-5)


def test_zero_is_gradient_flow():
    directions, signs = balanced_init(20, 5, rng=np.random.default_rng(0))
    start = UNEQUAL, directions, signs, -10.0
    one, other = metric_flow(*start, 0.0, 60.0), event_flow(*start, 60.0, rtol=1e-10)
    assert np.allclose(one.theta(60.0), other.theta(60.0), atol=1e-12)
    assert one.switches == other.switches


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 0.99))
def test_the_field_is_that_of_the_homotopy(seed, tau):
    rng = np.random.default_rng(seed)
    data = OrthogonalData(rng.uniform(0.5, 2, 3), rng.choice([-1, 1], 3) * rng.uniform(0.5, 2, 3))
    W = rng.standard_normal((4, 3))
    signs, norms = rng.choice([-1.0, 1.0], 4), np.linalg.norm(W, axis=1)
    network = ShallowReLU(3, 4)
    theta = network.join([W, (signs * norms)[None]])
    problem = Problem(network, data.inputs, SquaredLoss(data.labels[None]))
    J = network.jacobian(theta, data.inputs)
    expected = homotopy_field(J, problem.loss_function.gradient(problem.outputs(theta)), tau)
    first, second = network.split(expected.velocity)
    field = MetricField(data, signs, W > 0, tau)
    state = field.pack(np.log(norms), W / norms[:, None])
    radial = field(0.0, state)[:4]
    assert np.allclose(radial * norms, signs * second[0], atol=1e-9)
    assert np.allclose(field.kernel(state), J @ J.T, atol=1e-9)


def test_the_adapted_field_scales_its_clock():
    directions, signs = doubled(6)
    norms = np.linalg.norm(directions, axis=1)
    units = directions / norms[:, None]
    field = AdaptedField(EQUAL, signs, directions > 0, LABELS, -3.0)
    state = field.pack(np.log(norms) - 3.0, units)
    plain = PolarField(EQUAL, signs, directions > 0)
    kernel = MetricField(EQUAL, signs, directions > 0, 1.0).kernel(state)
    expected = -5 * np.linalg.solve(kernel, LABELS) * np.exp(2 * -3.0 + 0.7)
    assert np.allclose(field.tension(0.7, state), expected, rtol=1e-12)
    assert np.allclose(plain.outputs(state), 0, atol=1e-15)


def test_order_of_convergence_of_the_waits():
    directions, signs = doubled(20)
    errors = []
    for decades in (6, 10, 14, 18):
        start = EQUAL, directions, signs, -decades * np.log(10)
        expected = homotopy_jump_times(*start, 0.6)
        run = metric_flow(*start, 0.6, expected.minus + 20)
        errors.append(abs(run.half_drop(EQUAL.positive) - expected.plus))
    slope = np.polyfit([6, 10, 14, 18], np.log10(errors), 1)[0]
    assert -0.35 < slope < -0.2  # the exponent of the strongest runner-up, 0.22, and a factor


def test_every_metric_keeps_balance_and_masks():
    directions, signs = doubled()
    for run in (
        metric_flow(UNEQUAL, directions, signs, -5.0, 0.7, 30.0),
        adapted_flow(UNEQUAL, directions, signs, -5.0),
    ):
        assert run.balance_drift(run.t).max() < 1e-9
        masks = [run.neurons(t).active for t in np.linspace(0, run.t[-1], 9)]
        assert all(np.all(b <= a) for a, b in zip(masks, masks[1:], strict=False))
        assert run.accuracy().falls and run.loss(run.t[-1]) < 1e-4


def test_very_small_scales():
    directions, signs = doubled(20)
    run = adapted_flow(EQUAL, directions, signs, -100 * np.log(10))
    assert np.allclose(run.outputs(run.t[-1]), LABELS, atol=1e-6)
    assert abs(run.variation_norm(run.t[-1]) - EQUAL.minimum_variation_norm) < 1e-5


def test_the_logarithmic_clock():
    assert np.allclose(log_clock([0.0, 1e-20, 1.0], -10.0), [0, 0, 20], atol=1e-8)
    assert np.isclose(log_clock(np.e - 1, 0.0), 1.0)
    with pytest.raises(ValueError, match="share: expected numbers >= 0"):
        log_clock(-0.1, 0.0)


def test_bad_input():
    directions, signs = doubled()
    with pytest.raises(ValueError, match="tau: expected a number below 1"):
        metric_flow(EQUAL, directions, signs, -3.0, 1.0, 5.0)
    with pytest.raises(ValueError, match="tau: expected a number in"):
        metric_flow(EQUAL, directions, signs, -3.0, 1.5, 5.0)
    with pytest.raises(ValueError, match="t_max"):
        metric_flow(EQUAL, directions, signs, -3.0, 0.5, -5.0)
    with pytest.raises(ValueError, match="rtol: expected at least 1e-13"):
        metric_flow(EQUAL, directions, signs, -3.0, 0.5, 5.0, rtol=1e-15)
    with pytest.raises(ValueError, match="directions: expected every sample to be seen"):
        adapted_flow(EQUAL, [[1.0, 1.0, 1.0, 1.0, -1.0]], [1.0], 0.0)
    with pytest.raises(ValueError, match="share"):
        adapted_flow(EQUAL, directions, signs, 0.0, share=0.0)
    with pytest.raises(ValueError, match="equal norms"):
        homotopy_jump_times(UNEQUAL, *doubled(20), -3.0, 0.5)
