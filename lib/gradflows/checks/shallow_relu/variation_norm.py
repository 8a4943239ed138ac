"""Checks of the chapter shallow_relu/variation_norm: what the flow from small starts learns."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np

from gradflows.checks.shallow_relu.draws import draw_data, draw_neurons
from gradflows.shallow_relu import (
    OrthogonalData,
    active_sets,
    bias_gap,
    bias_rate,
    early_neuron,
    event_flow,
    final_kernel,
    jump_process,
    minimum_variation_interpolator,
    variation_norm_by_lp,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


@statement(
    "variation-norm-minimiser",
    says="The least variation norm of an interpolator of orthogonal data is |beta_+| + |beta_-|, "
    "and one function only attains it: max(beta_+^T x, 0) - max(beta_-^T x, 0).",
    evidence="numeric",
    bound=1e-5,
    **BOOK,
)
def minimiser(rng):
    """Solve the linear program; the falsehood is one neuron for both signs, |beta_+ + beta_-|."""
    error = control = 0.0
    for n_plus, n_minus in ((3, 2), (1, 4), (4, 0)):
        data = draw_data(rng, n_plus, n_minus)
        best, program = (
            minimum_variation_interpolator(data),
            variation_norm_by_lp(data.inputs, data.labels),
        )
        points = rng.standard_normal((data.d, 20))
        outputs = program.weights @ np.maximum(program.directions @ points, 0)
        error = max(error, np.abs(best(data.inputs) - data.labels).max())
        error = max(error, np.abs(best(points) - outputs).max(), abs(program.value - best.norm))
        control = max(control, abs(program.value - np.linalg.norm(data.final)))
    return Evidence(error, control)


@statement(
    "variation-norm-dual",
    says="The vector mu_k = y_k / (q_k^2 |beta|), beta that of the sign of y_k, certifies the "
    "least variation norm: mu^T y equals it, and no unit neuron correlates with mu by more than 1.",
    evidence="numeric",
    bound=1e-9,
    **BOOK,
)
def dual(rng):
    """Try the best direction of each sign; the falsehood has q_k in place of its square."""
    data = draw_data(rng, 3, 3)
    groups = np.array([data.positive, data.negative])
    sizes = np.sqrt(groups @ data.final**2)
    mu = data.labels / data.norms**2 / (sizes @ groups)
    other = data.labels / data.norms
    other *= data.minimum_variation_norm / (other @ data.labels)

    def excess(mu):
        best = max(np.linalg.norm((mu * data.norms)[group]) for group in groups)
        return max(abs(mu @ data.labels - data.minimum_variation_norm), best - 1)

    units = rng.standard_normal((2000, data.d))
    units /= np.linalg.norm(units, axis=1)[:, None]
    tried = np.abs(np.maximum(units @ data.inputs, 0) @ mu).max()
    return Evidence(max(excess(mu), tried - 1, 0.0), max(excess(other), 0.0))


@statement(
    "variation-norm-bias",
    says="If neurons of each sign see all samples of this sign, the flow from small starts tends "
    "to an interpolator, and for vanishing starts to the one of least norm; winner j carries the "
    "share kappa_j^2 / sum kappa^2 of its group.",
    status="paper",
    source="boursier2022gradient",
    evidence="numeric",
    bound=1e-6,
)
def bias(rng):
    """Follow the flow from 1e-40; the falsehood drops the neurons that see a whole group."""
    data = draw_data(rng, 2, 2, spread=0.1)
    lone, all_seen = [[0], [1], [2], [3]], [[0, 1], [0, 1], [2, 3], [2, 3]]
    signs = [1, 1, -1, -1]
    directions, every = draw_neurons(rng, data, all_seen + lone, signs + signs)
    run, end = follow(data, directions, every, -40 * np.log(10))
    sizes = np.exp(2 * run.neurons(end).log_norms)
    error = max(run.loss(end), abs(sizes.sum() - data.minimum_variation_norm))
    for pair, group in (([0, 1], data.positive), ([2, 3], data.negative)):
        kappa = np.array([early_neuron(directions[j], data.force, every[j]).kappa for j in pair])
        expected = kappa**2 / np.sum(kappa**2) * np.linalg.norm(data.final[group])
        error = max(error, np.abs(sizes[pair] - expected).max())
    run, end = follow(data, directions[4:], every[4:], -40 * np.log(10))
    return Evidence(error, abs(run.variation_norm(end) - data.minimum_variation_norm))


def follow(data, directions, signs, log_scale):
    """Run until long after the last jump; the run and its end."""
    sets = active_sets(data, directions, signs)
    last = jump_process(data, sets, signs).times[-1]
    end = -1.1 * log_scale * last + 40 * last
    return event_flow(data, directions, signs, log_scale, end), end


@statement(
    "variation-norm-boost",
    says="For two neurons of the same sign that see the same samples, the Lorentz product "
    "rho_i rho_j - z_i^T z_j is conserved, whatever the residuals.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def boost(rng):
    """Differentiate at integer points; the falsehood takes neurons of opposite signs."""

    def violations(other_sign):
        count = 0
        for _ in range(50):
            z, w, d = rng.integers(-9, 10, (3, 5))
            rho, tau = rng.integers(1, 10, 2)
            rates = rho * d, other_sign * tau * d, z @ d, other_sign * (w @ d)
            change = rates[2] * tau + rho * rates[3] - rates[0] @ w - z @ rates[1]
            count += int(change != 0)
        return count

    return Evidence(violations(1), violations(-1))


@statement(
    "variation-norm-rate",
    says="F - F* is of the order lambda^p, p = min 2(1 - max |D_B|/|D|) over the neurons that do "
    "not see their whole group; for equal input norms with an explicit constant.",
    evidence="numeric",
    bound=1e-2,
    **BOOK,
)
def rate(rng):
    """Measure slope and size; the falsehood has the final directions in place of the forces."""
    signs = [1, 1, 1]
    data = OrthogonalData([1.0, rng.uniform(1.4, 1.6)], [1.0, rng.uniform(0.9, 1.1)])
    sets = [[0, 1], [0, 1], [0]]
    directions, signs = draw_neurons(rng, data, sets, signs)
    scales = np.log([1e-6, 1e-9])
    gaps = [gap_of_flow(data, directions, signs, scale) for scale in scales]
    slope = np.diff(np.log(gaps))[0] / np.diff(scales)[0]
    error = abs(slope - bias_rate(data, sets, signs))
    control = abs(slope - bias_rate(data, sets, signs, flow="adapted"))
    equal = OrthogonalData([1.0, 1.0], data.labels)
    measured = gap_of_flow(equal, directions, signs, scales[1])
    predicted = bias_gap(equal, directions, signs, scales[1])
    return Evidence(max(error, abs(predicted / measured - 1)), control)


def gap_of_flow(data, directions, signs, log_scale):
    """F - F* at the end of the flow."""
    run, end = follow(data, directions, signs, log_scale)
    return run.variation_norm(end) - data.minimum_variation_norm


@statement(
    "variation-norm-kernel",
    says="At the limit of small starts the tangent kernel has one block for each sign, |beta| "
    "diag(q^2) + y y^T/|beta|, with the eigenvalues |beta| q^2 and 2 |beta| q^2 for equal norms.",
    evidence="numeric",
    bound=1e-6,
    **BOOK,
)
def kernel(rng):
    """Compute it from the gradients of trained networks; the falsehood leaves out the rank one."""
    error = control = 0.0
    for spread in (0.1, 0.0):
        data = draw_data(rng, 2, 3, spread=spread)
        groups = [[0, 1], [2, 3, 4]]
        directions, signs = draw_neurons(rng, data, groups, [1, -1])
        run, end = follow(data, directions, signs, -30 * np.log(10))
        measured = kernel_of(data, run.neurons(end))
        expected = final_kernel(data)
        error = max(error, np.abs(measured - expected).max())
        diagonal = np.diag(np.repeat([np.linalg.norm(data.final[g]) for g in groups], [2, 3]))
        control = max(control, np.abs(measured - diagonal @ np.diag(data.norms**2)).max())
    beta, other = np.diag(diagonal)[[0, 2]]
    values = np.sort([beta, 2 * beta, other, other, 2 * other])
    return Evidence(max(error, np.abs(np.linalg.eigvalsh(measured) - values).max()), control)


def kernel_of(data, neurons):
    """Tangent kernel from the gradients of the outputs."""
    norms = np.exp(neurons.log_norms)[:, None]
    seen = neurons.active[:, :, None] * data.inputs.T
    by_input = (norms[:, :, None] * seen).transpose(1, 0, 2).reshape(data.n, -1)
    by_output = np.maximum(norms * neurons.directions @ data.inputs, 0).T
    return by_input @ by_input.T + by_output @ by_output.T


@statement(
    "variation-norm-jumps",
    says="Without winners the neurons race: budgets run down at the rate |D_(B minus F)|, the "
    "first at zero fits its samples, and the loss is a staircase in t/log(1/lambda).",
    evidence="numeric",
    bound=1e-3,
    **BOOK,
)
def jumps(rng):
    """Compare the flow at two scales with the race; the falsehood lets all rates stand still."""
    data = OrthogonalData(rng.uniform(0.95, 1.05, 3), [1.0, 0.8, 1.2])
    sets = [[0, 2], [1, 2]]
    directions, signs = draw_neurons(rng, data, sets, [1, 1])
    predicted = jump_process(data, sets, signs)
    found = []
    for log_scale in (-100.0, -120.0):
        run, end = follow(data, directions, signs, log_scale)
        found.append([run.half_drop(samples) for samples in predicted.samples])
    slopes = np.diff(found, axis=0)[0] / 20
    error = np.abs(slopes - predicted.times).max()
    error = max(error, abs(run.variation_norm(end) - predicted.norm), run.loss(end))
    error = max(error, abs(run.jumps[0].loss - predicted.losses[1]))
    fixed = 1 / np.linalg.norm(data.force[[1, 2]])
    return Evidence(error, abs(slopes[1] - fixed))


@statement(
    "variation-norm-coverage",
    says="In the limit of small starts the final loss is that of the samples that no neuron of "
    "their sign sees; if there are none, the final norm exceeds the least one iff a sign needs two "
    "jumps, by a factor of at most the square root of their number.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def coverage(rng):
    """Draw active sets; the falsehood drops the hypothesis that every sample is seen."""
    wrong = below = 0
    for _ in range(200):
        data = draw_data(rng, 3, 2)
        signs = rng.choice([-1.0, 1.0], 4)
        sets = rng.random((4, data.n)) < 0.5
        kept = sets & (signs[:, None] * data.labels > 0)
        race, least = jump_process(data, sets, signs), data.minimum_variation_norm
        covered = kept.any(axis=0)
        wrong += int(np.any(race.fitted != covered))
        wrong += int(abs(race.losses[-1] - data.critical_level(covered)) > 1e-12)
        counts = [sum(data.labels[new[0]] * s > 0 for new in race.samples) for s in (1, -1)]
        more = race.norm > least * (1 + 1e-9)
        if covered.all():
            wrong += int(more != (max(counts) > 1))
            wrong += int(race.norm > np.sqrt(max(counts)) * least * (1 + 1e-9))
        else:
            below += int(race.norm < least * (1 - 1e-9))
    return Evidence(wrong, below)


@statement(
    "variation-norm-width",
    says="A Gaussian draw of m neurons covers all samples with an explicit probability, at least "
    "1 - n (3/4)^m.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def width(rng):
    """Count all sign patterns; the falsehood treats the samples as independent of each other."""
    error = control = 0
    for m, n_plus, n_minus in ((1, 1, 1), (2, 2, 1), (3, 1, 2), (3, 2, 0), (2, 3, 2)):
        labels = np.repeat([1, -1], [n_plus, n_minus])
        good = 0
        for pattern in product((1, -1), repeat=m * (labels.size + 1)):
            rows = np.reshape(pattern, (m, -1))
            sees = (rows[:, 1:] > 0) & (rows[:, :1] * labels > 0)
            good += int(sees.any(axis=0).all())
        counted = Fraction(good, 2 ** (m * (labels.size + 1)))
        terms = (
            comb(m, k)
            * (1 - Fraction(1, 2**k)) ** n_plus
            * (1 - Fraction(1, 2 ** (m - k))) ** n_minus
            for k in range(m + 1)
        )
        error += int(counted != sum(terms) / 2**m)
        error += int(counted < 1 - labels.size * Fraction(3, 4) ** m)
        control += int(counted != (1 - Fraction(3, 4) ** m) ** labels.size)
    return Evidence(error, control)
