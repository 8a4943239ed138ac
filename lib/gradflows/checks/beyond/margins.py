"""Checks of the chapter beyond/margins: what training does after the data are separated."""

import numpy as np
from scipy.optimize import nnls

from gradflows import DeepLinear, Problem, gradient_flow
from gradflows.beyond import (
    ExponentialLoss,
    LeakyLayer,
    LogExponentialLoss,
    largest_margin,
    leaky_stable_rank,
    margin_descent,
    near_orthogonality,
    one_step_stable_rank,
    pattern_stable_rank,
    stable_rank,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book", evidence="numeric")


def separable(rng, d, n):
    """Draw inputs at distance at least one half from a hyperplane, and their labels."""
    y = rng.choice([-1.0, 1.0], n)
    X = rng.standard_normal((d, n))
    X[0] = y * (0.5 + np.abs(X[0]))
    return X, y


def leaky_data(rng, n, slope, d=40):
    """Nearly orthogonal inputs within the condition of the theorem, labels, and a layer."""
    X = np.eye(d, n) * rng.uniform(0.9, 1.1, n)
    noise = rng.standard_normal((d, n))
    size = 1.0
    while near_orthogonality(X + size * noise) < 3 / slope**3:
        size *= 0.7
    y, signs = (rng.permutation(np.where(np.arange(k) < k // 2, 1, -1)) for k in (n, 10))
    return X + size * noise, y, LeakyLayer(d, signs, slope)


@statement(
    "margins-smoothed",
    says="Once the exponential loss is below one, log(1/L)/|theta|^p never falls along the flow of "
    "a network that is homogeneous of degree p, and is within log(n)/|theta|^p of the margin.",
    status="literature",
    source="lyu2020gradient",
    evidence="numeric",
    bound=1e-6,
)
def smoothed(rng):
    """Follow networks of degree 1, 2, 3; the falsehood divides by |theta|^(p+1)."""
    error = control = 0.0
    X, y = separable(rng, 3, 6)
    for degree, widths in enumerate([(3, 1), (3, 4, 1), (3, 4, 3, 1)], 1):
        network = DeepLinear(widths)
        problem = Problem(network, X, ExponentialLoss(y))
        start = network.join([0.5 * w for w in _random_weights(rng, network)])
        run = gradient_flow(problem, start, 1e4, times=np.append(0, np.geomspace(1, 1e4, 60)))
        late = run.loss < 1
        log, rho = -np.log(run.loss[late]), np.linalg.norm(run.theta[late], axis=1)
        margin = (problem.outputs(run.theta[late])[:, 0] * y).min(axis=1)
        error = max(error, -np.diff(log / rho**degree).min(), (log - margin).max())
        error = max(error, (margin - log - np.log(6)).max())
        control = max(control, -np.diff(np.log(log / rho ** (degree + 1))).min())
    return Evidence(max(error, 0.0), control)


def _random_weights(rng, network):
    """Weights whose first coordinate already looks at the labels, so that learning starts."""
    shapes = zip(network.widths[1:], network.widths[:-1], strict=True)
    return [rng.standard_normal(shape) + np.eye(*shape) for shape in shapes]


@statement(
    "margins-kkt",
    says="Every limit of theta/|theta| along the flow of the exponential loss is, up to its "
    "length, a KKT point of the problem of the largest margin.",
    status="literature",
    source="lyu2020gradient",
    evidence="numeric",
    bound=0.02,
)
def kkt(rng):
    """Solve for multipliers at the end; the falsehood is the direction of the start."""
    error, control = 0.0, np.inf
    for network in (DeepLinear((3, 4, 1)), DeepLinear((3, 3, 2, 1))):
        X, y = separable(rng, 3, 6)
        problem = Problem(network, X, LogExponentialLoss(y))
        start = 0.3 * network.join(_random_weights(rng, network))

        def enough(t, theta, problem=problem):
            return problem.loss(theta) + 1e5

        enough.terminal = True
        run = gradient_flow(problem, start, 1e4, rtol=1e-6, atol=1e-8, events=enough)
        error = max(error, kkt_residual(problem, y, run.theta[-1]))
        control = min(control, kkt_residual(problem, y, start))
    return Evidence(error, control)


def kkt_residual(problem, y, theta):
    """Distance of the unit direction from the cone of the gradients of the least margins."""
    direction = theta / np.linalg.norm(theta)
    margins = y * problem.outputs(direction)[0]
    active = margins < margins.min() + 0.01 * np.abs(margins).max()
    gradients = y[:, None] * problem.network.jacobian(direction, problem.inputs)
    return float(nnls(gradients[active].T, direction)[1])


@statement(
    "margins-rank-two",
    says="On nearly orthogonal inputs the largest margin of a leaky ReLU layer has rank at most "
    "two, multipliers from a linear system, all margins equal, and a linear rule.",
    status="literature",
    source="frei2023implicit",
    evidence="numeric",
    bound=1e-8,
)
def rank_two(rng):
    """Test the KKT conditions and rivals; the falsehood drops the slope in the vectors."""
    error, control = 0.0, np.inf
    for n, slope in ((5, 0.4), (6, 0.8)):
        X, y, layer = leaky_data(rng, n, slope)
        best = largest_margin(layer, X, y)
        gradients = y[:, None] * layer.jacobian(best.W.ravel(), X)
        fresh = rng.standard_normal((40, 500))
        rule = np.sign(best.normal @ fresh) != np.sign(layer.outputs(best.W.ravel(), fresh)[0])
        rival = margin_descent(layer, X, y, rng.standard_normal(best.W.shape), 0.5, 400)
        margin = rival.margins[-1].min() / np.linalg.norm(rival.weights(-1))
        error = max(
            error,
            np.abs(y * layer.outputs(best.W.ravel(), X)[0] - 1).max(),
            np.abs(best.multipliers @ gradients - best.W.ravel()).max(),
            np.linalg.svd(best.W, compute_uv=False)[2],
            -best.multipliers.min(),
            margin - best.margin,
            float(rule.sum()),
        )
        W = layer.scale * best.multipliers * y * layer.signs[:, None] @ X.T
        control = min(control, np.abs(y * layer.outputs(W.ravel(), X)[0] - 1).max())
    return Evidence(max(error, 0.0), control)


@statement(
    "margins-flow",
    says="On nearly orthogonal inputs the flow of the exponential loss of a leaky ReLU layer, from "
    "any start, has a loss of at most 1/(1/L(0) + c^2 t) and turns to the largest margin.",
    status="literature",
    source="frei2023implicit",
    evidence="numeric",
    bound=1e-3,
)
def flow(rng):
    """Start with a loss above one; the falsehood forgets the slope in one of the two vectors."""
    X, y, layer = leaky_data(rng, 5, 0.5)
    start = 0.3 * rng.standard_normal((10, 40))
    problem = Problem(layer, X, ExponentialLoss(y))
    run = gradient_flow(problem, start.ravel(), 50.0, rtol=1e-7, atol=1e-9)
    gram = X.T @ X
    off = np.abs(gram - np.diag(np.diagonal(gram))).max()
    total = np.linalg.norm(X @ y)
    c = layer.slope * (np.diagonal(gram).min() - 4 * off) / total
    excess = np.max(run.loss - 1 / (1 / run.loss[0] + c**2 * run.t))
    W = margin_descent(layer, X, y, start, 0.5, 4000, save=[4000]).weights(0)
    best = largest_margin(layer, X, y)
    wrong = np.where(layer.signs[:, None] > 0, best.u, X @ np.where(y < 0, best.multipliers, 0))
    gaps = [1 - np.sum(V * W) / np.linalg.norm(V) / np.linalg.norm(W) for V in (best.W, wrong)]
    return Evidence(max(excess, gaps[0], 0.0), gaps[1])


@statement(
    "margins-stable-rank",
    says="Two vectors of equal norm, each the rows of half of the neurons, give the stable rank "
    "2/(1 + |cos|); at the largest margin on orthonormal inputs it is 1 + ((1-a)/(1+a))^2.",
    bound=1e-9,
    **BOOK,
)
def whole_and_blocks(rng):
    """Build the matrices; the falsehood is the stable rank of a block, which is one."""
    u, v = rng.standard_normal((2, 7))
    v *= np.linalg.norm(u) / np.linalg.norm(v)
    W = np.repeat([u, v], 4, axis=0)
    error = abs(stable_rank(W) - 2 / (1 + abs(u @ v) / (u @ u)))
    control = np.inf
    for slope in rng.uniform(0.05, 0.6, 3):
        X = np.linalg.qr(rng.standard_normal((12, 8)))[0]
        best = largest_margin(
            LeakyLayer(12, np.repeat([1, -1], 5), slope), X, np.repeat([1, -1], 4)
        )
        whole, predicted = stable_rank(best.W), leaky_stable_rank(slope)
        error = max(error, abs(whole - predicted), abs(stable_rank(best.W[:5]) - 1))
        control = min(control, abs(stable_rank(best.W[:5]) - predicted))
    return Evidence(error, control)


def orthonormal_run(rng, slope, neurons, n_steps=4000):
    """Train on orthonormal inputs with the logistic loss; the run and the growth of the margins."""
    y, signs = np.repeat([1, -1], 4), np.repeat([1, -1], neurons)
    X = np.linalg.qr(rng.standard_normal((20, 8)))[0]
    layer = LeakyLayer(20, signs, slope, 1 / neurons)
    W0 = 1e-3 * rng.standard_normal((2 * neurons, 20))
    step, save = 20.0 * neurons, [0, n_steps // 2, n_steps]
    run = margin_descent(layer, X, y, W0, step, n_steps, loss="logistic", save=save)
    strength = np.sum(layer.slopes(run.weights(-1) @ X) ** 2, axis=0)
    return run, y, step * layer.scale**2 * strength / 8


@statement(
    "margins-blocks",
    says="Descent of a leaky ReLU layer on orthonormal inputs freezes all of a block but one row "
    "vector: its stable rank tends to one, and every margin is log(ht) + o(1).",
    bound=0.02,
    **BOOK,
)
def blocks(rng):
    """Run the logistic loss; the falsehood is that the whole matrix tends to stable rank one."""
    slope = rng.uniform(0.1, 0.3)
    run, y, growth = orthonormal_run(rng, slope, 10)
    error = np.abs(run.margins[-1] - np.log(growth * run.steps[-1])).max()
    for block, label in ((slice(0, 10), 1), (slice(10, 20), -1)):
        half, end = run.weights(1)[block], run.weights(2)[block]
        frozen = [V - V.mean(axis=0) for V in (half, end)]
        largest = np.linalg.norm(end, 2)
        squares = np.where(y == label, 1, slope) * run.margins[-1] / (1 + slope**2)
        error = max(
            error,
            np.abs(frozen[0] - frozen[1]).max(),
            stable_rank(end) - 1 - np.linalg.norm(frozen[1]) ** 2 / largest**2,
            abs(largest / (10**0.5 * np.linalg.norm(squares)) - 1),
        )
    return Evidence(error, stable_rank(run.weights(-1)) - 1)


@statement(
    "margins-relu",
    says="Descent of a ReLU layer on orthonormal inputs keeps the sets of neurons active on the "
    "samples of their own class, and these fix the limits of stable rank and direction.",
    bound=0.03,
    **BOOK,
)
def relu(rng):
    """Compare with the pattern of the start; the falsehood is the stable rank one."""
    run, y, growth = orthonormal_run(rng, 0.0, 30)
    X, control, signs = run.inputs, np.inf, run.layer.signs
    own = signs[:, None] == y
    before, after = ((run.weights(k) @ X > 0) & own for k in (0, -1))
    error = float((before != after).sum() + (run.weights(-1) @ X > 0)[~own].sum())
    error = max(error, np.abs(run.margins[-1] - np.log(growth * run.steps[-1])).max())
    limit = (signs[:, None] * y * after / after.sum(axis=0)) @ X.T
    W = run.weights(-1)
    error = max(error, 1 - np.sum(W * limit) / np.linalg.norm(W) / np.linalg.norm(limit))
    for block, label in ((slice(0, 30), 1), (slice(30, 60), -1)):
        seen = stable_rank(W[block])
        error = max(error, abs(seen - pattern_stable_rank(before[block][:, y == label])))
        control = min(control, seen - 1)
    return Evidence(error, control)


@statement(
    "margins-relu-constant",
    says="With fair coins for the activity and growing width, the stable rank of a ReLU block "
    "tends to 2n/(n+1) for n samples of its class, and the margin to 1/sqrt(2) of the largest.",
    bound=0.02,
    **BOOK,
)
def constant(rng):
    """Draw wide patterns; the falsehood is the stable rank two."""
    error, control = 0.0, np.inf
    for n in (1, 2, 4):
        active = rng.random((40_000, n)) < 0.5
        seen = pattern_stable_rank(active)
        share = np.sqrt(n / len(active) / np.sum(1 / active.sum(axis=0)))
        error = max(error, abs(seen - 2 * n / (n + 1)), abs(share - 0.5**0.5))
        control = min(control, 2 - seen)
    return Evidence(error, control)


@statement(
    "margins-one-step",
    says="One step from a vanishing start gives the signs times a matrix of the entries 1 and a, "
    "whose stable rank tends to that of the largest margin, 1 + ((1-a)/(1+a))^2.",
    bound=1e-3,
    **BOOK,
)
def one_step(rng):
    """Take the step; the falsehood leaves out the term with m + n."""
    m, slope, seen = 60, 0.1, []
    for _ in range(40):
        X = np.linalg.qr(rng.standard_normal((80, m)))[0]
        y, signs = rng.choice([-1.0, 1.0], (2, m))
        start = 1e-9 * rng.standard_normal((m, 80))
        for W0 in (start, -start):  # opposite coins, so that fluctuations cancel
            run = margin_descent(LeakyLayer(80, signs, slope), X, y, W0, 1.0, 1, loss="logistic")
            seen.append(stable_rank(run.weights(-1)))
    mean = np.mean(seen)
    limit = leaky_stable_rank(slope)
    return Evidence(abs(mean / one_step_stable_rank(m, m, slope) - 1), abs(mean / limit - 1))
