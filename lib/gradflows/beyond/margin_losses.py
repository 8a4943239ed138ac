r"""Losses of the margins, for networks with one output and labels 1 and -1."""

import numpy as np
from scipy.special import logsumexp, softmax

from gradflows.losses import Loss
from gradflows.validation import as_array

__all__ = ["ExponentialLoss", "LogExponentialLoss"]


class ExponentialLoss(Loss):
    r"""Sum of the exponentials of the margins, :math:`\ell(x) = \sum_k e^{-y_k x_k}`.

    A sum and not a mean: the clock of the flow is n times that of the mean.

    Parameters
    ----------
    y : array_like, (n,)
        Labels, 1 or -1; the network has one output.

    Raises
    ------
    ValueError
        If a label is neither 1 nor -1.
    """

    def __init__(self, y):
        super().__init__(as_signs("y", y)[None])

    def __repr__(self):
        return f"ExponentialLoss({self.labels.shape[1]} labels)"

    def _value(self, outputs):
        return np.exp(-self.labels * outputs).sum(axis=(-2, -1))

    def _gradient(self, outputs):
        return -self.labels * np.exp(-self.labels * outputs)

    def _hessian_product(self, outputs, direction):
        return np.exp(-self.labels * outputs) * direction

    def _bend(self, outputs):
        return np.exp(-self.labels * outputs).mT[..., None]


class LogExponentialLoss(Loss):
    r"""Logarithm of the exponential loss, :math:`\ell(x) = \log\sum_k e^{-y_k x_k}`.

    Its flow runs through the same paths as that of ``ExponentialLoss``, on the clock
    :math:`\int L^{-1}\,dt`, on which margins grow without end and nothing underflows.

    Parameters
    ----------
    y : array_like, (n,)
        Labels, 1 or -1; the network has one output.

    Raises
    ------
    ValueError
        If a label is neither 1 nor -1.
    """

    def __init__(self, y):
        super().__init__(as_signs("y", y)[None])

    def __repr__(self):
        return f"LogExponentialLoss({self.labels.shape[1]} labels)"

    def _value(self, outputs):
        return logsumexp(-self.labels * outputs, axis=(-2, -1))

    def _gradient(self, outputs):
        return -self.labels * softmax(-self.labels * outputs, axis=-1)

    def _hessian_product(self, outputs, direction):
        weights = softmax(-self.labels * outputs, axis=-1)
        signed = self.labels * direction
        mean = np.sum(weights * signed, axis=-1, keepdims=True)
        return self.labels * weights * (signed - mean)


def as_signs(name, value):
    """Return a copy of a vector of ones and minus ones, or say what is wrong with it."""
    signs = as_array(name, value, ("n",)).copy()
    if (np.abs(signs) != 1).any():
        wrong = int(np.flatnonzero(np.abs(signs) != 1)[0])
        raise ValueError(f"{name}: expected entries 1 or -1, got {signs[wrong]:g} at {wrong}")
    return signs
