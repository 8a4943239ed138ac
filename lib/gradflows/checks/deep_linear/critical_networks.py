"""Integer critical points in block form, for the exact checks of Part II."""

import itertools

import numpy as np
from sympy import ZZ

from gradflows.checks.deep_linear.integer_networks import exact
from gradflows.deep_linear import gauge_act, hessian
from gradflows.deep_linear.matrix_flow import layer_velocities


def build(widths, learnt, idle, stubs=()):
    """Return weights ``I + Z`` in block form and the target, learnt singular values first.

    A stub is ``(start, stop, vector)``: its entries at the unlearnt inputs or outputs.
    """
    r, depth = len(learnt), len(widths) - 1
    weights = [np.zeros((b, a)) for a, b in itertools.pairwise(widths)]
    for i, weight in enumerate(weights, start=1):
        weight[:r, :r] = np.diag(learnt) if i == depth else np.eye(r)
    free = [r] * (depth + 1)
    for start, stop, vector in stubs:
        nodes = {i: free[i] for i in range(start, stop + 1) if 0 < i < depth}
        for i, node in nodes.items():
            if node == widths[i]:
                raise ValueError("stubs: a layer is full")
            free[i] += 1
        for i in range(start + 1, stop + 1):
            if i == 1:
                weights[0][nodes[1], r:] = vector
            elif i == depth:
                weights[-1][r:, nodes[depth - 1]] = vector
            else:
                weights[i - 1][nodes[i], nodes[i - 1]] = 1
            if start == 0 and stop == depth:
                raise ValueError("stubs: a path from input to output")
    Sigma = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(Sigma, [*learnt, *idle])
    return weights, Sigma


def critical(weights, Sigma):
    """Tell whether the gradient is exactly zero."""
    return not any(np.any(block) for block in layer_velocities(weights, Sigma))


def draw_stubs(rng, widths, r, tries=7):
    """Draw stubs along single nodes, or with signed vectors, that fit into the network."""
    depth, chosen = len(widths) - 1, []
    for _ in range(tries):
        start, stop = sorted(rng.choice(depth + 1, 2, replace=False).tolist())
        size = widths[0] - r if start == 0 else widths[-1] - r
        vector = np.eye(size)[rng.integers(size)] if rng.random() < 0.6 else _signs(rng, size)
        try:
            build(widths, [1] * r, (), [*chosen, (start, stop, vector)])
        except ValueError:
            continue
        chosen.append((start, stop, vector))
    return chosen


def _signs(rng, size):
    return rng.choice([-1.0, 1.0, 2.0], size)


def draw_points(rng, cases, count):
    """Draw critical points over given modes: widths, weights, target, rank."""
    points = []
    while len(points) < count:
        widths, learnt, idle = cases[int(rng.integers(len(cases)))]
        stubs = []
        for stub in draw_stubs(rng, widths, len(learnt)):
            if critical(*build(widths, learnt, idle, [*stubs, stub])):
                stubs.append(stub)
        points.append((widths, learnt, idle, *build(widths, learnt, idle, stubs)))
    return points


def draw_gauge(rng, weights):
    """Draw integer matrices of determinant one, one for each hidden layer."""
    gauge = []
    for weight in weights[:-1]:
        entries = rng.integers(-1, 2, (2, len(weight), len(weight)))
        unit = np.eye(len(weight))
        gauge.append((np.tril(entries[0], -1) + unit) @ (np.triu(entries[1], 1) + unit))
    return gauge


def integer_act(gauge, weights):
    """Let a gauge of determinant one act; the result is rounded to the integers that it is."""
    return [np.rint(weight) for weight in gauge_act(gauge, weights)]


def gauged(rng, weights):
    """Change the bases of the hidden layers by integer matrices of determinant one."""
    return integer_act(draw_gauge(rng, weights), weights)


def rank(matrix):
    """Rank in exact arithmetic."""
    return exact(matrix).rank() if matrix.size else 0


def negatives(weights, Sigma):
    """Count negative eigenvalues of an integer Hessian, by the signs of its polynomial.

    All roots are real, so the rule of Descartes is exact.
    """
    polynomial = exact(hessian(weights, Sigma)).convert_to(ZZ).charpoly()
    degree = len(polynomial) - 1
    signs = [c * (-1) ** (degree - k) > 0 for k, c in enumerate(polynomial) if c]
    return sum(a != b for a, b in itertools.pairwise(signs))
