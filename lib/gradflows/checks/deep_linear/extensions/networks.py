"""Constructions for the checks of extensions: integer networks, steps, graphs, points."""

import itertools

import numpy as np

from gradflows import DeepLinear, Problem, gradient_descent
from gradflows.deep_linear import WeightedSquaredLoss, dag_field, loss_field, whitened_problem


def integers(widths, rng):
    """Return random weights with small integer entries, in float64 without rounding."""
    shapes = itertools.pairwise(widths)
    return [rng.integers(-2, 3, (b, a)).astype(float) for a, b in shapes]


def cubic_gradient(target):
    """Return the gradient of a loss of the product that is not quadratic."""
    return lambda W: W**3 - target


def pushed(weights, velocities, step):
    """Return the weights after one step along the velocities."""
    return [W + step * V for W, V in zip(weights, velocities, strict=True)]


def grams(matrices):
    """Return ``M_{i+1}^T M_{i+1} - M_i M_i^T`` for consecutive matrices."""
    return [b.T @ b - a @ a.T for a, b in itertools.pairwise(matrices)]


def step_of_drift(widths, rng, step=2.0):
    """Return the change of the imbalances in one step, and the same by the law, stacked."""
    weights, target = integers(widths, rng), rng.integers(-3, 4, (widths[-1], widths[0]))
    velocities = loss_field(weights, cubic_gradient(target))
    new, old = grams(pushed(weights, velocities, step)), grams(weights)
    change = np.concatenate([(b - a).ravel() for a, b in zip(old, new, strict=True)])
    law = np.concatenate([step**2 * M.ravel() for M in grams(velocities)])
    return change, law


def safe_step(weights, Sigma):
    """Return a step that the lemma allows, with explicit bounds for G and beta."""
    h = len(weights)
    problem, theta = whitened_problem(weights, Sigma)
    loss, size = problem.loss(theta), np.linalg.norm(Sigma)
    kappa = sum(np.linalg.norm(C, 2) + 1 for C in grams(weights))
    radius = np.sqrt((size + np.sqrt(2 * loss)) ** (2 / h) + 2 * kappa)
    wide = radius + 1
    slope = np.sqrt(h) * radius ** (h - 1) * np.sqrt(2 * loss)
    residual = size + np.sqrt(min(np.shape(Sigma))) * wide**h
    bend = h * wide ** (2 * h - 2) + (h - 1) * wide ** (h - 2) * residual
    return min(1 / bend, 1 / slope, 1 / (2 * loss))


def worst_rise(weights, Sigma, step, n_steps):
    """Return by how much the descent inequality fails at worst, relative to the first loss."""
    problem, theta = whitened_problem(weights, Sigma)
    run = gradient_descent(problem, theta, step, n_steps)
    squares = np.sum(problem.gradient(run.theta[:-1]) ** 2, axis=1)
    excess = run.loss[1:] - run.loss[:-1] + step / 2 * squares
    return max(0.0, float(excess.max() / run.loss[0]))


def weighted_spectrum(sigma, omega, mode):
    """Return gradient norm and Hessian eigenvalues of the weighted loss at a mode alone."""
    heavy = np.full((2, 2), float(omega))
    np.fill_diagonal(heavy, 1.0)
    network = DeepLinear((2, 1, 2))
    problem = Problem(network, np.eye(2), WeightedSquaredLoss(np.diag(sigma), heavy))
    unit = np.sqrt(sigma[mode]) * np.eye(2)[mode]
    theta = network.join([unit[None, :], unit[:, None]])
    return np.linalg.norm(problem.gradient(theta)), np.linalg.eigvalsh(problem.hessian(theta))


def graph(rng, nodes=8):
    """Return an integer graph with inputs 0, 1, outputs 6, 7, and twin nodes 3 and 4."""
    mask = np.tril(rng.random((nodes, nodes)) < 0.6, -1)
    mask[:2, :2] = mask[6:, 6:] = False
    mask[4, 3] = False
    mask[4], mask[5:, 4] = mask[3], mask[5:, 3]
    mask[3:5, 0] = mask[6, 3:5] = mask[2, 1] = mask[7, 2] = True
    weights = rng.integers(1, 4, (nodes, nodes)) * rng.choice([-1, 1], (nodes, nodes))
    return np.where(mask, weights, 0).astype(float), mask


def response(A):
    """Return the inverse of I - A, exactly for a graph with integer weights."""
    power, total = np.eye(len(A)), np.eye(len(A))
    for _ in range(len(A) - 1):
        power = power @ A
        total = total + power
    return total


def graph_field(A, mask, target):
    """Return the velocity, rounded to the integers that it consists of."""
    return np.round(dag_field(A, target, [0, 1], [6, 7], mask=mask))


def graph_slopes(A, mask, target):
    """Return minus the slope of the loss in every edge; the loss is quadratic in each weight."""
    slopes = np.zeros_like(A)
    for v, u in np.argwhere(mask):
        ends = []
        for sign in (1, -1):
            moved = A.copy()
            moved[v, u] += sign
            ends.append(0.5 * np.sum((target - response(moved)[6:, :2]) ** 2))
        slopes[v, u] = (ends[1] - ends[0]) / 2
    return slopes
