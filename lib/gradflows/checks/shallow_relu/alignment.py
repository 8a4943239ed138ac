"""Checks of the chapter shallow_relu/alignment: neurons that turn before the network learns."""

from fractions import Fraction

import numpy as np

from gradflows import Problem, ShallowReLU, SquaredLoss
from gradflows.checks.shallow_relu.alignment_paths import brute_path, draw, stable_directions
from gradflows.shallow_relu import early_neuron, event_flow
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")


def largest_force(data):
    """Return the larger of the two forces."""
    return max(np.linalg.norm(data.D_plus), np.linalg.norm(data.D_minus))


def tanh_and_growth(w, pull, times):
    """Return cosine and norm that the formulas give from the start w."""
    rate, size = np.linalg.norm(pull), np.linalg.norm(w)
    c0 = w @ pull / rate / size
    x = rate * times
    return np.tanh(x + np.arctanh(c0)), size * (np.cosh(x) + c0 * np.sinh(x))


@statement(
    "alignment-tanh",
    says="Under a constant force D the cosine is tanh(|D| t + artanh c_0) and the norm "
    "rho_0 (cosh |D| t + c_0 sinh |D| t), both counted from the last switch.",
    evidence="numeric",
    bound=1e-7,
    **BOOK,
)
def alignment_is_a_tanh(rng):
    """Compare with integration before and after switches; the falsehood counts from the start."""
    data, directions, signs, _ = draw(rng)
    error = control = 0.0
    for w0, sign in zip(directions, signs, strict=True):
        neuron = early_neuron(w0, data.force, sign)
        last = neuron.switches[-1][0]
        w = brute_path(w0, data.force, sign, last + 1.5)[-1]
        at_switch = brute_path(w0, data.force, sign, last)[-1]
        pull = np.zeros(w0.size)
        pull[:5] = sign * data.force * neuron.active
        cosine, size = tanh_and_growth(at_switch, pull, 1.5)
        false_cosine, _ = tanh_and_growth(w0, pull, last + 1.5)
        true_cosine = w @ pull / np.linalg.norm(w) / np.linalg.norm(pull)
        error = max(error, abs(true_cosine - cosine), abs(neuron.cosine(last + 1.5) - cosine))
        error = max(error, abs(np.linalg.norm(w) / size - 1))
        control = max(control, abs(true_cosine - false_cosine))
    return Evidence(error, control)


@statement(
    "alignment-switch",
    says="In the clock S, the integral of the norm, coordinates move on straight lines, so they "
    "vanish in the order of w_k/|D_k|; each time is the logarithm of the only positive root of a "
    "quadratic, a root above 1.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def switching_times(rng):
    """Count signs of the quadratic in fractions; the falsehood is a force along the coordinate."""
    error = control = 0
    for _ in range(20):
        c = Fraction(int(rng.integers(-99, 100)), 100)
        m = Fraction(int(rng.integers(1, 300)), 100)
        error += not has_one_root_above_one(c, m)
        control += not has_one_root_above_one(c, -m)
    data, directions, signs, _ = draw(rng)
    for w0, sign in zip(directions, signs, strict=True):
        against = np.flatnonzero((w0[:5] > 0) & (sign * data.labels < 0))
        ratios = w0[against] / np.abs(data.force[against])
        expected = against[np.argsort(ratios)].tolist()
        neuron = early_neuron(w0, data.force, sign)
        error += [k for _, k in neuron.switches] != expected
    return Evidence(error, control)


def has_one_root_above_one(c, m):
    """Say whether (1+c)E^2 - 2(c+m)E - (1-c) has one positive root, and that above 1."""

    def value(E):
        return (1 + c) * E**2 - 2 * (c + m) * E - (1 - c)

    return -(1 - c) / (1 + c) < 0 and value(1) < 0


@statement(
    "alignment-fates",
    says="A neuron loses all samples of the wrong sign in finite time; if it sees samples B of the "
    "right sign, it turns to D_B and grows like kappa exp(|D_B| t), otherwise it comes to rest.",
    evidence="numeric",
    bound=1e-5,
    **BOOK,
)
def fates(rng):
    """Integrate to late times; the falsehood sends each neuron to the force of its whole group."""
    data, directions, signs, right = draw(rng)
    error = control = 0.0
    for w0, sign, B in zip(directions, signs, right, strict=True):
        neuron = early_neuron(w0, data.force, sign)
        ends = []
        for samples in (B, sign * data.labels > 0):
            force = np.zeros(w0.size)
            force[:5] = sign * data.force * samples
            ends.append(force / np.linalg.norm(force))
        end = neuron.switches[-1][0] + 9 / neuron.rate
        w = brute_path(w0, data.force, sign, end)[-1]
        size = np.linalg.norm(w)
        error = max(error, np.count_nonzero(neuron.active != B))
        error = max(error, abs(size * np.exp(-neuron.rate * end) / neuron.kappa - 1))
        error = max(error, (1 - w @ ends[0] / size))
        control = max(control, 1 - w @ ends[1] / size)
    w0 = -np.abs(rng.standard_normal(7))
    w0[1] = w0[3] = 0.3
    late, later = brute_path(w0, data.force, 1, 60.0, 3)[1:]
    error = max(error, np.abs(later - late).max(), late[:5].max())
    return Evidence(error, control)


@statement(
    "alignment-phase",
    says="At the time e ln(1/lambda)/|D_B|, with 0 < e < 1, a small neuron has the norm "
    "kappa lambda^(1-e), and 1 - c is a constant times lambda^(2 e).",
    evidence="numeric",
    bound=5e-3,
    **BOOK,
)
def phase(rng):
    """Follow the whole network; the falsehood is the exponent e for the cosine."""
    data, directions, signs, _ = draw(rng)
    log_scale, share = -np.log(1e30), 0.2
    fates = [early_neuron(w, data.force, s) for w, s in zip(directions, signs, strict=True)]
    # Before anything is learnt, which happens near ln(1/lambda) / Delta.
    run = event_flow(data, directions, signs, log_scale, -0.7 * log_scale / largest_force(data))
    error = control = 0.0
    for j, neuron in enumerate(fates):
        end = share * -log_scale / neuron.rate
        last = neuron.switches[-1][0]
        if end > run.t[-1]:
            continue
        log_norms, units, _ = run.neurons(end)
        pull = np.zeros(7)
        pull[:5] = signs[j] * data.force * neuron.active / neuron.rate
        lost = np.sum((units[j] - pull) ** 2) / 2
        c = neuron.cosine(last)
        limit = 2 * (1 - c) / (1 + c) * np.exp(2 * neuron.rate * last)
        size = log_norms[j] - (1 - share) * log_scale
        error = max(error, abs(size - np.log(neuron.kappa)))
        error = max(error, abs(lost * np.exp(-2 * share * log_scale) / limit - 1))
        control = max(control, abs(lost * np.exp(-share * log_scale) / limit - 1))
    return Evidence(error, control)


@statement(
    "alignment-small",
    says="As long as e = 2 (q^2/n) M_0 exp(2 Delta t) is at most the least |D_k| and at most "
    "Delta/(2K), logarithm of the norm and direction of a neuron are within 3 K e/Delta of the "
    "early flow.",
    evidence="numeric",
    bound=1e-12,
    **BOOK,
)
def how_small(rng):
    """Measure the share of the bound that is used; the falsehood has the next power of lambda."""
    data, directions, signs, _ = draw(rng)
    Delta = largest_force(data)
    lam, most = 1e-4, 0.0
    base = 2 * data.norms.max() ** 2 / data.n * lam**2 * np.sum(directions**2)
    allowed = min(np.abs(data.force).min(), Delta / 8)
    times = np.linspace(0.3, 1, 5) * np.log(allowed / base) / (2 * Delta)
    run = event_flow(data, directions, signs, np.log(lam), times[-1] + 0.1)
    for j, (w, sign) in enumerate(zip(directions, signs, strict=True)):
        neuron = early_neuron(w, data.force, sign)
        K = 1 / neuron.growth(np.linspace(0, times[-1], 400)).min()
        for t in times[base * np.exp(2 * Delta * times) <= Delta / (2 * K)]:
            log_norms, units, _ = run.neurons(t)
            off = abs(log_norms[j] - np.log(lam * np.linalg.norm(w)) - neuron.log_growth(t))
            off = max(off, np.linalg.norm(units[j] - neuron.direction(t)))
            most = max(most, off / (3 * K * base * np.exp(2 * Delta * t) / Delta))
    return Evidence(max(most - 1, 0.0), max(most / lam - 1, 0.0))


@statement(
    "alignment-bundle",
    says="While two balanced neurons of one sign are active on the same samples, "
    "rho_i rho_j - <w_i, w_j> does not change, whatever the data and the rest of the network.",
    evidence="numeric",
    bound=1e-11,
    **BOOK,
)
def bundle(rng):
    """Differentiate along the flow on data that are not orthogonal; the falsehood is two signs."""
    X = rng.standard_normal((4, 3))
    problem = Problem(ShallowReLU(4, 3), X, SquaredLoss(rng.standard_normal((1, 3))))
    # Rows of neurons that see all samples.
    W = (1 + 0.4 * rng.standard_normal((3, 3))) @ np.linalg.pinv(X)
    while (W @ X).min() <= 0:
        W = (1 + 0.4 * rng.standard_normal((3, 3))) @ np.linalg.pinv(X)
    size = np.linalg.norm(W, axis=1)

    def drift(signs):
        a = signs * size
        velocity = -problem.gradient(np.concatenate([W.ravel(), a]))
        dW, da = velocity[:12].reshape(3, 4), signs * velocity[12:]
        change = da[0] * size[1] + size[0] * da[1] - dW[0] @ W[1] - W[0] @ dW[1]
        return abs(change) / (size[0] * size[1])

    return Evidence(drift(np.array([1.0, 1, -1])), drift(np.array([1.0, -1, -1])))


@statement(
    "alignment-obtuse",
    says="Two inputs with positive labels in the plane: one stable direction if their angle is "
    "acute, two or three if it is obtuse.",
    evidence="numeric",
    bound=0.1,
    **BOOK,
)
def obtuse(rng):
    """Count the directions on a fine grid; the falsehood says there is always one."""
    error = control = 0
    for angle in np.deg2rad([30, 60, 85, 95, 120, 150]):
        norms, labels = rng.uniform(0.5, 2, 2), rng.uniform(0.5, 2, 2)
        X = norms * [[1, np.cos(angle)], [0, np.sin(angle)]]
        product = X[:, 0] @ X[:, 1]
        inside = labels * norms**2 + product * labels[::-1]
        if np.abs(inside).min() < 0.02:
            continue
        expected = 1 if product > 0 else 2 + bool(inside.min() > 0)
        found = stable_directions(X, labels)
        error += found != expected
        control += found != 1
    return Evidence(error, control)
