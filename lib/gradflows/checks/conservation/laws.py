"""Checks of the chapter conservation/laws: what training cannot change."""

import numpy as np
import sympy as sp

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    Problem,
    ShallowReLU,
    SquaredLoss,
    gradient_flow,
)
from gradflows.checks.conservation.law_networks import (
    integer_problem,
    integers,
    known_networks,
    sample_gradients,
    shallow_model_map,
    slide_to_section,
)
from gradflows.conservation import known_laws
from gradflows.modular import rank_mod
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
PAPER = dict(status="paper", source="marcotte2023abide")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "laws-orthogonality",
    says="A function is conserved through a field if and only if its gradient is orthogonal to "
    "the field everywhere.",
    **BOOK,
    evidence="numeric",
    bound=1e-7,
)
def orthogonality(rng):
    """Compare change and integral of the inner product; the falsehood has the other sign."""
    problem = integer_problem(DeepLinear((2, 2, 2)), 3, rng)
    matrix = rng.standard_normal((8, 8))
    times = np.linspace(0, 0.02, 129)
    run = gradient_flow(problem, 0.3 * rng.standard_normal(8), 0.02, times=times, rtol=1e-12)
    values = np.einsum("ti,ij,tj->t", run.theta, matrix, run.theta)
    inner = np.einsum("ti,ij,tj->t", run.theta, matrix + matrix.T, -problem.gradient(run.theta))
    weights = np.where(np.arange(129) % 2, 4, 2) * 1.0  # Simpson's rule
    weights[[0, -1]] = 1
    integral = weights @ inner * times[1] / 3
    scale = np.abs(values).max() + abs(integral)
    change = values[-1] - values[0]
    return Evidence(abs(change - integral) / scale, abs(change + integral) / scale)


@statement(
    "laws-data-span",
    says="A function is a conservation law if and only if its gradient is orthogonal to the "
    "gradients of the loss on all single samples.",
    **PAPER,
    result="Cor. 2.6, Prop. 2.7",
    **EXACT,
)
def data_span(rng):
    """Count samples that see a law, and ranks that sums of samples add; plus in place of minus."""
    error = control = 0
    for network, widths, kind, bias in known_networks():
        laws = known_laws(widths, kind, bias)
        problem, theta = integer_problem(network, 40, rng), integers(rng, network.size)
        gradients = sample_gradients(problem, theta)
        total = problem.gradient(theta)
        grown = rank_mod(np.vstack([gradients, total])) - rank_mod(gradients)
        error += np.count_nonzero(laws.gradients(theta) @ gradients.T) + grown
        control += np.count_nonzero(np.abs(laws.gradients(theta)) @ gradients.T)
    return Evidence(error, control)


@statement(
    "laws-one-data-set",
    says="For one data set there are, near a point that is not critical, as many independent "
    "conserved functions as parameters minus one; for another data set they change.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def one_data_set(rng):
    """Slide to a section across the flow; the falsehood is another data set, or a rank too few."""
    network = DeepLinear((2, 2, 1))
    problem, other = (integer_problem(network, 2, rng) for _ in range(2))
    start = integers(rng, network.size) / 8
    steps = 0.03 / np.linalg.norm(problem.gradient(start))
    change = []
    for each in (problem, other):
        run = gradient_flow(each, start, steps, times=[0.0, steps], rtol=1e-12)
        ends = [slide_to_section(problem, start, point) for point in run.theta]
        change.append(np.abs(ends[1] - ends[0]).max())
    shifts = start + 1e-4 * np.eye(network.size)
    slopes = [slide_to_section(problem, start, point) / 1e-4 for point in shifts]
    missing = network.size - 1 - np.linalg.matrix_rank(slopes, tol=0.1)
    return Evidence(change[0] + missing, change[1])


@statement(
    "laws-known",
    says="The imbalances of linear networks, and for ReLUs and every hidden neuron the squares "
    "going out minus those coming in and its bias squared, are laws at any depth.",
    **PAPER,
    result="Prop. 4.1",
    **EXACT,
)
def known(rng):
    """Count products with gradients that do not vanish; the falsehood forgets the biases."""
    error = control = 0
    deep = (MLP((2, 3, 3, 2), "relu"), (2, 3, 3, 2), "relu", True)
    for network, widths, kind, bias in [*known_networks(), deep]:
        theta = integers(rng, network.size)
        gradient = integer_problem(network, 9, rng).gradient(theta)
        laws = known_laws(widths, kind, bias)
        rows = laws.gradients(theta[: laws.size])
        error += np.count_nonzero(rows @ gradient[: laws.size])
        if bias:
            shifts = [j for j, name in enumerate(laws.names) if name.startswith("b")]
            rows[:, shifts] = 0
            control += np.count_nonzero(rows @ gradient[: laws.size])
    return Evidence(error, control)


@statement(
    "laws-factorisation",
    says="The span of the data gradients is the image under the transposed Jacobian of the model "
    "map of the span seen by the factor, and so it lies in the trace.",
    **PAPER,
    result="Prop. 2.12",
    **EXACT,
)
def factorisation(rng):
    """Rebuild Jacobians from blocks and gates; the falsehood flips the gates."""
    error = control = 0
    for bias in (False, True):
        network = ShallowReLU(3, 4, 2, bias=bias)
        theta, X = integers(rng, network.size), integers(rng, (3, 12))
        blocks = shallow_model_map(network, theta)
        first = np.column_stack(network.split(theta)[:-1])
        inputs = np.vstack([X, np.ones((int(bias), 12))])
        gates = (first @ inputs > 0).astype(float)
        jacobian = network.jacobian(theta, X)
        for shown, wrong in ((gates, False), (1 - gates, True)):
            rebuilt = np.einsum("kn,kocs,cn->nos", shown, blocks, inputs)
            missed = np.count_nonzero(rebuilt.reshape(jacobian.shape) != jacobian)
            error, control = error + missed * (not wrong), control + missed * wrong
    return Evidence(error, control)


@statement(
    "laws-loss-span",
    says="The gradients of the squared loss in the outputs span the whole space, those of the "
    "cross-entropy with a soft-max span the vectors with sum zero, at every output.",
    **PAPER,
    result="Lemma C.2",
    **EXACT,
)
def loss_span(rng):
    """Take ranks at outputs with rational soft-max; the falsehood swaps the two losses."""
    error = control = 0
    for size in (2, 3, 5):
        parts = rng.integers(1, 9, size)
        labels = np.eye(size, dtype=np.int64)
        entropy = parts[:, None] - parts.sum() * labels  # the gradients times sum(parts)
        exact = CrossEntropy(np.eye(size)).gradient(np.log(parts)[:, None] * np.ones(size))
        error += not np.allclose(exact * size * parts.sum(), entropy, atol=1e-12)
        squared = parts[:, None] - np.hstack([labels, 2 * labels])
        found = rank_mod(squared), rank_mod(entropy)
        error += (found != (size, size - 1)) + np.any(entropy.sum(axis=0))
        control += found != (size - 1, size)
    return Evidence(error, control)


@statement(
    "laws-softmax",
    says="With a soft-max and cross-entropy the column sums of the last layer, biases included, "
    "are further laws.",
    status="literature",
    source="marcotte2025transformative",
    evidence="numeric",
    bound=1e-9,
)
def softmax(rng):
    """Train with both losses and compare the sums; the falsehood is the squared loss."""
    network, X = MLP((2, 4, 3)), rng.standard_normal((2, 6))
    labels = np.eye(3)[:, rng.integers(0, 3, 6)]
    drifts = []
    for loss in (CrossEntropy(labels), SquaredLoss(labels)):
        run = gradient_flow(Problem(network, X, loss), rng.standard_normal(network.size), 2.0)
        *_, last, shift = network.split(run.theta)
        sums = np.column_stack([last.sum(axis=1), shift.sum(axis=1)])
        drifts.append(np.abs(sums - sums[0]).max())
    return Evidence(*drifts)


@statement(
    "laws-nothing-lost",
    says="For linear networks and shallow ReLU networks with pairwise distinct hyperplanes the "
    "data gradients span the whole trace of the model map.",
    **PAPER,
    result="Thm 2.14",
    **EXACT,
)
def nothing_lost(rng):
    """Compare ranks at integer points; the falsehood lets two neurons share a half-plane."""
    error = control = 0
    for network, *_ in known_networks():
        theta = integers(rng, network.size)
        if isinstance(network, DeepLinear):
            trace = network.jacobian(theta, np.eye(2))
            error += rank_mod(trace) != rank_mod(network.jacobian(theta, integers(rng, (2, 8))))
            continue
        for shared in (False, True):
            first, *rest = network.split(theta)
            first[:] = [[1, 2], [2, 4], [3, -1]] if shared else [[1, 2], [-2, 1], [3, -1]]
            if len(rest) == 2:
                rest[0][:] = [1, 2, -2]
            trace = shallow_model_map(network, theta).reshape(-1, network.size)
            X = rng.integers(-9, 10, (2, 400)) + 0.0
            lost = rank_mod(trace) - rank_mod(network.jacobian(theta, X))
            error, control = error + (lost != 0) * (not shared), control + lost * shared
    return Evidence(error, control)


@statement(
    "laws-homogeneity",
    says="A neuron u sigma(v x) has a law near points with u, v nonzero if and only if sigma is "
    "a power with one exponent k on both half-lines; for k nonzero it is u^2 - v^2/k.",
    **BOOK,
    **EXACT,
)
def homogeneity(rng):
    """Differentiate in sympy, for powers and others; the falsehood is u^2/2 - v^2/k."""
    u, v, x = sp.symbols("u v x", positive=True)
    error = control = 0
    for k in (-1, sp.Rational(1, 2), 1, 2, 3):
        sigma = (v * x) ** k
        gradient = (sigma, u * sigma.diff(v))
        true, printed = (
            sum(q.diff(w) * g for w, g in zip((u, v), gradient, strict=True))
            for q in (u**2 - v**2 / k, u**2 / 2 - v**2 / k)
        )
        error += sp.simplify(true) != 0
        control += sp.simplify(printed) != 0
    for sigma in (sp.tanh(v * x), sp.log(1 + sp.exp(v * x)), v * x / (1 + sp.exp(-v * x))):
        rows = [[g.subs({u: 2, v: 3, x: s}) for g in (sigma, u * sigma.diff(v))] for s in (1, 2)]
        error += bool(abs(sp.Matrix(rows).det().evalf(20)) < 1e-6)
    return Evidence(int(error), int(control))
