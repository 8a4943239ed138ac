"""The loss in the adjacency matrix, and the reduction of data."""

import itertools

import numpy as np
import sympy as sp

from gradflows import DeepLinear, Problem, SquaredLoss
from gradflows.checks.deep_linear.integer_networks import (
    integer_network,
)
from gradflows.deep_linear import (
    end_to_end,
    reduce_data,
)
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)


@statement(
    "adjacency-polynomial",
    says="The loss is a polynomial in the weights with parts of degree 0, h and 2h, quadratic in "
    "each layer; its gradient has parts of degree h - 1 and 2h - 1 only.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def polynomial(rng):
    """Expand with sympy; the falsehood forgets that a derivative lowers the degree."""
    error = control = 0
    for widths in ((2, 1, 2), (1, 2, 1, 1)):
        depth, names = len(widths) - 1, iter(sp.numbered_symbols("w"))
        layers = [
            sp.Matrix(b, a, lambda *_, names=names: next(names))
            for a, b in itertools.pairwise(widths)
        ]
        W = sp.eye(widths[0])
        for layer in layers:
            W = layer * W
        Sigma = sp.Matrix(*W.shape, lambda *_: int(rng.integers(1, 5)))
        loss = sp.expand(sum(entry**2 for entry in Sigma - W) / 2)
        weights = [w for layer in layers for w in layer]
        error += _degrees(loss, weights) != {0, depth, 2 * depth}
        error += sum(_degrees(loss, list(layer)) - {0, 1, 2} != set() for layer in layers)
        slopes = [_degrees(loss.diff(w), weights) for w in weights]
        error += sum(found != {depth - 1, 2 * depth - 1} for found in slopes)
        control += sum(found != {depth, 2 * depth} for found in slopes)
        product = (W - Sigma).reshape(1, len(W)).dot(W.reshape(1, len(W)))
        euler = sum(w * loss.diff(w) for w in weights) - depth * product
        error += sp.expand(euler) != 0
    return Evidence(float(error), float(control))


def _degrees(expression, variables):
    return {sum(powers) for powers in sp.Poly(expression, *variables).monoms()}


@statement(
    "adjacency-reduction",
    says="A data set enters a linear network through one diagonal matrix and a constant; critical "
    "points go to critical points, and the first layer of the flow is preconditioned by T^T T.",
    status="literature",
    source="baldi1989neural",
    evidence="numeric",
    bound=1e-9,
)
def reduction(rng):
    """Compare losses and velocities; the falsehood takes the flow of the reduced problem."""
    error, control = 0.0, np.inf
    for samples in (9, 3):  # more and fewer than inputs
        X, Y = rng.standard_normal((4, samples)), rng.standard_normal((3, samples))
        data = reduce_data(X, Y)
        network, weights = DeepLinear((4, 5, 3)), integer_network(rng, (4, 5, 3))
        raw = Problem(network, X, SquaredLoss(Y, mean=False))
        size = data.Sigma.shape[1]
        reduced = DeepLinear((size, 5, 3))
        target = Problem(reduced, np.eye(size), SquaredLoss(data.Sigma, mean=False))
        theta, image = network.join(weights), reduced.join(data.reduce(weights))
        loss = raw.loss(theta)
        error = max(error, abs(target.loss(image) + data.constant - loss) / loss)
        white = Y @ np.linalg.svd(X, full_matrices=False)[2].T
        error = max(error, np.abs(np.linalg.svd(white)[1] - data.sigma).max())
        moved = data.reduce(network.split(raw.gradient(theta)))
        first, second = reduced.split(target.gradient(image))
        scale = np.abs(moved[0]).max()
        gram = data.input_map.T @ data.input_map
        error = max(error, np.abs(moved[0] - first @ gram).max() / scale)
        error = max(error, np.abs(moved[1] - second).max() / scale)
        control = min(control, np.abs(moved[0] - first).max() / scale)
    return Evidence(error, control)


@statement(
    "adjacency-floor",
    says="The least loss of a network whose narrowest layer has r nodes is the constant plus half "
    "the sum of the squares of all singular values of the reduced data but the r largest.",
    status="literature",
    source="eckart1936approximation",
    evidence="numeric",
    bound=1e-9,
)
def floor(rng):
    """Reach the floor and try to pass it; the falsehood uses the singular values of Y X^T."""
    error, control = 0.0, np.inf
    for r in (1, 2):
        X, Y = rng.standard_normal((4, 12)), rng.standard_normal((3, 12))
        data = reduce_data(X, Y)
        least = data.constant + 0.5 * np.sum(data.sigma[r:] ** 2)
        middle = np.eye(r, 4), np.eye(3, r) * data.sigma[:r]
        W = end_to_end(data.restore(middle))
        error = max(error, abs(0.5 * np.sum((Y - W @ X) ** 2) - least) / least)
        first = rng.standard_normal((r, 4))
        for _ in range(30):  # best last layer for the first one, and conversely
            last = Y @ np.linalg.pinv(first @ X)
            error = max(error, least - 0.5 * np.sum((Y - last @ first @ X) ** 2))
            first = np.linalg.pinv(last) @ Y @ np.linalg.pinv(X)
        wrong = np.linalg.svd(Y @ X.T)[1]
        wrong = 0.5 * (np.sum(Y**2) - np.sum(wrong[:r] ** 2))
        control = min(control, abs(wrong - least) / least)
    return Evidence(error, control)
