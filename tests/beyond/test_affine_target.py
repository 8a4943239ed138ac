"""Loss, gradient and Hessian of an affine target: exact, and what goes in and comes out."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import IntegrationError, gradient_flow
from gradflows.beyond import AffineTarget, zigzag_saddle

numbers = st.integers(-20, 20).map(lambda k: Fraction(k, 7))
networks = st.integers(1, 4).flatmap(
    lambda N: st.lists(numbers, min_size=3 * N + 1, max_size=3 * N + 1)
)
leaks = st.sampled_from([Fraction(0), Fraction(1, 5), Fraction(2, 3)])
few = settings(max_examples=40, deadline=None)


def exact(theta):
    return np.array(theta, dtype=object)


@few
@given(networks, leaks)
def test_fractions_and_floats_agree(theta, leak):
    problem, theta = AffineTarget(len(theta) // 3, 2, Fraction(1, 3), leak), exact(theta)
    rounded = theta.astype(float)
    for name in ("loss", "gradient", "hessian"):
        precise = np.array(getattr(problem, name)(theta))
        assert all(isinstance(entry, Fraction) for entry in precise.flat), name
        found = getattr(problem, name)(rounded)
        scale = 1 + np.abs(precise.astype(float)).max()
        # A kink that rounding moves across 0 or 1 changes the Hessian, but not the others.
        if name != "hessian":
            assert np.allclose(found, precise.astype(float), atol=1e-11 * scale)


@few
@given(networks, leaks)
def test_the_loss_is_the_integral(theta, leak):
    problem = AffineTarget(len(theta) // 3, leak=leak)
    w, b, _, _ = problem.split(exact(theta))
    kinks = [-y / x for x, y in zip(w, b, strict=True) if x and 0 < -y / x < 1]
    ends = sorted({Fraction(0), *kinks, Fraction(1)})
    # Simpson's rule is exact for quadratic polynomials.
    total = 0
    for left, right in zip(ends, ends[1:], strict=False):
        r = problem.residual(exact(theta), exact([left, (left + right) / 2, right]))
        total += (right - left) / 6 * (r[0] ** 2 + 4 * r[1] ** 2 + r[2] ** 2)
    assert problem.loss(exact(theta)) == total


def test_sums_over_midpoints_converge_with_order_two():
    problem, rng = AffineTarget(3, 1.5, -0.5, 0.1), np.random.default_rng(0)
    counts, errors = np.array([100, 400, 1600, 6400]), []
    thetas = rng.normal(size=(6, 10))
    for count in counts:
        x = (np.arange(count) + 0.5) / count
        sums = [np.mean(problem.residual(theta, x) ** 2) for theta in thetas]
        errors.append(np.abs(sums - problem.loss(thetas)).max())
    assert np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(-2, abs=0.15)


@few
@given(networks, leaks)
def test_rescaling_a_neuron_changes_nothing_and_the_gradient_is_orthogonal_to_it(theta, leak):
    problem, theta = AffineTarget(len(theta) // 3, leak=leak), exact(theta)
    w, b, v, c = problem.split(theta)
    scaled = np.concatenate([3 * w, 3 * b, v / 3, [c]])
    assert problem.loss(scaled) == problem.loss(theta)
    gw, gb, gv, _ = problem.split(problem.gradient(theta))
    assert np.all(w * gw + b * gb == v * gv)


@few
@given(networks)
def test_reflection_and_shift_are_symmetries(theta):
    problem, theta = AffineTarget(len(theta) // 3, 2, 1), exact(theta)
    w, b, v, c = problem.split(theta)
    mirrored = np.concatenate([-w, w + b, -v, [4 - c]])  # 2 - f(1 - x) + 2 for the target 2 x + 1
    assert problem.loss(mirrored) == problem.loss(theta)
    shifted = np.append(theta[:-1], c + 5)
    assert AffineTarget(problem.neurons, 2, 6).loss(shifted) == problem.loss(theta)


def test_a_stack_is_its_rows():
    problem, thetas = AffineTarget(3), np.random.default_rng(1).normal(size=(5, 10))
    assert np.allclose(problem.loss(thetas), [problem.loss(t) for t in thetas], rtol=1e-14)
    rows = [problem.gradient(t) for t in thetas]
    assert np.allclose(problem.gradient(thetas), rows, rtol=1e-12, atol=1e-14)


def test_differences_of_second_order():
    problem, rng = AffineTarget(3, leak=0.1), np.random.default_rng(4)
    noise, direction = rng.normal(size=(2, 10))
    theta = zigzag_saddle(2, 3).astype(float) + 0.05 * noise
    hessian = problem.hessian(theta)
    assert np.allclose(hessian, hessian.T, rtol=0, atol=1e-15)
    assert np.count_nonzero(hessian - problem.hessian(theta, moving_kinks=False)) > 0
    steps, errors = np.array([1e-2, 3e-3, 1e-3]), []
    for step in steps:
        ahead, behind = (problem.gradient(theta + s * step * direction) for s in (1, -1))
        errors.append(np.abs((ahead - behind) / (2 * step) - hessian @ direction).max())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(2, abs=0.1)


def test_flat_and_zero_neurons_stay_exact():
    theta = exact([0, 0, 1, 2, 0, -3, 0, 4, 1, 1])
    gradient = AffineTarget(3).gradient(theta)
    assert all(isinstance(entry, Fraction) for entry in gradient)


def test_a_dead_neuron_does_not_move():
    problem = AffineTarget(2)
    start = [1.0, 1.0, -2.0, -1.5, 3.0, 1.0, 0.2]
    run = gradient_flow(problem, start, 20.0)
    assert np.array_equal(run.theta[-1, :6], start[:6])
    assert run.loss[-1] == pytest.approx(1 / 12, abs=1e-12)


def test_a_flow_that_cannot_go_on_says_so():
    with pytest.raises(IntegrationError):
        gradient_flow(AffineTarget(1), [1e200, 1.0, 1e200, 0.0], 1.0)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"neurons": 0}, "neurons"),
        ({"neurons": 2, "alpha": np.nan}, "alpha"),
        ({"neurons": 2, "beta": "one"}, "beta"),
        ({"neurons": 2, "leak": 1}, "leak"),
        ({"neurons": 2, "leak": -0.1}, "leak"),
        ({"neurons": 2, "alpha": True}, "alpha"),
    ],
)
def test_bad_targets_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        AffineTarget(**arguments)


@pytest.mark.parametrize("theta", [[1.0] * 6, [[1.0] * 8], [np.nan] * 7, ["a"] * 7])
def test_bad_parameters_are_named(theta):
    problem = AffineTarget(2)
    for method in (problem.loss, problem.gradient, problem.hessian, problem.split):
        with pytest.raises(ValueError, match="theta"):
            method(theta)
    with pytest.raises(ValueError, match="x"):
        problem.residual([1.0] * 7, [[0.5]])
