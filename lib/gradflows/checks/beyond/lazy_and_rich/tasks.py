"""Checks of linear networks with a past: prior knowledge, relearning, depth."""

import numpy as np

from gradflows.beyond import prior_seeds
from gradflows.checks.deep_linear.solvable_networks import train
from gradflows.deep_linear import balanced_factors, mode_time, riccati_solution
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


def exponential(F, t):
    """Return exp(F t) of a symmetric matrix."""
    rates, V = np.linalg.eigh(F)
    return (V * np.exp(rates * t)) @ V.T


def closed_form(weights, Sigma, t):
    """Evaluate the formula of Q Q^T with the inverse of the generator."""
    zero = np.zeros_like(Sigma)
    F = np.block([[zero, Sigma], [Sigma.T, zero]])
    Q, E, inverse = np.vstack([weights[1], weights[0].T]), exponential(F, t), np.linalg.inv(F)
    inner = np.eye(Q.shape[1]) + Q.T @ (E @ inverse @ E - inverse) @ Q / 2
    return E @ Q @ np.linalg.solve(inner, Q.T @ E)


def invertible(rng, sign=None):
    """Draw an invertible matrix with singular values in [1, 2], of a given sign of determinant."""
    U, V = (np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(2))
    W = U @ np.diag(rng.uniform(1, 2, 3)) @ V
    if sign is not None and np.linalg.det(W) * sign < 0:
        W = -W
    return W


@statement(
    "lazy-and-rich-prior",
    says="From a balanced start, whatever it knows already, two linear layers on a square "
    "invertible task follow the closed form with the inverse of the generator.",
    status="literature",
    source="braun2022exact",
    evidence="numeric",
    bound=1e-7,
)
def prior(rng):
    """Compare with trained networks; the falsehood leaves out the inverse at time zero."""
    error = control = 0.0
    for hidden in (3, 5):
        start = balanced_factors(invertible(rng), (3, hidden, 3), 3, rng=rng)
        Sigma, times = invertible(rng), [0.0, 0.4, 1.5]
        first, second = train(start, Sigma, 1.5, times=times)[1]
        Q = np.concatenate([second, first.mT], axis=1)
        for k, t in enumerate(times):
            error = max(error, np.abs(closed_form(start, Sigma, t) - Q[k] @ Q[k].T).max())
        control = max(control, np.abs(closed_form(start, -Sigma, 1.5) - Q[2] @ Q[2].T).max())
    return Evidence(error, control)


@statement(
    "lazy-and-rich-relearn",
    says="A balanced network learns a square invertible task exactly if its matrix of seeds has "
    "full row rank; if its map has a determinant of the other sign than the task, it never does.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def relearn(rng):
    """Measure ends and ranks; the falsehood expects to learn across the sign of determinants."""
    Sigma = invertible(rng, 1)
    error, control = 0.0, np.inf
    for hidden in (3, 5):
        for sign in (1, -1):
            start = balanced_factors(invertible(rng, sign), (3, hidden, 3), 3, rng=rng)
            values = np.linalg.svd(prior_seeds(start, Sigma), compute_uv=False)
            wait = np.log(1 / max(values[-1], 1e-3)) + 9
            end = riccati_solution(start, Sigma, min(wait, 12.0))[:3, 3:]
            missed = np.abs(end - Sigma).max()
            if sign > 0:
                error = max(error, missed if values[-1] > 0.1 else 0.0)
            else:
                error, control = max(error, values[-1]), min(control, missed)
    return Evidence(error, control)


@statement(
    "lazy-and-rich-runner-up",
    says="When mode 1 reaches a fixed share, mode 2 has grown from s_0 to about s_0^(1-r) at depth "
    "2, r the ratio of targets, and by the bounded factor (1-r)^(-h/(h-2)) at depth h >= 3.",
    **BOOK,
    evidence="numeric",
    bound=0.01,
)
def runner_up(rng):
    """Train aligned networks of depth 2 to 4; the falsehood grows as at depth 2 at every depth."""
    error, control = 0.0, np.inf
    for h, u0 in ((2, 1e-4), (3, 1e-4), (4, 1e-2)):
        sigma = rng.uniform(1, 2) * np.array([1, rng.uniform(0.3, 0.6)])
        share, ratio, s0 = rng.uniform(0.3, 0.7), sigma[1] / sigma[0], u0**h
        t = float(mode_time(u0, (share * sigma[0]) ** (1 / h), sigma[0], h))
        options = dict(times=[0.0, t], rtol=1e-11, atol=1e-20)
        product = np.eye(2)
        for layer in train([u0 * np.eye(2)] * h, np.diag(sigma), t, **options)[1]:
            product = layer[-1] @ product
        growth = product[1, 1] / s0
        shallow = (share * sigma[0] / ((1 - share) * s0)) ** ratio
        bounded = shallow if h == 2 else (1 - ratio) ** (-h / (h - 2))
        error = max(error, abs(growth / bounded - 1), abs(product[0, 0] / sigma[0] - share))
        if h > 2:
            control = min(control, abs(growth / shallow - 1))
    return Evidence(error, control)
