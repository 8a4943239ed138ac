"""How fast the loss falls: margin, local rate, imbalance, algebraic tails."""

import numpy as np

from gradflows import gradient_flow
from gradflows.checks.deep_linear.rates_networks import (
    balanced_near,
    excess,
    final_loss,
    integer_weights,
    logs,
    rectangular,
    singular_values,
    tangent_kernel,
    too_slow,
)
from gradflows.deep_linear import (
    balanced_factors,
    balanced_hessian_spectrum,
    end_to_end,
    hessian,
    imbalance_rate,
    imbalances,
    margin_rate,
    null_tail,
    whitened_problem,
)
from gradflows.statements import Evidence, statement

NUMERIC = dict(evidence="numeric", bound=1e-8)
EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")


@statement(
    "rates-kernel",
    says="The loss falls at the rate 2 r^T K r/|r|^2 with the tangent kernel K and the residual r; "
    "where W = Sigma, the Hessian has the nonzero eigenvalues of K.",
    **BOOK,
    **EXACT,
)
def kernel(rng):
    """Compare in integers, spectra by traces of powers; the falsehood forgets W = Sigma."""

    def violations(weights, Sigma):
        K, H = tangent_kernel(weights), hessian(weights, Sigma)
        K, H = (M.astype(int).astype(object) for M in (K, H))
        P, Q, count = K, H, 0
        for _ in range(len(K)):
            count += np.trace(P) != np.trace(Q)
            P, Q = P.dot(K), Q.dot(H)
        problem, theta = whitened_problem(weights, Sigma)
        residual = (Sigma - end_to_end(weights)).ravel(order="F").astype(int)
        slope = int(np.sum(problem.gradient(theta) ** 2))
        return count, slope != residual @ K @ residual

    error = control = 0
    for widths in ((2, 3, 2), (2, 2, 3, 2), (3, 2, 1)):
        weights = integer_weights(widths, rng)
        W = end_to_end(weights)
        at, away = violations(weights, W), violations(weights, W + 1)
        error, control = error + at[0] + away[1], control + away[0]
    return Evidence(float(error), float(control))


@statement(
    "rates-margin",
    says="From a balanced start within sigma_min - c of the target, c > 0, singular values stay "
    "above c and the loss is at most L(0) exp(-2 gamma t), gamma = h c^(2-2/h) if d_0 = d_h and "
    "c^(2-2/h) otherwise; the margin grows and improves the bound.",
    status="literature",
    source="arora2019convergence",
    **NUMERIC,
)
def margin(rng):
    """Follow networks with both bounds; the falsehood is the factor h for rectangular targets."""
    times, error = np.linspace(0, 4, 21), 0.0
    for widths in ((3, 3, 3), (2, 3, 2, 2), (4, 3, 2)):
        sigma = singular_values(min(widths[0], widths[-1]), rng)
        Sigma = rectangular(sigma, widths)
        start = balanced_near(Sigma, widths, 0.6 * sigma[-1], rng)
        error = max(error, excess(start, Sigma, margin_rate(start, Sigma), times))
        error = max(error, too_slow(start, Sigma, sigma[-1], times))
    widths, angle = (5, 4, 4, 2), rng.uniform(0.03, 0.08)
    Sigma = rectangular([1.0, 1.0], widths)
    W = Sigma.copy()
    W[0, 0], W[0, 4] = np.cos(angle), -np.sin(angle)
    start = balanced_factors(W, widths, 2, rng=rng)
    rate = margin_rate(start, Sigma)
    error = max(error, excess(start, Sigma, rate, times))
    return Evidence(error, excess(start, Sigma, 3 * rate, times))


@statement(
    "rates-local",
    says="A run that ends where W = Sigma with K positive definite has exp(lambda_min(K) t) R "
    "convergent; balanced runs, but for a null set of W(0), lose exp(-2 mu_min t) exactly.",
    **BOOK,
    evidence="numeric",
    bound=1e-2,
)
def local(rng):
    """Measure slopes late in the run, and end kernels; the falsehood is the rate of one layer."""
    error = control = 0.0
    for widths, scale in (
        ((2, 2, 2), 1.0),
        ((2, 2, 2, 2), 1.0),
        ((3, 2, 2), 1.0),
        ((2, 2, 2), 1.1),
    ):
        Sigma = rectangular([2.0, 1.0], widths)
        W = Sigma + 0.1 * rng.uniform(-1, 1, Sigma.shape)
        W[1, -1] += 0.3  # some of the slowest direction
        start = balanced_factors(W, widths, 2, rng=rng)
        start[0], start[1] = start[0] / scale, start[1] * scale
        problem, theta = whitened_problem(start, Sigma)
        end = gradient_flow(problem, theta, 40.0).theta[-1]
        slowest = np.linalg.eigvalsh(problem.kernel(end))[0]
        if scale == 1.0:
            exact = balanced_hessian_spectrum([2.0, 1.0], widths).min()
            error = max(error, abs(slowest / exact - 1))
        slope = np.diff(logs(start, Sigma, np.array([0, 12.0, 13.0]) / slowest))[-1] / 2
        error = max(error, abs(slope + 1))
        if widths[0] == widths[-1]:
            control = max(control, abs(slope * slowest + 1))
    return Evidence(error, control)


@statement(
    "rates-imbalance",
    says="At depth 2 the loss is at most L(0) exp(-2 alpha t), alpha the sum of the positive parts "
    "of the d_2-th largest eigenvalue of C_1 and the d_0-th of -C_1; both are positive only if "
    "d_1 >= d_0 + d_2.",
    status="literature",
    source="tarmoun2021understanding",
    **NUMERIC,
)
def imbalance(rng):
    """Follow wide and narrow networks; the falsehood takes the largest eigenvalues."""
    times, error, control = np.linspace(0, 4, 21), 0.0, 0.0
    for widths in ((2, 6, 3), (3, 3, 3), (1, 1, 1), (3, 4, 2)):
        inputs, hidden, outputs = widths
        first = 0.5 * rng.standard_normal((hidden, inputs))
        second = 2 * np.eye(outputs, hidden) + 0.3 * rng.standard_normal((outputs, hidden))
        weights = [first, second]
        Sigma = rng.standard_normal((outputs, inputs))
        values = np.linalg.eigvalsh(imbalances(weights)[0])
        alpha = imbalance_rate(weights)
        error = max(error, excess(weights, Sigma, alpha, times / max(1.0, alpha)))
        terms = [
            x[-d] if d <= hidden else 0.0
            for x, d in ((values, outputs), (np.sort(-values), inputs))
        ]
        wide = hidden >= inputs + outputs
        error += (min(terms) > 1e-9) != wide
        wrong = max(values[-1], 0) + max(-values[0], 0)
        control = max(control, excess(weights, Sigma, wrong, times / max(1.0, alpha)))
    return Evidence(max(error, 0.0), max(control, 0.0))


@statement(
    "rates-null",
    says="A scalar chain with target zero and p >= 2 tied smallest moduli loses like "
    "c^2 (2(p-1)c^2 t)^(-p/(p-1))/2, c the product of the limits of the others; with p = 1 "
    "exponentially, with the rate 2 c^2.",
    **BOOK,
    evidence="numeric",
    bound=1e-2,
)
def null(rng):
    """Follow chains for a long time; the falsehood is the formula of balance for all of them."""
    error = control = 0.0
    low, high = rng.uniform(0.7, 0.9), rng.uniform(1.2, 1.5)
    for chain in ([low] * 2, [low] * 3, [-low, low, high], [low, low, high, -high]):
        loss = final_loss(chain, [0, 4e4])[-1]
        h = len(chain)
        error = max(error, abs(loss / null_tail(chain)(4e4) - 1))
        control = max(control, abs(loss / (0.5 * (2 * (h - 1) * 4e4) ** (-h / (h - 1))) - 1))
    c = np.sqrt((low**2 - 0.09) * (high**2 - 0.09))
    span = np.array([0, 8, 9]) / c**2
    slope = np.diff(np.log(final_loss([0.3, low, high], span)))[-1] * c**2
    return Evidence(max(error, abs(slope / (2 * c**2) + 1)), control)
