r"""The engine under all networks: propagation through layers, forwards, backwards and twice.

A layered network sends samples (columns) through

.. math:: z_i = W_i a_{i-1} + b_i, \qquad a_i = \varphi(z_i) \;(i < h), \qquad x = z_h,

with :math:`a_0 = X`. All functions here are unchecked: they are what integrators call. ``theta``
is one vector ``(size,)`` or a stack ``(k, size)``; leading dimensions go through everywhere.
``X = None`` stands for the identity matrix, whose products are then saved.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from gradflows.activations import ACTIVATIONS


class Pass(NamedTuple):
    """What one forward propagation leaves behind for the way back."""

    theta: np.ndarray
    weights: list
    inputs: list
    preactivations: list
    outputs: np.ndarray


class Layers:
    """Shapes, places in ``theta`` and propagation of a layered network.

    Parameters
    ----------
    widths : tuple of int
        ``(d_0, ..., d_h)``, input first.
    activation : str
        Name in :data:`gradflows.activations.ACTIVATIONS`; it acts on hidden layers only.
    biased : tuple of bool
        For each layer, whether it adds a bias.
    """

    def __init__(self, widths, activation, biased):
        self.widths = widths
        self.depth = len(widths) - 1
        self.biased = biased
        self.linear = activation == "identity"
        self.plain = self.linear and not any(biased)
        self.activation = ACTIVATIONS[activation]
        self.shapes = [(widths[i + 1], widths[i]) for i in range(self.depth)]
        self.weight_slices, self.bias_slices, self.size = [], [], 0
        for (rows, columns), bias in zip(self.shapes, biased, strict=True):
            self.weight_slices.append(slice(self.size, self.size + rows * columns))
            self.size += rows * columns
            self.bias_slices.append(slice(self.size, self.size + rows) if bias else None)
            self.size += rows if bias else 0
        self._places = list(zip(self.weight_slices, self.shapes, strict=True))

    @cached_property
    def order(self):
        """Say where every parameter is when each bias is the last column of its weight matrix."""
        places, start = [], 0
        for (rows, columns), bias in zip(self.shapes, self.biased, strict=True):
            block = start + np.arange(rows * (columns + bias)).reshape(rows, columns + bias)
            places += [block[:, :columns].ravel(), block[:, columns:].ravel()]
            start += block.size
        return np.concatenate(places)

    def forward(self, theta, X):
        """Propagate ``X`` (d_0, n) and keep what the backward propagation needs."""
        # On a single small matrix dot answers twice as fast as matmul.
        multiply = np.dot if theta.ndim == 1 else np.matmul
        weights, inputs, preactivations, z = self.matrices(theta), [X], [], None
        for i, weight in enumerate(weights):
            if i:
                preactivations.append(z)
                inputs.append(z if self.linear else self.activation.value(z))
            z = weight if inputs[i] is None else multiply(weight, inputs[i])
            if self.biased[i]:
                z = z + theta[..., self.bias_slices[i], None]
        return Pass(theta, weights, inputs, preactivations, z)

    def backward(self, state, cotangent):
        """Pull ``cotangent`` (d_h, n) back to the parameters: J^T vec(cotangent)."""
        theta, weights, inputs = state[:3]
        multiply = np.dot if theta.ndim == 1 else np.matmul
        gradient, delta = np.empty(theta.shape), cotangent
        into = self.matrices(gradient)
        for i in range(self.depth - 1, -1, -1):
            if inputs[i] is not None:
                multiply(delta, inputs[i].mT, into[i])
            elif delta is not into[i]:
                into[i][...] = delta
            if self.biased[i]:
                np.sum(delta, axis=-1, out=gradient[..., self.bias_slices[i]])
            if i == 1 and self.plain and inputs[0] is None:
                delta = multiply(weights[1].mT, delta, into[0])
            elif i:
                delta = multiply(weights[i].mT, delta)
                if not self.linear:
                    delta *= self.slope(state, i - 1)
        return gradient

    def matrices(self, vector):
        """View the weight matrices inside ``vector`` (..., size), as views."""
        if vector.ndim == 1:
            return [vector[place].reshape(shape) for place, shape in self._places]
        lead = vector.shape[:-1]
        return [vector[..., place].reshape(lead + shape) for place, shape in self._places]

    def jacobian(self, state):
        """Differentiate the outputs: ``(n*d_h, size)``, rows sample by sample."""
        lead, samples = state.theta.shape[:-1], state.outputs.shape[-1]
        result = np.empty((*lead, samples, self.widths[-1], self.size))
        sensitivity, stop = np.eye(self.widths[-1])[None], self.size
        for i in range(self.depth - 1, -1, -1):
            before = self.inputs_with_bias(state, i).mT[..., None, None, :]
            width = self.widths[i + 1] * before.shape[-1]
            block = result[..., stop - width : stop].reshape(
                (*result.shape[:-1], self.widths[i + 1], before.shape[-1]), copy=False
            )
            np.multiply(sensitivity[..., None], before, out=block)
            stop -= width
            if i:
                sensitivity = sensitivity @ state.weights[i][..., None, :, :]
                sensitivity = self._scale_columns(sensitivity, state, i - 1)
        result = result.reshape(*lead, samples * self.widths[-1], self.size)
        return result[..., self.order] if any(self.biased) else result

    def slope(self, state, i):
        """Differentiate the activation in the hidden layer with index ``i``."""
        return self.activation.slope(state.preactivations[i], state.inputs[i + 1])

    def _scale_columns(self, matrices, state, i):
        """Multiply (..., n, r, d_i) by the diagonal of slopes from the right."""
        return matrices if self.linear else matrices * self.slope(state, i).mT[..., None, :]

    def inputs_with_bias(self, state, i):
        """Return the inputs of a layer, with a row of ones below if the layer has a bias."""
        inputs = np.eye(self.widths[0]) if state.inputs[i] is None else state.inputs[i]
        if not self.biased[i]:
            return inputs
        return np.concatenate([inputs, np.ones_like(inputs[..., :1, :])], axis=-2)
