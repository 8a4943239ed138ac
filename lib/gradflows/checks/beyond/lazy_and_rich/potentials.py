"""Checks of the diagonal network: hyperbolic entropy, its two ends, the rate of sparsity."""

import numpy as np

from gradflows.beyond import entropy_minimiser, hyperbolic_entropy, least_l1
from gradflows.checks.beyond.lazy_and_rich.models import draw_data, nearest, train_diagonal
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


def draw_sparse(rng, d=20, n=8):
    """Draw a regression with three coefficients that l1 finds, with room to spare."""
    while True:
        X = rng.standard_normal((d, n)) / np.sqrt(n)
        truth = np.zeros(d)
        truth[rng.choice(d, 3, replace=False)] = rng.choice([-1, 1], 3) * rng.uniform(0.5, 1.5, 3)
        found = least_l1(X, X.T @ truth)
        if len(found.support) == 3 and 0.2 < found.slack < 0.7:
            return X, X.T @ truth, found


@statement(
    "lazy-and-rich-entropy",
    says="The network u*u - v*v moves in the metric 4 sqrt(beta^2 + 4 alpha^4) and ends at the "
    "interpolant at which arsinh(beta/(2 alpha^2)), minus its start, is a combination of inputs.",
    status="literature",
    source="woodworth2020kernel",
    evidence="numeric",
    bound=1e-7,
)
def entropy(rng):
    """Compare with trained networks; the falsehood is the nearest interpolant."""
    X, y = draw_data(rng, 10, 3)
    alpha = rng.uniform(0.3, 0.8, 10)
    error = control = 0.0
    for shift in (np.zeros(10), rng.uniform(-0.5, 0.5, 10)):
        u, v = alpha * np.exp(shift), alpha * np.exp(-shift)
        path, begin = train_diagonal(X, y, u, v, 60.0), u * u - v * v
        u_end, v_end = np.split(path[-1], 2)
        beta = u_end**2 - v_end**2
        found = entropy_minimiser(X, y, alpha, begin).beta
        error = max(error, np.abs(beta - found).max(), np.abs(u_end * v_end - alpha**2).max())
        turned = np.arcsinh(beta / (2 * alpha**2)) - np.arcsinh(begin / (2 * alpha**2))
        error = max(error, np.abs(turned - nearest(X, X.T @ turned, np.zeros(10))).max())
        control = max(control, np.abs(found - nearest(X, y, begin)).max())
    return Evidence(error, control)


@statement(
    "lazy-and-rich-two-ends",
    says="For large alpha the minimiser is that of least l2 norm up to O(alpha^-4); for small "
    "alpha its l1 norm exceeds the least one by O(1/log(1/alpha)), with an explicit constant.",
    status="literature",
    source="woodworth2020kernel",
    evidence="numeric",
    bound=1e-6,
)
def two_ends(rng):
    """Measure both ends; the falsehood expects the least l2 norm at a small scale."""
    X, y, found = draw_sparse(rng)
    d, least = len(X), nearest(X, y, np.zeros(len(X)))
    error = np.abs(entropy_minimiser(X, y, 100.0).beta - least).max()
    sizes = np.abs(found.beta[found.support])
    for alpha in (0.3, 0.03, 1e-3, 1e-6):
        beta = entropy_minimiser(X, y, alpha).beta
        room = np.sum(sizes * (np.log(sizes) - 1)) + d + 3 * d * alpha**2
        allowed = room / (2 * np.log(1 / alpha))
        error = max(error, np.abs(beta).sum() - found.value - allowed)
        other = hyperbolic_entropy(found.beta, alpha)
        error = max(error, hyperbolic_entropy(beta, alpha) - other)
    return Evidence(error, np.abs(beta - least).max())


@statement(
    "lazy-and-rich-slack",
    says="If the least l1 interpolant is unique and has a certificate with slack s = 1 - rho, the "
    "l1 norm of the minimiser exceeds it by alpha^(2s) up to constant factors.",
    **BOOK,
    evidence="numeric",
    bound=0.05,
)
def slack(rng):
    """Fit the exponent at tiny scales; the falsehood is the exponent of the network itself, 2."""
    error, control = 0.0, np.inf
    for _ in range(3):
        X, y, found = draw_sparse(rng)
        rest = np.setdiff1d(np.arange(len(X)), found.support)
        gaps = []
        for alpha in (1e-8, 1e-10):
            beta = entropy_minimiser(X, y, alpha).beta[rest]
            # the exact gap, without cancellation
            gaps.append(np.sum(np.abs(beta) - (X[rest] @ found.certificate) * beta))
        slope = np.log(gaps[0] / gaps[1]) / np.log(100)
        error = max(error, abs(slope - 2 * found.slack))
        control = min(control, abs(slope - 2))
    return Evidence(error, control)
