"""Networks for the checks of rates: their tangent kernels, minima, losses along flows."""

import itertools

import numpy as np
import sympy as sp

from gradflows import gradient_flow
from gradflows.deep_linear import (
    balanced_factors,
    end_to_end,
    hessian,
    partial_product,
    whitened_problem,
)


def tangent_kernel(weights):
    """Return the sum of ``(W_{i-1:1}^T W_{i-1:1}) kron (W_{h:i+1} W_{h:i+1}^T)``."""
    h, kernel = len(weights), 0
    for i in range(1, h + 1):
        head, tail = partial_product(weights, i - 1, 1), partial_product(weights, h, i + 1)
        kernel = kernel + np.kron(head.T @ head, tail @ tail.T)
    return kernel


def integer_weights(widths, rng):
    """Return weights with entries -2 to 2."""
    return [rng.integers(-2, 3, (b, a)).astype(float) for a, b in itertools.pairwise(widths)]


def full_rank_weights(widths, rng):
    """Return integer weights whose product has the rank of the least width."""
    while True:
        weights = integer_weights(widths, rng)
        if sp.Matrix(end_to_end(weights).astype(int)).rank() == min(widths):
            return weights


def rectangular(sigma, widths):
    """Return the matrix with sigma on its diagonal and the shape of the product."""
    Sigma = np.zeros((widths[-1], widths[0]))
    Sigma[range(len(sigma)), range(len(sigma))] = sigma
    return Sigma


def singular_values(count, rng):
    """Return falling values with gaps, from at most 3 to at least 0.4."""
    return np.sort(np.linspace(3, 0.5, count) + rng.uniform(-0.1, 0, count))[::-1]


def logs(weights, Sigma, times):
    """Return the logarithms of the loss along the flow, relative to its start."""
    problem, theta = whitened_problem(weights, Sigma)
    run = gradient_flow(problem, theta, times[-1], times=times, rtol=1e-11, atol=1e-14)
    return np.log(run.loss / run.loss[0])


def excess(weights, Sigma, rate, times):
    """Return by how much the logarithm of the loss exceeds that of ``exp(-2 rate t)``."""
    return float(np.max(logs(weights, Sigma, times) + 2 * rate * np.asarray(times)))


def balanced_near(Sigma, widths, distance, rng):
    """Return balanced weights whose product has the given distance from Sigma."""
    noise = rng.standard_normal(Sigma.shape)
    W = Sigma + distance * noise / np.linalg.norm(noise)
    return balanced_factors(W, widths, min(Sigma.shape), rng=rng)


def too_slow(start, Sigma, low, times):
    """Return by how much the margin at any time promises more than the slope of the loss."""
    problem, theta = whitened_problem(start, Sigma)
    run = gradient_flow(problem, theta, times[-1], times=times)
    h, worst = len(start), 0.0
    factor = h if Sigma.shape[0] == Sigma.shape[1] else 1
    for point, loss in zip(run.theta, run.loss, strict=True):
        margin = low - np.sqrt(2 * loss)
        least = np.linalg.svd(end_to_end(problem.network.split(point)), compute_uv=False)[-1]
        promised = 2 * factor * margin ** (2 - 2 / h) * loss
        slope = np.sum(problem.gradient(point) ** 2)
        worst = max(worst, margin - least, promised - slope)
    return worst


def exact_rank(weights, Sigma):
    """Return the rank of an integer Hessian, exactly."""
    return sp.Matrix(hessian(weights, Sigma).astype(int)).rank()


def final_loss(chain, times):
    """Return the loss of a scalar chain with target zero at the given times."""
    problem, theta = whitened_problem([[[w]] for w in chain], [[0.0]])
    return gradient_flow(problem, theta, times[-1], times=times, rtol=1e-10, atol=1e-14).loss
