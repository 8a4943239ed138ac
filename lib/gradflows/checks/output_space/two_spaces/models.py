"""Problems for the checks of two_spaces: networks, Jacobians of given spectra, quadratic models."""

import numpy as np
import sympy as sp

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import SymbolicModel, homotopy_field


def tanh_problem(rng, widths=(2, 6, 2), samples=3, repeated=0):
    """Return a tanh network with random data and a start; the last inputs repeat the first."""
    network = MLP(widths)
    X = rng.normal(size=(widths[0], samples))
    X = np.concatenate([X, X[:, :repeated]], axis=1)
    Y = rng.normal(size=(widths[-1], samples + repeated))
    return Problem(network, X, SquaredLoss(Y)), 0.8 * rng.normal(size=network.size)


def two_spaces(problem, theta):
    """Return the Jacobian and the stacked gradient of the loss in the outputs."""
    jacobian = problem.network.jacobian(theta, problem.inputs)
    gradient = problem.loss_function.gradient(problem.outputs(theta))
    return jacobian, gradient.T.ravel()


def velocity(problem, theta, tau):
    """Return the velocity of the homotopy at a point."""
    return homotopy_field(*two_spaces(problem, theta), tau).velocity


def derivative(function, point, step=1e-5):
    """Differentiate a vector function by central differences: ``(values, size)``."""
    shifts = step * np.eye(len(point))
    columns = [function(point + e) - function(point - e) for e in shifts]
    return np.array(columns).T / (2 * step)


def residuals(run):
    """Return outputs minus labels along a run, stacked sample by sample: ``(n_times, n*d_h)``."""
    gaps = run.outputs - run.labels
    return gaps.swapaxes(1, 2).reshape(len(gaps), -1)


def flattened(K, tau):
    """Return the kernel of the outputs at a place of the homotopy, ``K (tau K + 1 - tau)^(-1)``."""
    return np.linalg.solve(tau * K + (1 - tau) * np.eye(len(K)), K)


def ill_conditioned(smallest, rng):
    """Return a Jacobian of shape (3, 5) and its singular values, the last of them as given."""
    values = np.append(rng.uniform(0.5, 2, 2), smallest)
    left = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    right = np.linalg.qr(rng.normal(size=(5, 3)))[0]
    return (left * values) @ right.T, values


def quadratic_problem(rng, share):
    """Return a quadratic model, a start, how much it bends, and labels at a share of the reach.

    Two outputs ``J_0 theta + (theta^T B_k theta)_k / 2`` of four parameters. The Jacobian moves by
    at most ``b |theta|`` in the spectral norm, ``b^2`` the sum of the squared norms of the ``B_k``;
    its least singular value at the start 0 is 1.
    """
    frames = [np.linalg.qr(rng.normal(size=(k, 2)))[0] for k in (2, 4)]
    first = (frames[0] * [1.0, 2.0]) @ frames[1].T
    bends = rng.normal(size=(2, 4, 4))
    bends += bends.swapaxes(1, 2)
    bending = float(np.linalg.norm(np.linalg.norm(bends, 2, axis=(1, 2))))
    symbols = sp.symbols("a:4")
    theta = np.array(symbols)
    outputs = [
        row @ theta + theta @ bend @ theta / 2 for row, bend in zip(first, bends, strict=True)
    ]
    aim = rng.normal(size=(2, 1))
    aim *= share / (2 * bending * np.linalg.norm(aim))
    problem = Problem(SymbolicModel(outputs, symbols), [[1.0]], SquaredLoss(aim))
    return problem, np.zeros(4), bending
