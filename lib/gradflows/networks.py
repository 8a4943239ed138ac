r"""Networks: parameters to vector and back, outputs, Jacobian, pullback.

All networks share one interface. Weights :math:`W_i` have shape ``(d_i, d_{i-1})`` for
:math:`i = 1..h`, ``widths = (d_0, ..., d_h)`` with the input first, samples are the columns of
``X`` ``(d_0, n)``. ``theta`` holds :math:`W_1, [b_1], W_2, [b_2], \dots`, each flattened row by
row, as a float64 vector ``(size,)``; most methods also take a stack ``(k, size)``.
"""

import numpy as np

from gradflows.activations import ACTIVATIONS
from gradflows.curvature import second_derivative
from gradflows.layers import Layers
from gradflows.validation import LARGEST_COUNT, as_array, as_count

__all__ = ["MLP", "DeepLinear", "LayeredNetwork", "ShallowReLU"]


class LayeredNetwork:
    """What all networks of the book have in common; use one of its three children.

    Attributes
    ----------
    widths : tuple of int
        ``(d_0, ..., d_h)``, input first.
    size : int
        Number of parameters.
    smooth : bool
        Whether the outputs are smooth in the parameters; with ReLUs they have kinks.
    layers : Layers
        The unchecked engine, for integrators.
    """

    def __init__(self, widths, activation, biased):
        self.layers = Layers(widths, activation, biased)
        self.widths = widths
        self.size = self.layers.size
        self.smooth = activation != "relu"
        if self.size > LARGEST_COUNT:
            raise ValueError(
                f"widths: expected at most 2**31 parameters, got {self.size} from {widths}"
            )

    def __repr__(self):
        return f"{type(self).__name__}(widths={self.widths})"

    def split(self, theta):
        """Cut ``theta`` into its weights and biases.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        list of numpy.ndarray
            ``W_1, [b_1], W_2, ...``, of shapes ``(d_i, d_{i-1})`` and ``(d_i,)``, or with a
            leading k. They are views: writing into them writes into ``theta``.

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,), stack=True)
        lead = theta.shape[:-1]
        return [theta[..., place].reshape(lead + shape) for place, shape in self._parts()]

    def join(self, arrays):
        """Put weights and biases together into one vector: the inverse of :meth:`split`.

        Parameters
        ----------
        arrays : sequence of array_like
            As :meth:`split` returns them.

        Returns
        -------
        numpy.ndarray, (size,) or (k, size)

        Raises
        ------
        ValueError
            If the number of arrays or one of their shapes does not fit.
        """
        parts = self._parts()
        arrays = list(arrays)
        if len(arrays) != len(parts):
            raise ValueError(f"arrays: expected {len(parts)} of them, got {len(arrays)}")
        checked = [
            as_array(f"arrays[{i}]", array, shape, stack=True)
            for i, (array, (_, shape)) in enumerate(zip(arrays, parts, strict=True))
        ]
        leads = [a.shape[: a.ndim - len(s)] for a, (_, s) in zip(checked, parts, strict=True)]
        if len(set(leads)) > 1:
            raise ValueError(f"arrays: expected one leading dimension for all, got {leads}")
        flat = [a.reshape(*lead, -1) for a, lead in zip(checked, leads, strict=True)]
        return np.concatenate(flat, axis=-1)

    def outputs(self, theta, X):
        r"""Send the samples through the network: :math:`x(\theta)`, one column a sample.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d_0, n)

        Returns
        -------
        numpy.ndarray, (d_h, n) or (k, d_h, n)

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        return self._forward(theta, X).outputs

    def jacobian(self, theta, X):
        r"""Differentiate the outputs in the parameters: :math:`J = \partial x/\partial\theta`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d_0, n)

        Returns
        -------
        numpy.ndarray, (n*d_h, size) or (k, n*d_h, size)
            Rows sample by sample: row ``sample * d_h + output``.

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        return self.layers.jacobian(self._forward(theta, X))

    def pullback(self, theta, X, cotangent):
        r"""Pull a derivative in the outputs back to the parameters: :math:`J^T vec(g)`.

        It is computed by backpropagation; the Jacobian is never formed.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d_0, n)
        cotangent : array_like, (d_h, n), or (k, d_h, n) for a stack

        Returns
        -------
        numpy.ndarray, (size,) or (k, size)

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        state = self._forward(theta, X)
        return self.layers.backward(state, self._cotangent(state, cotangent))

    def second_order(self, theta, X, cotangent):
        r"""Sum the Hessians of all outputs with weights g: :math:`\sum_k g_k \nabla^2 x_k`.

        Together with :math:`J^T \nabla^2\ell\, J` it makes up the Hessian of a loss.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d_0, n)
        cotangent : array_like, (d_h, n), or (k, d_h, n) for a stack

        Returns
        -------
        numpy.ndarray, (size, size) or (k, size, size)
            Symmetric.

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        state = self._forward(theta, X)
        return second_derivative(self.layers, state, self._cotangent(state, cotangent))

    def _forward(self, theta, X):
        """Check both arguments and propagate."""
        theta = as_array("theta", theta, (self.size,), stack=True)
        return self.layers.forward(theta, as_array("X", X, (self.widths[0], "n")))

    def _cotangent(self, state, cotangent):
        """Check a cotangent against the outputs and give it their leading dimension."""
        shape = state.outputs.shape
        cotangent = as_array("cotangent", cotangent, shape[-2:], stack=len(shape) == 3)
        if cotangent.ndim == 3 and cotangent.shape != shape:
            raise ValueError(f"cotangent: expected shape {shape}, got {cotangent.shape}")
        return np.broadcast_to(cotangent, shape)

    def _parts(self):
        """Places and shapes of weights and biases, in the order of ``theta``."""
        parts = []
        for i, shape in enumerate(self.layers.shapes):
            parts.append((self.layers.weight_slices[i], shape))
            if self.layers.biased[i]:
                parts.append((self.layers.bias_slices[i], shape[:1]))
        return parts


class DeepLinear(LayeredNetwork):
    r"""Deep linear network :math:`x = W_h \cdots W_1 X`, without biases.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first, at least two of them.

    Raises
    ------
    ValueError
        If a width is no positive integer, or there are more than 2**31 parameters.

    Examples
    --------
    >>> DeepLinear((2, 3, 1)).size
    9
    """

    def __init__(self, widths):
        widths = _as_widths(widths)
        super().__init__(widths, "identity", (False,) * (len(widths) - 1))


class ShallowReLU(LayeredNetwork):
    r"""Network with one hidden layer of ReLUs, :math:`x = W_2 \max(W_1 X + b, 0)`.

    The derivative of the ReLU at 0 is taken to be 0.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Widths; ``W_1`` is ``(hidden, inputs)``, ``W_2`` is ``(outputs, hidden)``.
    bias : bool
        Whether the hidden layer has a bias ``b`` ``(hidden,)``; the outputs never have one.

    Raises
    ------
    ValueError
        If a width is no positive integer, or there are more than 2**31 parameters.
    """

    def __init__(self, inputs, hidden, outputs=1, bias=False):
        given = {"inputs": inputs, "hidden": hidden, "outputs": outputs}
        widths = tuple(as_count(name, value) for name, value in given.items())
        if not isinstance(bias, bool | np.bool_):
            raise ValueError(f"bias: expected True or False, got {bias!r}")
        super().__init__(widths, "relu", (bool(bias), False))


class MLP(LayeredNetwork):
    r"""Multilayer perceptron with a bias in every layer and linear outputs.

    :math:`a_i = \varphi(W_i a_{i-1} + b_i)` for i < h, and :math:`x = W_h a_{h-1} + b_h`.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first, at least two of them.
    activation : str
        "tanh", "sigmoid", "softplus", "relu" or "identity"; it acts on hidden layers.

    Raises
    ------
    ValueError
        If a width is no positive integer, there are more than 2**31 parameters, or the
        activation is not known.

    Examples
    --------
    >>> MLP((2, 8, 2)).size
    42
    """

    def __init__(self, widths, activation="tanh"):
        widths = _as_widths(widths)
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            known = ", ".join(sorted(ACTIVATIONS))
            raise ValueError(f"activation: expected one of {known}, got {activation!r}")
        super().__init__(widths, activation, (True,) * (len(widths) - 1))


def _as_widths(widths):
    """Check a sequence of at least two positive widths."""
    try:
        widths = list(widths)
    except TypeError:
        raise ValueError(f"widths: expected a sequence of integers, got {widths!r}") from None
    if len(widths) < 2:
        raise ValueError(f"widths: expected at least two of them, input first, got {widths}")
    return tuple(as_count(f"widths[{i}]", width) for i, width in enumerate(widths))
