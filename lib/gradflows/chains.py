"""The gradient field of a deep linear network as a fixed list of products between buffers.

An integrator asks for the field thousands of times at matrices of a few hundred entries; there the
products are cheap, and cutting vectors into matrices and allocating results is what costs. All
views and buffers are therefore made once for each flow.
"""

from functools import partial

import numpy as np


def chain_field(layers, X, loss_gradient):
    """Make the function ``theta -> -gradient`` for one start, (size,).

    Parameters
    ----------
    layers : Layers
        Linear, without biases.
    X : numpy.ndarray (d_0, n) or None
        None stands for the identity.
    loss_gradient : callable
        Unchecked gradient of the loss in the outputs.

    Returns
    -------
    callable
        It keeps buffers: one thread at a time.
    """
    theta, gradient, samples = np.empty(layers.size), np.empty(layers.size), layers.widths[0]
    if X is not None:
        samples = X.shape[1]
    weights, parts = layers.matrices(theta), layers.matrices(gradient)
    values = [np.empty((width, samples)) for width in layers.widths[1:]]
    signals = [np.empty_like(value) for value in values]
    first = 0
    if X is None:
        values[0], signals[0], first = weights[0], parts[0], 1
    inputs = [X, *values[:-1]]
    # ndarray.dot has the least overhead on single matrices
    forward = [partial(weights[i].dot, inputs[i], values[i]) for i in range(first, layers.depth)]
    backward = []
    for i in range(layers.depth - 1, first - 1, -1):
        backward.append(partial(signals[i].dot, inputs[i].mT, parts[i]))
        if i:
            backward.append(partial(weights[i].mT.dot, signals[i], signals[i - 1]))
    outputs, top = values[-1], signals[-1]

    def field(point):
        theta[...] = point
        for product in forward:
            product()
        top[...] = loss_gradient(outputs)
        for product in backward:
            product()
        return -gradient

    return field
