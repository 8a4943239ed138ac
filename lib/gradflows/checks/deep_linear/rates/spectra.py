"""Spectra of Hessians at minima: balanced, flattest, degenerate."""

import itertools

import numpy as np

from gradflows.checks.deep_linear.rates_networks import (
    exact_rank,
    full_rank_weights,
    rectangular,
    singular_values,
    tangent_kernel,
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
    random_gauge,
)
from gradflows.statements import Evidence, statement

NUMERIC = dict(evidence="numeric", bound=1e-8)
EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")


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
