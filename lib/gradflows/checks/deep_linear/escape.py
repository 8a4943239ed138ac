"""Checks of the chapter deep_linear/escape: leaving saddles, with and without the Hessian."""

import itertools

import numpy as np
import sympy as sp
from scipy.integrate import quad

from gradflows.checks.deep_linear.critical_networks import build
from gradflows.checks.deep_linear.escape_networks import (
    chain_flow,
    clock_integral,
    deficient_saddles,
    doublings,
    fewest_cuts,
    fewest_edges,
    full_rank_saddles,
    path_network,
    shaken,
    straight_stubs,
    time_to,
)
from gradflows.deep_linear import (
    escape_order,
    gauge_act,
    measured_order,
    path_weights,
    random_gauge,
    whitened_problem,
)
from gradflows.deep_linear.matrix_flow import layer_velocities
from gradflows.flows import gradient_flow
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "escape-chains",
    says="Weights supported on disjoint paths, each from an input to the output of the same "
    "number, stay so, and every path moves as a scalar chain with its own target.",
    status="literature",
    source="saxe2014exact",
    **EXACT,
)
def chains(rng):
    """Count wrong velocities on integer paths; the falsehood lets two paths exchange outputs."""

    def violations(exchange):
        weights, Sigma, paths, values = path_network(rng, exchange)
        residual = Sigma[paths[:, 0], paths[:, 0]] - values.prod(axis=1)
        count = 0
        for i, velocity in enumerate(layer_velocities(weights, Sigma)):
            expected = np.zeros_like(velocity)
            others = np.delete(values, i, axis=1).prod(axis=1)
            expected[paths[:, i + 1], paths[:, i]] = others * residual
            count += np.count_nonzero(velocity != expected)
        return float(count)

    return Evidence(violations(False), violations(True))


@statement(
    "escape-signs",
    says="A balanced chain added to a critical point learns its mode if the number of minus signs "
    "is even, and falls back if it is odd.",
    **BOOK,
    evidence="numeric",
    bound=1e-3,
)
def signs(rng):
    """Run all signs of three layers; the falsehood lets the majority of the signs decide."""
    sigma, error, control = np.array([3.0, 2.0, 1.0]), 0.0, 0.0
    size, gauge = rng.uniform(0.15, 0.3), random_gauge((3,) * 4, rng=rng, orthogonal=True)
    for pattern in itertools.product((1, -1), repeat=3):
        chain = [np.full(3, 3 ** (1 / 3)), size * np.array(pattern)]
        start = gauge_act(gauge, path_weights((3,) * 4, chain))
        problem, theta = whitened_problem(start, np.diag(sigma))
        loss = gradient_flow(problem, theta, 60.0).loss[-1]
        error = max(error, abs(loss - (0.5 if np.prod(pattern) > 0 else 2.5)))
        control = max(control, abs(loss - (0.5 if np.sum(pattern) > 0 else 2.5)))
    return Evidence(error, control)


@statement(
    "escape-trapped",
    says="A scalar chain misses its target iff it starts at a saddle, or its product is negative "
    "and the smallest modulus is attained at least twice.",
    **BOOK,
    evidence="numeric",
    bound=0.02,
)
def trapped(rng):
    """Run chains; the falsehood holds a chain back only if all its moduli are equal."""
    error = control = 0.0
    for depth, tied, sign in itertools.product((3, 4), (1, 2, 3), (1, -1)):
        least, sigma = rng.uniform(0.5, 0.7), rng.uniform(1, 1.5)
        chain = np.array([least] * tied + [*rng.uniform(1.0, 1.5, depth - tied)])
        chain[-1] *= sign * np.prod(np.sign(chain))
        end = np.prod(chain_flow(chain, sigma, 10.0)[-1])
        error = max(error, abs(end - (0 if sign < 0 and tied > 1 else sigma)))
        control = max(control, abs(end - (0 if sign < 0 and tied == depth else sigma)))
    return Evidence(error, control)


@statement(
    "escape-clock",
    says="The time in which the smallest weight of a chain moves from x_0 to x_1 is the integral "
    "of 1/(q (sigma - x q)), q the product of the square roots of x^2 + c_j.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def clock(rng):
    """Ask chains when they have half of their target; the falsehood loses the sign of x_0."""
    error = control = 0.0
    for depth, sign in itertools.product((2, 3, 5), (1, -1)):
        sigma = rng.uniform(1.5, 2.5)
        chain = np.array([rng.uniform(0.1, 0.3), *rng.uniform(0.5, 0.9, depth - 1)])
        c = chain[1:] ** 2 - chain[0] ** 2
        chain[0] *= sign
        end, measured = time_to(chain, sigma, 0.5)
        gaps = [abs(clock_integral(x, end[0], c, sigma) - measured) for x in (chain[0], -chain[0])]
        error, control = max(error, gaps[0]), max(control, gaps[1])
    return Evidence(error, control)


@statement(
    "escape-small-layers",
    says="If m weights of a chain are of size eps, learning takes log(1/eps)/(B sigma) + O(1) for "
    "m = 2, and eps^(2-m) times an explicit constant for m >= 3, whatever the depth.",
    **BOOK,
    evidence="numeric",
    bound=0.01,
)
def small_layers(rng):
    """Measure constants at small eps; the falsehood counts all layers instead of the small ones."""
    sigma, error, control = rng.uniform(0.8, 1.2), 0.0, 0.0
    large, sizes = rng.uniform(0.8, 1.2, 3), rng.uniform(0.8, 1.2, 3)
    for m in (2, 3):
        B, a = np.prod(large[m - 2 :]), sizes[:m]
        fast, slow = (time_to([*(eps * a), *large[m - 2 :]], sigma, 0.5)[1] for eps in (1e-2, 1e-3))
        c = np.delete(a, np.argmin(a)) ** 2 - a.min() ** 2
        if m == 2:
            found, wanted = (slow - fast) / np.log(10), 1 / (B * sigma)
        else:
            integral = quad(lambda y, c=c: 1 / np.sqrt(np.prod(y * y + c)), a.min(), np.inf)[0]
            found, wanted = 1e-3 * slow, integral / (B * sigma)
        error = max(error, abs(found / wanted - 1))
        control = max(control, abs(slow / fast / 10 ** (m + len(large[m - 2 :]) - 2) - 1))
    return Evidence(error, control)


@statement(
    "escape-approach",
    says="A trapped chain with p tied weights falls into its saddle like exp(-2 sigma c t) for "
    "p = 2, and like t^(-p/(p-2)) for p >= 3, c the product of the other weights in the limit.",
    **BOOK,
    evidence="numeric",
    bound=0.05,
)
def approach(rng):
    """Compare the excess loss with its law; the falsehood puts the depth in place of p."""
    control = 0.0
    slow, late = (np.prod(chain_flow([-0.5, 0.5, 1.3], 1.0, t)[-1]) for t in (3.0, 4.0))
    error = abs(np.log(slow / late) / 2.4 - 1)  # p = 2, c = 1.2
    for chain in ([-0.5, 0.5, 0.5], [-0.5, 0.5, 0.5, 1.2], [-0.4, 0.4, 0.4, 0.4]):
        w, sigma = rng.permutation(np.array(chain)), rng.uniform(1, 1.5)
        p = int(np.sum(np.abs(w) == np.abs(w).min()))
        c = np.sqrt(np.prod([x * x - np.min(w**2) for x in w if abs(x) > np.abs(w).min()]))
        loss = 0.5 * (sigma - np.prod(chain_flow(w, sigma, 1500.0)[-1])) ** 2 - 0.5 * sigma**2

        def law(p, c, sigma=sigma):
            return sigma * c * ((p - 2) * sigma * c * 1500) ** (-p / (p - 2))

        error = max(error, abs(loss / law(p, c) - 1))
        control = max(control, abs(loss / law(len(w), 1.0) - 1))
    return Evidence(error, control)


@statement(
    "escape-product",
    says="Near a point with product Sigma_S the Schur complement of the learnt block of the "
    "product is itself a product, of the unlearnt parts plus changes of the size of those made.",
    **BOOK,
    **EXACT,
)
def product(rng):
    """Compare in rationals; the falsehood multiplies the lower right blocks alone."""
    error = control = 0
    for widths, learnt, idle in (((3, 3, 2, 3), (2,), (1, 1)), ((3, 4, 3, 4), (3, 2), (1,))):
        r, depth = len(learnt), len(widths) - 1
        moved = shaken(rng, widths, learnt, idle)
        tails = [sp.eye(widths[-1])]
        for w in reversed(moved):
            tails.insert(0, tails[0] * w)
        M, blocks, plain = tails[0], sp.eye(widths[0] - r), sp.eye(widths[0] - r)
        for i in range(depth):
            graph = -tails[i][:r, :r].inv() * tails[i][:r, r:]
            blocks = (moved[i][r:, r:] + moved[i][r:, :r] * graph) * blocks
            plain = moved[i][r:, r:] * plain
        schur = M[r:, r:] - M[r:, :r] * M[:r, :r].inv() * M[:r, r:]
        error += schur != blocks
        control += schur != plain
    return Evidence(float(error), float(control))


@statement(
    "escape-order",
    says="For a target of full rank the least number of admissible cuts is the exponent with which "
    "the loss can be lowered on small spheres around the saddle; it lies between 2 and h.",
    **BOOK,
    evidence="numeric",
    bound=0.05,
)
def order(rng):
    """Maximise the decrease on spheres; the falsehood says that the order is the depth."""
    error = control = 0.0
    for (weights, Sigma), expected in full_rank_saddles(rng):
        measured = measured_order(weights, Sigma, rng=rng, starts=6)
        error = max(error, abs(measured - expected))
        error += escape_order(weights, Sigma) != expected
        control = max(control, abs(measured - len(weights)))
    return Evidence(error, control)


@statement(
    "escape-paths",
    says="If the weights run along single nodes, the least number of cuts is the least number of "
    "new edges on a path from an unlearnt input to the output of the same number.",
    **BOOK,
    **EXACT,
)
def paths(rng):
    """Compare with exact ranks; the falsehood lets a path end at any unlearnt output."""
    error = control = 0
    cases = [((3, 2, 3, 3), (), (3, 2, 1)), ((3, 3, 3, 3, 3), (3,), (2, 1))]
    for widths, learnt, idle in cases * 6:
        stubs = straight_stubs(rng, widths, learnt, idle)
        weights, Sigma = build(widths, learnt, idle, stubs)
        cuts = fewest_cuts(weights, Sigma, len(learnt))
        error += cuts != fewest_edges(weights, len(learnt), any_output=False)
    # An input stub of one mode and an output stub of another, two edges apart.
    apart = [(0, 1, np.array([0.0, 1])), (3, 4, np.array([1.0, 0]))]
    weights, Sigma = build((2,) * 5, (), (2, 1), apart)
    error += fewest_cuts(weights, Sigma, 0) != fewest_edges(weights, 0, any_output=False)
    control += fewest_cuts(weights, Sigma, 0) != fewest_edges(weights, 0, any_output=True)
    return Evidence(float(error), float(control))


@statement(
    "escape-speed-limit",
    says="A flow that starts at distance eps from a saddle of order m, with a loss above it by at "
    "most K eps^m, needs a time of order eps^(2-m) to leave, log(1/eps) for m = 2.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def speed_limit(rng):
    """Time each doubling of the distance from the origin; the falsehood has an exponent too many.

    There the loss falls by at most sigma_1 (s / sqrt h)^h at distance s.
    """
    error = control = 0.0
    for depth in (2, 3):
        start = [0.02 * rng.standard_normal((2, 2)) for _ in range(depth)]
        for s, time, above in doublings(start, np.diag([1.0, 0.6]), 12.0 if depth == 2 else 400.0):
            found = [
                max(s**2 / (above + (2 * s / np.sqrt(depth)) ** m) / time - 1, 0.0)
                for m in (depth, depth + 1)
            ]
            error, control = max(error, found[0]), max(control, found[1])
    return Evidence(error, control)


@statement(
    "escape-deficient",
    says="For a rank-deficient target the order is the number of cuts too, unless one cut connects "
    "input to output and three are needed to pair them: then it is 3 or 4, and both occur.",
    **BOOK,
    evidence="numeric",
    bound=0.05,
)
def deficient(rng):
    """Measure both exceptional cases and a normal one; the falsehood believes the number of cuts.

    Widths (2, 1, 1, 2): order 4. With a second hidden node in each layer: order 3.
    """
    cases = deficient_saddles(rng)
    found = [measured_order(*case, rng=rng, starts=10) for case, _ in cases]
    error = max(abs(a - b) for a, (_, b) in zip(found, cases, strict=True))
    error += escape_order(*cases[0][0]) is not None
    return Evidence(error, abs(found[0] - 3))
