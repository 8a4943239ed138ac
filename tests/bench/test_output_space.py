"""Speed of Part IV: the field in output space, and a large network in the finite clock."""

import time

import numpy as np

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import homotopy_field, output_flow

WIDTHS, SAMPLES = (4, 225, 3), 10


def large_problem():
    rng = np.random.default_rng(0)
    network = MLP(WIDTHS)
    X, Y = rng.normal(size=(WIDTHS[0], SAMPLES)), rng.normal(size=(WIDTHS[-1], SAMPLES))
    start = rng.normal(size=network.size) / np.sqrt(SAMPLES)
    return Problem(network, X, SquaredLoss(Y)), start


def test_the_field_in_output_space_against_the_pseudoinverse(benchmark):
    problem, start = large_problem()
    jacobian = problem.network.jacobian(start, problem.inputs)
    g = problem.loss_function.gradient(problem.outputs(start))
    begin = time.perf_counter()
    slow = -np.linalg.pinv(jacobian.T @ jacobian) @ (jacobian.T @ g.T.ravel())
    seconds = time.perf_counter() - begin
    field = benchmark(homotopy_field, jacobian, g, 1.0)
    np.testing.assert_allclose(field.velocity, slow, atol=1e-10)
    ratio = seconds / benchmark.stats["median"]
    print(
        f"\nfield, {problem.size} parameters, 30 outputs: {ratio:.0f} times faster than with the "
        "pseudoinverse of D^T D (goal: 1000)"
    )


def test_a_large_network_in_the_finite_clock(benchmark):
    problem, start = large_problem()
    given = dict(rounds=1, iterations=1, kwargs=dict(clock="t", t_end=1.0))
    run = benchmark.pedantic(output_flow, (problem, start, 1.0), **given)
    assert np.abs(run.outputs[-1] - run.labels).max() < 1e-8
    print(
        f"\nfinite clock, {problem.size} parameters: {benchmark.stats['median']:.2f} s (goal: 5 s)"
    )
