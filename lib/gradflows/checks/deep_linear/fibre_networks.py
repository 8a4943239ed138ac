"""Orbits, stabilisers and invariants of the gauge group in exact arithmetic."""

import itertools

import numpy as np
import sympy as sp

from gradflows.deep_linear import gauge_direction
from gradflows.modular import PRIME, rank_mod


def flat(weights):
    """Write all weights into one vector."""
    return np.concatenate([weight.ravel() for weight in weights])


def units(weights):
    """Yield the generators of the gauge group: one matrix unit in one hidden layer."""
    sizes = [len(weight) for weight in weights[:-1]]
    for k, size in enumerate(sizes):
        for entry in range(size**2):
            generators = [np.zeros((s, s)) for s in sizes]
            generators[k].flat[entry] = 1.0
            yield generators


def tangent_rank(weights):
    """Dimension of the orbit of an integer network, as the rank of its tangent space."""
    columns = [flat(gauge_direction(unit, weights)) for unit in units(weights)]
    return rank_mod(np.array(columns).astype(int))


def shrinking_gauge(widths, r, stubs, factor):
    """Return the gauge that multiplies every edge of the stubs of ``build`` by a factor."""
    powers = [[0] * r for _ in widths]
    for start, stop, _ in stubs:
        for i in range(start, stop + 1):
            powers[i].append(i if start == 0 else i - stop)
    return [
        np.diag([float(factor) ** power for power in row + [0] * (width - len(row))])
        for row, width in zip(powers[1:-1], widths[1:-1], strict=True)
    ]


def bridge(weights, others):
    """Find the gauge that the proof defines, from a network without stubs to another.

    Both have the same product. In every hidden layer, images of inputs go to images of the same
    inputs, and what the next layers do not see goes to what they do not see.
    """
    integer = [[sp.Matrix(w.astype(int)) for w in point] for point in (weights, others)]
    product = sp.eye(weights[0].shape[1])
    for layer in integer[0]:
        product = layer * product
    images = [product.T.columnspace(), product.T.columnspace()]
    gauge = []
    for i in range(len(weights) - 1):
        images = [[point[i] * x for x in xs] for point, xs in zip(integer, images, strict=True)]
        frames = []
        for point, xs in zip(integer, images, strict=True):
            unseen = point[i + 1].nullspace()
            frames.append(sp.Matrix.hstack(*xs, *unseen))
        if any(len(frame) == 0 or frame.cols != frame.rank() for frame in frames):
            return None
        if frames[0].shape != frames[1].shape or frames[0].rank() < frames[0].rows:
            return None
        gauge.append(frames[1] * frames[0].inv())
    return gauge


def carries(gauge, weights, others):
    """Tell whether a gauge over the rationals takes one integer network to the other."""
    if gauge is None:
        return False
    frames = [sp.eye(weights[0].shape[1]), *gauge, sp.eye(len(weights[-1]))]
    return all(
        frames[i + 1] * sp.Matrix(w.astype(int)) == sp.Matrix(v.astype(int)) * frames[i]
        for i, (w, v) in enumerate(zip(weights, others, strict=True))
    )


def exponents(variables, degree):
    """List the exponents of all monomials of a degree."""
    found = []
    for chosen in itertools.combinations_with_replacement(range(variables), degree):
        powers = [0] * variables
        for k in chosen:
            powers[k] += 1
        found.append(tuple(powers))
    return found


def invariant_count(widths, degree, *, orthogonal=False):
    """Dimension of the polynomials of one degree in each layer that no gauge changes.

    It is the dimension of the kernel of the derivations that generate the group, exact.
    """
    shapes = list(itertools.pairwise(widths))
    parts = [exponents(a * b, degree) for a, b in shapes]
    monomials = [sum(pieces, ()) for pieces in itertools.product(*parts)]
    place = {powers: k for k, powers in enumerate(monomials)}
    blocks = [np.zeros((1, len(monomials)), dtype=int)]
    for moves in _derivations(shapes, orthogonal):
        block = np.zeros((len(monomials), len(monomials)), dtype=int)
        for powers, (old, new, sign) in itertools.product(monomials, moves):
            if powers[old]:
                image = list(powers)
                image[old] -= 1
                image[new] += 1
                block[place[tuple(image)], place[powers]] += sign * powers[old]
        blocks.append(block)
    return len(monomials) - rank_mod(np.vstack(blocks))


def _derivations(shapes, orthogonal):
    """List the generators as substitutions (variable, replacement, sign)."""
    names = [(i, q, p) for i, (a, b) in enumerate(shapes) for q in range(b) for p in range(a)]
    number = {name: k for k, name in enumerate(names)}

    def unit(layer, q, p):
        into = [(number[n], number[layer, p, n[2]], 1) for n in names if n[:2] == (layer, q)]
        out = [(n[0], n[2]) == (layer + 1, p) for n in names]
        return into + [
            (number[n], number[layer + 1, n[1], q], -1)
            for n, yes in zip(names, out, strict=True)
            if yes
        ]

    for layer, (_, size) in enumerate(shapes[:-1]):
        for q, p in itertools.product(range(size), repeat=2):
            if not orthogonal:
                yield unit(layer, q, p)
            elif q < p:
                yield unit(layer, q, p) + [(a, b, -c) for a, b, c in unit(layer, p, q)]


def product_count(widths, degree, rng):
    """Dimension of the polynomials of a degree in the entries of the product, by evaluation."""
    entries = exponents(widths[0] * widths[-1], degree)
    rows = []
    for _ in range(len(entries) + 5):
        product = np.eye(widths[0], dtype=np.int64)
        for a, b in itertools.pairwise(widths):
            product = rng.integers(1, 1000, (b, a)) @ product % PRIME
        values = []
        for powers in entries:
            value = 1
            for x, power in zip(product.ravel().tolist(), powers, strict=True):
                value = value * pow(x, power, PRIME) % PRIME
            values.append(value)
        rows.append(values)
    return rank_mod(np.array(rows, dtype=np.int64))
