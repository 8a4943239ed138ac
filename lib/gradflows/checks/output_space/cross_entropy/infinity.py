"""Checks of closed forms, of one-hot labels, and of label sums other than one."""

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from scipy.special import softmax

from gradflows import CrossEntropy, Problem
from gradflows.checks.output_space.cross_entropy.models import output_path, tanh_problem
from gradflows.output_space import (
    RankDeficiencyError,
    SymbolicModel,
    cross_entropy_rate,
    one_hot_gap,
    output_flow,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "cross-entropy-two-outputs",
    says="For two outputs with the label (p, 1-p) the gap u = x_1 - x_2 makes (1-p) e^(pu) - "
    "p e^(-(1-p)u) decay as exp(-2p(1-p)s/n); for p = 1, u + e^u grows as 2s/n.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def two_outputs(rng):
    """Train networks; the falsehoods are u - u* in place of the first, and the speed 1/n."""
    problem, start = tanh_problem(rng, classes=2)
    p = problem.loss_function.labels[0]
    times = np.linspace(0, 6, 4)
    x = output_flow(problem, start, 1.0, t_end=6.0, times=times, rtol=1e-10).outputs
    u = x[:, 0] - x[:, 1]
    share = np.exp(-2 * p * (1 - p) * times[:, None] / 3)
    curve = (1 - p) * np.exp(p * u) - p * np.exp(-(1 - p) * u)
    error = np.abs(curve - curve[0] * share).max()
    far = u - np.log(p / (1 - p))
    control = np.abs(far - far[0] * share).max()
    problem, start = tanh_problem(rng, classes=2, one_hot=True)
    x = output_flow(problem, start, 1.0, t_end=6.0, times=times, rtol=1e-10).outputs
    u = (x[:, 0] - x[:, 1]) * [1, -1, 1]
    gaps = np.array([one_hot_gap(first, times / 3) for first in u[0]]).T
    slow = np.array([one_hot_gap(first, times / 6) for first in u[0]]).T
    error = max(error, np.abs(u - gaps).max())
    return Evidence(error, min(control, np.abs(u - slow).max()))


@statement(
    "cross-entropy-one-hot",
    says="For a one-hot label w, the log-odds of the right class, makes w + e^w grow between "
    "d/(d-1) and 2 times s/n, d outputs; late, s times the loss tends to n (1 - 1/d).",
    **BOOK,
    evidence="numeric",
    bound=1e-2,
)
def one_hot(rng):
    """Follow free outputs to s = 1e8; the falsehood is the faster of the two speeds, late."""
    error = control = 0.0
    for d in (2, 3, 4):
        times, x = late_path(rng.normal(size=d))
        w = -np.log(np.sum(np.exp(x[:, 1:] - x[:, :1]), axis=1))
        grown = w + np.exp(w) - w[0] - np.exp(w[0])
        slack = np.maximum(d / (d - 1) * times - grown, grown - 2 * times) / np.maximum(times, 1)
        product = times[-1] * np.log1p(np.exp(-w[-1]))
        error = max(error, slack.max(), abs(product / (1 - 1 / d) - 1))
        control = max(control, abs(product / 0.5 - 1))
    return Evidence(error, control)


def late_path(x0, end=1e8):
    """Return times and outputs of one sample of class 1, on a logarithmic clock."""

    def velocity(clock, x):
        return (np.eye(len(x))[0] - softmax(x)) * np.exp(clock)

    clock = np.linspace(0, np.log1p(end), 40)
    run = solve_ivp(velocity, clock[[0, -1]], x0, "LSODA", clock, rtol=1e-10, atol=1e-11)
    return np.expm1(clock), run.y.T


@statement(
    "cross-entropy-escape",
    says="If outputs of modulus at most B meet one-hot labels, an adapted flow at full rank ends "
    "in finite time, at (n/2)(2B + e^(2B) - u_0 - e^(u_0)) at the latest for two outputs; while "
    "all singular values are at least s_0 the parameters move at most logarithmically.",
    **BOOK,
    evidence="numeric",
    bound=1e-3,
)
def escape(rng):
    """Take outputs B tanh(theta_k), which use up the bound; the falsehood is half the speed."""
    B, theta = rng.uniform(0.5, 1.5), sp.symbols("theta1:3")
    model = SymbolicModel([float(B) * sp.tanh(part) for part in theta], theta)
    problem = Problem(model, [[1.0]], CrossEntropy([[1.0], [0.0]]))
    end = (2 * B + np.exp(2 * B) - 1) / 2
    try:
        output_flow(problem, [0.0, 0.0], 1.0, t_end=3 * end)
        found = 3 * end
    except RankDeficiencyError as stop:
        found = stop.time
    problem, start = tanh_problem(rng, one_hot=True)
    run = output_flow(problem, start, 1.0, t_end=50.0)
    y = problem.loss_function.labels
    odds = -np.log(np.expm1(-np.sum(y * np.log(softmax(run.outputs, axis=1)), axis=1)))
    least = run.smallest_singular_value.min()
    bound = np.sqrt(2) * (2 / 3) * np.sum(odds - odds[0], axis=1) / least
    beyond = np.max(np.linalg.norm(run.theta - start, axis=1) - bound)
    return Evidence(max(abs(found / end - 1), beyond, 0.0), abs(found / (2 * end) - 1))


@statement(
    "cross-entropy-label-sums",
    says="Along x_j' = -(softmax(x_j) - y_j)/n with label sums m_j the sum of x_j grows as "
    "(m_j - 1)s/n, and softmax(x_j) tends to y_j - (m_j - 1)/d_h, if positive, not to y_j/m_j.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def label_sums(rng):
    """Follow free outputs; the falsehood is the limit in proportion to the labels."""
    Y = rng.dirichlet(np.full(3, 8.0), 2).T * [1.1, 0.8]

    def coded(x, Y):
        return (softmax(x, axis=0) - Y) / Y.shape[1]

    m, x0 = Y.sum(axis=0), rng.normal(size=(3, 2))
    shifted = Y - (m - 1) / 3
    times = np.linspace(0, 40 / cross_entropy_rate(shifted), 9)
    x = output_path(x0, Y, times, coded)
    drift = x.sum(axis=1) - x0.sum(axis=0) - (m - 1) * times[:, None] / 2
    limit = softmax(x[-1], axis=0)
    error = max(np.abs(drift).max(), np.abs(limit - shifted).max())
    return Evidence(error, np.abs(limit - Y / m).max())
