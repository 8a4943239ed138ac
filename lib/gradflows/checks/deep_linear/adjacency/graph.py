"""The graph: powers, walks, paths, eigenvalues."""

import itertools

import numpy as np
import sympy as sp
from sympy import ZZ

from gradflows.checks.deep_linear.integer_networks import (
    decompose,
    exact,
    integer_network,
    rank_table,
)
from gradflows.deep_linear import (
    adjacency_matrix,
    block_shift,
    end_to_end,
    layer_slices,
    partial_product,
    pseudospectrum,
    walk_sum,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


def layers_of(widths):
    """List the layer of every node."""
    return np.repeat(np.arange(len(widths)), widths)


@statement(
    "adjacency-degrees",
    says="A matrix has degree k, that is, joins layers k apart, iff [N, M] = kM with N the "
    "diagonal of layer indices; degrees add in products and change sign in transposes.",
    **BOOK,
    **EXACT,
)
def degrees(rng):
    """Count entries in wrong places; the falsehood subtracts degrees in products."""
    layers = layers_of((2, 3, 1, 2))
    gaps = layers[:, None] - layers[None, :]
    N = np.diag(layers)
    M = rng.integers(1, 9, gaps.shape)
    bracket = N @ M - M @ N
    wrong = sum(np.sum((bracket == k * M) != (gaps == k)) for k in range(-3, 4))
    wrong += sum(np.any((M * (gaps == k)).T[gaps != -k]) for k in range(-3, 4))
    error = control = 0
    for j, k in itertools.product(range(-3, 4), repeat=2):
        product = (M * (gaps == j)) @ (M * (gaps == k))
        error += np.count_nonzero(product[gaps != j + k])
        control += np.count_nonzero(product[gaps != j - k])
    return Evidence(float(error + wrong), float(control))


@statement(
    "adjacency-powers",
    says="The power A^k holds the products of k consecutive layers on its k-th block subdiagonal, "
    "and its entries are sums over walks of length k; A^h holds the end-to-end matrix alone.",
    status="literature",
    source="biggs1993algebraic",
    **EXACT,
)
def powers(rng):
    """Compare in integers; the falsehood multiplies the layers in the opposite order."""
    widths = (2, 2, 2, 2)
    weights = integer_network(rng, widths)
    A = adjacency_matrix(weights)

    def violations(product):
        wrong = 0
        for k in range(4):
            blocks = [product(weights, i + k, i + 1) for i in range(4 - k)]
            wrong += np.sum(np.linalg.matrix_power(A, k) != block_shift(blocks, k, widths))
        return wrong

    def opposite(weights, i, j):
        flipped = [weight.T for weight in weights]
        return partial_product(flipped, i, j).T

    nodes = range(len(A))
    walked = sum(
        walk_sum(A, u, v, k) != np.linalg.matrix_power(A, k)[v, u]
        for k, u, v in itertools.product((2, 3), nodes, nodes)
    )
    return Evidence(float(violations(partial_product) + walked), float(violations(opposite)))


@statement(
    "adjacency-nilpotent",
    says="A^(h+1) = 0, all eigenvalues are zero, the resolvent of zA is a polynomial of degree h "
    "in z with z^h W in its corner, and A^h = 0 only if W = 0.",
    status="paper",
    source="wendin2025survey",
    **EXACT,
)
def nilpotent(rng):
    """Count violations in integers; the falsehood adds one edge from an output to an input."""
    widths = (2, 3, 2, 2)
    depth, ends = len(widths) - 1, layer_slices(widths)

    def violations(A, W):
        powers = [np.linalg.matrix_power(A, k) for k in range(depth + 2)]
        characteristic = exact(A).convert_to(ZZ).charpoly()
        wrong = [np.any(powers[-1]), any(characteristic[1:]), np.any(powers[-2]) != np.any(W)]
        for z in (-2, 3):
            resolvent = sum(z**k * power for k, power in enumerate(powers[:-1]))
            wrong.append(np.any((np.eye(len(A)) - z * A) @ resolvent != np.eye(len(A))))
            wrong.append(np.any(resolvent[ends[-1], ends[0]] != z**depth * W))
        return wrong.count(True)

    weights = integer_network(rng, widths)
    silent = [weights[0], 0 * weights[1], weights[2]]
    error = sum(violations(adjacency_matrix(w), end_to_end(w)) for w in (weights, silent))
    looped = adjacency_matrix([np.abs(w) + 1 for w in weights])
    W = looped @ looped @ looped
    looped[0, -1] = 1
    return Evidence(float(error), float(violations(looped, W[ends[-1], ends[0]])))


def largest_radius(weights, size):
    """Return the largest modulus that a perturbation of the given norm can give an eigenvalue."""
    A, depth = adjacency_matrix(weights), len(weights)
    norms = [np.linalg.norm(np.linalg.matrix_power(A, k), 2) for k in range(depth + 1)]
    roots = np.roots([1, *(-size * norm for norm in norms)])
    return np.abs(roots[(np.abs(roots.imag) < 1e-9 * np.abs(roots)) & (roots.real > 0)]).max()


@statement(
    "adjacency-rings",
    says="Level sets of the pseudospectrum are circles; perturbations of norm e move eigenvalues "
    "at most to the root of an explicit equation; feeding F back from output to input makes the "
    "(h+1)-th powers of the nonzero eigenvalues the eigenvalues of FW.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def rings(rng):
    """Perturb random networks; the falsehood takes the h-th power in place of the (h+1)-th."""
    error, control, widths = 0.0, 0.0, (2, 3, 2, 3)
    depth, ends = 3, layer_slices(widths)
    for _ in range(5):
        weights = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]
        A, feedback = adjacency_matrix(weights), rng.standard_normal((2, 3))
        level = pseudospectrum(A, 0.4 * np.exp(2j * np.pi * rng.random(4)))
        error = max(error, np.ptp(level) / level.max())
        closed = A.copy()
        closed[ends[0], ends[-1]] = feedback
        found = np.linalg.eigvals(closed)
        targets = np.linalg.eigvals(feedback @ end_to_end(weights))
        for power in (depth + 1, depth):
            large = found[np.argsort(-np.abs(found))[: 2 * (depth + 1)]] ** power
            miss = np.abs(large[:, None] - targets).min(axis=1).max() / np.abs(targets).max()
            error, control = (max(error, miss), control) if power > depth else (error, miss)
        push = rng.standard_normal(A.shape)
        push *= 1e-3 / np.linalg.norm(push, 2)
        moved = np.abs(np.linalg.eigvals(A + push)).max()
        error = max(error, moved - largest_radius(weights, 1e-3))
    return Evidence(error, control)


@statement(
    "adjacency-paths",
    says="In suitable bases of its layers a deep linear network is a disjoint union of paths, and "
    "the ranks of its partial products tell how many lead from which layer to which.",
    status="literature",
    source="gabriel1972unzerlegbare",
    **EXACT,
)
def paths(rng):
    """Build the bases in rationals; the falsehood leaves the last of the four ranks out."""
    error = control = 0
    for widths, rank in (((2, 3, 2, 3), 1), ((3, 2, 3, 2), 2), ((2, 2, 2), None)):
        weights = integer_network(rng, widths, rank=rank)
        found, rho = decompose(weights), rank_table(weights)
        for i, width in enumerate(widths):
            basis = [path[i - birth] for birth, path in found if 0 <= i - birth < len(path)]
            error += sp.Matrix.hstack(*basis).rank() != width or len(basis) != width
        for birth, path in found:
            follow = [*path[1:], None][: len(weights) - birth]
            for weight, x, y in zip(weights[birth:], path, follow, strict=False):
                image = sp.Matrix(weight.astype(int).tolist()) * x
                error += image != (sp.zeros(*image.shape) if y is None else y)
        spans = [(birth, birth + len(path) - 1) for birth, path in found]
        for a, b in itertools.combinations_with_replacement(range(len(widths)), 2):
            short = rho(a, b) - rho(a, b + 1) - rho(a - 1, b)
            error += spans.count((a, b)) != short + rho(a - 1, b + 1)
            control += spans.count((a, b)) != short
    return Evidence(float(error), float(control))


@statement(
    "adjacency-jordan",
    says="The rank of A^k is the sum of the ranks of the products of k consecutive layers; a path "
    "over s layers is a Jordan block of size s; every nilpotent matrix is similar to a network.",
    **BOOK,
    **EXACT,
)
def jordan(rng):
    """Count blocks by ranks of powers; the falsehood counts the edges of a path, not its nodes."""

    def blocks(A):
        ranks = [exact(np.linalg.matrix_power(A, k)).rank() for k in range(len(A) + 2)]
        return [ranks[s - 1] - 2 * ranks[s] + ranks[s + 1] for s in range(1, len(A) + 1)]

    error = control = 0
    for widths, rank in (((2, 3, 2, 3), 1), ((2, 3, 2), None)):
        weights = integer_network(rng, widths, rank=rank)
        A, rho = adjacency_matrix(weights), rank_table(weights)
        for k in range(1, len(widths)):
            total = sum(rho(i, i + k) for i in range(len(widths) - k))
            error += exact(np.linalg.matrix_power(A, k)).rank() != total
        sizes = [len(path) for _, path in decompose(weights)]
        error += blocks(A) != [sizes.count(s) for s in range(1, len(A) + 1)]
        control += blocks(A) != [sizes.count(s + 1) for s in range(1, len(A) + 1)]
    strict = np.tril(rng.integers(-2, 3, (6, 6)), -1).astype(float)
    sizes = [s for s, count in enumerate(blocks(strict), start=1) for _ in range(count)]
    widths = [sum(s > i for s in sizes) for i in range(max(sizes))]
    if len(widths) > 1:
        chain = [np.eye(b, a) for a, b in itertools.pairwise(widths)]
        error += blocks(adjacency_matrix(chain)) != blocks(strict)
    return Evidence(float(error), float(control))


@statement(
    "adjacency-acyclic",
    says="A directed graph has no cycle iff its adjacency matrix is nilpotent for all weights; "
    "then the inverse of I - A sums over all walks.",
    **BOOK,
    **EXACT,
)
def acyclic(rng):
    """Count violations in integers; the falsehood closes one cycle."""
    size = 6
    order = rng.permutation(size)
    A = np.tril(rng.integers(1, 4, (size, size)), -1)[order][:, order] * 1.0

    def violations(A):
        powers = [np.linalg.matrix_power(A, k) for k in range(size + 1)]
        total = sum(powers[:-1])
        walked = sum(walk_sum(A, 0, 1, k) for k in range(size))
        inverse = np.array_equal((np.eye(size) - A) @ total, np.eye(size))
        return int(np.any(powers[-1])) + (not inverse) + int(walked != total[1, 0])

    looped = A.copy()
    u, v = np.argwhere(A.T)[0]
    looped[u, v] = 1
    return Evidence(float(violations(A)), float(violations(looped)))
