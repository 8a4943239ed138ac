r"""Residual networks of any depth: propagation, gradient, rescaled weights.

The states, one column a sample, pass h residual blocks of one width d,

.. math:: X_k = X_{k-1} + h^{-\alpha}\varphi(W_kX_{k-1}), \qquad k = 1, \dots, h,

and the loss is the sum :math:`L = \frac12\|X_h - Y\|_F^2`. With :math:`\alpha + \beta = 1` the
rescaled weights :math:`V_k = h^\beta W_k` are what has a limit for large depth, and a step
:math:`\eta_0h^{2\alpha-1}` is what treats all depths alike. Starts, and how rough a path of weights
is, are in :mod:`gradflows.beyond.roughness`.
"""

import numpy as np

from gradflows.activations import ACTIVATIONS
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["ResidualProblem", "guaranteed_rate"]


class ResidualProblem:
    r"""Loss of a residual network on data, for ``gradient_descent`` and flows.

    Parameters
    ----------
    X, Y : array_like, (d, n)
        Inputs and labels.
    depth : int
        Number h of blocks, at least 1.
    alpha : float
        Exponent of the scale :math:`h^{-\alpha}` of the blocks, in [0, 1]; :math:`\beta` is
        :math:`1 - \alpha`.
    activation : str
        Name in ``gradflows.activations.ACTIVATIONS``; "identity" is the linear network.

    Attributes
    ----------
    width, depth, size : int
        d, h and the number :math:`hd^2` of weights. ``theta`` is :math:`W_1, \dots, W_h`, each row
        by row, or a stack (k, size).
    alpha, beta : float

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, ``alpha`` is not in [0, 1] or the
        activation is not known.

    Notes
    -----
    The model of [cont2022convergence]_. The time of its flow is that of the sum.
    """

    def __init__(self, X, Y, depth, alpha, activation="tanh"):
        self.inputs = as_array("X", X, ("d", "n")).copy()
        self.labels = as_array("Y", Y, self.inputs.shape).copy()
        self.depth = as_count("depth", depth)
        self.alpha = as_positive("alpha", alpha, zero=True)
        if self.alpha > 1:
            raise ValueError(f"alpha: expected a number in [0, 1], got {alpha!r}")
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            known = ", ".join(sorted(ACTIVATIONS))
            raise ValueError(f"activation: expected one of {known}, got {activation!r}")
        self.beta = 1 - self.alpha
        self.width = len(self.inputs)
        self.size = self.depth * self.width**2
        self._activation = ACTIVATIONS[activation]
        self._scale = self.depth**-self.alpha

    def weights(self, path):
        r"""Turn a path of rescaled weights into parameters, :math:`W_k = h^{-\beta}V_k`.

        Parameters
        ----------
        path : array_like, (h, d, d)

        Returns
        -------
        numpy.ndarray, (size,)

        Raises
        ------
        ValueError
            If the path has another shape, or holds NaN or infinity.
        """
        path = as_array("path", path, (self.depth, self.width, self.width))
        return (self.depth**-self.beta * path).reshape(self.size)

    def path(self, theta):
        r"""Read the parameters as a path of rescaled weights, :math:`V_k = h^\beta W_k`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, (h, d, d) or (k, h, d, d)
            Entry k - 1 belongs to the place :math:`s = k/h` of the interval [0, 1].

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,), stack=True)
        return self.depth**self.beta * self._matrices(theta)

    def step(self, eta):
        r"""Step of gradient descent that means the same at every depth, :math:`\eta h^{2\alpha-1}`.

        The same factor turns a time of the rescaled weights into a time of the flow.

        Parameters
        ----------
        eta : float
            Positive.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If ``eta`` is not positive.
        """
        return as_positive("eta", eta) * self.depth ** (2 * self.alpha - 1)

    def loss(self, theta):
        """Evaluate the loss.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        float, or numpy.ndarray (k,) for a stack

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        value = self._loss(as_array("theta", theta, (self.size,), stack=True))
        return float(value) if np.ndim(value) == 0 else value

    def gradient(self, theta):
        r"""Differentiate: :math:`\nabla_{W_k}L = h^{-\alpha}(\Phi_k\odot P_k)X_{k-1}^\top`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, shape of ``theta``

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._gradient(as_array("theta", theta, (self.size,), stack=True))

    def states(self, theta):
        r"""Propagate: all states :math:`X_0, \dots, X_h`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, (h + 1, d, n) or (h + 1, k, d, n)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._forward(as_array("theta", theta, (self.size,), stack=True))[0]

    def signals(self, theta):
        r"""Propagate back: the derivatives :math:`P_k = \partial L/\partial X_k`, k = 0, ..., h.

        :math:`P_h = X_h - Y` and :math:`P_{k-1} = P_k + h^{-\alpha}W_k^\top(\Phi_k\odot P_k)` with
        the slopes :math:`\Phi_k = \varphi'(W_kX_{k-1})`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        numpy.ndarray, (h + 1, d, n) or (h + 1, k, d, n)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._backward(as_array("theta", theta, (self.size,), stack=True))[0]

    def _matrices(self, theta):
        return theta.reshape(*theta.shape[:-1], self.depth, self.width, self.width)

    def _forward(self, theta):
        """Return all states and all slopes; the loop over the blocks holds only what it must."""
        weights = self._blocks(theta)
        states = np.empty((self.depth + 1, *theta.shape[:-1], *self.inputs.shape))
        inner, values = np.empty((2, *states[1:].shape))
        states[0] = self.inputs
        for k in range(self.depth):
            np.matmul(weights[k], states[k], out=inner[k])
            values[k] = self._activation.value(inner[k])
            np.multiply(values[k], self._scale, out=states[k + 1])
            states[k + 1] += states[k]
        return states, self._activation.slope(inner, values)

    def _backward(self, theta):
        """Return all signals, the signals times slopes, and all states."""
        weights = self._scale * self._blocks(theta).mT
        states, slopes = self._forward(theta)
        signals = np.empty_like(states)
        np.subtract(states[-1], self.labels, out=signals[-1])
        for k in range(self.depth - 1, -1, -1):
            slopes[k] *= signals[k + 1]
            np.matmul(weights[k], slopes[k], out=signals[k])
            signals[k] += signals[k + 1]
        return signals, slopes, states

    def _blocks(self, theta):
        """View the weights as (h, d, d) or (h, k, d, d)."""
        return np.moveaxis(self._matrices(theta), -3, 0)

    def _loss(self, theta):
        residual = self._forward(theta)[0][-1] - self.labels
        return 0.5 * np.sum(residual**2, axis=(-2, -1))

    def _gradient(self, theta):
        _, bent, states = self._backward(theta)
        blocks = self._scale * (bent @ states[:-1].mT)
        return np.moveaxis(blocks, 0, -3).reshape(theta.shape)


def guaranteed_rate(X, bound):
    r"""Rate :math:`\mu` at which the loss must fall while all :math:`\|V_k\|\le M`.

    .. math:: \mu = \bigl[\operatorname{sech}^2(Me^Mq)\,e^{-2M}\,
              \bigl(s_n(X) - (e^M - 1)\|X\|_F\bigr)_+\bigr]^2

    with the least singular value :math:`s_n` and the longest column q of the inputs; n > d gives 0.
    It holds for every depth :math:`h\ge2M`, every :math:`\alpha`, and the activation tanh.

    Parameters
    ----------
    X : array_like, (d, n)
    bound : float
        M, non-negative.

    Returns
    -------
    float
        In the time of the rescaled weights: :math:`\dot L\le-2\mu L`.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    X, bound = as_array("X", X, ("d", "n")), as_positive("bound", bound, zero=True)
    if X.shape[1] > X.shape[0]:
        return 0.0
    longest = np.linalg.norm(X, axis=0).max()
    slope = np.cosh(bound * np.exp(bound) * longest) ** -2.0
    least = np.linalg.svd(X, compute_uv=False)[-1] - np.expm1(bound) * np.linalg.norm(X)
    return float((slope * np.exp(-2 * bound) * max(least, 0.0)) ** 2)
