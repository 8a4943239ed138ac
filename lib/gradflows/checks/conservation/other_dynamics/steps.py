"""Checks of what finite steps do to laws."""

import numpy as np

from gradflows import MLP, CrossEntropy, Problem, SquaredLoss, gradient_descent
from gradflows.checks.conservation import dynamics_models as models
from gradflows.conservation import heavy_ball
from gradflows.deep_linear import descent_drift, imbalances
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "other-dynamics-step",
    says="A step of gradient descent changes a law at second order only: a homogeneous quadratic "
    "law q by exactly eta^2 q(gradient).",
    status="literature",
    source="marcotte2025transformative",
    evidence="exact",
    bound=0,
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
    "other-dynamics-softmax",
    says="With a soft-max on linear outputs the sum over classes of the last weights and bias is "
    "kept by gradient descent and by the heavy ball from rest, with any step.",
    **BOOK,
    evidence="numeric",
    bound=1e-12,
)
def softmax_sums(rng):
    """Take large steps with a tanh network; the falsehood is the squared loss."""
    network, X = MLP((2, 4, 3)), rng.standard_normal((2, 20))
    labels, start = np.eye(3)[:, rng.integers(3, size=20)], rng.standard_normal(network.size)
    drifts = []
    for loss in (CrossEntropy(labels), SquaredLoss(labels)):
        problem = Problem(network, X, loss)
        runs = gradient_descent(problem, start, 0.3, 40), heavy_ball(problem, start, 0.3, 0.8, 40)
        ends = [network.split(theta) for theta in (start, *(run.theta[-1] for run in runs))]
        sums = [np.append(W.sum(axis=0), b.sum()) for *_, W, b in ends]
        drifts.append(np.abs(np.array(sums) - sums[0]).max())
    return Evidence(*drifts)


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
