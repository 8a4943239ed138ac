"""Constructions for the checks of other dynamics: exact networks, shared weights, mirror fields."""

import itertools
from fractions import Fraction

import numpy as np
import sympy as sp

from gradflows import DeepLinear, Problem, ShallowReLU, SquaredLoss, gradient_flow
from gradflows.conservation import Preconditioned
from gradflows.deep_linear import whitened_problem
from gradflows.modular import PRIME, rank_mod

CLOSED = [((2, 2, 2, 2), 6), ((2, 3, 3, 2), 9), ((1, 2, 2, 1), 14), ((2, 2, 2, 2, 2), 8),
          ((1, 3, 2, 1), 20)]  # fmt: skip
"""Widths of deep networks, and the order at which their momentum laws are counted."""


def whole_weights(widths, rng, *, bound=3):
    """Return weights with whole entries, as floats, for products that do not round."""
    shapes = [(b, a) for a, b in itertools.pairwise(widths)]
    return [rng.integers(-bound, bound + 1, shape).astype(float) for shape in shapes]


def gradients(weights, rng):
    """Return the gradients of a loss of the product whose gradient is a random whole matrix."""
    network = DeepLinear((weights[0].shape[1], *(len(W) for W in weights)))
    target = rng.integers(-3, 4, (network.widths[-1], network.widths[0])).astype(float)
    problem = Problem(network, np.eye(network.widths[0]), SquaredLoss(target, mean=False))
    return network.split(problem.gradient(network.join(weights)))


def law_rank(inputs, hidden, outputs, rng):
    """Rank of the differentials of the momentum laws of two layers, modulo a prime."""
    both = inputs + outputs
    stack = rng.integers(PRIME, size=(2 * both, hidden))
    turn, one = np.zeros((2 * both, 2 * both), dtype=int), np.eye(both, dtype=int)
    turn[:both, both:], turn[both:, :both] = one, -one
    forms = [turn]
    if both == 2:  # u and v exchange their momenta
        swap = np.zeros((4, 4), dtype=int)
        swap[:2, 2:], swap[2:, :2] = one[::-1], -one[::-1]
        forms.append(swap)
    rows = []
    for form, (a, b) in itertools.product(forms, itertools.combinations(range(hidden), 2)):
        row = np.zeros_like(stack)
        row[:, a], row[:, b] = form @ stack[:, b], form.T @ stack[:, a]
        rows.append(row.ravel() % PRIME)
    return rank_mod(rows) if rows else 0


def skew_law_rank(widths, rng):
    """Rank of the differentials of the skew laws of all hidden layers, modulo a prime."""
    shapes = [(b, a) for a, b in itertools.pairwise(widths)]
    W, V = ([rng.integers(PRIME, size=shape) for shape in shapes] for _ in range(2))
    rows = []
    for i in range(len(widths) - 2):
        for a, b in itertools.combinations(range(widths[i + 1]), 2):
            dW, dV = ([np.zeros(shape, dtype=int) for shape in shapes] for _ in range(2))
            dW[i][a], dW[i][b], dV[i][a], dV[i][b] = -V[i][b], V[i][a], W[i][b], -W[i][a]
            for sign, x, y in ((1, a, b), (-1, b, a)):
                dW[i + 1][:, x] = -sign * V[i + 1][:, y]
                dV[i + 1][:, x] = sign * W[i + 1][:, y]
            rows.append(np.concatenate([M.ravel() for M in dW + dV]))
    return rank_mod(rows)


def heavy_ball_defect(weights, step, momentum, nesterov, rng):
    """Count entries of B_1 that differ from momentum times B_0, in fractions."""
    target = rng.integers(-3, 4, (len(weights[-1]), weights[0].shape[1]))
    exact = np.vectorize(Fraction, otypes=[object])
    last = [exact(W) for W in weights]
    now = [W + exact(rng.integers(-2, 3, W.shape)) for W in last]
    path = [last, now]
    for _ in range(2):
        ahead = [W + momentum * (W - V) for W, V in zip(now, last, strict=True)]
        slope = chain_gradient(ahead if nesterov else now, target)
        now, last = [W - step * g for W, g in zip(ahead, slope, strict=True)], now
        path.append(now)
    charges = [discrete_charges(*pair) for pair in itertools.pairwise(path)]
    return sum(
        np.count_nonzero(after - momentum * before)
        for early, late in itertools.pairwise(charges)
        for before, after in zip(early, late, strict=True)
    )


def chain_gradient(weights, target):
    """Gradients of half the squared distance of the product, for entries of any kind."""
    heads = [np.eye(weights[0].shape[1], dtype=int)]
    for W in weights:
        heads.append(W.dot(heads[-1]))
    signal, result = heads[-1] - target, []
    for W, head in zip(weights[::-1], heads[-2::-1], strict=True):
        result.append(signal.dot(head.T))
        signal = W.T.dot(signal)
    return result[::-1]


def discrete_charges(before, after):
    """Return ``W_i(k) W_i(k+1)^T + W_(i+1)(k)^T W_(i+1)(k+1)``, skewed, for hidden layers."""
    halves = [
        before[i].dot(after[i].T) + before[i + 1].T.dot(after[i + 1])
        for i in range(len(before) - 1)
    ]
    return [half - half.T for half in halves]


def metric_flow(network, power, rng):
    """Return the weights at both ends of a flow in the metric of this power."""
    X, Y = rng.standard_normal((network.widths[0], 4)), rng.uniform(1, 3, (2, 4))
    metric = Preconditioned(Problem(network, X, SquaredLoss(Y)), lambda theta: theta**power)
    start = rng.uniform(0.5, 1.5, network.size)
    path = gradient_flow(metric, start, 0.5, times=[0, 0.5], rtol=1e-11)
    return [network.split(theta) for theta in path.theta]


def entropic_law_count(inputs, hidden, outputs, rounds, rng):
    """Unknowns minus the rank of all brackets of at most so many entropic fields, mod a prime.

    Brackets of sums over neurons are sums of the brackets of one neuron, taken at the point of
    each neuron.
    """
    size = inputs + outputs
    x = sp.ring([f"x{i}" for i in range(size)], sp.ZZ)[1:]
    zero = x[0] - x[0]
    fields = []
    for i, j in itertools.product(range(outputs), range(outputs, size)):
        fields.append([x[i] * x[j] if e in (i, j) else zero for e in range(size)])
    layer, every = fields, list(fields)
    for _ in range(rounds - 1):
        layer = [bracket(f, g, x) for f in fields for g in layer]
        layer = [g for g in layer if any(g)]
        every += layer
    points = [[int(v) for v in rng.integers(1, PRIME, size)] for _ in range(hidden)]
    rows = [[int(c.evaluate(list(zip(x, p, strict=True)))) % PRIME if c else 0
             for p in points for c in g] for g in every]  # fmt: skip
    return size * hidden - rank_mod(rows)


def bracket(f, g, x):
    """Return the Lie bracket (Dg) f - (Df) g of two polynomial fields."""
    return [
        sum((b.diff(v) * p - a.diff(v) * q for v, p, q in zip(x, f, g, strict=True)), x[0] - x[0])
        for a, b in zip(f, g, strict=True)
    ]


def convolution(inputs, channels, filters, rng):
    """Return a two-layer ReLU network with shared weights: network, map of parameters, channels.

    Circular convolution of length ``inputs``; each channel has a filter before and one after the
    ReLU, with as many entries as ``filters``. The full vector is ``share @ theta``.
    """
    network = ShallowReLU(inputs, inputs * channels, inputs)
    first = np.zeros((channels, inputs, inputs, 2 * channels, filters))
    second = np.zeros((inputs, channels, inputs, 2 * channels, filters))
    for c, place, shift in np.ndindex(channels, inputs, filters):
        first[c, place, (place + shift) % inputs, c, shift] = 1
        second[(place + shift) % inputs, c, place, channels + c, shift] = 1
    share = np.concatenate([first.reshape(-1, first[0, 0, 0].size),
                            second.reshape(-1, first[0, 0, 0].size)])  # fmt: skip
    return network, share


def two_blocks(theta, x):
    """Return output and gradient of x + u relu(v x), followed by the block of s and t."""
    u, v, s, t = theta
    inner, middle = max(v * x, 0), x + u * max(v * x, 0)
    outer = max(t * middle, 0)
    passed = 1 + (s * t if outer else 0)
    d_inner = u * x * passed if inner else 0 * x
    return middle + s * outer, [passed * inner, d_inner, outer, s * middle if outer else 0 * x]


def third_law_misses(point):
    """Count the pairings of the three laws of two blocks with the gradients that do not vanish."""
    theta = u, v, s, t = sp.symbols("u v s t")
    law = (u**2 + v**2 - s**2 - t**2) / 4 + sp.log(u + v) - sp.log(s + t)
    values = dict(zip(theta, map(sp.Rational, map(str, point)), strict=True))
    misses = 0
    for q in (u**2 - v**2, s**2 - t**2, law):
        slope = [sp.diff(q, p).subs(values) for p in theta]
        for x in (Fraction(-2), Fraction(3)):
            field = [sp.Rational(str(c)) for c in two_blocks(point, x)[1]]
            misses += sum(a * b for a, b in zip(slope, field, strict=True)) != 0
    return misses


def head_residual(head, theta, slopes, sign):
    """Pair gradients of an attention head with those of its laws, or of their sums of squares."""
    Q, K, V, O = head.split(theta)  # noqa: E741
    gQ, gK, gV, gO = head.split(slopes / np.linalg.norm(slopes, 2))
    pairs = [gQ @ Q.T - sign * gK @ K.T, gO.mT @ O - sign * gV @ V.T]
    return max(np.abs(M + M.mT).max() for M in pairs)


def drift_integral(weights, Sigma, t_end):
    """Integrate the imbalance of the gradients along the gradient flow, by Simpson's rule."""
    problem, theta = whitened_problem(weights, Sigma)
    times = np.linspace(0, t_end, 201)
    path = gradient_flow(problem, theta, t_end, times=times, rtol=1e-11)
    inner, outer = problem.network.split(problem.gradient(path.theta))
    q = outer.mT @ outer - inner @ inner.mT
    ends, odd, even = q[0] + q[-1], q[1:-1:2].sum(axis=0), q[2:-1:2].sum(axis=0)
    return t_end / 600 * (ends + 4 * odd + 2 * even)
