"""Losses: values by hand, derivatives against differences, stacks, extreme outputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import CrossEntropy, SquaredLoss


@st.composite
def losses(draw):
    """A loss and a point, of any small shape."""
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    kind = draw(st.sampled_from(["mean", "sum", "entropy"]))
    if kind == "entropy":
        labels = rng.random(shape) + 0.1
        return CrossEntropy(labels / labels.sum(axis=0)), rng.normal(size=shape), rng
    return SquaredLoss(rng.normal(size=shape), mean=kind == "mean"), rng.normal(size=shape), rng


def test_squared_loss_by_hand():
    outputs, labels = [[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2))
    assert SquaredLoss(labels).value(outputs) == 7.5
    assert SquaredLoss(labels, mean=False).value(outputs) == 15.0


def test_cross_entropy_by_hand():
    loss = CrossEntropy([[1.0, 0.5], [0.0, 0.5]])
    assert loss.value(np.zeros((2, 2))) == pytest.approx(np.log(2))
    outputs = [[np.log(3.0), 0.0], [0.0, 0.0]]
    assert loss.value(outputs) == pytest.approx((np.log(4 / 3) + np.log(2)) / 2)


def test_cross_entropy_stands_large_outputs():
    loss = CrossEntropy([[1.0], [0.0]])
    with np.errstate(all="raise", under="ignore"):
        assert loss.value([[1e4], [-1e4]]) == 0.0
        assert loss.value([[-1e4], [1e4]]) == 2e4
        assert np.isfinite(loss.gradient([[-1e4], [1e4]])).all()


@settings(max_examples=60, deadline=None)
@given(losses())
def test_gradient_is_the_derivative(case):
    loss, x, rng = case
    v, e = rng.normal(size=x.shape), 1e-6
    slope = (loss.value(x + e * v) - loss.value(x - e * v)) / (2 * e)
    assert np.sum(loss.gradient(x) * v) == pytest.approx(slope, abs=1e-7)


@settings(max_examples=60, deadline=None)
@given(losses())
def test_hessian_product_is_the_derivative_of_the_gradient(case):
    loss, x, rng = case
    v, e = rng.normal(size=x.shape), 1e-6
    change = (loss.gradient(x + e * v) - loss.gradient(x - e * v)) / (2 * e)
    np.testing.assert_allclose(loss.hessian_product(x, v), change, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(losses())
def test_bend_is_the_hessian_sample_by_sample(case):
    loss, x, rng = case
    v = rng.normal(size=x.shape)
    bent = np.einsum(
        "sab,bs->as", np.broadcast_to(loss._bend(x), (x.shape[1], *2 * x.shape[:1])), v
    )
    np.testing.assert_allclose(bent, loss.hessian_product(x, v), atol=1e-13)


@settings(max_examples=60, deadline=None)
@given(losses(), st.integers(1, 4))
def test_a_stack_is_a_loop(case, count):
    loss, x, rng = case
    stack, directions = rng.normal(size=(2, count, *x.shape))
    np.testing.assert_allclose(loss.value(stack), [loss.value(s) for s in stack])
    np.testing.assert_allclose(loss.gradient(stack), [loss.gradient(s) for s in stack])
    pairs = zip(stack, directions, strict=True)
    both = [loss.hessian_product(s, d) for s, d in pairs]
    np.testing.assert_allclose(loss.hessian_product(stack, directions), both, atol=1e-14)
    one = [loss.hessian_product(x, d) for d in directions]
    np.testing.assert_allclose(loss.hessian_product(x, directions), one, atol=1e-14)
    other = [loss.hessian_product(s, x) for s in stack]
    np.testing.assert_allclose(loss.hessian_product(stack, x), other, atol=1e-14)


def test_labels_are_a_copy_and_stay():
    given_ = np.zeros((1, 2))
    loss = SquaredLoss(given_)
    given_[:] = 9.0
    assert loss.value(np.zeros((1, 2))) == 0.0
    with pytest.raises(ValueError, match="read-only"):
        loss.labels[0, 0] = 1.0


def test_values_are_floats():
    assert isinstance(SquaredLoss([[0.0]]).value([[1.0]]), float)
    assert isinstance(CrossEntropy([[1.0]]).value([[1.0]]), float)
