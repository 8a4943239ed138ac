"""Checks of what scale and imbalance decide: frozen kernels, one neuron, commuting fields."""

import numpy as np
from scipy.integrate import solve_ivp

from gradflows import gradient_flow
from gradflows.beyond import neuron_imbalance, neuron_limit, neuron_metric
from gradflows.checks.beyond.lazy_and_rich.models import (
    TIGHT,
    Quadratic,
    draw_data,
    nearest,
    train_neuron,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "lazy-and-rich-scale",
    says="With output scale alpha and zero outputs at the start, weights move at most "
    "2|y|/(alpha sigma), to leading order J^+ y/alpha, and outputs follow the frozen kernel up to "
    "O(1/alpha).",
    **BOOK,
    evidence="numeric",
    bound=0.02,
)
def scale(rng):
    """Measure exponents and bounds; the falsehood is an error of order alpha^-2."""
    B = 2 * np.linalg.qr(rng.standard_normal((6, 3)))[0].T
    C = rng.standard_normal((3, 6, 6))
    C, y = C + C.transpose(0, 2, 1), rng.standard_normal(3)
    bend = np.sqrt(np.sum(np.linalg.norm(C, 2, axis=(1, 2)) ** 2))
    size, times = np.linalg.norm(y), np.linspace(0, 6, 61)
    moved, missed, broken = [], [], 0.0
    for alpha in np.array([50, 100]) * bend * size:
        run = gradient_flow(Quadratic(B, C, y / alpha), np.zeros(6), 6.0, times=times, **TIGHT)
        reach = size / alpha  # 2 |y| / (alpha sigma), all singular values of B being 2
        moved.append(np.linalg.norm(run.theta[-1]))
        x = alpha * Quadratic(B, C, y).outputs(run.theta)
        gap = np.linalg.norm(x - (1 - np.exp(-4 * times))[:, None] * y, axis=1).max()
        missed.append(gap)
        allowed = (4 + bend * reach) * bend * reach * size / 4
        first = np.linalg.norm(alpha * run.theta[-1] - np.linalg.pinv(B) @ y)
        broken = max(broken, moved[-1] / reach - 1, gap / allowed - 1, first - 0.1)
    slopes = np.log2(moved[0] / moved[1]), np.log2(missed[0] / missed[1])
    error = max(broken, *(abs(slope - 1) for slope in slopes))
    return Evidence(error, abs(slopes[1] - 2))


def draw_neurons(rng):
    """Draw starts with labels that are nearer to the outputs than to zero, and rates."""
    for size, rates in ((0.4, (1.0, 1.0)), (1.6, (0.5, 2.0)), (1.0, (1.5, 0.7))):
        X, _ = draw_data(rng, 4, 2)
        w = size * (X @ np.ones(2) + 0.5 * rng.standard_normal(4))
        yield X, X.T @ w * np.array([1.3, 1.7]), w, rates


@statement(
    "lazy-and-rich-neuron",
    says="One linear neuron with learning rates eta_a, eta_w conserves eta_w a^2 - eta_a |w|^2; "
    "its metric has the eigenvalue kappa along beta and (kappa + delta)/2 across.",
    status="literature",
    source="kunin2024get",
    evidence="numeric",
    bound=1e-8,
)
def neuron(rng):
    """Compare along trained neurons; the falsehood exchanges the two rates in delta."""
    error = control = 0.0
    for X, y, w, rates in draw_neurons(rng):
        path = train_neuron(X, y, 1.0, w, rates, 3.0)
        start, flipped = neuron_imbalance(1.0, w, rates), neuron_imbalance(1.0, w, rates[::-1])
        for theta in path[:: len(path) // 5]:
            w_now, a = theta[:-1], theta[-1]
            error = max(error, abs(neuron_imbalance(a, w_now, rates) - start))
            M = rates[1] * a * a * np.eye(4) + rates[0] * np.outer(w_now, w_now)
            error = max(error, np.abs(M - neuron_metric(a * w_now, start, rates)).max())
            # the potential's gradient is w: its radial part is |w| as a function of |beta|
            kappa = np.hypot(start, 2 * np.sqrt(np.prod(rates)) * np.linalg.norm(a * w_now))
            error = max(
                error, abs(np.sqrt((kappa - start) / (2 * rates[0])) - np.linalg.norm(w_now))
            )
            wrong = neuron_metric(a * w_now, abs(flipped) + 0.1, rates)
            control = max(control, np.abs(M - wrong).max())
    return Evidence(error, control)


@statement(
    "lazy-and-rich-neuron-limit",
    says="One linear neuron ends at the interpolant that minimises psi(|beta|) - <w_0, beta>; for "
    "delta to infinity this is the nearest one to the start, for delta to minus infinity the one "
    "on the ray, if there is one.",
    status="literature",
    source="azulay2021implicit",
    evidence="numeric",
    bound=1e-4,
)
def limit(rng):
    """Compare with trained neurons of either sign; the falsehood is the nearest interpolant."""
    error = control = 0.0
    for sign, (X, y, w, rates) in zip((1, -1, 1), draw_neurons(rng), strict=True):
        end = train_neuron(X, y, sign, sign * w, rates)[-1]
        found = neuron_limit(X, y, sign, sign * w, rates).beta
        error = max(error, np.abs(end[-1] * end[:-1] - found).max())
        control = max(control, np.abs(nearest(X, y, w) - found).max())
    example, start = X[:, :1], w
    target = example.T @ start * 1.5
    for delta, expected in ((1e8, nearest(example, target, start)), (-1e4, 1.5 * start)):
        square = (delta + np.hypot(delta, 2 * np.linalg.norm(start))) / 2
        if delta < 0:
            square = start @ start / (np.hypot(delta, 2 * np.linalg.norm(start)) - delta) * 2
        a = np.sqrt(square)
        error = max(
            error, np.abs(neuron_limit(example, target, a, start / a).beta - expected).max()
        )
    return Evidence(error, control)


@statement(
    "lazy-and-rich-commuting",
    says="If the gradients of the model map commute, the parameters depend on the integrals of the "
    "loss gradient only, not on their order, and the flow is a mirror flow.",
    status="literature",
    source="li2022implicit",
    evidence="numeric",
    bound=1e-7,
)
def commuting(rng):
    """Push in two orders with the same total; the falsehood takes the neuron."""
    mix, totals = rng.standard_normal((2, 2)) + 2 * np.eye(2), rng.uniform(0.1, 0.3, 2)

    def diagonal(push):
        signed = np.repeat([2.0, -2.0], 2) * np.tile(mix @ push, 2)
        return lambda t, theta: signed * theta

    def neuron_field(push):
        return lambda t, theta: np.append(theta[2] * push, theta[:2] @ push)

    def gap(field, start):
        ends = []
        for order in ([0, 1], [1, 0]):
            theta = start
            for i in order:
                push = totals[i] * np.eye(2)[i]
                theta = solve_ivp(field(push), (0, 1), theta, rtol=1e-11, atol=1e-13).y[:, -1]
            ends.append(theta)
        both = solve_ivp(field(totals), (0, 1), start, rtol=1e-11, atol=1e-13).y[:, -1]
        return np.abs(np.array(ends) - both).max()

    error = gap(diagonal, rng.uniform(0.5, 1.5, 4))
    return Evidence(error, gap(neuron_field, rng.uniform(0.5, 1.5, 3)))
