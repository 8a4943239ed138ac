r"""Losses as functions of the outputs: value, gradient, and Hessian times a direction.

Outputs and labels are ``(d_h, n)``, one column a sample; outputs may also be a stack
``(k, d_h, n)``. The mean loss and the sum differ in their clock: along gradient flow of
:math:`\frac1{2n}\|x-Y\|_F^2` everything happens n times later than for
:math:`\frac12\|x-Y\|_F^2`.
"""

import numpy as np
from scipy.special import logsumexp, softmax

from gradflows.validation import as_array

__all__ = ["CrossEntropy", "Loss", "SquaredLoss"]


class Loss:
    """Border of a loss: checks what comes and hands it to the formulas of the child.

    Attributes
    ----------
    labels : numpy.ndarray, (d_h, n)
        What the outputs are compared with; a copy that cannot be written to.
    """

    def __init__(self, Y):
        self.labels = as_array("Y", Y, ("d_h", "n")).copy()
        self.labels.flags.writeable = False

    def value(self, outputs):
        """Evaluate the loss.

        Parameters
        ----------
        outputs : array_like, (d_h, n) or (k, d_h, n)

        Returns
        -------
        float, or numpy.ndarray (k,) for a stack

        Raises
        ------
        ValueError
            If the shape is not that of the labels, or an entry is NaN or infinite.
        """
        value = self._value(as_array("outputs", outputs, self.labels.shape, stack=True))
        return float(value) if np.ndim(value) == 0 else value

    def gradient(self, outputs):
        """Differentiate the loss in the outputs.

        Parameters
        ----------
        outputs : array_like, (d_h, n) or (k, d_h, n)

        Returns
        -------
        numpy.ndarray, shape of ``outputs``

        Raises
        ------
        ValueError
            If the shape is not that of the labels, or an entry is NaN or infinite.
        """
        return self._gradient(as_array("outputs", outputs, self.labels.shape, stack=True))

    def hessian_product(self, outputs, direction):
        """Apply the second derivative in the outputs to a direction.

        Parameters
        ----------
        outputs : array_like, (d_h, n) or (k, d_h, n)
        direction : array_like, (d_h, n) or (k, d_h, n)

        Returns
        -------
        numpy.ndarray, (d_h, n), or (k, d_h, n) if one of the two is a stack

        Raises
        ------
        ValueError
            If a shape is not that of the labels, two stacks differ in length, or an entry is
            NaN or infinite.
        """
        outputs = as_array("outputs", outputs, self.labels.shape, stack=True)
        direction = as_array("direction", direction, self.labels.shape, stack=True)
        if outputs.ndim == direction.ndim == 3 and len(outputs) != len(direction):
            raise ValueError(
                f"direction: expected a stack of {len(outputs)}, as outputs, got {len(direction)}"
            )
        return self._hessian_product(outputs, direction)


class SquaredLoss(Loss):
    r"""Squared distance to the labels.

    :math:`\ell(x) = \frac1{2n}\|x - Y\|_F^2` (mean over the samples) or
    :math:`\frac12\|x - Y\|_F^2`. ``Problem(DeepLinear(widths), numpy.eye(d_0),
    SquaredLoss(Sigma, mean=False))`` is the deep linear problem with whitened data.

    Parameters
    ----------
    Y : array_like, (d_h, n)
    mean : bool
        Divide by the number n of samples.

    Raises
    ------
    ValueError
        If ``Y`` is no matrix of finite numbers, or ``mean`` no bool.
    """

    def __init__(self, Y, mean=True):
        super().__init__(Y)
        if not isinstance(mean, bool | np.bool_):
            raise ValueError(f"mean: expected True or False, got {mean!r}")
        self.mean = bool(mean)
        self._scale = 1.0 / self.labels.shape[1] if mean else 1.0

    def __repr__(self):
        return f"SquaredLoss(Y {self.labels.shape}, mean={self.mean})"

    def _value(self, outputs):
        residual = outputs - self.labels
        return 0.5 * self._scale * np.square(residual).sum(axis=(-2, -1))

    def _gradient(self, outputs):
        residual = outputs - self.labels
        if self._scale != 1.0:
            residual *= self._scale
        return residual

    def _hessian_product(self, outputs, direction):
        shape = np.broadcast_shapes(outputs.shape, direction.shape)
        return np.broadcast_to(self._scale * direction, shape)

    def _bend(self, outputs):
        return self._scale * np.eye(outputs.shape[-2])[None]


class CrossEntropy(Loss):
    r"""Mean cross-entropy between label distributions and the softmax of the outputs.

    :math:`\ell(x) = -\frac1n \sum_j \langle y_j, \log\operatorname{softmax}(x_j)\rangle`.

    Parameters
    ----------
    Y : array_like, (d_h, n)
        Every column a probability vector: entries >= 0, sum one.

    Raises
    ------
    ValueError
        If ``Y`` is no matrix of finite numbers, a label is negative, or a column does not sum
        to one (to 1e-9).
    """

    def __init__(self, Y):
        super().__init__(Y)
        if (self.labels < 0).any():
            row, column = (int(i) for i in np.argwhere(self.labels < 0)[0])
            raise ValueError(
                f"Y: expected labels >= 0, got {self.labels[row, column]:g} at ({row}, {column})"
            )
        sums = self.labels.sum(axis=0)
        wrong = np.flatnonzero(np.abs(sums - 1) > 1e-9)
        if wrong.size:
            raise ValueError(
                f"Y: expected every column to sum to one, got {sums[wrong[0]]:g} in column "
                f"{wrong[0]}"
            )

    def __repr__(self):
        return f"CrossEntropy(Y {self.labels.shape})"

    def _value(self, outputs):
        inner = np.sum(self.labels * outputs, axis=-2)
        return np.mean(logsumexp(outputs, axis=-2) - inner, axis=-1)

    def _gradient(self, outputs):
        return (softmax(outputs, axis=-2) - self.labels) / self.labels.shape[1]

    def _hessian_product(self, outputs, direction):
        p = softmax(outputs, axis=-2)
        centred = direction - np.sum(p * direction, axis=-2, keepdims=True)
        return p * centred / self.labels.shape[1]

    def _bend(self, outputs):
        p = softmax(outputs, axis=-2).mT
        return (p[..., None] * np.eye(p.shape[-1]) - p[..., None] * p[..., None, :]) / p.shape[-2]
