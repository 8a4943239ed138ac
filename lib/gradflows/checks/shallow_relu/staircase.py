"""Checks of the chapter shallow_relu/staircase: levels of the loss, times and shapes of falls."""

import itertools
from fractions import Fraction

import numpy as np

from gradflows.shallow_relu import OrthogonalData, event_flow, jump_times, logistic_loss
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
TEN = np.log(10)


@statement(
    "staircase-levels",
    says="On orthogonal inputs the critical values of the loss are exactly the sums of y_k^2/(2n) "
    "over the samples outside A, one for every set A of samples.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def levels(rng):
    """Build a critical point for every set, in fractions; the falsehood sees excluded samples."""
    n = 4
    norms = [Fraction(int(v), 2) for v in rng.integers(1, 6, n)]
    labels = [
        Fraction(int(v) * s) for v, s in zip(rng.integers(1, 6, n), (1, 1, -1, -1), strict=True)
    ]
    error = control = 0
    sets = [set(A) for r in range(n + 1) for A in itertools.combinations(range(n), r)]
    for fitted in sets:
        error += critical_violations(norms, labels, fitted, Fraction(-1))
        control += critical_violations(norms, labels, fitted, Fraction(1))
    return Evidence(error, control)


def critical_violations(norms, labels, fitted, excluded):
    """Count nonzero components of the gradient, and a wrong level, at the two-neuron network."""
    n, neurons = len(norms), []
    for sign in (1, -1):
        mine = {k for k in fitted if sign * labels[k] > 0}
        z = [abs(labels[k]) / norms[k] if k in mine else excluded for k in range(n)]
        neurons.append((sign if mine else 0, z if mine else [Fraction(0)] * n))
    outputs = [q * sum(a * max(z[k], 0) for a, z in neurons) for k, q in enumerate(norms)]
    residual = [h - y for h, y in zip(outputs, labels, strict=True)]
    count = 0
    for a, z in neurons:
        D = [-residual[k] * norms[k] / n if z[k] > 0 else 0 for k in range(n)]
        count += sum(a * d != 0 for d in D) + (sum(x * d for x, d in zip(z, D, strict=True)) != 0)
    level = sum(r**2 for r in residual) / (2 * n)
    missing = sum(labels[k] ** 2 for k in range(n) if k not in fitted) / (2 * n)
    return count + (level != missing)


@statement(
    "staircase-escape",
    says="Beside a critical point with fitted set A, a small neuron of sign s that sees B grows at "
    "the rate |D_G|, where G holds the samples of B outside A with s y_k > 0.",
    **BOOK,
    evidence="numeric",
    bound=1e-5,
)
def escape(rng):
    """Measure a growth rate beside a saddle; the falsehood counts labels of the wrong sign too."""
    labels = np.array([1.0, 1.0, 1.0, -1.0, -1.0]) * rng.uniform(0.6, 1.4, 5)
    data = OrthogonalData(rng.uniform(0.7, 1.4, 5), labels)
    fitted, seen = np.array([0, 3]), np.array([0, 1, 2, 4])
    saddle = np.zeros((2, 5))
    saddle[[0, 1], fitted] = np.sqrt(data.final[fitted])
    small = np.zeros(5)
    small[seen] = 1e-12 * rng.uniform(0.5, 1.5, 4)
    rate, wrong = (np.linalg.norm(data.force[G]) for G in ([1, 2], [1, 2, 4]))
    first, last = 12 / rate, 16 / rate
    run = event_flow(data, [*saddle, small], [1.0, -1.0, 1.0], 0.0, last)
    before, after = (run.neurons(t).log_norms[2] for t in (first, last))
    measured = (after - before) / (last - first)
    return Evidence(abs(measured / rate - 1), abs(measured / wrong - 1))


def start(rng, labels, norms, decades):
    """Draw eight neurons, two winners of each sign among them, and a small scale."""
    labels, signs = np.asarray(labels), np.repeat([1.0, -1.0], 4)
    directions = rng.standard_normal((8, labels.size))
    for j in (0, 1, 4, 5):
        mine = signs[j] * labels > 0
        directions[j, mine] = np.abs(directions[j, mine]) + 0.1
    return OrthogonalData(norms, labels), directions, signs, -decades * TEN


def both_half_drops(given, t_max):
    """Simulate, and return the half-drop times of the two groups."""
    run = event_flow(*given, t_max, rtol=1e-9)
    return np.array([run.half_drop(given[0].positive), run.half_drop(given[0].negative)])


@statement(
    "staircase-jump-times",
    says="The half-drop time of each group is (ln(b*/b_0) + ln(sqrt 2 - 1))/(2|D|) + delta + o(1), "
    "delta the shift of the orbit of one neuron; the leading order is ln(1/lambda)/|D|.",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def times(rng):
    """Compare with simulated times at 1e-60; the falsehood is the formula of equal norms."""
    labels = np.array([1.0, 1.0, -0.7, -0.7]) * rng.uniform(0.9, 1.1, 4)
    given = start(rng, labels, np.array([0.6, 1.2, 0.6, 1.2]) * rng.uniform(0.9, 1.1, 4), 60)
    predicted = np.array(jump_times(*given))
    measured = both_half_drops(given, 1.1 * predicted.max())
    data, without = given[0], []
    for group in (data.positive, data.negative):
        alone = OrthogonalData(data.norms[group], np.abs(data.labels[group]))
        without.append(shift_of_one_neuron(alone) * data.n / alone.n)
    return Evidence(
        np.abs(measured - predicted).max(), np.abs(measured - predicted + without).max()
    )


def shift_of_one_neuron(alone):
    """Half-drop time of one neuron from 1e-9 along its force, less that for equal norms."""
    strength, size = np.linalg.norm(alone.D_plus), np.linalg.norm(alone.beta_plus)
    wait = (np.log(size) + 18 * TEN + np.log(np.sqrt(2) - 1)) / (2 * strength)
    run = event_flow(alone, [alone.D_plus / strength], [1.0], -9 * TEN, wait + 20 / strength)
    return run.half_drop(alone.positive) - wait


@statement(
    "staircase-logistic",
    says="For equal norms within each group the loss tends, uniformly in time, to a sum of two "
    "squared logistic curves.",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def logistic(rng):
    """Compare whole loss curves at 1e-60; the falsehood forgets the square of the residual."""
    labels = np.array([1.0, 1.0, -0.7, -0.7]) * rng.uniform(0.9, 1.1, 4)
    given = start(rng, labels, [1.0, 1.0, 1.3, 1.3], 60)
    halves = np.array(jump_times(*given))
    run = event_flow(*given, 1.1 * halves.max(), rtol=1e-9)
    t = np.unique(np.concatenate([half + np.linspace(-8, 8, 60) for half in halves]))
    loss, curve = run.loss(t), logistic_loss(*given, t)
    top = run.data.critical_level([])
    # With one group at a time in transition, L = level + c s^2; without the square it is c s.
    lower = run.data.critical_level(run.data.labels > 0)
    first = np.abs(t - halves[0]) < 8
    fraction = np.sqrt(np.clip((curve - lower) / (top - lower), 0, None))
    wrong = lower + (top - lower) * fraction
    return Evidence(np.abs(loss - curve).max(), np.abs(loss - wrong)[first].max())


@statement(
    "staircase-limit",
    says="In the time t/ln(1/lambda) the loss tends to a staircase: it falls at 1/|D_+| by the "
    "positive labels and at 1/|D_-| by the negative ones, and the larger force comes first.",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def limit(rng):
    """Measure between the steps, negative first; the falsehood says positive labels come first."""
    labels = np.array([1.0, 1.0, 1.0, -1.6, -1.6]) * rng.uniform(0.95, 1.05, 5)
    given = start(rng, labels, np.ones(5), 60)
    data = given[0]
    steps = np.sort([1 / np.linalg.norm(D) for D in (data.D_plus, data.D_minus)])
    taus = np.array([steps[0] / 2, steps.mean(), 1.5 * steps[1]])
    run = event_flow(*given, 60 * TEN * taus[-1], rtol=1e-9)
    measured = run.loss(60 * TEN * taus)

    def stairs(first):
        return np.array([data.critical_level([]), data.critical_level(first), 0.0])

    return Evidence(
        np.abs(measured - stairs(data.negative)).max(),
        np.abs(measured - stairs(data.positive)).max(),
    )


@statement(
    "staircase-ties",
    says="If |D_+| = |D_-|, the two half-drop times differ by a constant that depends on the data "
    "and the directions of the start but not on its scale, plus o(1).",
    **BOOK,
    evidence="numeric",
    bound=1e-4,
)
def ties(rng):
    """Measure the gap at two scales; the falsehood takes the two times for equal."""
    labels = np.array([1.0, 0.7, -1.0, -0.7]) * rng.uniform(0.9, 1.1)
    error = control = 0.0
    given = start(rng, labels, np.ones(4), 60)
    scaled = (given[1] * np.where(given[2] > 0, 3.0, 1.0)[:, None], given[2])
    strength = np.linalg.norm(given[0].D_plus)
    constant = gap_of_amplitudes(given[0], *scaled) / (2 * strength)
    for decades in (50, 80):
        far = decades * TEN
        measured = both_half_drops((given[0], *scaled, -far), 1.1 * far / strength)
        gap = measured[0] - measured[1]
        error, control = max(error, abs(gap - constant)), max(control, abs(gap))
    return Evidence(error, control)


def gap_of_amplitudes(data, directions, signs):
    """Return ln of the ratio of sums of squared amplitudes, negative over positive.

    The amplitudes are measured on the frozen flow, integrated by the explicit solution of
    `event_flow` at a scale at which nothing has an output.
    """
    strength = np.linalg.norm(data.D_plus)
    end = 30 / strength
    run = event_flow(data, directions, signs, -200.0, end)
    sums = []
    for sign, group in ((1, data.positive), (-1, data.negative)):
        winners = (signs == sign) & (directions[:, group] > 0).all(axis=1)
        sums.append(np.logaddexp.reduce(2 * run.neurons(end).log_norms[winners]))
    return sums[1] - sums[0]
