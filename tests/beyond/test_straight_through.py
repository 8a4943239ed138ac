"""One neuron in closed form, and quantised networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.beyond import (
    PROXIES,
    angle_loss,
    coarse_flow,
    coarse_gradient,
    coarse_gradient_quadrature,
    perceptron,
    staircase,
    subspace_data,
    train_coarse,
)

TEACHER = np.array([1.0, 0.0])
angles = st.floats(0.05, 3.05)
sizes = st.floats(0.1, 10.0)


def at(angle, size=1.0):
    return size * np.array([np.cos(angle), np.sin(angle)])


@given(angles, sizes)
def test_the_loss_is_the_angle_whatever_the_length(angle, size):
    assert angle_loss(at(angle, size), TEACHER) == pytest.approx(angle / (2 * np.pi))


@pytest.mark.parametrize("angle", [1e-9, 1e-5, np.pi - 1e-7])
def test_small_and_straight_angles_are_exact(angle):
    assert angle_loss(at(angle), TEACHER) == pytest.approx(angle / (2 * np.pi), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(angles, sizes, st.sampled_from(["ReLU", "negative side", "identity"]))
def test_closed_form_agrees_with_quadrature(angle, size, name):
    exact = coarse_gradient(at(angle, size), TEACHER, name)
    measured = coarse_gradient_quadrature(at(angle, size), TEACHER, PROXIES[name])
    assert measured == pytest.approx(exact, abs=1e-12)


def test_quadrature_agrees_with_samples():
    rng = np.random.default_rng(0)
    z, w = rng.normal(size=(2, 400_000)), at(2.0, 1.5)
    mismatch = (w @ z > 0).astype(float) - (TEACHER @ z > 0)
    for name in ("log-tailed ReLU", "clipped ReLU", "identity"):
        sampled = (mismatch * PROXIES[name](w @ z)) @ z.T / z.shape[1]
        assert coarse_gradient_quadrature(w, TEACHER, PROXIES[name]) == pytest.approx(
            sampled, abs=5e-3
        )


@settings(deadline=None)
@given(angles, sizes, st.floats(0.0, 50.0))
def test_the_flow_conserves_and_ends_on_the_ray(angle, size, time):
    path = coarse_flow(at(angle, size), TEACHER, [0.0, time, 1e5])
    law = np.linalg.norm(path, axis=1) + path @ TEACHER
    assert path[0] == pytest.approx(at(angle, size), rel=1e-9, abs=1e-9 * size)
    assert law == pytest.approx(np.full(3, law[0]), rel=1e-9, abs=1e-12)
    assert path[2] == pytest.approx(law[0] / 2 * TEACHER, abs=1e-6 * size)


def test_the_end_of_the_flow_is_exponential():
    w = at(1.2, 2.0)
    k = 2 * np.sqrt(2 * np.pi) * 2.0 * np.cos(0.6) ** 2
    times = np.linspace(60, 120, 7)
    logs = np.log([angle_loss(v, TEACHER) for v in coarse_flow(w, TEACHER, times)])
    assert np.polyfit(times, logs, 1)[0] == pytest.approx(-1 / k, rel=1e-4)


def test_nearly_opposite_starts_do_not_overflow():
    path = coarse_flow(at(np.pi - 1e-5), TEACHER, [0.0, 1.0, 2.0])
    assert np.isfinite(path).all() and np.linalg.norm(path[1]) < 1


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_staircase(bits):
    x = np.array([-2.0, 0.0, 1e-9, 1.0, 1.5, 100.0])
    top = 2**bits - 1
    assert staircase(x, bits).tolist() == [0, 0, 1, 1, min(2, top), top]


def test_the_perceptron_separates_and_stops():
    rng = np.random.default_rng(3)
    inputs = rng.normal(size=(4, 100))
    labels = (inputs[0] > 0).astype(int)
    weights, mistakes, clean = perceptron(inputs, labels)
    assert clean and np.all((weights @ inputs > 0) == labels) and mistakes > 0
    _, _, clean = perceptron(np.ones((1, 2)), [0, 1], n_passes=20)
    assert not clean


def test_only_one_sided_proxies_reach_zero():
    for name, proxy in PROXIES.items():
        rng = np.random.default_rng(4)
        inputs, labels = subspace_data(rng)
        run = train_coarse(inputs, labels, rng.normal(size=(3, 6, 8)), proxy)
        good = name in ("ReLU", "clipped ReLU", "reverse exponential", "log-tailed ReLU")
        assert run.reached_zero == good
        assert len(run.losses) == len(run.weights)


def test_planes_are_planes_and_orthogonal_if_asked():
    inputs, labels = subspace_data(np.random.default_rng(0), orthogonal=True)
    first, second = (inputs[:, labels == k] for k in (0, 1))
    assert np.linalg.matrix_rank(first) == 2
    assert np.abs(first.T @ second).max() < 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: angle_loss([0.0, 0.0], TEACHER), "w: expected a vector that is not zero"),
        (lambda: coarse_gradient([1.0], TEACHER), "teacher: expected shape"),
        (lambda: coarse_gradient(TEACHER, TEACHER, "tanh"), "proxy: expected one of"),
        (lambda: coarse_gradient_quadrature(TEACHER, TEACHER, PROXIES["ReLU"]), "not parallel"),
        (lambda: coarse_flow(-TEACHER, TEACHER, [1.0]), "w0: expected an angle below pi"),
        (lambda: coarse_flow(at(1.0), TEACHER, [-1.0]), "times: expected times >= 0"),
        (lambda: perceptron(np.ones((2, 3)), [0, 1]), "labels: expected 3"),
        (lambda: subspace_data(np.random.default_rng(0), dimension=5), "dimension: expected"),
        (lambda: train_coarse(np.ones((2, 3)), [0, 1, 5], np.ones((2, 1, 2)), PROXIES["ReLU"]),
         "labels: expected 3 integers below 2"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
