"""Levels, saddles and curvatures of affine targets, and further claims of the chapter."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import MLP, Problem, SquaredLoss, gradient_descent, gradient_flow
from gradflows.beyond import (
    AffineTarget,
    critical_level,
    curvature_ratios,
    escape_rate,
    exact_inertia,
    leaky_zigzag,
    zigzag_saddle,
)

LARGEST = {2: -0.026687, 4: -0.008532, 6: -0.003750, 8: -0.001960}


@pytest.mark.parametrize("kinks", [0, 2, 4])
def test_the_table_of_levels(kinks):
    neurons = max(kinks, 5 if kinks == 0 else 1)
    problem, theta = AffineTarget(neurons), zigzag_saddle(kinks, neurons)
    assert (
        problem.loss(theta)
        == {0: Fraction(1, 12), 2: Fraction(1, 972), 4: Fraction(1, 7500)}[kinks]
    )
    assert not np.any(problem.gradient(theta))
    assert exact_inertia(problem.hessian(theta))[0] == kinks


@pytest.mark.parametrize("kinks", sorted(LARGEST))
def test_the_smallest_eigenvalues(kinks):
    hessian = AffineTarget(kinks).hessian(zigzag_saddle(kinks, kinks).astype(float))
    rate, direction = escape_rate(hessian)
    assert rate == pytest.approx(-LARGEST[kinks], abs=6e-7)
    assert np.allclose(hessian @ direction, -rate * direction)
    assert np.linalg.norm(direction) == pytest.approx(1)


def test_growth_of_a_step_of_gradient_descent():
    problem, saddle = AffineTarget(2), zigzag_saddle(2, 2).astype(float)
    rate, direction = escape_rate(problem.hessian(saddle))
    run = gradient_descent(problem, saddle + 1e-8 * direction, 0.1, 400)
    far = (run.theta - saddle) @ direction
    growth = np.log(far[-1] / far[0]) / 400
    assert growth == pytest.approx(0.00266512, abs=1e-8)
    assert growth == pytest.approx(np.log1p(0.1 * rate), rel=1e-6)


def test_curvatures_sum_to_minus_the_number_of_kinks():
    # The sum of -2 cos^2 over l = 1..m is -m; the least curvature tends to -2.
    for kinks in (2, 4, 10, 100):
        assert curvature_ratios(kinks).sum() == pytest.approx(-kinks)
        assert np.all(np.diff(curvature_ratios(kinks)) > 0)
    assert curvature_ratios(1000)[0] == pytest.approx(-2, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.integers(0, 2), st.fractions(-3, 3, max_denominator=9))
def test_zigzags_scale_with_the_target(half, idle, alpha):
    kinks, neurons = 2 * half, 2 * half + idle
    problem = AffineTarget(neurons, alpha, 1)
    theta = zigzag_saddle(kinks, neurons, alpha, 1)
    assert problem.loss(theta) == critical_level(kinks, alpha)
    assert not np.any(problem.gradient(theta))


def test_odd_numbers_of_kinks_are_not_critical():
    for kinks in (1, 3):
        t = np.arange(1, kinks + 1) / (kinks + 1)
        w = (-1.0) ** np.arange(kinks)
        theta = np.concatenate([w, -w * t, 2 * w / (kinks + 1), [0.5]])
        assert np.abs(AffineTarget(kinks).gradient(theta)).max() > 1e-3


def test_the_ground_floor_sees_a_minimum_on_samples():
    x = ((np.arange(30) + 0.5) / 30)[None]
    sampled, saddle = Problem(MLP((1, 2, 1), "relu"), x, SquaredLoss(x)), zigzag_saddle(2, 2)
    theta = saddle.astype(float)
    assert 2 * sampled.loss(theta) == pytest.approx((1 - 1 / 100) / 972)
    assert np.abs(sampled.gradient(theta)).max() < 1e-15
    assert np.linalg.eigvalsh(sampled.hessian(theta)).min() > -1e-15
    direction = escape_rate(AffineTarget(2).hessian(theta))[1]
    trapped = gradient_descent(sampled, theta + 0.01 * direction, 0.5, 3000)
    assert 2 * trapped.loss[-1] == pytest.approx((1 - 1 / 100) / 972, rel=1e-6)
    free = gradient_flow(AffineTarget(2), theta + 0.01 * direction, 2000.0)
    assert free.loss[-1] < 1e-6


def test_the_edge_decides_at_the_top_level():
    problem = AffineTarget(1)
    for sign in (1, -1):
        theta = np.array([1.0, -1.0, sign, 0.5])
        assert not np.any(problem.gradient(theta))
        entering = problem.loss(theta + [0, 0.01, 0, 0]) - 1 / 12
        assert np.sign(entering) == -sign
    flat = np.array([0.0, 2.0, 0.0, 0.5])
    block = problem.hessian(flat)[np.ix_([2, 0], [2, 0])]
    assert np.allclose(block, [[8, -1 / 6], [-1 / 6, 0]])


@pytest.mark.parametrize("leak", [0.01, 0.2, 0.6])
def test_leaky_levels(leak):
    for kinks in range(1, 5):
        levels = []
        for first in (1, -1):
            found, problem = leaky_zigzag(kinks, leak, first=first), AffineTarget(kinks, leak=leak)
            assert np.abs(problem.gradient(found.theta)).max() < 1e-13
            assert problem.loss(found.theta) == pytest.approx(found.level, rel=1e-12)
            assert np.sum(np.linalg.eigvalsh(problem.hessian(found.theta)) < -1e-10) == kinks
            levels.append(found.level)
        # For an odd number the two facings are mirror images.
        assert (levels[0] == pytest.approx(levels[1], rel=1e-10)) == (kinks % 2 == 1)


def test_leaky_levels_tend_to_those_of_the_relu():
    slopes = []
    for kinks in (2, 4):
        gaps = [
            abs(leaky_zigzag(kinks, leak).level - critical_level(kinks)) for leak in (1e-4, 1e-6)
        ]
        slopes.append(np.log10(gaps[0] / gaps[1]) / 2)
        assert gaps[1] < 1e-6
        assert np.allclose(
            leaky_zigzag(kinks, 1e-9).positions, np.arange(1, kinks + 1) / (kinks + 1), atol=1e-7
        )
    assert np.allclose(slopes, 1, atol=0.05)


def test_exact_inertia():
    assert exact_inertia([[0, 1], [1, 0]]) == (1, 0, 1)
    assert exact_inertia([[0, 0], [0, 0]]) == (0, 2, 0)
    assert exact_inertia([[1, 2], [2, 4]]) == (0, 1, 1)
    rng = np.random.default_rng(0)
    for size in (3, 5):
        A = rng.integers(-3, 4, (size, size))
        A = A + A.T
        values = np.linalg.eigvalsh(A)
        near = np.abs(values) < 1e-9
        assert exact_inertia(A.tolist()) == (
            int(np.sum(values < -1e-9)),
            int(near.sum()),
            int(np.sum(values > 1e-9)),
        )


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: critical_level(3), "kinks"),
        (lambda: critical_level(-2), "kinks"),
        (lambda: critical_level(2, np.inf), "alpha"),
        (lambda: zigzag_saddle(4, 3), "neurons"),
        (lambda: zigzag_saddle(1, 3), "kinks"),
        (lambda: curvature_ratios(0), "kinks"),
        (lambda: escape_rate(np.eye(2)), "hessian"),
        (lambda: escape_rate([[0.0, 1.0], [0.0, 0.0]]), "hessian"),
        (lambda: exact_inertia([[0.5]]), "matrix"),
        (lambda: exact_inertia([[1, 2], [3, 4]]), "matrix"),
        (lambda: leaky_zigzag(0, 0.2), "kinks"),
        (lambda: leaky_zigzag(2, 0), "leak"),
        (lambda: leaky_zigzag(2, 0.2, first=2), "first"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=name):
        call()
