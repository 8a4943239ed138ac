"""Layers of width one: laws that no imbalance knows."""

import itertools

import numpy as np
from scipy.integrate import solve_ivp

from gradflows.conservation import (
    bottleneck_laws,
    extra_law_count,
    known_law_count,
    lie_dimension,
    scalar_chains,
)
from gradflows.deep_linear.imbalance_count import imbalance_gradients
from gradflows.modular import PRIME, kernel_mod, rank_mod
from gradflows.networks import DeepLinear
from gradflows.statements import Evidence, statement

OURS = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0, **OURS)


def product(matrices, size):
    """Multiply integer matrices modulo the prime, the last one leftmost."""
    result = np.eye(size, dtype=np.int64)
    for W in matrices:
        result = W @ result % PRIME
    return result


def chain_gradient(weights):
    """Return the gradient of the number that a chain of layers from 1 to 1 computes."""
    blocks = []
    for i, W in enumerate(weights):
        before = product(weights[:i], 1)
        after = product(weights[i + 1 :], len(W))
        blocks.append((after.T @ before.T % PRIME).ravel())
    return np.concatenate(blocks)


def laws_of(widths):
    """Return the exact generic number of laws."""
    return DeepLinear(widths).size - lie_dimension(widths).dimension


@statement(
    "complete-lists-hidden",
    says="For widths (1, a, b, 1) the min(a, b) - 1 integrals over the singular values of W_2 are "
    "constant along the gradient of the output.",
    evidence="numeric",
    bound=1e-8,
    **OURS,
)
def hidden(rng):
    """Follow the gradient for a short time; the falsehood has one sign of it flipped."""
    drifts = {1: [], -1: []}
    for (a, b), sign in itertools.product([(2, 2), (3, 3), (2, 4)], drifts):
        network = DeepLinear((1, a, b, 1))
        middle = np.eye(b, a) * (1 + np.arange(a) + 0.3 * rng.random(a))
        start = network.join([0.2 + rng.random((a, 1)), middle, 0.2 + rng.random((1, b))])

        def field(t, theta, network=network, sign=sign):
            W1, W2, W3 = network.split(theta)
            return network.join([W2.T @ W3.T, sign * W3.T @ W1.T, (W2 @ W1).T])

        run = solve_ivp(field, (0, 1e-3), start, method="DOP853", rtol=1e-12, atol=1e-13)
        drift = bottleneck_laws(network.widths, run.y[:, -1], start) / 1e-3
        drifts[sign].append(np.abs(drift).max())
    return Evidence(max(drifts[1]), min(drifts[-1]))


@statement(
    "complete-lists-lower-bound",
    says="A linear network has at least as many independent laws as are known, and those of its "
    "scalar chains on top.",
    **EXACT,
)
def lower_bound(rng):
    """Rank of the gradients of all of them; the falsehood adds up all laws of the chains."""
    violations = control = 0
    for widths in [(1, 2, 2, 1), (2, 1, 2, 3, 1, 2), (1, 2, 3, 1, 2, 2, 1), (3, 2, 1, 2, 1, 1)]:
        network, rows = DeepLinear(widths), []
        theta = rng.integers(1, PRIME, network.size)
        weights = network.split(theta.astype(float))
        weights = [W.astype(np.int64) for W in weights]
        ends = np.cumsum([0, *(W.size for W in weights)])
        for first, last in scalar_chains(widths):
            inside = slice(ends[first], ends[last])
            normal = kernel_mod(chain_gradient(weights[first:last])[None]).T
            block = np.zeros((len(normal), network.size), dtype=np.int64)
            block[:, inside] = normal
            rows.append(block)
        found = rank_mod(np.vstack([*rows, imbalance_gradients(weights) % PRIME]))
        expected = known_law_count(widths) + extra_law_count(widths)
        violations += (found != expected) + (laws_of(widths) < found)
        control += found != known_law_count(widths) + sum(map(len, rows))
    return Evidence(violations, control)


@statement(
    "complete-lists-excess",
    says="Two consecutive layers of width 1 add no law if at most one layer lies between, at least "
    "one if there are two or more, and min(a, b) - 1 for (1, a, b, 1).",
    **EXACT,
)
def excess(rng):
    """Count for all small widths; the falsehood is that there is never an excess."""
    violations = control = 0
    for between in range(4):
        for inner in itertools.product(range(2, 7), repeat=between):
            found = extra_law_count((1, *inner, 1))
            violations += (found != 0) if between < 2 else (found < 1)
            violations += between == 2 and found != min(inner) - 1
            control += found != 0
    for _ in range(20):
        inner = rng.integers(2, 30, rng.integers(2, 8))
        violations += extra_law_count((1, *inner.tolist(), 1)) < 1
    return Evidence(violations, control)


@statement(
    "complete-lists-gluing",
    says="At a layer of width 1 the dimensions of the Lie algebras of both sides add up, minus 1.",
    **EXACT,
)
def gluing(rng):
    """Cut random networks; the falsehood forgets the one."""
    violations = control = 0
    for _ in range(12):
        left, right = (rng.integers(1, 4, rng.integers(1, 3)).tolist() for _ in range(2))
        whole, *parts = (
            lie_dimension(widths, rng=rng).dimension
            for widths in ([*left, 1, *right], [*left, 1], [1, *right])
        )
        violations += whole != sum(parts) - 1
        control += whole != sum(parts)
    return Evidence(violations, control)


@statement(
    "complete-lists-remaining",
    says="If every piece between layers of width 1 that is not scalar has at most two layers of "
    "weights, the number of laws is that of the known ones and the excess.",
    **EXACT,
)
def remaining(rng):
    """Compare with exact dimensions; the falsehood leaves the excess out."""
    violations, control = 0, 0
    cases = [(1, 2, 2, 1), (1, 3, 2, 2, 1), (2, 1, 2, 3, 1, 2), (2, 3, 1, 2, 2, 1, 4)]
    for _ in range(8):
        cases.append((*rng.integers(2, 4, 2).tolist(), 1, *rng.integers(1, 4, 2).tolist(), 1, 2))
    for widths in cases:
        found = DeepLinear(widths).size - lie_dimension(widths, rng=rng).dimension
        violations += found != known_law_count(widths) + extra_law_count(widths)
        control += found != known_law_count(widths)
    return Evidence(violations, control)
