r"""Weights as lists ``[W_1, ..., W_h]``: checks at the border, and the whitened problem.

``W_i`` has shape ``(d_i, d_{i-1})``, the product is :math:`W_h \cdots W_1`, the target
``Sigma`` has shape ``(d_h, d_0)``.
"""

import numpy as np

from gradflows.losses import SquaredLoss
from gradflows.networks import DeepLinear
from gradflows.problems import Problem
from gradflows.validation import as_array


def as_weights(weights, *, depth=None, name="weights"):
    """Return the weights as a list of float64 matrices that fit each other.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    depth : int, optional
        The number h that is expected.
    name : str
        Name of the argument, for the message.

    Returns
    -------
    list of numpy.ndarray

    Raises
    ------
    ValueError
        If it is no sequence of finite matrices, or shapes do not fit.
    """
    try:
        matrices = list(weights)
    except TypeError:
        raise ValueError(f"{name}: expected a list [W_1, ..., W_h], got {weights!r}") from None
    if not matrices or (depth is not None and len(matrices) != depth):
        wanted = "at least one matrix" if depth is None else f"{depth} matrices"
        raise ValueError(f"{name}: expected {wanted}, got {len(matrices)}")
    checked = []
    for i, matrix in enumerate(matrices, start=1):
        inputs = len(checked[-1]) if checked else f"d_{i - 1}"
        checked.append(as_array(f"{name}: W_{i}", matrix, (f"d_{i}", inputs)))
    return checked


def as_target(Sigma, weights):
    """Return ``Sigma`` as a float64 array ``(d_h, d_0)`` that fits checked weights.

    Raises
    ------
    ValueError
        If ``Sigma`` has another shape, or holds NaN or infinity.
    """
    return as_array("Sigma", Sigma, (len(weights[-1]), weights[0].shape[1]))


def widths_of(weights):
    """Read the widths ``(d_0, ..., d_h)`` off checked weights."""
    return (weights[0].shape[1], *(len(matrix) for matrix in weights))


def whitened_problem(weights, Sigma):
    r"""Set up :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2` at the given weights.

    Returns
    -------
    problem : Problem
    theta : numpy.ndarray, (size,)

    Raises
    ------
    ValueError
        If the weights do not fit each other, or ``Sigma`` does not fit them.
    """
    weights = as_weights(weights)
    network = DeepLinear(widths_of(weights))
    loss = SquaredLoss(as_target(Sigma, weights), mean=False)
    return Problem(network, np.eye(network.widths[0]), loss), network.join(weights)
