"""Checks of the laws of metrics and of architectures."""

from fractions import Fraction

import numpy as np

from gradflows import DeepLinear, ShallowReLU
from gradflows.checks.conservation import dynamics_models as models
from gradflows.conservation import AttentionHead, node_balances, rank_mod
from gradflows.deep_linear import independent_imbalances
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
PAPER = dict(status="literature", source="marcotte2025transformative")


@statement(
    "other-dynamics-mirror",
    says="In a diagonal metric m every hidden node keeps its outgoing minus incoming charge s, "
    "s' = x/m(x): squares for the gradient flow, weights for entropic mirror flow.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def mirror(rng):
    """Follow linear and ReLU networks in three metrics; the falsehood is the charge of another."""
    error = control = 0.0
    for power, charge in ((1.5, lambda W: 2 * W**0.5), (1, np.asarray), (2, np.log)):
        for network in (DeepLinear((2, 3, 2, 2)), ShallowReLU(2, 3, 2)):
            ends = models.metric_flow(network, power, rng)
            drifts = [
                np.abs(np.subtract(*(np.concatenate(node_balances(W, s)) for W in ends))).max()
                for s in (charge, np.square)
            ]
            error, control = max(error, drifts[0]), max(control, drifts[1])
    return Evidence(error, control)


@statement(
    "other-dynamics-mirror-count",
    says="Two linear layers of width r under entropic mirror flow have exactly r independent laws, "
    "the balances of the hidden nodes, for d_0 + d_2 >= 3; 2 r - 1 for one input and output.",
    **BOOK,
    **EXACT,
)
def mirror_count(rng):
    """Rank of brackets modulo a prime; the falsehood stops at the fields themselves."""
    error = control = 0
    for widths in ((1, 2, 2), (2, 2, 2), (2, 3, 2), (2, 3, 1), (1, 3, 1)):
        expected = 2 * widths[1] - 1 if widths[0] == widths[2] == 1 else widths[1]
        error += abs(
            models.entropic_law_count(*widths, 5 if min(widths) == 1 else 4, rng) - expected
        )
        control += abs(models.entropic_law_count(*widths, 1, rng) - expected)
    return Evidence(error, control)


@statement(
    "other-dynamics-rescaling",
    says="If multiplying the parameters A and dividing the parameters B by one number leaves the "
    "loss alone, |A|^2 - |B|^2 is conserved, and decays like exp(-2 lam t) with weight decay lam.",
    status="literature",
    source="kunin2021neural",
    **EXACT,
)
def rescaling(rng):
    """Differentiate convolutional networks in whole numbers; the falsehood adds the squares."""
    error = control = 0
    for channels, filters in ((2, 3), (3, 2)):
        network, share = models.convolution(5, channels, filters, rng)
        X, cotangent = rng.integers(-4, 5, (2, 5, 6)).astype(float)
        theta = rng.choice([-2.0, -1.0, 1.0, 2.0], share.shape[1])
        slope, decay = share.T @ network.pullback(share @ theta, X, cotangent), rng.integers(4)
        rates = 2 * theta * (-slope - decay * theta) + 2 * decay * theta**2
        inner, outer = rates.reshape(2, channels, filters).sum(axis=2)
        error += np.count_nonzero(outer - inner)
        control += np.count_nonzero(outer + inner)
    return Evidence(error, control)


@statement(
    "other-dynamics-two-blocks",
    says="Two scalar residual ReLU blocks with u_1, v_1, v_2 of one sign have a third law besides "
    "u_1^2 - v_1^2 and u_2^2 - v_2^2; for v_2 of the other sign they have not.",
    **PAPER,
    **EXACT,
)
def third_law(rng):
    """Differentiate with sympy and in fractions; the falsehood turns the sign of v_2."""
    point = [Fraction(int(k), 5) for k in rng.integers(1, 20, 4)]
    turned = [*point[:3], -point[3]]
    error, control = models.third_law_misses(point), models.third_law_misses(turned)
    fields = [models.two_blocks([3, 2, 5, 4], x)[1] for x in (-2, 3, 7)]
    return Evidence(error + abs(rank_mod(fields) - 1), control)


@statement(
    "other-dynamics-attention",
    says="For a head with at least two tokens and O V other than 0 the laws are the functions of "
    "Q Q^T - K K^T and O^T O - V V^T: r(r+1) independent ones for r <= 2 d.",
    **PAPER,
    evidence="numeric",
    bound=1e-10,
)
def attention(rng):
    """Project data gradients on laws, and count their span; the falsehood flips the signs."""
    error = control = 0.0
    for d, r in ((3, 2), (2, 3)):
        head = AttentionHead(d, r, 3)
        theta = rng.standard_normal(head.size)
        slopes = head.jacobian(theta, rng.standard_normal((d, 60)))
        values = np.linalg.svd(slopes, compute_uv=False) / np.linalg.norm(slopes, 2)
        low = min(r, d)  # the span is the range of the differential of (Q^T K, O V)
        error = max(error, abs(np.sum(values > 1e-8) - 2 * (2 * d * low - low**2)))
        error = max(error, models.head_residual(head, theta, slopes, 1))
        control = max(control, models.head_residual(head, theta, slopes, -1))
        laws = 2 * independent_imbalances((d, r, d), rng=rng)
        error = max(error, abs(laws - r * (r + 1)))
    return Evidence(error, control)
