"""Checks of the chapter beyond/depth_limit: residual networks of any depth."""

from itertools import combinations, product

import numpy as np

from gradflows import gradient_descent, gradient_flow
from gradflows.beyond import (
    ResidualProblem,
    growth_exponent,
    guaranteed_rate,
    initial_path,
    lipschitz_constant,
    p_variation,
    quadratic_variation,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book", evidence="numeric")


def data(rng, width=3, samples=2, distance=0.5):
    """Orthonormal inputs, and labels at a distance from them."""
    X = np.linalg.qr(rng.standard_normal((width, width)))[0][:, :samples]
    change = rng.standard_normal(X.shape)
    return X, X + distance * change / np.linalg.norm(change)


def displacement(X, Y, alpha, path, steps, eta=0.15, activation="tanh"):
    """Train from a path of rescaled weights; what training adds to it."""
    problem = ResidualProblem(X, Y, len(path), alpha, activation)
    run = gradient_descent(problem, problem.weights(path), problem.step(eta), steps)
    return problem.path(run.theta[-1]) - path


@statement(
    "depth-limit-clock",
    says="In the rescaled weights V = h^beta W a step eta h^(2 alpha - 1) is a step of length eta "
    "against the gradient in the mean square over the layers, of an Euler scheme of step 1/h.",
    bound=1e-11,
    **BOOK,
)
def clock(rng):
    """Iterate the Euler scheme with its own gradient; the falsehood has the step eta h^alpha."""
    X, Y = data(rng)
    error = control = 0.0
    for h, alpha in ((7, 0.3), (12, 0.5), (9, 0.8)):
        problem = ResidualProblem(X, Y, h, alpha)
        start = initial_path("noise", h, 3, rng=rng)
        ours = start.copy()
        for _ in range(5):
            ours -= 0.3 * euler_gradient(ours, X, Y, h ** (1 - alpha))
        for step in (problem.step(0.3), 0.3 * h**alpha):
            run = gradient_descent(problem, problem.weights(start), step, 5)
            off = np.abs(problem.path(run.theta[-1]) - ours).max()
            if step == problem.step(0.3):
                error = max(error, off)
            else:
                control = max(control, off)
    return Evidence(error, control)


def euler_gradient(V, X, Y, c):
    """Differentiate the Euler scheme of x' = c tanh(V x / c), times h."""
    h, states, slopes = len(V), [X], []
    for v in V:
        value = np.tanh(v @ states[-1] / c)
        slopes.append(1 - value**2)
        states.append(states[-1] + c * value / h)
    signal, gradient = states[-1] - Y, np.empty_like(V)
    for k in range(h - 1, -1, -1):
        gradient[k] = (slopes[k] * signal) @ states[k].T
        signal = signal + V[k].T @ (slopes[k] * signal) / h
    return gradient


@statement(
    "depth-limit-bounds",
    says="If all |V_k| <= M <= h/2, states grow at most by exp(M), signals lie between exp(-2M) "
    "and exp(M) times the residual, and rescaled gradients are at most exp(2M) |X| |R|.",
    bound=1e-12,
    **BOOK,
)
def bounds(rng):
    """Compare norms; the falsehood bounds W by M in place of V."""
    error = control = 0.0
    for h, alpha, rescale in product((8, 64), (0.2, 0.5, 1.0), (True, False)):
        X, Y = data(rng)
        problem = ResidualProblem(X, Y, h, alpha)
        path = np.tile(0.1 * rng.standard_normal((3, 3)) + 0.4 * np.eye(3), (h, 1, 1))
        M = np.linalg.norm(path[0], 2)
        theta = problem.weights(path) if rescale else path.reshape(-1)
        states, signals = problem.states(theta), problem.signals(theta)
        grown = np.linalg.norm(states, axis=(1, 2)).max() / np.linalg.norm(X) / np.exp(M)
        residual = np.linalg.norm(signals[-1])
        sizes = np.linalg.norm(signals, axis=(1, 2)) / residual
        blocks = problem.gradient(theta).reshape(h, -1) * h**alpha
        steepest = np.linalg.norm(blocks, axis=1).max() / np.linalg.norm(X) / residual
        ratios = [grown, sizes.max() / np.exp(M), steepest / np.exp(2 * M)]
        if h >= 2 * M:
            ratios.append(np.exp(-2 * M) / sizes.min())
        excess = max(max(ratios) - 1, 0.0)
        error, control = (max(error, excess), control) if rescale else (error, max(control, excess))
    return Evidence(error, control)


@statement(
    "depth-limit-rate",
    says="From a small residual, descent with the steps eta h^(2 alpha - 1) and the flow lower the "
    "loss at a rate mu that depends on bound and data alone, not on the depth.",
    bound=1e-12,
    **BOOK,
)
def rate(rng):
    """Follow both; the falsehood replaces the least singular value of two equal inputs by |X|."""
    x = rng.standard_normal(3)
    x /= np.linalg.norm(x)
    for_one = guaranteed_rate(x[:, None], 0.3)
    error = max(
        slowness(x[:, None], 0.005, h, a, for_one, rng) for h in (8, 64) for a in (0.3, 0.8)
    )
    twice = np.stack([x, x], axis=1)
    return Evidence(error, slowness(twice, np.array([0.005, -0.005]), 8, 0.5, for_one, rng))


def slowness(X, distance, h, alpha, mu, rng):
    """By how much descent and flow miss the rate mu in the logarithm of the loss."""
    V = np.tile(rng.standard_normal((3, 3)), (h, 1, 1))
    V *= 0.1 / np.linalg.norm(V[0])
    problem = ResidualProblem(X, X, h, alpha)
    away = np.cross(X[:, 0], rng.standard_normal(3))
    away /= np.linalg.norm(away)
    outputs = problem.states(problem.weights(V))[-1]
    problem = ResidualProblem(X, outputs + away[:, None] * distance, h, alpha)
    start, eta = problem.weights(V), 0.03  # less than 1 / Lambda
    run = gradient_descent(problem, start, problem.step(eta), 60)
    falls = np.log(run.loss / run.loss[0]) - np.arange(61) * np.log1p(-eta * mu)
    flow = gradient_flow(problem, start, problem.step(2.0), rtol=1e-8)
    times = flow.t / problem.step(1.0)
    falls_of_flow = np.log(flow.loss / flow.loss[0]) + 2 * mu * times
    return max(falls.max(), falls_of_flow.max(), 0.0)


@statement(
    "depth-limit-scaling-limit",
    says="From a smooth path of weights what training adds converges as h grows, with the error "
    "h^-min(1, 2 beta); for alpha < 1 to what it adds to a linear network.",
    bound=0.08,
    **BOOK,
)
def scaling_limit(rng):
    """Fit exponents of the differences; the falsehood has 4 beta in place of 2 beta."""
    X, Y = data(rng)
    first, second = rng.standard_normal((2, 3, 3)) / 3

    def added(h, alpha, activation="tanh"):
        s = np.arange(1, h + 1)[:, None, None] / h
        path = np.cos(2 * s) * first + np.sin(2 * s) * second
        return displacement(X, Y, alpha, path, 10, activation=activation)

    error = control = 0.0
    depths = np.array([64, 128, 256, 512])
    for alpha, expected in ((0.5, 1.0), (0.85, 0.3)):
        runs = [added(h, alpha) for h in depths]
        gaps = [np.abs(runs[i + 1][1::2] - runs[i]).max() for i in range(3)]
        if alpha == 0.5:
            error = abs(growth_exponent(depths[1:], gaps) + expected)
        lines = [
            np.abs(r - added(h, alpha, "identity")).max() for h, r in zip(depths, runs, strict=True)
        ]
        slope = growth_exponent(depths, lines)
        error = max(error, abs(slope + 2 * (1 - alpha)))
        control = max(control, abs(slope + 4 * (1 - alpha)))
    return Evidence(error, control)


@statement(
    "depth-limit-displacement",
    says="From bounded weights whose neighbours differ by rho, the displacement after T steps has "
    "a Lipschitz constant of at most C_T (1 + h^(2 alpha - 1) rho).",
    bound=0.06,
    **BOOK,
)
def lipschitz(rng):
    """Fit the growth for rho = h^-r; the falsehood says that the constant never grows."""
    X, Y = data(rng, 2, 1)
    depths, slopes = np.array([128, 256, 512, 1024]), {}
    middle, swing = rng.uniform(0.2, 0.3, (2, 2, 2)) * rng.choice([-1, 1], (2, 2, 2))
    swing = (-1.0) ** np.arange(1024)[:, None, None] * swing
    for alpha, r in ((0.9, 1.0), (0.7, 0.5), (0.5, 0.0), (0.9, 0.0)):
        values = []
        for h in depths:
            rough = middle + swing[:h] * float(h) ** -r
            values.append(lipschitz_constant(displacement(X, Y, alpha, rough, 3)))
        slopes[alpha, r] = growth_exponent(depths, values)
    excess = [s - max(2 * alpha - 1 - r, 0) for (alpha, r), s in slopes.items()]
    return Evidence(max(*excess, 0.0), max(slopes[0.9, 0.0], 0.0))


@statement(
    "depth-limit-rough-start",
    says="From independent bounded weights and alpha between 1/2 and 1 the Lipschitz constant of "
    "the first step grows exactly like h^(2 alpha - 1), with a constant in closed form.",
    bound=0.15,
    **BOOK,
)
def rough_start(rng):
    """Compare with the constant over all pairs of values; the falsehood has no growth."""
    X, Y = data(rng, 2, 1)
    h, alpha, size = 16384, 0.75, 0.7
    path = size * rng.choice([-1.0, 1.0], size=(h, 2, 2))
    measured = lipschitz_constant(displacement(X, Y, alpha, path, 1, eta=1.0))
    squares = [(size * np.reshape(v, (2, 2)) @ X) ** 2 for v in product((-1, 1), repeat=4)]
    limit = max(np.linalg.norm(((a - b) * (X - Y)) @ X.T) for a, b in combinations(squares, 2))
    return Evidence(abs(measured / (limit * h ** (2 * alpha - 1)) - 1), abs(measured / limit - 1))


@statement(
    "depth-limit-variation",
    says="Dynamic programming gives the p-variation, and a displacement D changes the p-th root "
    "of the p-variation of a path by at most that of D, which is at most its Lipschitz constant.",
    bound=1e-9,
    **BOOK,
)
def variation(rng):
    """Try all partitions of short paths; the falsehood takes the sum over the grid."""
    error = control = 0.0
    for p, shape in product((1.0, 1.5, 2.0, 3.0), ((9,), (8, 2, 2))):
        path, extra = rng.standard_normal((2, *shape)), 0.3 * rng.standard_normal(shape)
        path = path[0]
        best = p_variation(path, p)
        every = max(
            partition_sum(path, (0, *inner, len(path) - 1), p)
            for size in range(len(path) - 1)
            for inner in combinations(range(1, len(path) - 1), size)
        )
        change = abs(p_variation(path + extra, p) ** (1 / p) - best ** (1 / p))
        own = p_variation(extra, p) ** (1 / p)
        error = max(error, abs(best - every), change - own, own - lipschitz_constant(extra))
        control = max(control, every - partition_sum(path, range(len(path)), p))
    grid = np.sqrt([quadratic_variation(v) for v in (path, path + extra, extra)])
    return Evidence(max(error, abs(grid[1] - grid[0]) - grid[2]), control)


def partition_sum(path, places, p):
    """Sum the p-th powers of the increments between the given points."""
    points = path.reshape(len(path), -1)[list(places)]
    return np.sum(np.linalg.norm(np.diff(points, axis=0), axis=1) ** p)


@statement(
    "depth-limit-scalar",
    says="A scalar linear residual network conserves (1 + V_k/h)^2 - (1 + V_j/h)^2: the "
    "differences of its weights change by factors 1 + O(1/h), so every layer is moved by the same "
    "amount.",
    bound=1e-7,
    **BOOK,
)
def scalar(rng):
    """Follow the flow; the falsehood conserves the differences V_k - V_j themselves."""
    h = 24
    start = rng.uniform(-1, 1, (h, 1, 1))
    problem = ResidualProblem([[1.0]], [[3.0]], h, rng.uniform(0.2, 0.9), "identity")
    end = problem.step(6.0)
    run = gradient_flow(problem, problem.weights(start), end, times=[0.0, end], rtol=1e-11)
    before, after = problem.path(run.theta).reshape(2, h)
    law = [np.subtract.outer((1 + v / h) ** 2, (1 + v / h) ** 2) for v in (before, after)]
    gaps = [np.subtract.outer(v, v) for v in (before, after)]
    sums = [np.add.outer(v, v) for v in (before, after)]
    predicted = gaps[0] * (2 + sums[0] / h) / (2 + sums[1] / h)
    error = max(h * np.abs(law[1] - law[0]).max(), np.abs(gaps[1] - predicted).max())
    return Evidence(error, np.abs(gaps[1] - gaps[0]).max())


@statement(
    "depth-limit-commutator",
    says="A linear residual network conserves h (S_{k+1} - S_k) + V_{k+1}^T V_{k+1} - V_k V_k^T "
    "with S = V + V^T; in the limit dS/ds + [V^T, V].",
    bound=1e-10,
    **BOOK,
)
def commutator(rng):
    """Differentiate along the flow; the falsehood exchanges the factors of both products."""
    X, Y = data(rng, 4, 2)
    h, alpha = 10, 0.4
    problem = ResidualProblem(X, Y, h, alpha, "identity")
    V = rng.standard_normal((h, 4, 4))
    velocity = -problem.step(1.0) * problem.path(problem.gradient(problem.weights(V)))
    rates = []
    for swap in (False, True):
        S = velocity + velocity.mT
        left, right = (V.mT @ velocity), (V @ velocity.mT)
        if swap:
            left, right = right, left
        change = h * np.diff(S, axis=0) + (left + left.mT)[1:] - (right + right.mT)[:-1]
        rates.append(np.abs(change).max())
    return Evidence(*rates)
