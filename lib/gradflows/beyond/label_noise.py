r"""Gradient descent on a deep linear network with noisy labels and weight decay.

One step is :math:`W_i \leftarrow (1-\eta\mu)W_i - \eta\nabla_i`, where :math:`\nabla_i` is the
gradient of :math:`\tfrac12\|\Sigma + \Xi_k - W_h\cdots W_1\|_F^2` and the entries of
:math:`\Xi_k` are drawn anew, independently, from :math:`N(0, \tau^2)` at each step.
"""

import numpy as np

from gradflows.deep_linear.weights import whitened_problem
from gradflows.trajectories import IntegrationError
from gradflows.validation import as_count, as_positive


def noisy_descent(weights, Sigma, step, n_steps, *, rng, noise=0.0, decay=0.0, runs=1, every=1):
    r"""Run gradient descent with label noise and weight decay, several times at once.

    Parameters
    ----------
    weights : sequence of array_like
        The common start ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)
    step : float
        The step size :math:`\eta`, positive.
    n_steps : int
    rng : numpy.random.Generator
    noise : float
        Standard deviation :math:`\tau` of each entry of the label noise.
    decay : float
        Coefficient :math:`\mu` of the weight decay :math:`\tfrac\mu2\|\theta\|^2`.
    runs : int
        Number of independent runs.
    every : int
        Save every so many steps only.

    Returns
    -------
    list of numpy.ndarray
        Saved weights of each layer, shapes ``(1 + n_steps // every, runs, d_i, d_{i-1})``.

    Raises
    ------
    ValueError
        If an argument is not as described.
    IntegrationError
        If the iterates overflow.

    Notes
    -----
    Source: blanc2020implicit for the model of the noise.
    """
    problem, theta = whitened_problem(weights, Sigma)
    step, noise = as_positive("step", step), as_positive("noise", noise, zero=True)
    decay = as_positive("decay", decay, zero=True)
    n_steps, runs = as_count("n_steps", n_steps), as_count("runs", runs)
    every = as_count("every", every)
    network, X, labels = problem.network, problem.inputs, problem.loss_function.labels
    theta = np.repeat(theta[None], runs, axis=0)
    saved = [theta]
    with np.errstate(all="ignore"):
        for k in range(1, n_steps + 1):
            state = network.layers.forward(theta, X)
            targets = labels + noise * rng.standard_normal(state.outputs.shape)
            slope = network.layers.backward(state, state.outputs - targets)
            theta = (1 - step * decay) * theta - step * slope
            if k % every == 0:
                saved.append(theta)
    if not np.isfinite(theta).all():
        raise IntegrationError(step * n_steps, "gradient descent with label noise overflows")
    layers = network.split(np.concatenate(saved))
    return [W.reshape(len(saved), runs, *W.shape[1:]) for W in layers]
