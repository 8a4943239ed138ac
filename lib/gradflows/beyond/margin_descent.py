r"""Long runs of gradient descent on a layer of leaky ReLUs, in coefficients of the inputs.

Descent only ever adds inputs to the rows, :math:`W = W(0) + RX^T`. The margins need the products
of the inputs alone, so a step costs d_1 n numbers (n^2 d_1 operations), whatever d_0 is.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp

from gradflows.beyond.margins import LeakyLayer, as_samples
from gradflows.trajectories import Accuracy, IntegrationError
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["MarginRun", "margin_descent", "margin_spread"]


@dataclass(frozen=True, eq=False)
class MarginRun:
    """A run of gradient descent at its saved steps.

    Attributes
    ----------
    layer : LeakyLayer
    inputs : numpy.ndarray, (d_0, n)
    start : numpy.ndarray, (d_1, d_0)
    steps : numpy.ndarray, (n_saved,)
        Numbers of the saved steps.
    coefficients : numpy.ndarray, (n_saved, d_1, n)
        R in ``W = start + R X^T``.
    margins : numpy.ndarray, (n_saved, n)
    log_loss : numpy.ndarray, (n_saved,)
        Logarithm of the loss that the run descends on.
    method : str
    """

    layer: LeakyLayer
    inputs: np.ndarray
    start: np.ndarray
    steps: np.ndarray
    coefficients: np.ndarray
    margins: np.ndarray
    log_loss: np.ndarray
    method: str

    def weights(self, k):
        """Return W at the saved step with index ``k``, (d_1, d_0)."""
        return self.start + self.coefficients[k] @ self.inputs.T

    def accuracy(self):
        """Return what the accuracy strip prints: an iteration has no integrator error."""
        falls = bool(np.all(np.diff(self.log_loss) <= 1e-14))
        return Accuracy(self.method, None, None, int(self.steps[-1]), 0.0, None, falls)


def margin_descent(layer, X, y, W0, step, n_steps, *, loss="exponential", save=None):
    r"""Run gradient descent on a loss of the margins.

    Parameters
    ----------
    layer : LeakyLayer
    X : array_like, (d_0, n)
    y : array_like, (n,)
        Labels, 1 or -1.
    W0 : array_like, (d_1, d_0)
        Weights at the start.
    step : float
        :math:`\eta > 0`.
    n_steps : int
    loss : {"exponential", "logistic"}
        "exponential": normalised steps :math:`-\eta\nabla L/L` with :math:`L = \sum_ke^{-m_k}` and
        the margins :math:`m_k`; for small steps the gradient flow of L on the clock
        :math:`\int L^{-1}`. "logistic": plain steps :math:`-\eta\nabla L` with
        :math:`L = \frac1n\sum_k\log(1+e^{-m_k})`.
    save : sequence of int, optional
        Steps to be saved, rising; by default the start, the end, and forty in between with equal
        ratios.

    Returns
    -------
    MarginRun

    Raises
    ------
    ValueError
        If an argument is not as described.
    IntegrationError
        If the iterates overflow.
    """
    X, y = as_samples(layer, X, y)
    W0 = as_array("W0", W0, (layer.widths[1], layer.widths[0]))
    step, n_steps = as_positive("step", step), as_count("n_steps", n_steps)
    if loss not in _FORCES:
        raise ValueError(f"loss: expected one of {', '.join(_FORCES)}, got {loss!r}")
    steps = _saved(save, n_steps)
    force, log_loss, method = _FORCES[loss]
    gain = step * layer.scale * layer.signs[:, None] * y
    with np.errstate(all="ignore"):  # what overflows is found at the end
        gram, Z = X.T @ X, W0 @ X
        path = _iterate(layer, gram, Z, gain, force, y, steps)
        margins = y * layer.combine(Z + path @ gram)
    if not np.isfinite(margins).all():
        raise IntegrationError(float(n_steps), "the margins overflow")
    return MarginRun(layer, X, W0, steps, path, margins, log_loss(margins), method)


def margin_spread(margins):
    r"""Relative spread of margins, :math:`(\max_k m_k - \min_k m_k)/\frac1n\sum_km_k`.

    Parameters
    ----------
    margins : array_like, (n,)
        With a positive mean.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the mean is not positive.

    Examples
    --------
    >>> margin_spread([1.0, 3.0])
    1.0
    """
    margins = as_array("margins", margins, ("n",))
    mean = float(margins.mean())
    if mean <= 0:
        raise ValueError(f"margins: expected a positive mean, got {mean:g}")
    return float(np.ptp(margins)) / mean


def _iterate(layer, gram, Z, gain, force, y, steps):
    """Return the coefficients at the saved steps."""
    R, path, wanted = np.zeros_like(Z), [], set(steps.tolist())
    Z = Z.copy()
    reach = y * layer.signs[:, None] * layer.scale
    for k in range(steps[-1] + 1):
        if k in wanted:
            path.append(R.copy())
        slopes = layer.slopes(Z)
        change = gain * slopes * force((reach * slopes * Z).sum(axis=0))
        R += change
        Z += change @ gram
    return np.array(path)


def _saved(save, n_steps):
    """Check the steps to be saved, or choose them."""
    if save is None:
        between = np.geomspace(1, n_steps, 40).round().astype(int)
        return np.unique(np.concatenate([[0], between, [n_steps]]))
    steps = np.array([as_count("save", k, minimum=0) for k in save], dtype=int)
    if steps.size == 0 or (np.diff(steps) <= 0).any() or steps[-1] > n_steps:
        raise ValueError(f"save: expected rising steps of at most {n_steps}, got {save!r}")
    return steps


def _shares(margins):
    """Return the soft-max of minus the margins; scipy's is slower on so few numbers."""
    weights = np.exp(margins.min() - margins)
    return weights / weights.sum()


# Weight of each sample in the step, logarithm of the loss, name in the accuracy strip.
_FORCES = {
    "exponential": (
        _shares,
        lambda margins: logsumexp(-margins, axis=-1),
        "normalised descent",
    ),
    "logistic": (
        lambda margins: expit(-margins) / margins.size,
        lambda margins: np.log(np.logaddexp(0, -margins).mean(axis=-1)),
        "gradient descent",
    ),
}
