r"""Quantised networks trained along coarse gradients, sample by sample and class by class."""

from dataclasses import dataclass

import numpy as np

from gradflows.validation import as_array, as_count, as_positive

PROXIES = {
    "ReLU": lambda x: (x > 0).astype(float),
    "clipped ReLU": lambda x: ((x > 0) & (x < 3)).astype(float),
    "reverse exponential": lambda x: np.where(x > 0, np.exp(-np.maximum(x, 0) / 3), 0.0),
    "log-tailed ReLU": lambda x: np.where(x > 0, 1 / (1 + np.maximum(x, 0)), 0.0),
    "identity": lambda x: np.ones_like(x),
    "negative side": lambda x: (x < 0).astype(float),
    "true derivative": lambda x: np.zeros_like(x),
}
"""Proxy derivatives by name, functions of an array of preactivations."""


@dataclass(frozen=True, eq=False)
class CoarseRun:
    """A run of coarse-gradient descent.

    Attributes
    ----------
    weights : numpy.ndarray, (n_steps + 1, c, m, d)
        Weights of the m neurons of each of c classes, at the start and after each step.
    losses : numpy.ndarray, (n_steps + 1,)
        Mean hinge loss.
    reached_zero : bool
        Whether the last loss is exactly zero.
    """

    weights: np.ndarray
    losses: np.ndarray
    reached_zero: bool


def staircase(x, bits=2):
    r"""Quantised ReLU, :math:`\min(\lceil x\rceil_+, 2^b - 1)`.

    Parameters
    ----------
    x : array_like
    bits : int
        b; with one bit this is the indicator of x > 0.

    Returns
    -------
    numpy.ndarray
        Integers as floats, of the shape of x.
    """
    levels = 2.0 ** as_count("bits", bits) - 1
    return np.clip(np.ceil(np.asarray(x, dtype=float)), 0.0, levels)


def perceptron(inputs, labels, *, n_passes=1000):
    r"""Correct a single binary neuron at one sample after the other: the identity as proxy.

    A wrong sample changes the weights by :math:`w \mathrel{+}= (y - 1_{\langle w,z\rangle>0})\,z`,
    a step 1 along the coarse gradient of this sample; right ones change nothing.

    Parameters
    ----------
    inputs : array_like, (d, n)
    labels : array_like of 0 and 1, (n,)
    n_passes : int
        Most passes through the samples.

    Returns
    -------
    weights : numpy.ndarray, (d,)
        The start is zero.
    mistakes : int
        Number of corrections; finite and at most :math:`R^2/\gamma^2` for separable data.
    clean : bool
        Whether the last pass found nothing to correct.

    Raises
    ------
    ValueError
        If shapes do not fit or a label is neither 0 nor 1.

    Notes
    -----
    Source: this book.
    """
    inputs = as_array("inputs", inputs, ("d", "n"))
    labels = np.asarray(labels)
    if labels.shape != inputs.shape[1:] or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels: expected {inputs.shape[1]} entries 0 or 1")
    weights, mistakes = np.zeros(len(inputs)), 0
    for _ in range(as_count("n_passes", n_passes)):
        before = mistakes
        for z, y in zip(inputs.T, labels, strict=True):
            error = y - float(weights @ z > 0)
            weights = weights + error * z
            mistakes += int(error != 0)
        if mistakes == before:
            return weights, mistakes, True
    return weights, mistakes, False


def subspace_data(rng, classes=3, dimension=8, samples=60, orthogonal=False):
    """Draw classes of inputs, each in a plane of its own through the origin.

    Parameters
    ----------
    rng : numpy.random.Generator
    classes, dimension, samples : int
        Numbers of classes, of input coordinates (at least two for each class), and of samples in
        a class.
    orthogonal : bool
        Whether the planes are orthogonal to each other.

    Returns
    -------
    inputs : numpy.ndarray, (d, classes * samples)
        Norms between 1 and 2, directions uniform in the plane.
    labels : numpy.ndarray of int, (classes * samples,)

    Raises
    ------
    ValueError
        If the planes do not fit into the space.
    """
    if dimension < 2 * classes:
        raise ValueError(f"dimension: expected at least {2 * classes}, got {dimension}")
    frame = rng.normal(size=(dimension, 2 * classes))
    if orthogonal:
        frame = np.linalg.qr(frame)[0]
    planes = [np.linalg.qr(frame[:, 2 * k : 2 * k + 2])[0] for k in range(classes)]
    phi = rng.uniform(0, 2 * np.pi, size=(classes, samples))
    size = rng.uniform(1, 2, size=(classes, samples))
    points = np.stack([np.cos(phi), np.sin(phi)], axis=1) * size[:, None]
    inputs = np.concatenate([plane @ p for plane, p in zip(planes, points, strict=True)], axis=1)
    return inputs, np.repeat(np.arange(classes), samples)


def train_coarse(inputs, labels, weights, proxy, *, bits=2, step=1.0, n_steps=500):
    r"""Descend along the coarse gradient of the mean hinge loss, until the loss is zero.

    Class k has the neurons w_kj, its output is the sum of :math:`\sigma(\langle w_{kj}, x\rangle)`
    over its own neurons minus the sum over all others, and the loss of a sample is
    :math:`\max(0, 1 - o_y + \max_{k\ne y} o_k)`.

    Parameters
    ----------
    inputs : array_like, (d, n)
    labels : array_like of int, (n,)
    weights : array_like, (c, m, d)
        Start.
    proxy : callable
        Stands for the derivative of the staircase.
    bits : int
    step : float
    n_steps : int
        Most steps to take.

    Returns
    -------
    CoarseRun

    Raises
    ------
    ValueError
        If shapes do not fit or a label names no class.
    """
    weights = as_array("weights", weights, ("c", "m", "d")).copy()
    inputs = as_array("inputs", inputs, (weights.shape[2], "n"))
    labels = np.asarray(labels)
    if labels.shape != inputs.shape[1:] or not np.isin(labels, np.arange(len(weights))).all():
        raise ValueError(f"labels: expected {inputs.shape[1]} integers below {len(weights)}")
    step, path, losses = as_positive("step", step), [weights.copy()], []
    for done in range(as_count("n_steps", n_steps) + 1):
        loss, gradient = _coarse_step(inputs, labels, weights, proxy, bits)
        losses.append(loss)
        if loss == 0 or done == n_steps:
            break
        weights = weights - step * gradient
        path.append(weights.copy())
    return CoarseRun(np.array(path), np.array(losses), losses[-1] == 0)


def _coarse_step(inputs, labels, weights, proxy, bits):
    """Return the mean hinge loss and its coarse gradient."""
    n, each = labels.size, np.arange(labels.size)
    pre = weights @ inputs
    groups = staircase(pre, bits).sum(axis=1)
    outputs = 2 * groups - groups.sum(axis=0)
    others = outputs.copy()
    others[labels, each] = -np.inf
    rival = others.argmax(axis=0)
    hinge = np.maximum(0.0, 1 - outputs[labels, each] + others[rival, each])
    pull = np.zeros_like(outputs)
    # raising one group by 1 raises its own output and lowers all others, so margins move by 2
    pull[labels, each] -= 2.0 * (hinge > 0)
    pull[rival, each] += 2.0 * (hinge > 0)
    gradient = np.einsum("kn,kmn,dn->kmd", pull, proxy(pre), inputs) / n
    return float(hinge.mean()), gradient
