"""Early flow and race of the judges against the library, and answers that try to be cheap."""

import numpy as np
import pytest

from gradflows.grading import ProblemSet
from gradflows.grading.shallow_relu.races import race, switches
from gradflows.shallow_relu import OrthogonalData, early_neuron, jump_process

PAPER = ProblemSet("shallow_relu", "ada")


def test_switches_agree_with_the_closed_form():
    start, force = np.array([0.4, 0.3, 0.5, 0.8]), np.array([0.3, -0.25, -0.2, 0.0])
    times = switches(start, force, 40.0)
    known = np.sort([time for time, *_ in early_neuron(start, force[:3], 1).switches])
    assert np.allclose(np.sort(times)[:2], known, rtol=1e-8)
    assert np.isinf(times[[0, 3]]).all()


def test_race_agrees_with_the_library():
    q, y, sets = np.array([1.0, 0.8, 1.3]), np.array([1.0, 0.8, 1.2]), [[0, 2], [1, 2]]
    seen = np.array([[k in some for k in range(3)] for some in sets])
    known = jump_process(OrthogonalData(q, y), seen, [1, 1])
    order, times, gains = race(sets, q * y / 3)
    assert np.allclose(times, known.times)
    assert order == [0, 1] and [tuple(some) for some in gains] == list(known.samples)


@pytest.mark.parametrize("size", [0.0, -1.0])
def test_a_network_that_sees_nothing_is_not_at_the_level(size):
    W = size * np.linalg.pinv(PAPER.data("shallow-relu-rest").X).sum(axis=1)[None]
    verdict = PAPER.check("shallow-relu-rest", {"W": W, "a": np.linalg.norm(W, axis=1)})
    assert verdict.points <= 1


def test_multipliers_zero_prove_nothing():
    answer = {"W": np.zeros((1, 2)), "a": [0.0], "mu": [0.0, 0.0]}
    assert PAPER.check("shallow-relu-least", answer).points == 0


def test_labels_of_any_size_are_raced():
    labels = np.array([1e-5, 1e5, 1.0, 3.0])
    answer = {"labels": labels, "times": np.ones(3), "norm": 1.0}
    verdict = PAPER.check("shallow-relu-overtaken", answer)
    assert verdict.points < verdict.out_of == 7
