"""Partial products, by hand and for stacks."""

import numpy as np
import pytest

from gradflows.deep_linear import end_to_end, partial_product


@pytest.fixture
def weights(rng):
    return [rng.standard_normal(shape) for shape in ((3, 4), (5, 3), (2, 5))]


def test_products_are_numbered_as_in_the_text(weights):
    w1, w2, w3 = weights
    np.testing.assert_allclose(partial_product(weights, 3, 2), w3 @ w2)
    np.testing.assert_allclose(partial_product(weights, 2, 1), w2 @ w1)
    np.testing.assert_allclose(partial_product(weights, 2, 2), w2)
    np.testing.assert_allclose(partial_product(weights, 3, 1), end_to_end(weights))


def test_the_empty_product_is_the_identity(weights):
    for i, width in enumerate((4, 3, 5, 2)):
        np.testing.assert_array_equal(partial_product(weights, i, i + 1), np.eye(width))


def test_stacks_of_weights_go_through(weights, rng):
    stack = [rng.standard_normal((6, *w.shape)) for w in weights]
    single = [end_to_end([w[k] for w in stack]) for k in range(6)]
    np.testing.assert_allclose(end_to_end(stack), single)
    np.testing.assert_array_equal(partial_product(stack, 0, 1), np.tile(np.eye(4), (6, 1, 1)))


@pytest.mark.parametrize(("i", "j"), [(0, 2), (4, 1), (3, 5), (1, 3)])
def test_layers_that_do_not_exist_are_refused(weights, i, j):
    with pytest.raises(ValueError, match="i, j: expected"):
        partial_product(weights, i, j)


def test_shapes_that_do_not_fit_are_named(weights):
    with pytest.raises(ValueError, match="W_2"):
        end_to_end([weights[0], weights[2]])
    with pytest.raises(ValueError, match="W_2"):
        end_to_end([np.ones((6, 2, 2)), np.ones((5, 2, 2))])
