r"""Products of consecutive layers, :math:`W_{i:j} = W_i W_{i-1} \cdots W_j`.

Layers are numbered from 1, so that :math:`W_{h:1}` is the end-to-end matrix and
:math:`W_{j-1:j}` the identity.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights
from gradflows.validation import as_array, as_count

__all__ = ["end_to_end", "partial_product"]


def partial_product(weights, i, j):
    r"""Multiply the layers j to i: :math:`W_{i:j} = W_i \cdots W_j`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, or with one leading dimension k.
    i, j : int
        Numbers of layers, from 1; ``i >= j - 1``. For ``i = j - 1`` the product is the identity
        of size ``d_i``.

    Returns
    -------
    numpy.ndarray, (d_i, d_{j-1}), or (k, d_i, d_{j-1}) for a stack

    Raises
    ------
    ValueError
        If shapes do not fit, or there are no such layers.

    Notes
    -----
    Source: wendin2025survey.

    Examples
    --------
    >>> partial_product([[[2.0]], [[3.0]], [[5.0]]], 3, 2)
    array([[15.]])
    """
    weights = as_stackable_weights(weights)
    depth = len(weights)
    i, j = as_count("i", i, minimum=0), as_count("j", j)
    if not j - 1 <= i <= depth or j > depth + 1:
        raise ValueError(
            f"i, j: expected j - 1 <= i <= {depth} with j from 1 to {depth + 1}, got {i}, {j}"
        )
    if i == j - 1:
        size = weights[0].shape[-1] if i == 0 else weights[i - 1].shape[-2]
        return np.tile(np.eye(size), (*weights[0].shape[:-2], 1, 1))
    return multiply(weights[j - 1 : i])


def end_to_end(weights):
    r"""Multiply all layers: the end-to-end matrix :math:`W = W_h \cdots W_1`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, or with one leading dimension k, as
        ``network.split(trajectory.theta)`` gives them.

    Returns
    -------
    numpy.ndarray, (d_h, d_0), or (k, d_h, d_0) for a stack

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: wendin2025survey.
    """
    return multiply(as_stackable_weights(weights))


def multiply(weights):
    """Multiply checked layers, the first of the list from the right."""
    product = weights[0]
    for weight in weights[1:]:
        product = weight @ product
    return product


def heads(weights):
    """List :math:`W_{i:1}` for i = 0, ..., h of checked weights, the identity first."""
    products = [np.eye(weights[0].shape[1])]
    for weight in weights:
        products.append(weight @ products[-1])
    return products


def tails(weights):
    """List :math:`W_{h:i+1}` for i = 0, ..., h of checked weights, the identity last."""
    products = [np.eye(len(weights[-1]))]
    for weight in reversed(weights):
        products.append(products[-1] @ weight)
    return products[::-1]


def as_stackable_weights(weights):
    """Check weights of which each may have one leading dimension k, the same for all."""
    arrays = list(weights)
    if not arrays or np.ndim(arrays[0]) != 3:
        return as_weights(arrays)
    count, columns, checked = len(arrays[0]), "d_0", []
    for i, array in enumerate(arrays, start=1):
        checked.append(as_array(f"weights: W_{i}", array, (count, f"d_{i}", columns)))
        columns = checked[-1].shape[1]
    return checked
