"""The least variation norm: closed form, linear program, flow, rate, and the adapted flow."""

import numpy as np
import pytest

from gradflows import Problem, ShallowReLU, SquaredLoss
from gradflows.output_space import output_flow
from gradflows.shallow_relu import (
    OrthogonalData,
    active_sets,
    balanced_init,
    bias_gap,
    bias_rate,
    event_flow,
    final_kernel,
    minimum_variation_interpolator,
    variation_norm_by_lp,
)
from tests.shallow_relu.instances import LABELS, TEN, data, neurons, toy


def gap(given, directions, signs, decades, end):
    run = event_flow(given, directions, signs, -decades * TEN, end)
    assert run.loss(end) < 1e-17
    return run.variation_norm(end) - given.minimum_variation_norm


def random_data(seed):
    rng = np.random.default_rng(seed)
    X = np.linalg.qr(rng.normal(size=(6, 6)))[0][:, :4] * rng.uniform(0.5, 2, 4)
    return OrthogonalData.from_inputs(X, rng.normal(size=4))


@pytest.mark.parametrize("seed", range(4))
def test_the_interpolator(seed):
    given = random_data(seed)
    best = minimum_variation_interpolator(given)
    np.testing.assert_allclose(best(given.inputs), given.labels, atol=1e-13)
    sizes = np.linalg.norm(best.W, axis=1)
    np.testing.assert_allclose(sizes, np.abs(best.a), rtol=1e-13)
    assert np.abs(best.a) @ sizes == pytest.approx(best.norm)
    betas = (given.beta_plus, given.beta_minus)
    assert best.norm == pytest.approx(sum(map(np.linalg.norm, betas)))


def test_the_interpolator_of_one_sign_and_of_labels_zero():
    best = minimum_variation_interpolator(OrthogonalData([1.0, 2.0, 1.0], [0.0, 2.0, 1.0]))
    assert best.W.shape == (1, 3) and best.norm == pytest.approx(np.sqrt(2))
    np.testing.assert_allclose(best(np.diag([1.0, 2.0, 1.0])), [0, 2, 1], atol=1e-15)


@pytest.mark.parametrize("case", ["equal", "unequal"])
def test_the_linear_program_finds_the_closed_form(case):
    given = data(case)
    best = minimum_variation_interpolator(given)
    program = variation_norm_by_lp(given.inputs, LABELS)
    assert program.value == pytest.approx(best.norm, abs=1e-8)
    assert program.violation < 1e-8
    found = program.weights @ np.maximum(program.directions @ given.inputs, 0)
    np.testing.assert_allclose(found, LABELS, atol=1e-9)
    assert program.dual @ LABELS == pytest.approx(program.value, abs=1e-9)
    assert np.abs(program.weights).sum() == pytest.approx(program.value, abs=1e-9)


def test_the_linear_program_over_random_directions():
    given = OrthogonalData(np.ones(5), LABELS)
    best = minimum_variation_interpolator(given)
    directions = np.random.default_rng(0).standard_normal((20_000, 5))
    coarse = variation_norm_by_lp(given.inputs, LABELS, directions, refine=False)
    assert coarse.value == pytest.approx(2.91096, abs=1e-4) and coarse.violation > 0.01
    both = np.concatenate([directions, best.W])
    exact = variation_norm_by_lp(given.inputs, LABELS, both, refine=False)
    assert exact.value == pytest.approx(best.norm, abs=1e-12)
    assert len(exact.weights) == 2
    refined = variation_norm_by_lp(given.inputs, LABELS, directions[:100])
    assert refined.value == pytest.approx(best.norm, abs=1e-8)


def test_the_linear_program_for_inputs_that_are_not_orthogonal():
    # One input, with a bias; without the last label the best function would bend less.
    X = np.array([[0.0, 1.0, 2.0], np.ones(3)])
    angles = np.linspace(0, 2 * np.pi, 721)[:-1]
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    program = variation_norm_by_lp(X, [0.0, 0.0, 1.0], directions)
    # By hand: the weight v of (x - t)_+ for t in [1, 2): cost (1 + t^2)^(1/2)/(2 - t), least at 1.
    assert program.value == pytest.approx(np.sqrt(2), abs=1e-8)
    with pytest.raises(ValueError, match="directions: expected candidates, since"):
        variation_norm_by_lp(X, [0.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("case", "known"), [("equal", 2.836658260118), ("unequal", 3.115707605453)]
)
def test_the_flow_from_the_smallest_starts_ends_at_the_least_norm(case, known):
    given, (directions, signs) = data(case), neurons()
    run = event_flow(given, directions, signs, -100 * TEN, 1300.0)
    assert run.variation_norm(1300.0) == pytest.approx(known, abs=1e-11)
    best = variation_norm_by_lp(given.inputs, LABELS).value
    assert run.variation_norm(1300.0) == pytest.approx(best, abs=1e-8)
    theta = run.theta(1300.0)
    assert theta @ theta / 2 == pytest.approx(known, abs=1e-11)
    # The effective vectors are the final directions.
    weights, a = theta[:700].reshape(100, 7), theta[700:]
    np.testing.assert_allclose(a[signs > 0] @ weights[signs > 0], given.beta_plus, atol=1e-11)
    np.testing.assert_allclose(-a[signs < 0] @ weights[signs < 0], given.beta_minus, atol=1e-11)


@pytest.mark.parametrize(
    ("case", "rate", "measured", "percent"),
    [("equal", 0.220, 0.2212, (2.7, 0.15)), ("unequal", 0.172, 0.1728, (4.3, 0.87))],
)
def test_the_rate_of_the_implicit_bias(case, rate, measured, percent):
    given, (directions, signs) = data(case), neurons()
    predicted = bias_rate(given, active_sets(given, directions, signs), signs)
    assert predicted == pytest.approx(rate, abs=5e-4)
    gaps = [
        gap(given, directions, signs, p, e) for p, e in ((2, 200), (6, 200), (20, 400), (30, 500))
    ]
    assert np.log10(gaps[2] / gaps[3]) / 10 == pytest.approx(measured, abs=1e-4)
    share = 100 * np.array(gaps[:2]) / given.minimum_variation_norm
    np.testing.assert_allclose(share, percent, rtol=0.03)


def test_the_leading_term_of_the_gap():
    given, (directions, signs) = data("equal"), neurons()
    for decades, bound in ((6, 1e-2), (10, 1e-3), (20, 1e-5)):
        measured = gap(given, directions, signs, decades, 20 * decades + 60.0)
        predicted = bias_gap(given, directions, signs, -decades * TEN)
        assert predicted == pytest.approx(measured, rel=bound)
    with pytest.raises(ValueError, match="data: expected equal norms within a group"):
        bias_gap(data("unequal"), directions, signs, -TEN)


def test_without_runners_up_the_exponent_is_two():
    given = OrthogonalData([1.0, 1.0], [1.0, 0.7])
    one, two = np.array([[0.5, 0.3]]), np.array([[0.5, 0.3], [0.1, 0.9]])
    known = {1: 1.0091e-3, 2: 1.0071e-5, 3: 1.0071e-7}
    for decades, expected in known.items():
        run = event_flow(given, two, [1.0, 1.0], -decades * TEN, 100.0)
        measured = run.variation_norm(100.0) - given.minimum_variation_norm
        assert measured == pytest.approx(expected, rel=1e-4)
        run = event_flow(given, one, [1.0], -decades * TEN, 100.0)
        assert abs(run.variation_norm(100.0) - given.minimum_variation_norm) < 1e-11
    assert bias_rate(given, active_sets(given, two, [1, 1]), [1, 1]) == 2
    only = OrthogonalData([1.0, 1.0], [1.0, 0.0])
    assert bias_rate(only, [[0], []], [1, -1]) == 2


def test_the_rate_is_that_of_the_worse_group():
    given = OrthogonalData(np.ones(4), [3.0, 4.0, -5.0, -12.0])
    sets = [[0, 1], [1], [2, 3], [3], [2]]
    assert bias_rate(given, sets, [1, 1, -1, -1, -1]) == pytest.approx(2 * (1 - 12 / 13))
    assert bias_rate(given, sets[:4], [1, 1, -1, 1]) == pytest.approx(2 * (1 - 4 / 5))
    with pytest.raises(ValueError, match="active_sets: expected a negative neuron"):
        bias_rate(given, sets[:2], [1, 1])
    with pytest.raises(ValueError, match="flow: expected"):
        bias_rate(given, sets, [1, 1, -1, -1, -1], flow="fast")


def test_the_final_kernel():
    for case in ("equal", "unequal"):
        given = data(case)
        kernel, best = final_kernel(given), minimum_variation_interpolator(given)
        # Of the best interpolator itself, which is differentiable off the samples it leaves out.
        problem = Problem(ShallowReLU(7, 2), given.inputs, SquaredLoss(LABELS[None]))
        theta = np.concatenate([best.W.ravel(), best.a])
        np.testing.assert_allclose(kernel, problem.kernel(theta), atol=1e-13)
    values = np.linalg.eigvalsh(final_kernel(data("equal")))
    np.testing.assert_allclose(
        values, [1.081665, 1.754993, 1.754993, 2.163331, 3.509986], atol=1e-6
    )
    with pytest.raises(ValueError, match="data: expected labels that are not 0, got 0 at index 1"):
        final_kernel(OrthogonalData([1.0, 1.0], [1.0, 0.0]))


def test_the_toy():
    given, best = toy(), minimum_variation_interpolator(toy())
    assert best.norm == pytest.approx(3 / np.sqrt(5), abs=1e-14)
    x = np.linspace(-2, 4, 25)
    expected = np.maximum(2 * x + 1, 0) / 5 - np.maximum(1 - x / 2, 0) / 1.25
    np.testing.assert_allclose(best(np.array([x, np.ones(25)])), expected, atol=1e-14)
    # Each kink is on the input of the other class.
    np.testing.assert_allclose(-best.W[:, 1] / best.W[:, 0], [-0.5, 2.0], atol=1e-14)
    directions, signs = balanced_init(60, 2, rng=np.random.default_rng(0))
    run = event_flow(given, directions, signs, -20 * TEN, 150.0)
    assert run.variation_norm(150.0) == pytest.approx(1.3416407865, abs=1e-10)
    neurons = run.neurons(150.0)
    kinks = -neurons.directions[:, 1] / neurons.directions[:, 0]
    large = neurons.log_norms > -5
    np.testing.assert_allclose(kinks[large & (signs > 0)], -0.5, atol=1e-9)
    np.testing.assert_allclose(kinks[large & (signs < 0)], 2.0, atol=1e-9)
    assert (large & (signs > 0)).any() and (large & (signs < 0)).any()


def test_the_adapted_flow_has_no_plateau_and_another_exponent():
    directions, signs = neurons(30)
    given = data("equal")
    run = event_flow(given, directions, signs, -2 * TEN, 200.0)
    problem = Problem(ShallowReLU(7, 30), given.inputs, SquaredLoss(LABELS[None]))
    flow = output_flow(problem, run.theta(0.0), 1.0, clock="t", t_end=1.0, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(flow.loss, (1 - flow.t) ** 2 * flow.loss[0], atol=1e-6)
    rows, a = flow.theta[-1][:210].reshape(30, 7), flow.theta[-1][210:]
    start = event_flow(given, directions, signs, -2 * TEN, 1.0).balance_drift(0.0)
    assert np.abs(np.sum(rows**2, axis=1) - a**2).max() < 1e-9 and start < 1e-15
    adapted = np.sum(np.linalg.norm(rows, axis=1) * np.abs(a))
    assert given.minimum_variation_norm < adapted < run.variation_norm(200.0)
    # For equal norms the exponents agree; for unequal ones the adapted flow is slower.
    directions, signs = neurons()
    for case, standard, other in (("equal", 0.2199, 0.2199), ("unequal", 0.1724, 0.0685)):
        sets = active_sets(data(case), directions, signs)
        assert bias_rate(data(case), sets, signs) == pytest.approx(standard, abs=5e-5)
        rate = bias_rate(data(case), sets, signs, flow="adapted")
        assert rate == pytest.approx(other, abs=5e-5)
