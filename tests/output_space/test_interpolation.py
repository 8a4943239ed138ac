"""Straight lines, stopping times, collapse of classes."""

import numpy as np
import pytest

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import (
    class_scatter,
    linear_interpolation,
    output_flow,
    stopping_time,
)
from tests.output_space.models import tanh_problem


def test_the_line_has_the_right_ends():
    x0, y = np.array([[1.0, 2.0]]), np.array([[3.0, -2.0]])
    line = linear_interpolation(x0, y, [0.0, 0.25, 1.0])
    np.testing.assert_array_equal(line, [x0, [[1.5, 1.0]], y])
    np.testing.assert_array_equal(linear_interpolation(x0, y, 1.0), y)


def test_the_stopping_time_is_met_by_the_flow():
    problem, start = tanh_problem()
    x0, Y = problem.outputs(start), problem.loss_function.labels
    wait = stopping_time(x0, Y, 4, 1e-3)
    run = output_flow(problem, start, 1.0, t_end=wait, rtol=1e-11)
    assert run.loss[-1] == pytest.approx(1e-3, rel=1e-6)
    assert stopping_time(x0.T.ravel(), Y.T.ravel(), 4, 1e-3) == pytest.approx(wait)
    assert stopping_time(x0, x0, 4, 1e-3) == 0


def test_classes_collapse_as_the_square():
    rng = np.random.default_rng(2)
    classes = np.array([0, 0, 1, 2, 1, 0, 2, 2, 1])
    Y = np.eye(3)[:, classes]
    network = MLP((2, 20, 3))
    problem = Problem(network, rng.normal(size=(2, 9)), SquaredLoss(Y))
    times = [0.0, 0.25, 0.5, 0.75]
    run = output_flow(
        problem, rng.normal(size=network.size), 1.0, clock="t", t_end=0.75, times=times, rtol=1e-11
    )
    scatter = class_scatter(run.outputs, classes)
    np.testing.assert_allclose(scatter / scatter[0], [1, 0.5625, 0.25, 0.0625], atol=1e-8)
    np.testing.assert_allclose(class_scatter(run.outputs, Y), scatter)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: linear_interpolation([[1.0]], [[1.0, 2.0]], 0.5), "y"),
        (lambda: stopping_time([[1.0]], [[0.0]], 0, 0.1), "n"),
        (lambda: stopping_time([[1.0]], [[0.0]], 1, -0.1), "cost"),
        (lambda: class_scatter([[1.0, 2.0]], [0]), "labels"),
    ],
)
def test_bad_arguments_are_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        call()
