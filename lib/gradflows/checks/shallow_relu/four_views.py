"""Checks of the chapter shallow_relu/four_views: what depends on the metric and what does not."""

import numpy as np

from gradflows import DeepLinear, Problem, SquaredLoss
from gradflows.checks.shallow_relu.draws import draw_data, draw_neurons
from gradflows.shallow_relu import (
    OrthogonalData,
    active_bundles,
    active_sets,
    adapted_flow,
    bias_rate,
    homotopy_jump_times,
    log_clock,
    metric_flow,
    shadow_flow,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book", evidence="numeric")
LN10 = np.log(10)


def doubled(directions, signs):
    """Each neuron twice, once with each sign: the outputs are zero."""
    return np.concatenate([directions, directions]), np.concatenate([signs, -signs])


def as_theta(directions, signs, scale):
    """Parameters of the balanced network."""
    W = scale * directions
    return W, signs * np.linalg.norm(W, axis=1)


def kernel_of(data, W, a):
    """Tangent kernel of the outputs, from the gradients."""
    z = data.coordinates(W)[:, : data.n]
    by_input = (a[:, None] * (z > 0) * data.norms)[:, :, None] * np.eye(data.n)
    by_output = np.maximum(z, 0) * data.norms
    kernel = np.einsum("jkl,jml->km", by_input, by_input)
    return kernel + by_output.T @ by_output


@statement(
    "four-views-laws",
    says="Under arbitrary tensions every a_i a_j - <z_i, z_j> of two neurons with one active set "
    "is conserved, in particular balance, and a coordinate that is off does not move.",
    status="this book",
    source="this book",
    evidence="exact",
    bound=0,
)
def laws(rng):
    """Differentiate at integer points; the falsehood takes two different active sets."""

    def violations(same):
        count = 0
        for _ in range(50):
            z, w, q, psi = rng.integers(1, 9, (4, 5))
            z, w = z * rng.choice([-1, 1], 5), w * rng.choice([-1, 1], 5)
            first = z > 0
            second = first if same else ~first
            w = np.where(second, np.abs(w), -np.abs(w))
            a, b = rng.choice([-1, 1], 2) * rng.integers(1, 10, 2)
            force = -psi * q
            dz, dw = a * force * first, b * force * second
            da, db = z @ (force * first), w @ (force * second)
            on = first if same else np.ones(5, bool)
            change = da * b + a * db - dz[on] @ w[on] - z[on] @ dw[on]
            balance = 2 * a * da - 2 * z @ dz
            count += int(change != 0) + int(balance != 0) + int(np.any(dz[~first]))
        return count

    return Evidence(violations(True), violations(False))


@statement(
    "four-views-shadow",
    says="While no neuron switches, the Gram matrices of the bundles of neurons with one active "
    "set are a closed system with the Lax form, under every metric.",
    bound=1e-5,
    **BOOK,
)
def shadow(rng):
    """Compare with all neurons; the falsehood merges all bundles of one sign into one."""
    data = draw_data(rng, 2, 2)
    sets = [[0, 1], [0, 1], [0], [2, 3], [2, 3], [3]]
    directions, signs = draw_neurons(rng, data, sets, [1, 1, 1, -1, -1, -1])
    error = control = 0.0
    flip = np.diag([1.0] + [-1.0] * data.n)
    for tau in (0.0, 0.5):
        run = metric_flow(data, directions, signs, -4.0, tau, 40.0)
        begin = run.switches[-1].time + 1e-3 if run.switches else 0.0
        times = np.linspace(0, 40.0 - begin, 30)
        bundles = active_bundles(data, run.neurons(begin), signs)
        outputs, grams = shadow_flow(data, bundles, tau, times)
        expected = run.outputs(begin + times)
        error = max(error, np.abs(outputs - expected).max())
        spectra = [np.sort(np.linalg.eigvals(grams[k, 0] @ flip).real) for k in (0, -1)]
        error = max(error, np.abs(spectra[0] - spectra[1]).max())
        merged = [
            one._replace(active=active, gram=sum(other.gram for other in bundles if mine(other)))
            for one, active, mine in zip(
                bundles,
                (data.positive, data.negative),
                (lambda c: c.active[0] | c.active[1], lambda c: c.active[2] | c.active[3]),
                strict=False,
            )
        ]
        wrong, _ = shadow_flow(data, merged, tau, times)
        control = max(control, np.abs(wrong - expected).max())
    return Evidence(error, control)


@statement(
    "four-views-kernel",
    says="For balanced neurons on orthogonal inputs the tangent kernel is at least diag(q_k |x_k|) "
    "and has full rank if and only if every sample is seen.",
    bound=1e-10,
    **BOOK,
)
def kernel(rng):
    """Look at the smallest eigenvalue of the difference; the falsehood drops balance."""
    error = control = 0.0
    for _ in range(20):
        data = draw_data(rng, 2, 2)
        W, a = as_theta(rng.standard_normal((3, 4)), rng.choice([-1.0, 1.0], 3), 1.0)
        for output_weights, balanced in ((a, True), (0.1 * a, False)):
            x = output_weights @ np.maximum(W @ data.inputs, 0)
            full = kernel_of(data, W, output_weights)
            gap = np.linalg.eigvalsh(full - np.diag(data.norms * np.abs(x)))[0]
            if balanced:
                seen = np.any(W @ data.inputs > 0, axis=0)
                rank = np.linalg.matrix_rank(full, tol=1e-9)
                error = max(error, -gap, float(rank < 4) if seen.all() else float(rank == 4))
            else:
                control = max(control, -gap)
    return Evidence(error, control)


@statement(
    "four-views-no-stairs",
    says="From a balanced start with zero outputs that sees every sample, the adapted flow reaches "
    "the labels on a straight line in outputs, and no path is longer than twice the root of "
    "sum |y_k|/q_k.",
    bound=1e-6,
    **BOOK,
)
def no_stairs(rng):
    """Follow it; the falsehood is the same of a flow of the homotopy below 1."""
    data = draw_data(rng, 2, 2)
    directions, signs = doubled(rng.standard_normal((6, 4)), np.ones(6))
    directions[:2] = np.abs(directions[:2])
    directions[6:8] = directions[:2]
    log_scale = -6.0
    run = adapted_flow(data, directions, signs, log_scale)
    shares = np.linspace(0, 1, 21)
    outputs = run.outputs(np.minimum(log_clock(shares, log_scale), run.t[-1]))
    error = np.abs(outputs - shares[:, None] * data.labels).max()
    length = np.linalg.norm(run.theta(run.t[-1]) - run.theta(0.0))
    error = max(error, length - 2 * np.sqrt(np.sum(np.abs(data.labels) / data.norms)), 0.0)
    other = metric_flow(data, directions, signs, log_scale, 0.9, 40.0)
    times = -data.n * np.log1p(-shares[:-1])
    bent = other.outputs(np.minimum(times, 40.0))
    return Evidence(error, np.abs(bent - shares[:-1, None] * data.labels).max())


@statement(
    "four-views-waits",
    says="For tau < 1 the half-drop time of a group with equal input norms is "
    "(1 - tau) t(0) + tau (n/2) ln 2 up to a term that vanishes with the scale.",
    bound=1e-4,
    **BOOK,
)
def waits(rng):
    """Measure at 1e-20; the falsehood leaves out the factor 1 - tau."""
    labels = np.array([1.0, rng.uniform(0.8, 1.2), -0.7, -rng.uniform(0.5, 0.9)])
    data = OrthogonalData([1.0, 1.0, 0.8, 0.8], labels)
    sets = [[0, 1], [0, 1, 2], [0], [2, 3], [1, 2, 3]]
    directions, signs = draw_neurons(rng, data, sets, [1, 1, 1, -1, -1])
    error, control = 0.0, np.inf
    for tau in (0.4, 0.8):
        start = data, directions, signs, -20 * LN10
        plain = np.array(homotopy_jump_times(*start, 0.0))
        predicted = np.array(homotopy_jump_times(*start, tau))
        run = metric_flow(*start, tau, 1.3 * predicted.max() + 30)
        found = np.array([run.half_drop(group) for group in (data.positive, data.negative)])
        error = max(error, np.abs(found - predicted).max())
        control = min(control, np.abs(found - plain).min())
    return Evidence(error, control)


@statement(
    "four-views-descent",
    says="In the parameters divided by the root of the share of the way, and in logarithmic time, "
    "the adapted flow of a 2-homogeneous network is half the projected descent of the norm.",
    bound=1e-9,
    **BOOK,
)
def descent(rng):
    """Compare the two fields at random points; the falsehood is a network of three layers."""

    def gap(widths):
        network = DeepLinear(widths)
        X = rng.standard_normal((widths[0], 2))
        point = rng.standard_normal(network.size)
        y = network.outputs(point, X).T.ravel()
        J = network.jacobian(point, X)
        inverse = np.linalg.pinv(J)
        velocity = inverse @ y - point / 2
        return np.abs(velocity + (point - inverse @ (J @ point)) / 2).max()

    problem = Problem(DeepLinear((2, 4, 1)), np.eye(2), SquaredLoss([[1.0, -1.0]]))
    point = rng.standard_normal(problem.size)
    other = np.abs(problem.outputs(2 * point) - 4 * problem.outputs(point)).max()
    return Evidence(max(gap((2, 4, 1)), other), gap((2, 4, 4, 1)))


@statement(
    "four-views-monotone",
    says="The adapted flow from the scale lambda ends at lambda theta(1/lambda^2), with the flow "
    "theta from the scale 1; so the final norm never falls when lambda grows.",
    bound=1e-6,
    **BOOK,
)
def monotone(rng):
    """Compare separate runs with one run; the falsehood has 1/lambda in place of its square."""
    data = draw_data(rng, 2, 1)
    sets = [[0, 1], [0, 1, 2], [2], [1, 2]]
    directions, signs = doubled(*draw_neurons(rng, data, sets, [1, 1, -1, -1]))
    long = adapted_flow(data, directions, signs, 0.0, share=1e12)
    norms, error, control = [], 0.0, 0.0
    for log_scale in (0.0, -1.0, -4.0, -10.0):
        run = adapted_flow(data, directions, signs, log_scale)
        norms.append(run.variation_norm(run.t[-1]))
        for power in (2, 1):
            share = np.exp(-power * log_scale)
            scaled = long.variation_norm(log_clock(share, 0.0)) / share
            if power == 2:
                error = max(error, abs(norms[-1] - scaled))
            else:
                control = max(control, abs(norms[-1] - scaled))
    return Evidence(max(error, np.diff(norms).max(), 0.0), control)


@statement(
    "four-views-adapted-bias",
    says="From zero outputs and with lasting winners the adapted flow tends to the least norm as "
    "the scale vanishes, and F - F* has the exponent p of gradient flow with beta in place of D.",
    bound=5e-3,
    **BOOK,
)
def adapted_bias(rng):
    """Measure norm and slope; the falsehood is the exponent of gradient flow."""
    data = OrthogonalData([1.0, rng.uniform(1.5, 1.7), 1.0], [1.0, rng.uniform(0.9, 1.1), -1.0])
    sets = [[0, 1], [0, 1], [0], [2]]
    directions, signs = doubled(*draw_neurons(rng, data, sets, [1, 1, 1, -1]))
    gaps, scales = [], np.array([-30.0, -45.0])
    for log_scale in scales:
        run = adapted_flow(data, directions, signs, log_scale, rtol=1e-12)
        gaps.append(run.variation_norm(run.t[-1]) - data.minimum_variation_norm)
    slope = np.diff(np.log(gaps))[0] / np.diff(scales)[0]
    kept = run.neurons(run.t[-1]).active
    lost = int(np.any(kept != active_sets(data, directions, signs)))
    rates = [bias_rate(data, kept, signs, flow=flow) for flow in ("adapted", "standard")]
    return Evidence(max(abs(slope - rates[0]), lost, gaps[-1] * 1e-2), abs(slope - rates[1]))
