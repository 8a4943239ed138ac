"""Games and clouds for the checks of the chapter beyond/games."""

import numpy as np

from gradflows.beyond import (
    QuadraticGame,
    conditional_game,
    neuron_gradients,
    neuron_values,
)

POINTS = np.linspace(-1, 1, 6)
"""The points of the model game, for both players."""


def mean_game(lam=0.1):
    """Return the model game of the chapter: a Gaussian table on six points, truth sin 2x."""
    table = np.exp(-(((POINTS[:, None] - POINTS) / 0.5) ** 2))
    return conditional_game(table, np.sin(2 * POINTS), lam)


def random_game(rng, rows, columns):
    """Draw a game with unequal weights, strictly convex and concave, mu far from 1."""
    A, b = rng.standard_normal((rows, columns)), rng.standard_normal(rows)
    p, q = rng.uniform(0.5, 1.5, columns), rng.uniform(0.5, 1.5, rows)
    return QuadraticGame(A, b, rng.uniform(0.2, 0.6), rng.uniform(2, 3), p, q)


def random_kernel(rng, size):
    """Draw a positive definite matrix."""
    factor = rng.standard_normal((size, size))
    return factor @ factor.T / size + 0.3 * np.eye(size)


def uniform_quadrature(nodes=8):
    """Nodes and masses of the uniform law on [-1, 1] x [-2, 2] x [-1, 1], exact to high order."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    grid = np.stack(np.meshgrid(points, 2 * points, points, indexing="ij"), axis=-1)
    masses = np.einsum("i,j,k->ijk", weights, weights, weights) / 8
    return grid.reshape(-1, 3), masses.ravel()


def chaos_errors(rng, counts, repeats, t_end=1.0, steps=8):
    """Root mean square distance to the limit at ``t_end`` for clouds of independent particles."""
    x = np.linspace(-1, 1, 3)
    y = np.sin(3 * x)

    def outputs(clouds, masses):
        values = neuron_values(clouds.reshape(-1, 3), x).reshape(*clouds.shape[:2], 3)
        return np.einsum("rnm,n->rm", values, masses)

    def field(clouds, masses):
        slopes = neuron_gradients(clouds.reshape(-1, 3), x).reshape(*clouds.shape[:2], 3, 3)
        return -np.einsum("rnmk,rm->rnk", slopes, outputs(clouds, masses) - y) / 3

    def play(clouds, masses):
        h = t_end / steps
        for _ in range(steps):
            k1 = field(clouds, masses)
            k2 = field(clouds + h / 2 * k1, masses)
            k3 = field(clouds + h / 2 * k2, masses)
            clouds = clouds + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(clouds + h * k3, masses))
        return outputs(clouds, masses)

    nodes, masses = uniform_quadrature()
    limit, errors = play(nodes[None], masses), []
    for count, repeat in zip(counts, repeats, strict=True):
        clouds = rng.uniform(-1, 1, (repeat, count, 3)) * [1, 2, 1]
        missed = play(clouds, np.full(count, 1 / count)) - limit
        errors.append(np.sqrt(np.mean(missed**2)))
    return np.array(errors)
