"""Deep linear networks with integer weights, for the exact checks of Part II."""

import itertools

import numpy as np
import sympy as sp
from sympy import QQ
from sympy.polys.matrices import DomainMatrix

from gradflows.deep_linear import partial_product


def integer_network(rng, widths, *, rank=None):
    """Draw weights with small integer entries, of at most the given rank each."""
    weights = []
    for before, after in itertools.pairwise(widths):
        inner = before if rank is None else rank
        left, right = rng.integers(-2, 3, (after, inner)), rng.integers(-2, 3, (inner, before))
        weights.append(
            (rng.integers(-3, 4, (after, before)) if rank is None else left @ right) * 1.0
        )
    return weights


def exact(matrix):
    """Turn an array of integers into a matrix over the rationals."""
    rows = [[QQ(int(entry)) for entry in row] for row in matrix]
    return DomainMatrix(rows, np.shape(matrix), QQ)


def rank_table(weights):
    """Rank of the map from layer a to layer b, in exact arithmetic, as a function of a and b."""
    widths = (weights[0].shape[1], *map(len, weights))
    table = {
        (a, b): exact(partial_product(weights, b, a + 1)).rank()
        for a, b in itertools.combinations(range(len(widths)), 2)
    } | {(a, a): width for a, width in enumerate(widths)}
    return lambda a, b: table.get((a, b), 0)


def decompose(weights):
    """Follow the proof of the theorem: list ``(birth, [vectors of the path, layer by layer])``."""
    size = weights[0].shape[1]
    done, alive = [], [(0, [column]) for column in sp.eye(size).columnspace()]
    for layer, weight in enumerate(weights, start=1):
        weight = sp.Matrix(weight.astype(int).tolist())
        images = sp.Matrix.hstack(*[weight * path[-1] for _, path in alive])
        reduced, pivots = images.rref()
        kept = []
        for k, (birth, path) in enumerate(alive):
            if k in pivots:
                kept.append((birth, [*path, images[:, k]]))
                continue
            for row, pivot in enumerate(pivots):
                if reduced[row, k] != 0:  # then the path of the pivot is older
                    older = alive[pivot][1][birth - alive[pivot][0] :]
                    path = [x - reduced[row, k] * y for x, y in zip(path, older, strict=True)]
            done.append((birth, path))
        ends = sp.Matrix.hstack(*[path[-1] for _, path in kept], sp.eye(len(images[:, 0])))
        fresh = [k for k in ends.rref()[1] if k >= len(kept)]
        alive = kept + [(layer, [ends[:, k]]) for k in fresh]
    return done + alive
