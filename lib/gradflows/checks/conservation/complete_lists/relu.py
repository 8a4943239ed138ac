"""ReLU networks on acyclic graphs: the laws of the path lifting.

A graph is a list of edges (tail, head), numbered in topological order; the first nodes are
inputs, the last ones outputs. All checks count violations in exact arithmetic.
"""

import itertools
import math

import numpy as np

from gradflows.conservation import polynomial_laws
from gradflows.modular import PRIME, rank_mod
from gradflows.statements import Evidence, statement

OURS = dict(status="this book", source="this book", evidence="exact", bound=0)


def random_graph(inputs, hidden, outputs, rng):
    """Draw an acyclic graph in which every hidden node has an edge in and an edge out."""
    total, edges = inputs + hidden + outputs, set()
    for v in range(inputs, inputs + hidden):
        edges.add((int(rng.integers(0, v)), v))
        edges.add((v, int(rng.integers(v + 1, total))))
    for tail, head in itertools.combinations(range(total), 2):
        if tail < inputs + hidden and head >= inputs and rng.random() < 0.35:
            edges.add((tail, head))
    # An edge between two inputs or two outputs cannot occur; inputs without an edge are harmless.
    return sorted(edges)


def all_paths(edges, inputs, hidden):
    """List all paths from an input to an output, as lists of indices of edges."""
    found, open_paths = [], [([], v) for v in range(inputs)]
    while open_paths:
        path, at = open_paths.pop()
        for e, (tail, head) in enumerate(edges):
            if tail == at:
                if head >= inputs + hidden:
                    found.append([*path, e])
                else:
                    open_paths.append(([*path, e], head))
    return found


def path_gradients(theta, paths):
    """Return the gradients of the products of weights along the paths, zeros allowed."""
    rows = np.zeros((len(paths), len(theta)), dtype=np.int64)
    for row, path in zip(rows, paths, strict=True):
        for e in path:
            row[e] = math.prod(int(theta[f]) for f in path if f != e) % PRIME
    return rows


def bracket_ranks(theta, paths):
    """Return the rank of the gradients at a point, and that with all first brackets."""
    rows, size = path_gradients(theta, paths), len(theta)
    hessians = np.zeros((len(paths), size, size), dtype=np.int64)
    for H, path in zip(hessians, paths, strict=True):
        for e, f in itertools.permutations(path, 2):
            H[e, f] = math.prod(int(theta[g]) for g in path if g not in (e, f)) % PRIME
    brackets = [
        (hessians[q] @ rows[p] - hessians[p] @ rows[q]) % PRIME
        for p, q in itertools.combinations(range(len(paths)), 2)
    ]
    return rank_mod(rows), rank_mod([*rows, *brackets])


def law_slopes(theta, edges, inputs, hidden):
    """Return half the gradients of the laws of the hidden nodes."""
    rows = np.zeros((hidden, len(edges)), dtype=np.int64)
    for e, (tail, head) in enumerate(edges):
        for node, sign in ((tail, 1), (head, -1)):
            if inputs <= node < inputs + hidden:
                rows[node - inputs, e] = sign * theta[e]
    return rows


@statement(
    "complete-lists-paths",
    says="Where no weight is zero the gradients of all paths of an acyclic ReLU network span the "
    "whole Lie algebra: one law for each hidden node, and no others.",
    **OURS,
)
def paths_of_graphs(rng):
    """Take random graphs; the falsehood lets edges lie on no path."""
    violations = control = 0
    for inputs, hidden, outputs in [(2, 2, 1), (1, 3, 2), (2, 4, 1)]:
        edges = random_graph(inputs, hidden, outputs, rng)
        paths = all_paths(edges, inputs, hidden)
        theta = rng.integers(1, 99, len(edges))
        trace, with_brackets = bracket_ranks(theta, paths)
        laws = law_slopes(theta, edges, inputs, hidden)
        violations += (trace != len(edges) - hidden) + (with_brackets != trace)
        violations += rank_mod(laws) != hidden
        violations += np.any(laws @ path_gradients(theta, paths).T % PRIME)
        # One more hidden node with two edges in and none out: two frozen weights.
        frozen = path_gradients(np.append(theta, [7, 8]), paths)
        control += frozen.shape[1] - rank_mod(frozen) != hidden + 1
    return Evidence(int(violations), control)


@statement(
    "complete-lists-domain",
    says="The laws of the hidden nodes are independent at a point exactly if nonzero weights join "
    "every hidden node to an input or output; the Lie algebra never has more than n - H "
    "dimensions, and where the gradients of the paths span so many, the laws are independent.",
    **OURS,
)
def domain(rng):
    """Set weights to zero; the falsehood is that any zero weight makes laws dependent."""
    violations = control = 0
    for _ in range(25):
        inputs, hidden = 2, 3
        edges = random_graph(inputs, hidden, 1, rng)
        theta = rng.integers(1, 99, len(edges)) * (rng.random(len(edges)) < 0.6)
        joined = set(range(inputs)) | {inputs + hidden}
        for _ in range(hidden):
            for e, ends in enumerate(edges):
                if theta[e] and joined & set(ends):
                    joined |= set(ends)
        independent = rank_mod(law_slopes(theta, edges, inputs, hidden)) == hidden
        trace, larger = bracket_ranks(theta, all_paths(edges, inputs, hidden))
        violations += independent != (len(joined) == inputs + hidden + 1)
        violations += larger > len(edges) - hidden
        violations += trace == len(edges) - hidden and not independent
        control += independent != np.all(theta)
    return Evidence(int(violations), int(control))


@statement(
    "complete-lists-relu-polynomials",
    says="Every polynomial law of a path lifting is a polynomial in the laws of the hidden "
    "neurons: in degree 2k as many as there are monomials of degree k in them, none in odd "
    "degree.",
    **OURS,
)
def relu_polynomials(rng):
    """Count all laws of a degree; the falsehood applies the same count to a linear network."""
    violations = control = 0
    for widths, bias in [((2, 2, 1), False), ((1, 2, 1), True), ((1, 1, 2, 1), True)]:
        hidden = sum(widths[1:-1])
        for degree in range(1, 5):
            k = degree // 2
            expected = 0 if degree % 2 else math.comb(hidden + k - 1, k)
            violations += len(polynomial_laws(widths, degree, "relu", bias)) != expected
            control += len(polynomial_laws(widths, degree)) != expected
    return Evidence(violations, control)
