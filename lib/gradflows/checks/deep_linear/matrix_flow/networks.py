"""Integer networks and their velocities, for which floating point does not round."""

import itertools

import numpy as np

from gradflows.deep_linear import (
    adjacency_field,
    adjacency_matrix,
    weights_from,
    whitened_problem,
)


def integers(shape, rng):
    """Return small random integers, none of them zero, as floats."""
    return rng.integers(1, 4, shape) * rng.choice([-1.0, 1.0], shape)


def draw(widths, rng):
    """Return integer weights and an integer target."""
    weights = [integers((b, a), rng) for a, b in itertools.pairwise(widths)]
    return weights, integers((widths[-1], widths[0]), rng)


def velocities(weights, Sigma):
    """Return the velocities of all layers; any integer residual at the output is possible."""
    widths = (weights[0].shape[1], *(len(weight) for weight in weights))
    return weights_from(adjacency_field(adjacency_matrix(weights), Sigma, widths), widths)


def nonzero(*arrays):
    """Count entries that are not exactly zero."""
    return sum(int(np.count_nonzero(array)) for array in arrays)


def power(A, k):
    """Return a power of a matrix; of the transpose for a negative exponent."""
    return np.linalg.matrix_power(A if k >= 0 else A.T, abs(k))


def general_field(A, G, depth):
    """Return the sum of ``(A^(h-j))^T G (A^(j-1))^T`` for any square matrices."""
    return sum(power(A, j - depth) @ G @ power(A, 1 - j) for j in range(1, depth + 1))


def rates(weights, moves, sign=-1):
    """Return the velocities of the imbalances; with ``sign=1`` of sums in place of differences."""
    result = []
    for i in range(len(weights) - 1):
        above, below = weights[i + 1].T @ moves[i + 1], moves[i] @ weights[i].T
        result.append(above + above.T + sign * (below + below.T))
    return result


def laws(width, m):
    """Return the count ``m d - m (m - 1) / 2`` of one hidden layer of width d."""
    return m * width - m * (m - 1) // 2


def whitened_hessian(weights, Sigma):
    """Return the Hessian of the whitened problem at the weights."""
    problem, theta = whitened_problem(weights, Sigma)
    return problem.hessian(theta)
