"""Clouds of particles: neurons, distances, the flow of a loss."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import gradient_flow
from gradflows.beyond import (
    MeanFieldProblem,
    neuron_gradients,
    neuron_values,
    particle_kernel,
    sign_pairs,
    w2_exact,
)
from gradflows.checks.beyond.game_models import uniform_quadrature

X = np.linspace(-1, 1, 5)


def test_gradients_of_neurons_by_differences():
    cloud, h = np.random.default_rng(0).standard_normal((4, 3)), 1e-6
    slopes = neuron_gradients(cloud, X)
    for k in range(3):
        e = h * np.eye(3)[k]
        difference = (neuron_values(cloud + e, X) - neuron_values(cloud - e, X)) / (2 * h)
        np.testing.assert_allclose(slopes[:, :, k], difference, atol=1e-8)


def test_the_kernel_is_the_mean_gram_matrix():
    cloud = np.random.default_rng(1).standard_normal((7, 3))
    expected = sum(G @ G.T for G in neuron_gradients(cloud, X)) / 7
    np.testing.assert_allclose(particle_kernel(cloud, X), expected, atol=1e-13)


def test_mirrored_clouds_are_zero_and_invariant():
    cloud = sign_pairs(np.random.default_rng(2).standard_normal((6, 3)))
    assert np.abs(neuron_values(cloud, X).mean(axis=0)).max() < 1e-15
    assert w2_exact(cloud, cloud * [-1, 1, 1]) == 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5), d=st.integers(1, 3))
def test_assignment_against_all_permutations(seed, n, d):
    A, B, C = np.random.default_rng(seed).standard_normal((3, n, d))
    best = min(np.mean(np.sum((A - B[list(p)]) ** 2, axis=1)) for p in permutations(range(n)))
    assert w2_exact(A, B) == pytest.approx(np.sqrt(best))
    assert w2_exact(A, B) == pytest.approx(w2_exact(B, A))
    assert w2_exact(A, C) <= w2_exact(A, B) + w2_exact(B, C) + 1e-12
    assert w2_exact(A, A[::-1]) == pytest.approx(0, abs=1e-12)
    assert w2_exact(A, A + 3.0) == pytest.approx(3 * np.sqrt(d))


def test_the_gradient_is_n_times_that_of_the_loss():
    rng, h = np.random.default_rng(3), 1e-6
    problem, theta = MeanFieldProblem(X, np.sin(3 * X)), rng.standard_normal(12)
    gradient = problem.gradient(theta)
    for k in range(12):
        e = h * np.eye(12)[k]
        difference = (problem.loss(theta + e) - problem.loss(theta - e)) / (2 * h)
        assert gradient[k] == pytest.approx(4 * difference, abs=1e-7)


def test_masses_stand_for_copies():
    rng = np.random.default_rng(4)
    cloud, y = rng.standard_normal((2, 3)), rng.standard_normal(5)
    weighted = MeanFieldProblem(X, y, [0.75, 0.25])
    copies = MeanFieldProblem(X, y)
    ends = [
        gradient_flow(problem, start.ravel(), 2.0, times=[0, 2.0])
        for problem, start in ((weighted, cloud), (copies, cloud[[0, 0, 0, 1]]))
    ]
    np.testing.assert_allclose(ends[0].theta[-1], ends[1].theta[-1][6:], atol=1e-7)
    assert ends[0].loss[-1] == pytest.approx(ends[1].loss[-1])


def test_the_quadrature_of_the_limit_has_converged():
    ends = []
    for nodes in (8, 10):
        cloud, masses = uniform_quadrature(nodes)
        assert masses.sum() == pytest.approx(1)
        problem = MeanFieldProblem(X, np.sin(3 * X), masses)
        run = gradient_flow(problem, cloud.ravel(), 1.0, times=[1.0], rtol=1e-8, atol=1e-10)
        ends.append(problem.outputs(run.theta[-1]))
    assert np.abs(ends[0] - ends[1]).max() < 1e-5


def test_energy_and_distance():
    rng = np.random.default_rng(5)
    problem, start = MeanFieldProblem(X, np.sin(3 * X)), rng.standard_normal(90)
    times = np.linspace(0, 4, 401)
    run = gradient_flow(problem, start, 4.0, times=times)
    rate = np.array([np.mean(problem.gradient(theta) ** 2) * 3 for theta in run.theta])
    fall = np.trapezoid(rate, times)
    assert fall == pytest.approx(run.loss[0] - run.loss[-1], rel=1e-4)
    clouds = run.theta.reshape(len(times), -1, 3)
    for s, t in ((0, 400), (50, 60), (100, 300)):
        bound = (times[t] - times[s]) * (run.loss[s] - run.loss[t])
        assert w2_exact(clouds[s], clouds[t]) ** 2 <= bound


def test_one_particle_cannot_be_a_bump():
    """The plateau of the teacher's figure, and its absence for sixteen particles."""
    x = np.linspace(-1, 1, 12)
    y = neuron_values([[3, 3, 1.5], [-3, 3, -1.5]], x).mean(axis=0)
    problem = MeanFieldProblem(x, y)
    ends = []
    for count in (1, 16):
        cloud = np.random.default_rng(9).standard_normal((count, 3))
        ends.append(gradient_flow(problem, cloud.ravel(), 40.0, times=[0, 40.0]).loss[-1])
    assert ends[0] == pytest.approx(1 / 3, abs=0.02) and ends[1] < 0.02


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: neuron_values([[1.0, 2.0]], X), "particles"),
        (lambda: neuron_gradients([[1.0, 2.0, 3.0]], [[1.0]]), "x"),
        (lambda: particle_kernel([[1.0, np.inf, 3.0]], X), "particles"),
        (lambda: sign_pairs([1.0, 2.0, 3.0]), "particles"),
        (lambda: w2_exact(np.zeros((3, 2)), np.zeros((2, 2))), "Y"),
        (lambda: MeanFieldProblem(X, X[:3]), "y"),
        (lambda: MeanFieldProblem(X, X, [1.0, -1.0]), "masses"),
        (lambda: MeanFieldProblem(X, X).loss(np.zeros(4)), "theta"),
        (lambda: MeanFieldProblem(X, X, [0.5, 0.5]).gradient(np.zeros(3)), "theta"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
