"""Bad input: every public door names the argument, what was expected and what came."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    Problem,
    ShallowReLU,
    SquaredLoss,
    check_gradient,
    gradient_descent,
    gradient_flow,
    momentum_flow,
)
from gradflows.validation import as_array, as_count, as_positive

RNG = np.random.default_rng(1)
PROBLEM = Problem(MLP((2, 3, 2)), RNG.normal(size=(2, 4)), SquaredLoss(RNG.normal(size=(2, 4))))
START = RNG.normal(size=PROBLEM.size)


def spoil(array, value):
    spoilt = np.array(array, dtype=float)
    spoilt.flat[spoilt.size // 2] = value
    return spoilt


@pytest.mark.parametrize("given_", [[1, 2, 3], np.arange(3.0), (True, False, True), range(3)])
def test_numbers_become_float64(given_):
    array = as_array("x", given_, (3,))
    assert array.dtype == np.float64
    assert array.shape == (3,)


def test_a_float64_array_is_not_copied():
    x = np.ones((2, 3))
    assert as_array("x", x, ("n", 3)) is x


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones((2, 3)), r"x: expected shape \(n, n\), got \(2, 3\)"),
        (np.ones(3), r"x: expected shape \(n, n\), got \(3,\)"),
        (np.ones((1, 1, 1)), r"x: expected shape \(n, n\), got \(1, 1, 1\)"),
        (np.ones((0, 0)), "x: expected at least one entry, got an empty array"),
        ([[1, 2], [3]], "x: .*different lengths"),
        ([[1j]], "x: expected real numbers, got complex"),
        ([["a"]], "x: expected real numbers, got entries of type"),
        ([[None]], "x: expected real numbers"),
        ([[10**400]], "x: expected real numbers"),
        ([[math.nan]], r"x: expected finite numbers, got NaN at index \(0, 0\)"),
        ([[1, 2], [3, -math.inf]], r"x: expected finite numbers, got infinity at index \(1, 1\)"),
        (np.ma.masked_equal([[1.0]], 1.0), "x: .*masked"),
    ],
)
def test_the_message_says_what_is_wrong(value, words):
    with pytest.raises(ValueError, match=words):
        as_array("x", value, ("n", "n"))


def test_a_stack_is_admitted_only_when_asked_for():
    assert as_array("x", np.ones((4, 2, 3)), (2, 3), stack=True).shape == (4, 2, 3)
    with pytest.raises(ValueError, match=re.escape("(2, 3), got (4, 2, 3)")):
        as_array("x", np.ones((4, 2, 3)), (2, 3))
    with pytest.raises(ValueError, match=re.escape("(2, 3) or (k, 2, 3), got (3, 2)")):
        as_array("x", np.ones((3, 2)), (2, 3), stack=True)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, "1", None, [1], True, 1j, 10**400])
def test_what_is_no_positive_number(value):
    with pytest.raises(ValueError, match="step: expected a number > 0"):
        as_positive("step", value)


@pytest.mark.parametrize("value", [1, 1.5, np.float32(2), np.int64(3), np.array(2.0)])
def test_what_is_a_positive_number(value):
    assert as_positive("step", value) == float(value)
    assert as_positive("step", 0, zero=True) == 0


@pytest.mark.parametrize(
    "value",
    [0, -3, 1.5, math.nan, math.inf, "2", None, True, [2], 2**31 + 1, 2**64, 10**9999],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_count(value):
    with pytest.raises(ValueError, match="n_steps: expected an integer >= 1"):
        as_count("n_steps", value)


@pytest.mark.parametrize("value", [1, 3.0, np.int32(7), np.float64(9), 2**31])
def test_what_is_a_count(value):
    count = as_count("n", value)
    assert count == int(value)
    assert type(count) is int


@pytest.mark.parametrize(
    "widths", [(2,), (), 3, None, (2, 0), (2, -1), (2, 1.5), (2, "3"), (2, True)]
)
@pytest.mark.parametrize("network", [DeepLinear, MLP])
def test_bad_widths(network, widths):
    with pytest.raises(ValueError, match="widths"):
        network(widths)


def test_widths_that_overflow():
    with pytest.raises(ValueError, match=r"widths: expected at most 2\*\*31 parameters"):
        DeepLinear((2**20, 2**20))
    with pytest.raises(ValueError, match=r"hidden: .*at most 2\*\*31, got 4294967296"):
        ShallowReLU(2, 2**32)
    with pytest.raises(ValueError, match="n_steps: expected .* to be at most"):
        gradient_descent(PROBLEM, START, 0.1, 2**31)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: MLP((2, 2), activation="cosine"), "activation"),
        (lambda: MLP((2, 2), activation=None), "activation"),
        (lambda: ShallowReLU(2, 2, bias=1), "bias"),
        (lambda: SquaredLoss(np.ones((1, 2)), mean=None), "mean"),
        (lambda: SquaredLoss(np.ones(2)), "Y"),
        (lambda: SquaredLoss(np.ones((2, 0))), "Y"),
        (lambda: CrossEntropy([[0.5, 0.2], [0.5, 0.9]]), "Y: .*sum to one, got 1.1 in column 1"),
        (lambda: CrossEntropy([[1.5], [-0.5]]), r"Y: expected labels >= 0, got -0.5 at \(1, 0\)"),
        (lambda: CrossEntropy([[0, 0], [0, 0]]), "Y"),
        (lambda: Problem(MLP((2, 3)), np.ones((3, 4)), SquaredLoss(np.ones((3, 4)))), "X"),
        (lambda: Problem(MLP((2, 3)), np.ones((2, 4)), SquaredLoss(np.ones((3, 5)))), "loss"),
        (lambda: Problem(MLP((2, 3)), np.ones((2, 4)), SquaredLoss(np.ones((2, 4)))), "loss"),
        (lambda: PROBLEM.network.join([np.ones((3, 2))]), "arrays"),
        (lambda: PROBLEM.network.join([np.ones((2, 2))] * 4), r"arrays\[0\]"),
        (lambda: DeepLinear((1, 1, 1)).join([np.ones((2, 1, 1)), np.ones((3, 1, 1))]), "arrays"),
        (lambda: PROBLEM.network.pullback(START, np.ones((2, 4)), np.ones((2, 5))), "cotangent"),
        (
            lambda: PROBLEM.loss_function.hessian_product(np.ones((3, 2, 4)), np.ones((2, 2, 4))),
            "direction",
        ),
        (lambda: gradient_flow(PROBLEM, START, -1.0), "t_end"),
        (lambda: gradient_flow(PROBLEM, START, math.nan), "t_end"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, times=[0.5, 0.2]), "times"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, times=[0.5, 0.5]), "times"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, times=[-0.5, 0.5]), "times"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, times=[0.5, 2]), "times"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, times=[]), "times"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, method="Euler"), "method"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, method=["LSODA"]), "method"),
        (lambda: gradient_flow(PROBLEM, np.stack([START] * 2), 1.0, method="LSODA"), "method"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, rtol=0), "rtol"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, rtol=1e-16), "rtol"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, atol=-1), "atol"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, events=1), "events"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, events=[None]), r"events\[0\]"),
        (lambda: gradient_flow(PROBLEM, np.stack([START] * 2), 1.0, events=len), "events"),
        (lambda: gradient_flow(PROBLEM, START, 1.0, progress="yes"), "progress"),
        (lambda: gradient_descent(PROBLEM, START, -0.1, 5), "step"),
        (lambda: gradient_descent(PROBLEM, START, 0.1, 0), "n_steps"),
        (lambda: momentum_flow(PROBLEM, START, -1, 1.0), "damping"),
        (lambda: momentum_flow(PROBLEM, START, 1, 1.0, velocity0=START[1:]), "velocity0"),
        (lambda: momentum_flow(PROBLEM, np.stack([START] * 2), 1, 1.0), "theta0"),
        (lambda: check_gradient(PROBLEM, START, gradient=lambda theta: theta[1:]), "gradient"),
        (
            lambda: check_gradient(PROBLEM, START, gradient=lambda theta: theta * math.nan),
            "gradient",
        ),
    ],
)
def test_every_door_names_its_argument(call, argument):
    with pytest.raises(ValueError, match="^" + argument):
        call()


DOORS = {
    "theta": [
        PROBLEM.loss,
        PROBLEM.gradient,
        PROBLEM.hessian,
        PROBLEM.kernel,
        PROBLEM.outputs,
        PROBLEM.network.split,
        lambda x: check_gradient(PROBLEM, x),
        lambda x: PROBLEM.network.outputs(x, np.ones((2, 4))),
        lambda x: PROBLEM.network.jacobian(x, np.ones((2, 4))),
    ],
    "theta0": [
        lambda x: gradient_flow(PROBLEM, x, 1.0),
        lambda x: momentum_flow(PROBLEM, x, 1, 1.0),
        lambda x: gradient_descent(PROBLEM, x, 0.1, 3),
    ],
}


@st.composite
def spoilt_vectors(draw):
    """Vectors that are almost right: one wrong length, one wrong entry, one wrong dimension."""
    kind = draw(st.sampled_from(["length", "nan", "inf", "dimension", "text", "complex", "object"]))
    if kind == "length":
        size = draw(st.integers(0, 40).filter(lambda n: n != PROBLEM.size))
        return np.ones(size)
    place = draw(st.integers(0, PROBLEM.size - 1))
    if kind in ("nan", "inf"):
        vector = START.copy()
        vector[place] = draw(st.sampled_from([math.inf, -math.inf])) if kind == "inf" else math.nan
        return vector
    if kind == "dimension":
        return START.reshape(draw(st.sampled_from([(1, 1, -1), (-1, 1)])))
    replaced = START.astype(object)
    replaced[place] = {"text": "0.1", "complex": 1j, "object": None}[kind]
    return replaced


@settings(max_examples=250, deadline=None)
@given(vector=spoilt_vectors(), data=st.data())
def test_no_spoilt_vector_gets_in(vector, data):
    name = data.draw(st.sampled_from(sorted(DOORS)))
    door = data.draw(st.sampled_from(DOORS[name]))
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        door(vector)


@settings(max_examples=150, deadline=None)
@given(
    shape=st.lists(st.integers(0, 5), min_size=0, max_size=4).map(tuple),
    value=st.sampled_from([1.0, math.nan, math.inf]),
)
def test_losses_take_only_the_shape_of_their_labels(shape, value):
    right = shape[-2:] == (2, 4) and len(shape) in (2, 3) and shape[0] > 0
    loss = SquaredLoss(np.zeros((2, 4)))
    if right and math.isfinite(value):
        loss.value(np.full(shape, value))
        return
    with pytest.raises(ValueError, match="^outputs: expected"):
        loss.value(np.full(shape, value))


@settings(max_examples=100, deadline=None)
@given(columns=st.lists(st.floats(-2, 3), min_size=1, max_size=5))
def test_labels_of_cross_entropy_are_distributions(columns):
    labels = np.array([columns, [1.0 - c for c in columns]])
    if ((labels >= 0) & (labels <= 1)).all():
        CrossEntropy(labels)
        CrossEntropy(labels + [[1e-12], [0]])
        with pytest.raises(ValueError, match="^Y: expected every column to sum to one"):
            CrossEntropy(labels + [[1e-3], [0]])
    else:
        with pytest.raises(ValueError, match="^Y: expected labels >= 0"):
            CrossEntropy(labels)
