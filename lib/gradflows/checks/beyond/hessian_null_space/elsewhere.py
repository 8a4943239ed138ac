"""Dead networks, the origin, and the last activation."""

import numpy as np

from gradflows import Problem, SquaredLoss
from gradflows.beyond import ActivatedSquaredLoss, DenseNetwork, origin_curvature
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "hessian-null-space-dead",
    says="A ReLU network whose neurons are off on all samples rests at a local minimum: its loss "
    "is constant nearby, although a smaller one can be attained.",
    evidence="numeric",
    bound=1e-13,
    **BOOK,
)
def dead(rng):
    """Perturb a dead network 200 times; the falsehood has one neuron alive."""
    network = DenseNetwork((4, 3, 2), "relu")
    X = np.vstack([np.ones(40), rng.standard_normal((3, 40))])
    Y = rng.standard_normal((2, 40))
    problem = Problem(network, X, SquaredLoss(Y))
    spreads = []
    for alive in (False, True):
        W1, W2 = rng.standard_normal((3, 4)), rng.standard_normal((2, 3))
        W1[:, 0] = -1 - np.abs(W1[:, 1:] @ X[1:]).max()
        W1[2, 0] *= -1 if alive else 1
        theta = network.join([W1, W2])
        near = theta + 0.01 * rng.uniform(-1, 1, (200, network.size))
        spreads.append(np.ptp(np.append(problem.loss(near), problem.loss(theta))))
    features = np.maximum(W1 @ X, 0)
    better = network.join([W1, Y @ np.linalg.pinv(features)])
    gain = np.mean(np.sum(Y**2, axis=0)) / 2 - problem.loss(better)
    return Evidence(max(spreads[0], -gain, 0.0), min(spreads[1], gain))


@statement(
    "hessian-null-space-origin",
    says="At the origin of a shallow network with s(0) = 0 the Hessian has the eigenvalues "
    "+-|s'(0)| s_k, each d_1 times, and zeros; with three layers and more it vanishes.",
    evidence="numeric",
    bound=1e-12,
    **BOOK,
)
def origin(rng):
    """Compare spectra; the falsehood takes the Frobenius norm for the spectral one."""
    X, Y = rng.standard_normal((2, 4, 30))
    Y = Y[:2]
    values = np.linalg.svd(Y @ X.T / 30, compute_uv=False)
    error, control = 0.0, np.inf
    for activation in ("identity", "tanh", "quadratic", "relu2"):
        problem = Problem(DenseNetwork((4, 3, 2), activation), X, SquaredLoss(Y))
        found = np.linalg.eigvalsh(problem.hessian(np.zeros(18)))
        slope = 0 if activation == "relu2" else 1
        expected = np.sort(np.concatenate([np.repeat([*values, *-values], 3) * slope, [0] * 6]))
        error = max(error, np.abs(found - expected).max())
        error = max(error, abs(found[0] - origin_curvature(activation, X, Y)))
        if slope:
            control = min(control, abs(found[0] + np.linalg.norm(values)))
        deep = Problem(DenseNetwork((4, 3, 3, 2), activation), X, SquaredLoss(Y))
        error = max(error, np.abs(deep.hessian(np.zeros(27))).max())
    return Evidence(error, control)


@statement(
    "hessian-null-space-last",
    says="A last activation multiplies every gradient by its slopes; at a minimum its slopes "
    "squared bound the ratios of the eigenvalues, and slopes other than 0 leave the null space.",
    evidence="numeric",
    bound=1e-10,
    **BOOK,
)
def last(rng):
    """Test the bounds behind a tanh; the falsehood has the slopes to the first power."""
    error, control, n = 0.0, 0.0, 6
    network = DenseNetwork((3, 4, 4, 2), "tanh")
    theta, X = rng.standard_normal(network.size), rng.standard_normal((3, n))
    theta[-8:] *= 1.5 / np.abs(network.outputs(theta, X)).max()
    outputs = network.outputs(theta, X)
    slopes, target = 1 - np.tanh(outputs) ** 2, np.tanh(outputs)
    J = network.jacobian(theta, X)
    at_minimum = Problem(network, X, ActivatedSquaredLoss(target, "tanh")).hessian(theta)
    for power in (2, 1):
        low, high = slopes.min() ** power, slopes.max() ** power
        plain = J.T @ J / n
        gaps = np.linalg.eigvalsh([at_minimum - low * plain, high * plain - at_minimum])
        excess = max(-gaps.min(), 0.0)
        error, control = (max(error, excess), control) if power == 2 else (error, excess)
    Y = target + rng.standard_normal((2, n))
    problem = Problem(network, X, ActivatedSquaredLoss(Y, "tanh"))
    passed = (slopes * (target - Y) / n).T.ravel()
    error = max(error, np.abs(problem.gradient(theta) - J.T @ passed).max())
    return Evidence(error, control)
