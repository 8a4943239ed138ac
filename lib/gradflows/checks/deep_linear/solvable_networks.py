"""Networks for the checks of solvable starts: velocities, flows, special starts."""

import itertools

import numpy as np

from gradflows import gradient_flow
from gradflows.deep_linear import end_to_end, path_weights, whitened_problem


def velocities(weights, Sigma):
    """Return the velocities of all layers."""
    problem, theta = whitened_problem(weights, Sigma)
    return problem.network.split(-problem.gradient(theta))


def train(weights, Sigma, t_end, **options):
    """Return times and layers along the flow, layers with the time in front."""
    problem, theta = whitened_problem(weights, Sigma)
    run = gradient_flow(problem, theta, t_end, **options)
    return run.t, problem.network.split(run.theta)


def gaussian(widths, scale, rng):
    """Return independent normal weights."""
    return [scale * rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


def chain_product(chain, sigma, times):
    """Return the product of a scalar chain along its flow."""
    weights = path_weights((1,) * (len(chain) + 1), [chain])
    options = dict(times=times, rtol=1e-11, atol=1e-13)
    layers = train(weights, [[sigma]], times[-1], **options)[1]
    return np.prod([layer[:, 0, 0] for layer in layers], axis=0)


def velocity_of_product(weights, Sigma):
    """Return the velocity of the end-to-end matrix, by the product rule."""
    moving = velocities(weights, Sigma)
    return sum(
        end_to_end([*weights[:i], moving[i], *weights[i + 1 :]]) for i in range(len(weights))
    )


def lambda_balanced(widths, lam, rng):
    """Return a random start with ``W_2^T W_2 - W_1 W_1^T = lam I``, lam >= 0."""
    inputs, hidden, outputs = widths
    first = 0.4 * rng.standard_normal((hidden, inputs))
    values, frame = np.linalg.eigh(first @ first.T + lam * np.eye(hidden))
    columns = np.linalg.qr(rng.standard_normal((outputs, hidden)))[0]
    return [first, columns @ (np.sqrt(np.maximum(values, 0))[:, None] * frame.T)]
