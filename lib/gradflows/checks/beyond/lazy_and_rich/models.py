"""Models for the checks of lazy and rich training: small flows whose ends are compared."""

import numpy as np

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.beyond import DiagonalProblem
from gradflows.conservation import Preconditioned

TIGHT = dict(rtol=1e-11, atol=1e-14)


class Quadratic:
    r"""Outputs :math:`B\theta + \tfrac12(\theta^TC_i\theta)_i`, to be fitted to labels."""

    def __init__(self, B, C, labels):
        self.B, self.C, self.labels, self.size = B, C, labels, B.shape[1]

    def outputs(self, theta):
        """Return h at theta (p,) or at a stack (k, p)."""
        return theta @ self.B.T + 0.5 * np.einsum("...p,ipq,...q->...i", theta, self.C, theta)

    def loss(self, theta):
        """Return half the squared distance to the labels."""
        return 0.5 * np.sum((self.outputs(theta) - self.labels) ** 2)

    def gradient(self, theta):
        """Return its gradient."""
        return (self.B + self.C @ theta).T @ (self.outputs(theta) - self.labels)


def draw_data(rng, d, n):
    """Draw inputs that are well conditioned, and labels."""
    return np.linalg.qr(rng.standard_normal((d, n)))[0], rng.standard_normal(n)


def train_neuron(X, y, a, w, rates, t_end=200.0):
    """Follow one linear neuron with two learning rates; columns w_1..w_d, a."""
    d = len(w)
    problem = Problem(DeepLinear((d, 1, 1)), X, SquaredLoss(y[None], mean=False))
    speeds = np.append(np.full(d, rates[1]), rates[0])
    flow = Preconditioned(problem, lambda theta: speeds)
    return gradient_flow(flow, np.append(w, a), t_end, **TIGHT).theta


def train_diagonal(X, y, u, v, t_end):
    """Follow u*u - v*v; return the start and the end in u, v."""
    return gradient_flow(DiagonalProblem(X, y), np.concatenate([u, v]), t_end, **TIGHT).theta


def nearest(X, y, beta):
    """Return the interpolant nearest to beta."""
    return beta + X @ np.linalg.solve(X.T @ X, y - X.T @ beta)
