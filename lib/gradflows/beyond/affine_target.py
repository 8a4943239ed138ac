r"""Shallow networks that learn an affine function on [0, 1], integrated exactly between kinks.

The network is :math:`f(x) = c + \sum_j v_j\sigma(w_jx + b_j)` with one input and ``neurons`` hidden
nodes, the loss :math:`L = \int_0^1 r^2\,dx` with the residual :math:`r = f - \alpha x - \beta`.
Between two kinks :math:`t_j = -b_j/w_j` everything is affine, and products of affine functions are
integrated exactly. Time is that of :math:`\theta' = -\nabla L(\theta)`. Parameters may be
fractions; then the results are fractions too, without any rounding.
"""

from fractions import Fraction
from numbers import Rational, Real

import numpy as np

from gradflows.validation import as_array, as_count

__all__ = ["AffineTarget"]


class AffineTarget:
    r"""Loss :math:`\int_0^1 (f - \alpha x - \beta)^2 dx` of a shallow network, and its derivatives.

    The activation is :math:`\sigma(z) = z` for z > 0 and :math:`\gamma z` otherwise: the ReLU for
    :math:`\gamma = 0`, a leaky ReLU for :math:`0 < \gamma < 1`. Its derivative at 0 is taken to be
    :math:`\gamma`. An object of this class can be handed to
    :func:`~gradflows.flows.gradient_flow` and :func:`~gradflows.flows.gradient_descent`.

    Parameters
    ----------
    neurons : int
        Number N of hidden nodes.
    alpha, beta : float or fraction
        Slope and value at 0 of the target.
    leak : float or fraction
        The slope :math:`\gamma` in [0, 1).

    Attributes
    ----------
    neurons, alpha, beta, leak
        As given.
    size : int
        3 N + 1; ``theta`` holds :math:`w, b, v, c` in this order.

    Raises
    ------
    ValueError
        If ``neurons`` is no positive integer, a number is not finite, or ``leak`` is not in [0, 1).

    Notes
    -----
    The loss is that of [cheridito2022landscape]_.
    """

    def __init__(self, neurons, alpha=1, beta=0, leak=0):
        self.neurons = as_count("neurons", neurons)
        self.alpha, self.beta = as_number("alpha", alpha), as_number("beta", beta)
        self.leak = as_number("leak", leak)
        if not 0 <= self.leak < 1:
            raise ValueError(f"leak: expected a number in [0, 1), got {leak!r}")
        self.size = 3 * self.neurons + 1
        self._given = (self.alpha, self.beta, self.leak)
        self._floats = tuple(map(float, self._given))
        self._exact = all(isinstance(number, Fraction) for number in self._given)

    def __repr__(self):
        return (
            f"AffineTarget(neurons={self.neurons}, alpha={self.alpha}, beta={self.beta}, "
            f"leak={self.leak})"
        )

    def split(self, theta):
        """Cut ``theta`` into w, b, v, each (..., neurons), and c (...).

        Raises
        ------
        ValueError
            If ``theta`` has another shape than (size,) or (k, size), or holds NaN or infinity.
        """
        w, b, v, c = self._split(self._theta(theta))
        return w, b, v, c[()]

    def outputs(self, theta, x):
        r"""Evaluate the network, :math:`f(x) = c + \sum_j v_j\sigma(w_jx + b_j)`.

        Parameters
        ----------
        theta : array_like, (size,)
        x : array_like, (n,)

        Returns
        -------
        numpy.ndarray, (n,)

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is not finite.
        """
        w, b, v, c = self._split(self._theta(theta, stack=False))
        z = as_numbers("x", x, ("n",))[:, None] * w + b
        leak = self._numbers(z)[2]
        return np.sum(v * np.where(z > 0, 1, leak) * z, axis=1) + c

    def residual(self, theta, x):
        r"""Evaluate :math:`r(x) = f(x) - \alpha x - \beta`; arguments and errors as `outputs`."""
        outputs, x = self.outputs(theta, x), as_numbers("x", x, ("n",))
        alpha, beta, _ = self._numbers(outputs)
        return outputs - alpha * x - beta

    def loss(self, theta):
        """Integrate the squared residual.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        float or Fraction, or an array (k,) of them for a stack

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._loss(self._theta(theta))

    def gradient(self, theta):
        r"""Differentiate the loss: integrals of r, x r over active pieces, and of the neurons.

        .. math:: \partial_{b_j}L = 2v_j\int\sigma'_jr, \quad
            \partial_{w_j}L = 2v_j\int\sigma'_jxr, \quad
            \partial_{v_j}L = 2\int\sigma(w_jx+b_j)r, \quad \partial_cL = 2\int r

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
        return self._gradient(self._theta(theta))

    def hessian(self, theta, moving_kinks=True):
        r"""Differentiate the loss twice, where it can be: with all kinks off the points 0 and 1.

        .. math:: \nabla^2L = 2\int\nabla f\nabla f^T + 2\int r\,\partial_v\partial_{(w,b)}f
            + \sum_j\frac{2(1-\gamma)v_jr(t_j)}{|w_j|}(t_j, 1)(t_j, 1)^T

        The last sum, over the kinks in (0, 1), is there because kinks move.

        Parameters
        ----------
        theta : array_like, (size,)
        moving_kinks : bool
            Whether to add the last sum. Without it, this is what differentiating the loss of
            samples gives.

        Returns
        -------
        numpy.ndarray, (size, size)

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        return self._hessian(self._theta(theta, stack=False), moving_kinks)

    def _split(self, theta):
        N = self.neurons
        return *(theta[..., k * N : (k + 1) * N] for k in range(3)), theta[..., -1]

    def _theta(self, theta, stack=True):
        theta = as_numbers("theta", theta, (self.size,), stack=stack)
        return theta if self._exact else theta.astype(float)

    def _numbers(self, theta):
        """Slope and value of the target and the leak, in the arithmetic of ``theta``."""
        return self._given if theta.dtype == object else self._floats

    def _pieces(self, theta):
        """Widths, middles, residuals and their slopes (..., N + 1); gates (..., N + 1, N)."""
        w, b, v, c = self._split(theta)
        alpha, beta, leak = self._numbers(theta)
        # Neurons without a kink get a break where there is none: it does no harm.
        zero = 0 * theta[..., :1]
        kinks = np.minimum(np.maximum(-b / np.where(w == 0, zero + 1, w), zero), zero + 1)
        ends = np.concatenate([zero, kinks, zero + 1], axis=-1)
        ends.sort(axis=-1)
        width, middle = ends[..., 1:] - ends[..., :-1], (ends[..., 1:] + ends[..., :-1]) / 2
        z = middle[..., None] * w[..., None, :] + b[..., None, :]
        gate = np.where(z > 0, zero[..., None] + 1, leak)
        value = ((gate * z) @ v[..., None])[..., 0] + c[..., None] - alpha * middle - beta
        slope = (gate @ (v * w)[..., None])[..., 0] - alpha
        return width, middle, value, slope, gate

    def _loss(self, theta):
        width, _, value, slope, _ = self._pieces(theta)
        return np.sum(width * (value * value + slope * slope * width * width / 12), axis=-1)

    def _moments(self, theta):
        """Integrals of x r and of r, each over all that a neuron sees (..., N), and of r alone."""
        width, middle, value, slope, gate = self._pieces(theta)
        # The integral of (p + q y)(p' + q' y) over a piece, y from its middle, is h p p' + d q q'
        # with d = h^3 / 12.
        on_1 = width * value
        on_x = on_1 * middle + slope * width**3 / 12
        seen_x, seen_1 = ((on[..., None, :] @ gate)[..., 0, :] for on in (on_x, on_1))
        return seen_x, seen_1, on_1.sum(axis=-1, keepdims=True)

    def _gradient(self, theta):
        on_x, on_1, whole = self._moments(theta)
        w, b, v, _ = self._split(theta)
        return 2 * np.concatenate([v * on_x, v * on_1, w * on_x + b * on_1, whole], axis=-1)

    def _hessian(self, theta, moving_kinks=True):
        width, middle, _, _, gate = self._pieces(theta)
        w, b, v, _ = self._split(theta)
        N, middle, one = self.neurons, middle[:, None], 0 * middle[:, None] + 1
        bent = np.concatenate([gate * v, 0 * gate, gate * w, 0 * one], axis=1)
        z = middle * w + b
        lifted = np.concatenate([gate * v * middle, gate * v, gate * z, one], axis=1)
        half = lifted.T @ (width[:, None] * lifted) + bent.T @ ((width**3 / 12)[:, None] * bent)
        j = np.arange(N)
        for k, row in enumerate(self._moments(theta)[:2]):
            half[k * N + j, 2 * N + j] += row
            half[2 * N + j, k * N + j] += row
        return 2 * (half + self._kink_term(theta)) if moving_kinks else 2 * half

    def _kink_term(self, theta):
        """Half of what the motion of the kinks in (0, 1) adds to the Hessian."""
        w, b, v, _ = self._split(theta)
        result, leak = 0 * np.outer(theta, theta), self._numbers(theta)[2]
        for j in range(self.neurons):
            if not abs(w[j]) > -b[j] * (1 if w[j] > 0 else -1) > 0:
                continue
            t = -b[j] / w[j]
            bend = (1 - leak) * v[j] * self.residual(theta, np.array([t]))[0] / abs(w[j])
            place = np.ix_([j, self.neurons + j], [j, self.neurons + j])
            result[place] += bend * np.array([[t * t, t], [t, 1]])
        return result


def as_number(name, value):
    """Return a Fraction for an integer or a fraction, a finite float for another real number.

    Raises
    ------
    ValueError
        If ``value`` is no real number, or not finite.
    """
    if isinstance(value, Rational) and not isinstance(value, bool):
        return Fraction(value)
    if not isinstance(value, Real) or isinstance(value, bool) or not np.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return float(value)


def as_numbers(name, value, shape, *, stack=False):
    """Return an array of the shape: as it is if it holds fractions or integers as objects."""
    array = np.asarray(value)
    exact = array.dtype == object and all(isinstance(entry, Rational) for entry in array.flat)
    checked = as_array(name, array.astype(float) if exact else array, shape, stack=stack)
    return np.vectorize(Fraction, otypes=[object])(array) if exact else checked
