"""Checks of the chapter deep_linear/rates: how fast the loss of a linear network falls."""

import itertools

import numpy as np

from gradflows import gradient_flow
from gradflows.checks.deep_linear.rates_networks import (
    balanced_near,
    exact_rank,
    excess,
    final_loss,
    full_rank_weights,
    integer_weights,
    logs,
    rectangular,
    singular_values,
    tangent_kernel,
    too_slow,
)
from gradflows.deep_linear import (
    balanced_condition,
    balanced_factors,
    balanced_hessian_spectrum,
    end_to_end,
    gauge_act,
    hessian,
    imbalance_rate,
    imbalances,
    margin_rate,
    null_tail,
    random_gauge,
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
    "rates-spectrum",
    says="At balanced weights the tangent kernel has the eigenvectors u_j v_k^T with eigenvalues "
    "mu_jk, the sum of s_j^(2(h-i)/h) s_k^(2(i-1)/h); they are those of the Hessian at a minimum.",
    **BOOK,
    **NUMERIC,
)
def spectrum(rng):
    """Compare residuals of eigenvectors and the Hessian; the falsehood is another factorisation."""

    def misses(weights, h):
        W, K = end_to_end(weights), tangent_kernel(weights)
        U, s, Vt = np.linalg.svd(W)
        left, right = (np.concatenate([s, np.zeros(n - len(s))]) for n in W.shape)
        left[left < 1e-9], right[right < 1e-9] = 0, 0
        worst = 0.0
        for j, k in np.ndindex(W.shape):
            vector = np.kron(Vt[k], U[:, j])
            value = sum(
                left[j] ** (2 - 2 * i / h) * right[k] ** (2 * (i - 1) / h) for i in range(1, h + 1)
            )
            worst = max(worst, np.abs(K @ vector - value * vector).max())
        return worst

    error = control = 0.0
    for widths, rank in (((3, 3, 3), 3), ((4, 3, 3, 2), 2), ((2, 4, 3, 3), 2), ((3, 3, 3, 3), 2)):
        W = rng.standard_normal((widths[-1], widths[0]))
        weights = balanced_factors(W, widths, rank, rng=rng)
        error = max(error, misses(weights, len(widths) - 1))
        moved = gauge_act(random_gauge(widths, rng=rng), weights)
        control = max(control, misses(moved, len(widths) - 1))
        if rank == min(W.shape):
            values = np.linalg.eigvalsh(hessian(weights, W))
            sigma = np.linalg.svd(W, compute_uv=False)
            ours = np.sort(balanced_hessian_spectrum(sigma, widths).ravel())
            error = max(error, np.abs(values[-len(ours) :] - ours).max())
            error = max(error, np.abs(values[: -len(ours)]).max())
    return Evidence(error, control)


@statement(
    "rates-conditioning",
    says="At a balanced minimum the nonzero Hessian eigenvalues lie between h sigma_min^(2-2/h), "
    "without the factor h if d_0 differs from d_h, and h sigma_1^(2-2/h).",
    **BOOK,
    **NUMERIC,
)
def conditioning(rng):
    """Compute the Hessian for depths 1 to 4; the falsehood keeps h for rectangular targets."""
    error = control = 0.0
    for h in (1, 2, 3, 4):
        for inputs, outputs in ((3, 3), (4, 2)):
            widths = (inputs, *[4] * (h - 1), outputs)
            q, square = min(inputs, outputs), inputs == outputs
            sigma = singular_values(q, rng)
            weights = balanced_factors(rectangular(sigma, widths), widths, q, rng=rng)
            values = np.linalg.eigvalsh(hessian(weights, end_to_end(weights)))
            top, low = values[-1], values[-inputs * outputs]
            power = 2 - 2 / h
            factor = h if square else 1
            error = max(error, abs(top - h * sigma[0] ** power))
            error = max(error, abs(low - factor * sigma[-1] ** power))
            condition = balanced_condition(sigma, h) * h / factor
            error = max(error, abs(top / low - condition))
            control = max(control, abs(low - h * sigma[-1] ** power))
    return Evidence(error, control)


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
    "rates-flattest",
    says="Where W = Sigma, the largest Hessian eigenvalue is at least h sigma_1^(2-2/h), with "
    "equality if balanced; for a scalar chain the only nonzero one is sigma^2 sum w_i^(-2).",
    status="literature",
    source="mulayoff2020unique",
    **NUMERIC,
)
def flattest(rng):
    """Draw minima by gauges; the falsehood is that balanced minima are the slowest as well."""
    error = control = 0.0
    for widths in ((3, 3, 3), (2, 3, 3, 2), (2, 2, 4)):
        h, W = len(widths) - 1, rng.standard_normal((widths[-1], widths[0]))
        sigma = np.linalg.svd(W, compute_uv=False)
        flat = h * sigma[0] ** (2 - 2 / h)
        slow = balanced_hessian_spectrum(sigma, widths).min()
        weights = balanced_factors(W, widths, len(sigma), rng=rng)
        error = max(error, abs(np.linalg.eigvalsh(tangent_kernel(weights))[-1] - flat))
        for _ in range(20):
            weights = gauge_act(random_gauge(widths, rng=rng), weights)
            values = np.linalg.eigvalsh(tangent_kernel(weights))
            error, control = max(error, flat - values[-1]), max(control, slow - values[0])
    chain = rng.uniform(0.5, 2, 4)
    weights = [np.array([[w]]) for w in chain]
    value = np.linalg.eigvalsh(hessian(weights, end_to_end(weights)))[-1]
    error = max(error, abs(value - chain.prod() ** 2 * np.sum(chain**-2.0)))
    return Evidence(error, control)


@statement(
    "rates-two-kinds",
    says="At depth 2 and W = Sigma square: C_1 = lam I gives the eigenvalues (kappa_j + kappa_k)/2 "
    "with kappa = sqrt(lam^2 + 4 sigma^2); W_1 = diag(1/d, d), W_2 = diag(d, 1/d) gives 2 d^2, "
    "d^2 + d^(-2) twice, and 2 d^(-2), with alpha = 0.",
    **BOOK,
    **NUMERIC,
)
def two_kinds(rng):
    """Compare Hessians with both formulas; the falsehood is sqrt(lam^2 + 4 sigma_j sigma_k)."""
    error = control = 0.0
    for lam in rng.uniform(-3, 3, 3):
        Sigma = rng.standard_normal((3, 3))
        U, sigma, Vt = np.linalg.svd(Sigma)
        kappa = np.hypot(lam, 2 * sigma)
        frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        first = frame @ np.diag(np.sqrt((kappa - lam) / 2)) @ Vt
        second = U @ np.diag(np.sqrt((kappa + lam) / 2)) @ frame.T
        error = max(error, np.abs(imbalances([first, second])[0] - lam * np.eye(3)).max())
        values = np.linalg.eigvalsh(hessian([first, second], Sigma))[-9:]
        sums = np.add.outer(kappa, kappa).ravel() / 2
        roots = np.sqrt(lam**2 + 4 * np.outer(sigma, sigma)).ravel()
        error = max(error, np.abs(values - np.sort(sums)).max())
        control = max(control, np.abs(values - np.sort(roots)).max())
    d = rng.uniform(0.3, 0.9)
    weights = [np.diag([1 / d, d]), np.diag([d, 1 / d])]
    values = np.linalg.eigvalsh(hessian(weights, np.eye(2)))[-4:]
    expected = [2 * d**2, d**2 + d**-2, d**2 + d**-2, 2 * d**-2]
    error = max(error, np.abs(values - expected).max(), imbalance_rate(weights))
    return Evidence(error, control)


@statement(
    "rates-morse-bott",
    says="If the rank rho of Sigma is the least width, the Hessian has rank rho (d_0 + d_h - rho) "
    "wherever W = Sigma; if it is less, the rank of the Hessian jumps.",
    **BOOK,
    **EXACT,
)
def morse_bott(rng):
    """Count ranks of integer Hessians; the falsehood is a constant rank where rho is less."""
    error = control = 0
    for widths in ((2, 3, 2), (3, 2, 3, 2), (2, 1, 2), (3, 2, 3)):
        rho = min(widths)
        weights = full_rank_weights(widths, rng)
        rank = exact_rank(weights, end_to_end(weights))
        error += rank != rho * (widths[0] + widths[-1] - rho)
    for widths, roots in (((3, 3, 3, 3), (2, 1)), ((2, 2, 3), (1,)), ((3, 4, 2), (2,))):
        rho, n = len(roots), widths[0] * widths[-1]
        weights = [rectangular(roots, pair) for pair in itertools.pairwise(widths)]
        Sigma, stubs = end_to_end(weights), [weight.copy() for weight in weights]
        for weight in stubs[1:]:
            weight[rho, rho] = rng.integers(1, 4)
        idle = (widths[0] - rho) * (widths[-1] - rho)
        plain, more = exact_rank(weights, Sigma), exact_rank(stubs, Sigma)
        error += np.any(end_to_end(stubs) != Sigma) + (plain != n - idle) + (more <= plain)
        control += more != plain
    return Evidence(float(error), float(control))


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
