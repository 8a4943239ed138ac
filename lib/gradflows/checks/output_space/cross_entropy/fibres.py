"""Checks of what is kept, and of where it leads: fibres, sums, minimisers, limits, rates."""

from math import lcm

import numpy as np
import sympy as sp
from scipy.special import softmax

from gradflows.checks.output_space.cross_entropy.models import (
    centred,
    gradient,
    loss,
    output_path,
    tanh_problem,
)
from gradflows.output_space import (
    cross_entropy_minimiser,
    cross_entropy_rate,
    homotopy_field,
    output_flow,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
PAPER = dict(status="paper", source="chen2024equivalence")


@statement(
    "cross-entropy-gradient",
    says="The gradient of the cross-entropy in the outputs is (m_j softmax(x_j) - y_j)/n with the "
    "label sums m_j, its columns sum to zero, and its derivative has the kernel spanned by 1.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def gradient_in_outputs(rng):
    """Differentiate one sample in rational numbers; the falsehood forgets the label sum."""
    q = sp.symbols("q1:4", positive=True)  # exponentials of the outputs
    y = [sp.Integer(int(k)) for k in rng.integers(1, 6, 3)]
    cost = -sum(label * sp.log(part / sum(q)) for label, part in zip(y, q, strict=True))
    at = dict(zip(q, map(sp.Integer, rng.integers(1, 9, 3).tolist()), strict=True))
    slopes = [part * sp.diff(cost, part) for part in q]
    bends = sp.Matrix(3, 3, lambda a, b: (q[b] * sp.diff(slopes[a], q[b])).subs(at))
    slopes = sp.Matrix(slopes).subs(at)
    p, m = sp.Matrix(q).subs(at) / sum(at.values()), sum(y)

    def violations(mass):
        count = sum(entry != 0 for entry in slopes - (mass * p - sp.Matrix(y)))
        count += sum(entry != 0 for entry in bends - mass * (sp.diag(*p) - p * p.T))
        return count + (sum(mass * p - sp.Matrix(y)) != 0)

    kernel = bends.nullspace()
    wrong = (len(kernel) != 1) + (kernel[0] / kernel[0][0] != sp.ones(3, 1))
    return Evidence(violations(m) + wrong, violations(1))


@statement(
    "cross-entropy-fibres",
    says="Under the adapted flow at full rank the outputs move by the negative gradient in output "
    "space, and each column sum 1^T x_j keeps its value.",
    **PAPER,
    evidence="numeric",
    bound=1e-6,
)
def fibres(rng):
    """Train a network and follow free outputs; the falsehood is the standard flow."""
    problem, start = tanh_problem(rng)
    times, Y = np.linspace(0, 6, 4), problem.loss_function.labels
    free = output_path(problem.outputs(start), Y, times)

    def missed(tau):
        x = output_flow(problem, start, tau, t_end=6.0, times=times, rtol=1e-10).outputs
        sums = x.sum(axis=1)
        return max(np.abs(sums - sums[0]).max(), np.abs(x - free).max())

    return Evidence(missed(1.0), missed(0.0))


@statement(
    "cross-entropy-sums",
    says="For tau < 1 the sums of the outputs rest for all labels exactly if K maps the span of "
    "the vectors 1_j into itself. With a linear last layer the standard flow keeps the column sums "
    "c of its weights and b of its biases, and 1^T x_j = c^T a_j + b; if c = 0, every flow of the "
    "homotopy keeps 1^T x_j.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def sums(rng):
    """Test the formula and its case c = 0; the falsehoods are resting features, and c not 0."""
    problem, start = tanh_problem(rng)
    run = output_flow(problem, start, 0.0, t_end=4.0, times=np.linspace(0, 4, 5), rtol=1e-11)
    W1, b1, W2, b2 = problem.network.split(run.theta)
    features = np.tanh(W1 @ problem.inputs + b1[..., None])
    predicted, resting = (W2[0].sum(axis=0) @ a + b2[0].sum() for a in (features, features[:1]))
    measured = run.outputs.sum(axis=1)
    error, control = (np.abs(measured - part).max() for part in (predicted, resting))
    speeds = [sum_speed(problem, theta) for theta in (centred(problem.network, start), start)]
    return Evidence(max(error, speeds[0]), min(control, speeds[1]))


def sum_speed(problem, theta):
    """Return how fast sums of outputs move at most, for tau = 0 and 1/2 and gradients (1, -1)."""
    J, (d, n) = problem.network.jacobian(theta, problem.inputs), problem.outputs(theta).shape
    fastest, ones = 0.0, np.repeat(np.eye(n), d, axis=1)
    for tau in (0.0, 0.5):
        for k in range(d * n - 1):
            if (k + 1) % d:
                g = np.eye(d * n)[k] - np.eye(d * n)[k + 1]
                speed = ones @ J @ homotopy_field(J, g, tau).velocity
                fastest = max(fastest, np.abs(speed).max())
    return fastest


@statement(
    "cross-entropy-minimiser",
    says="With positive labels the fibre of x(0) has the only minimiser log y_j + (1^T x_j(0) - "
    "1^T log y_j) 1/d_h; the loss exceeds its value there by the mean of m_j times the relative "
    "entropy of y_j/m_j and softmax(x_j).",
    **PAPER,
    evidence="numeric",
    bound=1e-11,
)
def minimiser(rng):
    """Compare at random outputs; the falsehood is the minimiser of the fibre of log y."""
    Y, x = rng.uniform(0.1, 2.0, (4, 3)), rng.normal(size=(4, 3))
    goal, m = cross_entropy_minimiser(Y, x), Y.sum(axis=0)
    p, q = softmax(x, axis=0), Y / m
    gap = np.sum(m * q * np.log(q / p)) / 3
    entropy = -np.sum(m * q * np.log(q)) / 3

    def missed(point):
        parts = gradient(point, Y), point.sum(axis=0) - x.sum(axis=0)
        values = loss(point, Y) - entropy, loss(x, Y) - loss(point, Y) - gap
        return max(np.abs(part).max() for part in (*parts, *values))

    return Evidence(missed(goal), missed(np.log(Y)))


@statement(
    "cross-entropy-convergence",
    says="Every orbit of the adapted flow that exists with full rank for all times has outputs "
    "that converge to the minimiser on their fibre, and never move away from it.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def convergence(rng):
    """Start far away and wait; the falsehood is the limit of a start on another fibre."""
    Y, x0 = rng.uniform(0.2, 1.5, (3, 4)), 5 * rng.normal(size=(3, 4))
    goal = cross_entropy_minimiser(Y, x0)
    path = output_path(x0, Y, np.linspace(0, 60 / cross_entropy_rate(Y), 60))
    distance = np.linalg.norm(path - goal, axis=(1, 2))
    other = np.abs(path[-1] - cross_entropy_minimiser(Y, 0 * x0)).max()
    return Evidence(max(distance[-1], np.diff(distance).max(), 0.0), other)


@statement(
    "cross-entropy-rate",
    says="Sample j approaches its minimiser like exp(-r_j s) with r_j = lambda_2(diag y_j - "
    "y_j y_j^T/m_j)/n, its loss twice as fast; n r_j lies between the two smallest labels.",
    **BOOK,
    evidence="numeric",
    bound=1e-3,
)
def rate(rng):
    """Measure late rates; the falsehood forgets the label sum in the matrix."""
    low, middle = rng.uniform(0.1, 0.15, 2), rng.uniform(0.25, 0.35, 2)
    Y = np.array([low, middle, 1 - low - middle]) * [1.0, 2.0]
    x0 = rng.normal(size=(3, 2))
    error = control = 0.0
    for y, x in zip(Y.T[:, :, None], x0.T[:, :, None], strict=True):
        r, m = cross_entropy_rate(y), y.sum()
        wrong = np.linalg.eigvalsh(np.diag(y[:, 0]) - np.outer(y, y))[1]
        path = output_path(x, y, np.array([0, 10, 12]) / r)
        far = np.linalg.norm(path[1:] - cross_entropy_minimiser(y, x), axis=(1, 2))
        gaps = [np.sum(y * np.log(y / m / softmax(part, axis=0))) for part in path[1:]]
        late = np.array([np.log(far[0] / far[1]), np.log(gaps[0] / gaps[1]) / 2]) * r / 2
        error = max(error, np.abs(late / r - 1).max())
        error = max(error, np.sort(y[:, 0])[0] - r, r - np.sort(y[:, 0])[1])
        control = max(control, np.abs(late / wrong - 1).max())
    return Evidence(error, control)


@statement(
    "cross-entropy-curved",
    says="The outputs of one sample run straight to their minimiser exactly if they fall into two "
    "groups on each of which both the labels and the outputs at the start are equal.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def curved(rng):
    """Compare velocity and acceleration exactly; the falsehoods break one of the two groups."""
    count = [0, 0]
    for d in (2, 3, 5):
        split = int(rng.integers(1, d))
        groups = np.arange(d) < split
        y, q = (np.where(groups, *rng.choice(np.arange(1, 9), 2, replace=False)) for _ in "yq")
        count[0] += not straight(y, q)
        if d > 2:
            other = np.arange(d) + 1 + rng.integers(0, 3)
            count[1] += (not straight(other, q)) + (not straight(y, other))
    return Evidence(*count)


def straight(y, q):
    """Whether velocity and acceleration are parallel, in integers, at softmax(x) = q/sum(q)."""
    y, q = (np.array([int(k) for k in part], dtype=object) for part in (y, q))
    total = lcm(y.sum(), q.sum())
    p, y = q * (total // q.sum()), y * (total // y.sum())
    g = p - y
    bend = p * (total * g - p @ g)
    return not np.any(np.outer(g, bend) - np.outer(bend, g))
