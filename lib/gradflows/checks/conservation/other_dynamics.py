"""Checks of the chapter conservation/other_dynamics: momentum, mirrors, attention, steps."""

from fractions import Fraction

import numpy as np

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    Problem,
    ShallowReLU,
    SquaredLoss,
    gradient_descent,
)
from gradflows.checks.conservation import dynamics_models as models
from gradflows.conservation import (
    AttentionHead,
    momentum_generators,
    momentum_law_count,
    momentum_leaf_dimension,
    node_balances,
    orbit_dimension,
    rank_mod,
)
from gradflows.deep_linear import (
    descent_drift,
    imbalances,
    independent_imbalances,
    skew_charges,
)
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
PAPER = dict(status="literature", source="marcotte2025transformative")


@statement(
    "other-dynamics-skew",
    says="Along momentum flow with friction gamma the skew part of W_i' W_i^T - W_(i+1)^T W_(i+1)' "
    "is constant up to the factor exp(-gamma t), for every loss of the product.",
    **BOOK,
    **EXACT,
)
def skew(rng):
    """Differentiate in whole numbers; the falsehood has a plus for the minus."""
    error = control = 0
    for widths in ((2, 3, 2), (3, 2, 4, 2)):
        weights, friction = models.whole_weights(widths, rng), rng.integers(1, 4)
        velocities = models.whole_weights(widths, rng)
        slopes = models.gradients(weights, rng)
        forces = [-friction * v - g for v, g in zip(velocities, slopes, strict=True)]
        rates, charges = (skew_charges(weights, moving) for moving in (forces, velocities))
        for i, (rate, charge) in enumerate(zip(rates, charges, strict=True)):
            error += np.count_nonzero(rate + friction * charge)
            wrong = [move[i] @ weights[i].T + weights[i + 1].T @ move[i + 1]
                     for move in (forces, velocities)]  # fmt: skip
            total = wrong[0] + friction * wrong[1]
            control += np.count_nonzero(total - total.T)
    return Evidence(error, control)


@statement(
    "other-dynamics-momentum-count",
    says="Two linear layers with momentum have C(r,2) - C(r-2N,2) independent laws of position and "
    "velocity, N = d_0 + d_2 >= 3 (the second term for r > 2N); 4r - 6 for one input and output.",
    **BOOK,
    **EXACT,
)
def momentum_count(rng):
    """Close the certificate modulo a prime; the falsehood is C(r,2) for all widths."""
    error = control = 0
    for inputs, outputs in ((1, 1), (2, 1), (1, 2), (2, 2)):
        for hidden in range(1, 10):
            widths = (inputs, hidden, outputs)
            size = 2 * hidden * (inputs + outputs)
            count = size - momentum_leaf_dimension(widths, rng=rng)
            error += count != momentum_law_count(widths)
            error += count != models.law_rank(inputs, hidden, outputs, rng)
            control += count != hidden * (hidden - 1) // 2
    return Evidence(error, control)


@statement(
    "other-dynamics-heavy-ball",
    says="The iteration with momentum mu multiplies the skew part of theta_k^T theta_(k+1) by mu "
    "in every step, exactly, for every step size.",
    **BOOK,
    **EXACT,
)
def heavy_ball_law(rng):
    """Iterate in fractions; the falsehood takes the gradient ahead, as Nesterov's method does."""
    step, momentum = (Fraction(int(k), 7) for k in rng.integers(1, 7, 2))
    error = control = 0
    for widths in ((2, 3, 2), (2, 3, 2, 2)):
        weights = [W.astype(int) for W in models.whole_weights(widths, rng)]
        error += models.heavy_ball_defect(weights, step, momentum, False, rng)
        control += models.heavy_ball_defect(weights, step, momentum, True, rng)
    return Evidence(error, control)


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
    "other-dynamics-rescaling",
    says="If multiplying the parameters A and dividing the parameters B by one number leaves the "
    "loss alone, |A|^2 - |B|^2 is conserved, and decays like exp(-2 lam t) with weight decay lam.",
    **PAPER,
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


@statement(
    "other-dynamics-softmax",
    says="With soft-max and cross-entropy on linear outputs the sum over classes of the last "
    "weights and bias is kept, by the flow and by gradient descent with any step.",
    **PAPER,
    evidence="numeric",
    bound=1e-12,
)
def softmax_sums(rng):
    """Take large steps with a tanh network; the falsehood is the squared loss."""
    network, X = MLP((2, 4, 3)), rng.standard_normal((2, 20))
    labels = np.eye(3)[:, rng.integers(3, size=20)]
    drifts = []
    for loss in (CrossEntropy(labels), SquaredLoss(labels)):
        problem, start = Problem(network, X, loss), rng.standard_normal(network.size)
        ends = [network.split(t) for t in gradient_descent(problem, start, 0.3, 40).theta[[0, -1]]]
        sums = [np.append(W.sum(axis=0), b.sum()) for *_, W, b in ends]
        drifts.append(np.abs(sums[1] - sums[0]).max())
    return Evidence(*drifts)


@statement(
    "other-dynamics-two-blocks",
    says="Two scalar residual ReLU blocks with u, v, t of one sign have a third law besides "
    "u^2 - v^2 and s^2 - t^2; for t of the other sign they have not.",
    **PAPER,
    **EXACT,
)
def third_law(rng):
    """Differentiate with sympy and in fractions; the falsehood turns the sign of t."""
    point = [Fraction(int(k), 5) for k in rng.integers(1, 20, 4)]
    turned = [*point[:3], -point[3]]
    error, control = models.third_law_misses(point), models.third_law_misses(turned)
    fields = [models.two_blocks([3, 2, 5, 4], x)[1] for x in (-2, 3, 7)]
    return Evidence(error + abs(rank_mod(fields) - 1), control)


@statement(
    "other-dynamics-step",
    says="A step of gradient descent changes a law at second order only: a homogeneous quadratic "
    "law q by exactly eta^2 q(gradient).",
    **PAPER,
    **EXACT,
)
def one_step(rng):
    """Step in whole numbers with any loss of the product; the falsehood halves the change."""
    error = control = 0
    for widths in ((2, 3, 2), (3, 2, 4, 2)):
        weights, step = models.whole_weights(widths, rng), float(2 ** rng.integers(1, 5))
        slopes = models.gradients(weights, rng)
        moved = [W - step * g for W, g in zip(weights, slopes, strict=True)]
        for old, new, change in zip(*map(imbalances, (weights, moved, slopes)), strict=True):
            error += np.count_nonzero(new - old - step**2 * change)
            control += np.count_nonzero(new - old - step**2 * change / 2)
    return Evidence(error, control)


@statement(
    "other-dynamics-uniform",
    says="While gradient descent descends, its laws drift by at most C eta (L(0) - inf L) for all "
    "times, C a bound of the Hessian of the law.",
    **BOOK,
    evidence="numeric",
    bound=1e-12,
)
def uniform(rng):
    """Run to convergence; the falsehood has the square of the step."""
    error = control = 0.0
    for step in (0.04, 0.02, 0.01):
        weights = [0.7 * rng.standard_normal(shape) for shape in ((2, 3), (2, 2))]
        run = descent_drift(weights, [[2.0, 0, 0], [0, 1.0, 0]], step, 300)
        drift = max(np.abs(change).max() for change in run.changes)
        error = max(error, drift - run.bound, 0.0 if run.descends else 1.0)
        control = max(control, drift - step * run.bound)
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
    "other-dynamics-relu-momentum",
    says="Two-layer ReLU networks have no law of position and velocity under momentum.",
    status="literature",
    source="marcotte2024keep",
    **EXACT,
)
def relu_momentum(rng):
    """Fields of two separate neurons; the falsehood ties their forces, as a linear network does."""
    error = control = 0
    for inputs, outputs in ((1, 1), (2, 1)):
        free, *forces = momentum_generators(inputs, outputs)
        fields = [np.kron(np.eye(2, dtype=int), free)]
        fields += [np.kron(np.diag(place), force) for place in ([1, 0], [0, 1]) for force in forces]
        error += len(fields[0]) - orbit_dimension(np.array(fields), columns=1, rng=rng)
        control += momentum_law_count((inputs, 2, outputs))
    return Evidence(error, control)


@statement(
    "other-dynamics-fixed-time",
    says="At a fixed time the drift of a quadratic law is eta times the integral of q(gradient) "
    "along the flow, up to O(eta^2).",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def fixed_time(rng):
    """Extrapolate drift / step from two steps; the falsehood is half the integral."""
    weights, Sigma = [0.7 * rng.standard_normal(shape) for shape in ((2, 3), (2, 2))], np.eye(2, 3)
    rates = [descent_drift(weights, Sigma, 1 / n, n).changes[0] * n for n in (2000, 4000)]
    measured = 2 * rates[1] - rates[0]
    integral = models.drift_integral(weights, Sigma, 1.0)
    scale = np.abs(integral).max()
    return Evidence(*(np.abs(measured - part * integral).max() / scale for part in (1, 0.5)))
