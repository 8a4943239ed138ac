"""Networks at integer points, for the exact checks of the chapter conservation/laws."""

import numpy as np
from scipy.integrate import solve_ivp

from gradflows import DeepLinear, Problem, ShallowReLU, SquaredLoss

REACH = 8
"""Entries of points, inputs and labels lie between -REACH and REACH; floats are exact there."""


def integers(rng, shape):
    """Draw integers as floats, none of them zero, so that no neuron is dead by accident."""
    return rng.integers(1, REACH + 1, shape) * rng.choice([-1.0, 1.0], shape)


def integer_problem(network, n, rng):
    """Put integer data to a network, with the sum of squares as loss."""
    X, Y = integers(rng, (network.widths[0], n)), integers(rng, (network.widths[-1], n))
    return Problem(network, X, SquaredLoss(Y, mean=False))


def sample_gradients(problem, theta):
    """Return the gradients of the loss on every single sample, (n, size)."""
    X, Y = problem.inputs, problem.loss_function.labels
    single = (
        Problem(problem.network, X[:, [k]], SquaredLoss(Y[:, [k]], mean=False))
        for k in range(X.shape[1])
    )
    return np.array([each.gradient(theta) for each in single])


def known_networks():
    """Name networks with laws: (network, widths, kind, bias)."""
    return [
        (DeepLinear((2, 3, 2)), (2, 3, 2), "linear", False),
        (DeepLinear((2, 3, 3, 1)), (2, 3, 3, 1), "linear", False),
        (ShallowReLU(2, 3, 2), (2, 3, 2), "relu", False),
        (ShallowReLU(2, 3, 2, bias=True), (2, 3, 2), "relu", True),
    ]


def shallow_model_map(network, theta):
    r"""Differentiate the blocks :math:`u_k(v_k, b_k)^\top` of a shallow ReLU network by hand.

    Returns
    -------
    numpy.ndarray, (d_1, d_2, inputs, size)
        Derivatives of the entries of each block; ``inputs`` counts the bias.
    """
    parts = network.split(np.arange(network.size, dtype=float))
    first, last = parts[0], parts[-1]
    if len(parts) == 3:
        first = np.column_stack([first, parts[1]])
    first, last = first.astype(int), last.astype(int)
    result = np.zeros((len(first), len(last), first.shape[1], network.size))
    for k, row, column in np.ndindex(result.shape[:3]):
        result[k, row, column, last[row, k]] = theta[first[k, column]]
        result[k, row, column, first[k, column]] = theta[last[row, k]]
    return result


def slide_to_section(problem, start, point):
    """Follow the flow from ``point`` to the hyperplane through ``start`` across the flow there.

    The coordinates of the arrival within the hyperplane are first integrals of the flow.
    """
    normal = -problem.gradient(start)
    normal /= np.linalg.norm(normal)
    frame = np.linalg.svd(normal[None])[2][1:]

    def field(s, theta):
        velocity = -problem.gradient(theta)
        return velocity / (velocity @ normal)

    height = (point - start) @ normal
    end = solve_ivp(field, (height, 0.0), point, method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    return frame @ (end - start)
