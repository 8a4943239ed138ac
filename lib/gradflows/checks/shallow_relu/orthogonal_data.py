"""Checks of the chapter shallow_relu/orthogonal_data: what orthogonal inputs do to ReLU neurons."""

from itertools import product

import numpy as np

from gradflows import Problem, ShallowReLU, SquaredLoss
from gradflows.shallow_relu import OrthogonalData, balanced_init, event_flow
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)
HADAMARD = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]])


def network_velocity(X, y, W, a):
    """Velocities of W (m, d) and a (m,), from the library's gradient of the mean loss."""
    network = ShallowReLU(len(X), len(a))
    problem = Problem(network, X, SquaredLoss(np.reshape(y, (1, -1))))
    dW, da = network.split(-problem.gradient(network.join([W, a[None]])))
    return dW, da[0]


@statement(
    "orthogonal-data-coordinates",
    says="For orthogonal inputs the coordinate z_jk moves with -a_j r_k q_k/n if it is positive "
    "and rests otherwise; what is orthogonal to the inputs rests.",
    **BOOK,
    **EXACT,
)
def coordinates(rng):
    """Use integers and n = 2, so that nothing rounds; the falsehood tilts one input."""
    W, a = rng.integers(-3, 4, (6, 4)).astype(float), rng.integers(1, 4, 6).astype(float)
    W[0, :2] = 1.0, 2.0  # one neuron at least is active on both inputs

    def violations(second):
        X, y = np.array([[4.0, 0, 0, 0], second]).T, np.array([-3.0, 5.0])
        dW, da = network_velocity(X, y, W, a)
        z, q = W[:, :2], np.array([4.0, 2.0])
        residual = a @ np.maximum(W @ X, 0) - y
        moved = np.zeros((6, 4))
        moved[:, :2] = -a[:, None] * (z > 0) * residual * q / 2
        wrong_a = da != -(np.maximum(z, 0) * q) @ residual / 2
        return np.count_nonzero(dW != moved) + np.count_nonzero(wrong_a)

    return Evidence(violations([0.0, 2, 0, 0]), violations([2.0, 2, 0, 0]))


@statement(
    "orthogonal-data-balance",
    says="For any inputs, a_j^2 - |w_j|^2 is conserved by the flow; balanced neurons stay balanced "
    "and no output weight changes its sign.",
    status="literature",
    source="du2018algorithmic",
    **EXACT,
)
def balance(rng):
    """Differentiate on integers, inputs not orthogonal; the falsehood is the sum of squares."""
    W, a = rng.integers(-3, 4, (8, 3)).astype(float), rng.integers(1, 4, 8).astype(float)
    W[0] = 1.0, 2.0, 3.0  # one neuron at least is active
    X, y = rng.integers(1, 4, (3, 2)).astype(float), rng.integers(100, 200, 2).astype(float)
    dW, da = network_velocity(X, -y, W, a)
    outer, inner = a * da, np.sum(W * dW, axis=1)
    return Evidence(np.count_nonzero(outer - inner), np.count_nonzero(outer + inner))


@statement(
    "orthogonal-data-switching-off",
    says="For orthogonal inputs a coordinate that is not positive never becomes positive: every "
    "neuron loses samples and wins none, at most once each.",
    **BOOK,
    **EXACT,
)
def switching_off(rng):
    """Count samples won by gradient descent on the axes; the falsehood tilts the inputs."""
    W, y = rng.standard_normal((12, 4)), rng.choice([-1.0, 1.0], 4) * rng.uniform(0.5, 1, 4)
    a = rng.choice([-1.0, 1.0], 12) * np.linalg.norm(W, axis=1)

    def won(X):
        weights, outer, count = W.copy(), a.copy(), 0
        for _ in range(200):
            before = weights @ X > 0
            dW, da = network_velocity(X, y, weights, outer)
            weights, outer = weights + 0.05 * dW, outer + 0.05 * da
            count += np.count_nonzero((weights @ X > 0) & ~before)
        return count

    return Evidence(won(np.diag([1.0, 2.0, 1.0, 0.5])), won(HADAMARD + 1.0))


@statement(
    "orthogonal-data-who-switches",
    says="While no output has passed its label, a neuron loses only samples whose label has the "
    "other sign than its output weight.",
    **BOOK,
    **EXACT,
)
def who_switches(rng):
    """List the switches of a flow up to the first overshoot; the falsehood turns the labels."""
    data = OrthogonalData(rng.uniform(0.6, 1.6, 5), [1.0, -0.6, 0.8, -0.9, 1.2])
    directions, signs = balanced_init(40, 5, rng=rng)
    run = event_flow(data, directions, signs, np.log(1e-3), 30.0)
    over = np.flatnonzero(np.any(run.outputs(run.t) * data.labels > data.labels**2, axis=1))
    end = run.t[over[0] - 1] if over.size else run.t[-1]
    products = [signs[j] * data.labels[k] for time, j, k in run.switches if time <= end]
    return Evidence(sum(p > 0 for p in products), sum(-p > 0 for p in products))


@statement(
    "orthogonal-data-polar",
    says="For balanced neurons the logarithm of the norm moves with s<u, D>, the direction with "
    "s(D - <u, D>u), whatever the inputs.",
    **BOOK,
    evidence="numeric",
    bound=1e-11,
)
def polar(rng):
    """Compare with the gradient of the network; the falsehood forgets the projection."""
    X, y = rng.standard_normal((3, 5)), rng.standard_normal(5)
    W, signs = rng.standard_normal((6, 3)), rng.choice([-1.0, 1.0], 6)
    rho = np.linalg.norm(W, axis=1)
    u, a = W / rho[:, None], signs * rho
    dW, _ = network_velocity(X, y, W, a)
    residual = a @ np.maximum(W @ X, 0) - y
    pull = signs[:, None] * (-((W @ X > 0) * residual) @ X.T / 5)
    radial = np.sum(u * pull, axis=1)
    log_speed = np.sum(W * dW, axis=1) / rho**2
    turn = dW / rho[:, None] - log_speed[:, None] * u
    error = max(np.abs(log_speed - radial).max(), np.abs(turn - pull + radial[:, None] * u).max())
    return Evidence(error, np.abs(turn - pull).max())


@statement(
    "orthogonal-data-groups",
    says="If no neuron is active in two groups of samples, each group is fitted by a network of "
    "its own that does not depend on the others, and each part of the loss falls.",
    **BOOK,
    evidence="numeric",
    bound=1e-7,
)
def groups(rng):
    """Fit groups together and alone; the falsehood has neurons that see both groups."""
    labels, norms = np.array([1.0, 0.8, -0.7, -1.1]), rng.uniform(0.7, 1.3, 4)
    both, log_scale, times = OrthogonalData(norms, labels), np.log(0.01), np.linspace(0, 25, 26)
    seen, signs = np.abs(rng.standard_normal((6, 4))), np.repeat([1.0, -1.0], 3)
    apart = seen.copy()
    apart[:3, 2:] *= -1
    apart[3:, :2] *= -1
    # Coordinates at rest count for the norm of a neuron: they become one that no input has.
    start = np.column_stack([apart[:3, :2], np.linalg.norm(apart[:3, 2:], axis=1)])
    part = OrthogonalData.from_inputs(np.vstack([np.diag(norms[:2]), np.zeros(2)]), labels[:2])
    # The mean over half as many samples makes the clock twice as fast.
    alone = event_flow(part, start, signs[:3], log_scale, 12.5).outputs(times / 2)
    runs = [event_flow(both, neurons, signs, log_scale, 25.0) for neurons in (apart, seen)]
    error, control = (np.abs(run.outputs(times)[:, :2] - alone).max() for run in runs)
    return Evidence(error, control)


@statement(
    "orthogonal-data-winners",
    says="A Gaussian neuron with a fair sign sees all n_+ positive samples and is positive with "
    "probability 2^-(n_+ + 1); m >= 2^(n_+ + 1) log(1/delta) neurons suffice for one such with "
    "probability 1 - delta.",
    **BOOK,
    **EXACT,
)
def winners(rng):
    """Enumerate all sign patterns; the falsehood forgets the sign of the output weight."""
    error = control = 0
    for positive in range(1, 6):
        patterns = list(product([1, -1], repeat=positive + 1))
        share = sum(min(pattern) == 1 for pattern in patterns)
        error += share * 2 ** (positive + 1) != len(patterns)
        control += share * 2**positive != len(patterns)
        delta = rng.uniform(0.001, 0.5)
        width = int(np.ceil(2 ** (positive + 1) * np.log(1 / delta)))
        error += (1 - 2.0 ** -(positive + 1)) ** width > delta
    return Evidence(error, control)
