"""Checks of the chapter deep_linear/solvable: starts from which the flow has a closed form."""

import numpy as np

from gradflows.checks.deep_linear.solvable_networks import (
    chain_product,
    gaussian,
    lambda_balanced,
    train,
    velocities,
    velocity_of_product,
)
from gradflows.deep_linear import (
    balanced_factors,
    balanced_field,
    end_to_end,
    gauge_act,
    imbalance_gap,
    imbalances,
    mode_depth2,
    mode_depth2_unbalanced_time,
    mode_time,
    random_gauge,
    riccati_solution,
)
from gradflows.statements import Evidence, statement

NUMERIC = dict(evidence="numeric", bound=1e-6)
BOOK = dict(status="this book", source="this book")


@statement(
    "solvable-alignment",
    says="From an aligned start W_i = Q_i D_i Q_(i-1)^T with Q_0 = I and Q_h = I the velocities "
    "are aligned with the same Q_i, and each mode moves as a scalar chain.",
    status="literature",
    source="saxe2014exact",
    evidence="exact",
    bound=0,
)
def alignment(rng):
    """Use reflections with entries 1/2, which do not round; the falsehood is Q_h other than I."""

    def violations(frames):
        values, Sigma = rng.integers(1, 4, (3, 4)).astype(float), np.diag([7.0, 5.0, 3.0, 2.0])
        weights = [frames[i + 1] @ np.diag(values[i]) @ frames[i].T for i in range(3)]
        residual = np.diag(Sigma) - values.prod(axis=0)
        count = 0
        for i, velocity in enumerate(velocities(weights, Sigma)):
            expected = np.diag(np.delete(values, i, axis=0).prod(axis=0) * residual)
            count += np.count_nonzero(frames[i + 1].T @ velocity @ frames[i] != expected)
        return count

    signs = rng.choice([-1.0, 1.0], (3, 4))
    first, second, third = (np.eye(4) - np.outer(v, v) / 2 for v in signs)
    one = np.eye(4)
    return Evidence(violations([one, first, second, one]), violations([one, first, second, third]))


@statement(
    "solvable-logistic",
    says="A balanced mode of depth 2 follows the logistic curve with rate 2 sigma and is half "
    "learnt at time log(sigma/s - 1)/(2 sigma), s the strength at the start.",
    status="literature",
    source="saxe2014exact",
    **NUMERIC,
)
def logistic(rng):
    """Compare networks with the curve; the falsehood keeps the product and drops the balance."""
    error = control = 0.0
    for sigma, s0 in zip(rng.uniform(0.5, 3, 4), 10 ** rng.uniform(-4, -1, 4), strict=True):
        half = np.log(sigma / s0 - 1) / (2 * sigma)
        times, u = np.linspace(0, 2 * half, 11), np.sqrt(s0)
        curve = mode_depth2(times, s0, sigma)
        error = max(error, np.abs(chain_product([u, u], sigma, times) - curve).max())
        error = max(error, abs(curve[5] - sigma / 2))
        control = max(control, np.abs(chain_product([3 * u, u / 3], sigma, times) - curve).max())
    return Evidence(error, control)


@statement(
    "solvable-depth",
    says="The clock of a balanced mode of depth h >= 3 is a hypergeometric function of its "
    "strength; from a small start half of the target takes u^(2-h)/((h-2) sigma) to leading order.",
    **BOOK,
    **NUMERIC,
)
def depth(rng):
    """Ask networks where they are at the time of the formula; the falsehood is its first term."""
    error = control = 0.0
    for h in (3, 4, 5):
        sigma, u0 = rng.uniform(0.5, 2), rng.uniform(0.2, 0.4)
        u1 = (0.5 * sigma) ** (1 / h)
        exact = mode_time(u0, u1, sigma, h)
        leading = u0 ** (2 - h) / ((h - 2) * sigma)
        ends = [chain_product([u0] * h, sigma, [0, float(t)])[-1] for t in (exact, leading)]
        missed = np.abs(np.array(ends) - sigma / 2)
        error, control = max(error, missed[0]), max(control, missed[1])
    return Evidence(error, control)


@statement(
    "solvable-unbalanced",
    says="A mode of depth 2 with imbalance lam has the clock artanh((4 sigma s + lam^2)/(kappa "
    "sqrt(4 s^2 + lam^2)))/kappa with kappa = sqrt(lam^2 + 4 sigma^2).",
    status="literature",
    source="saxe2014exact",
    **NUMERIC,
)
def unbalanced(rng):
    """Compare the clock with networks of either sign; the falsehood is the clock of balance."""
    error = control = 0.0
    for flip in (1, -1):
        w1, w2, sigma = rng.uniform(0.2, 0.5), rng.uniform(0.8, 1.2), rng.uniform(1.5, 2.5)
        times = np.linspace(0, 1, 9)
        s = chain_product([w1, w2][::flip], sigma, times)
        imbalance = flip * (w2**2 - w1**2)
        kappa = np.hypot(imbalance, 2 * sigma)
        clock = np.arctanh((4 * sigma * s + imbalance**2) / (kappa * np.hypot(2 * s, imbalance)))
        error = max(error, np.abs((clock - clock[0]) / kappa - times).max())
        ours = mode_depth2_unbalanced_time(s[0], s, sigma, imbalance)
        error = max(error, np.abs(ours - times).max())
        balanced = mode_depth2_unbalanced_time(s[0], s, sigma, 0.0)
        control = max(control, np.abs(balanced - times).max())
    return Evidence(error, control)


@statement(
    "solvable-balanced",
    says="Balance persists; under it all layers share their singular values, s_k(W) = s_k(W_i)^h, "
    "the product obeys an equation of its own, and s_k' = h s_k^(2-2/h) u_k^T (Sigma - W) v_k.",
    status="literature",
    source="arora2018optimization",
    **NUMERIC,
)
def balanced(rng):
    """Follow the flow of balanced networks; the falsehood is another factorisation of W."""
    error = control = 0.0
    for widths in ((3, 3, 3), (2, 3, 4, 2)):
        h, Sigma = len(widths) - 1, rng.standard_normal((widths[-1], widths[0]))
        W = rng.standard_normal(Sigma.shape)
        rank = min(W.shape)
        start = balanced_factors(W, widths, rank, rng=rng)
        layers = train(start, Sigma, 0.7)[1]
        weights = [layer[-1] for layer in layers]
        product = end_to_end(weights)
        error = max(error, *(np.abs(C).max() for C in imbalances(weights)))
        U, s, Vt = np.linalg.svd(product)
        for weight in weights:
            values = np.linalg.svd(weight, compute_uv=False)[:rank]
            error = max(error, np.abs(values**h - s[:rank]).max())
        field = balanced_field(product, Sigma, h, rank=rank)
        error = max(error, np.abs(field - velocity_of_product(weights, Sigma)).max())
        rates = h * s ** (2 - 2 / h) * np.diagonal(U.T @ (Sigma - product) @ Vt.T)
        error = max(error, np.abs(np.diagonal(U.T @ field @ Vt.T) - rates).max())
        other = gauge_act(random_gauge(widths, rng=rng), weights)
        control = max(control, np.abs(field - velocity_of_product(other, Sigma)).max())
    return Evidence(error, control)


@statement(
    "solvable-rank",
    says="From a balanced start the rank of the product never changes at finite times.",
    **BOOK,
    evidence="numeric",
    bound=1e-12,
)
def rank(rng):
    """Measure the second singular value from rank one; the falsehood drops the balance."""
    error = control = 0.0
    for widths in ((3, 3, 3), (3, 3, 4, 3)):
        W = np.outer(*rng.standard_normal((2, 3)))
        start = balanced_factors(W, widths, 1, rng=rng)
        values = second_values(start, np.diag([3.0, 2.0, 1.0]))
        error = max(error, values.max() / 3)
        start[0] = start[0] + 0.1 * rng.standard_normal(start[0].shape)
        control = max(control, second_values(start, np.diag([3.0, 2.0, 1.0])).max() / 3)
    return Evidence(error, control)


def second_values(weights, Sigma):
    """Return the second singular value of the product along a flow up to time 2."""
    layers = train(weights, Sigma, 2.0, times=np.linspace(0, 2, 9))[1]
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    return np.linalg.svd(product, compute_uv=False)[:, 1]


@statement(
    "solvable-riccati",
    says="From W_2^T W_2 - W_1 W_1^T = lam I, the product of depth 2 is given in closed form by a "
    "matrix Riccati equation.",
    status="literature",
    source="domine2025lazy",
    **NUMERIC,
)
def riccati(rng):
    """Compare blocks with the network; the falsehood forgets lam in the generator."""
    times, error, control = np.array([0.0, 0.4, 1.1]), 0.0, 0.0
    for lam in (0.0, 0.7):
        start, Sigma = lambda_balanced((3, 2, 4), lam, rng), rng.standard_normal((4, 3))
        first, second = train(start, Sigma, times[-1], times=times)[1]
        grams = riccati_solution(start, Sigma, times)
        Q = np.concatenate([second, first.mT], axis=1)
        error = max(error, np.abs(grams - Q @ Q.mT).max(), riccati_error(start, Sigma, lam, Q))
        control = max(control, riccati_error(start, Sigma, 0.0, Q))
    return Evidence(error, control)


def riccati_error(start, Sigma, lam, Q, t=1.1):
    """Return how far the formula, written out, is from the last ``Q Q^T``."""
    outputs, inputs = Sigma.shape
    half = lam / 2
    F = np.block([[half * np.eye(outputs), Sigma], [Sigma.T, -half * np.eye(inputs)]])
    rates, V = np.linalg.eigh(F)
    safe = np.where(np.abs(rates) < 1e-9, 1.0, rates)
    grown = np.where(np.abs(rates) < 1e-9, t, np.expm1(2 * rates * t) / (2 * safe))
    Q0 = np.vstack([start[1], start[0].T])
    inner = np.eye(Q0.shape[1]) + Q0.T @ (V * grown) @ V.T @ Q0
    moved = (V * np.exp(rates * t)) @ V.T @ Q0
    return np.abs(moved @ np.linalg.solve(inner, moved.T) - Q[-1] @ Q[-1].T).max()


@statement(
    "solvable-gap",
    says="In depth 2 the eigenvalues of (W W^T)^(1/2) - W_2 W_2^T lie between -delta and delta/2, "
    "delta the spectral norm of the imbalance; both constants are sharp.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def gap(rng):
    """Draw networks of all shapes and the sharp ones; the falsehood exchanges the two sides."""
    cases = [gaussian(rng.integers(1, 5, 3), rng.uniform(0.1, 2), rng) for _ in range(100)]
    cases += [[[[0.0]], [[2.0]]], [[[np.hypot(1, 1e3)]], [[1e3]]]]
    error = control = 0.0
    for weights in cases:
        delta = np.linalg.norm(imbalances(weights)[0], 2)
        values = np.linalg.eigvalsh(imbalance_gap(weights))
        error = max(error, -delta - values[0], values[-1] - delta / 2)
        control = max(control, -delta / 2 - values[0], values[-1] - delta)
    return Evidence(max(error, 0.0), control)


@statement(
    "solvable-emergence",
    says="From eps times a fixed start of depth 2, W/eps^2 tends to an explicit matrix, in which "
    "mode k grows from the seed |g_k|^2, g_k the mean of its ingoing and outgoing weights.",
    **BOOK,
    **NUMERIC,
)
def emergence(rng):
    """Compare at a fixed time; the falsehood takes the product at the start for the seed."""
    sigma, t, eps = np.array([3.0, 2.0, 1.0]), 1.0, 1e-6
    start = gaussian((3, 6, 3), 1.0, rng)
    first, second = train(
        [eps * W for W in start], np.diag(sigma), t, times=[0.0, t], rtol=1e-11, atol=1e-20
    )[1]
    a, b = start[0].T, start[1]  # row k: weights of mode k, into and out of the hidden layer
    g, m = (a + b) / 2, (b - a) / 2
    up, down = np.exp(sigma * t)[:, None], np.exp(-sigma * t)[:, None]
    limit = (g * up + m * down) @ (g * up - m * down).T
    measured = second[-1] @ first[-1] / eps**2
    scale = np.abs(limit).max()
    wrong = np.sum(a * b, axis=1) * np.exp(2 * sigma * t)
    control = np.abs(np.diagonal(measured) - wrong).max() / scale
    return Evidence(np.abs(measured - limit).max() / scale, control)


@statement(
    "solvable-staircase",
    says="From eps I in all layers and with time measured in log(1/eps), for h >= 3 in eps^(2-h), "
    "the loss tends to a staircase whose steps lie at 1/sigma_k, for h >= 3 at 1/((h-2) sigma_k).",
    status="literature",
    source="gidel2019implicit",
    evidence="numeric",
    bound=1e-3,
)
def staircase(rng):
    """Measure the loss between the steps; the falsehood is the staircase in rising order."""
    sigma = np.array([3.0, 2.0, 1.0]) * rng.uniform(0.8, 1.2)
    levels = np.array([np.sum(sigma[r:] ** 2) / 2 for r in range(4)])
    rising = np.array([np.sum(sigma[: 3 - r] ** 2) / 2 for r in range(4)])
    thetas = np.array([0.2, 5 / 12, 0.75, 1.5]) * 3 / sigma[0]
    shallow = [loss_at(theta * np.log(1e12), sigma) for theta in thetas]
    eps = 0.01
    first, second, third = train(
        [eps * np.eye(3)] * 3, np.diag(sigma), thetas[-1] / eps, times=thetas / eps, method="DOP853"
    )[1]
    deep = np.sum((np.diag(sigma) - third @ second @ first) ** 2, axis=(1, 2)) / 2
    measured = np.array([shallow, deep])
    return Evidence(np.abs(measured - levels).max(), np.abs(measured - rising).max())


def loss_at(t, sigma, eps=1e-12):
    """Return the loss of depth 2 from eps times the identity, by the logistic curves."""
    return sum((s - mode_depth2(t, eps**2, s)) ** 2 for s in sigma) / 2
