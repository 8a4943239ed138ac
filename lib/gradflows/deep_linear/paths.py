r"""Normal form of a network: bases of the hidden layers in which it is a union of paths.

Network maps are followed layer by layer, in bundles of paths that begin in the same layer. A
bundle may be changed by paths that began earlier, because those are still alive wherever it is;
so the part of its image that older paths reach already is removed, and what then has no image
ends. This is the reduction that computes the barcode of a persistence module.
"""

import numpy as np

from gradflows.deep_linear.gauges import gauge_act
from gradflows.deep_linear.products import multiply
from gradflows.deep_linear.ranks import UndecidedRankError, count_nonzero, scaled_layers
from gradflows.deep_linear.weights import as_weights
from gradflows.validation import as_positive

__all__ = ["normal_form"]

LARGEST_ERROR = 1e-8


class Bundle:
    """Paths that begin in one layer, and their vectors, as columns, in every layer from there."""

    def __init__(self, birth, vectors, death=None):
        self.birth, self.vectors, self.death = birth, vectors, death

    def changed(self, turn, death=None):
        """Combine the paths by the columns of ``turn``."""
        return Bundle(self.birth, {i: x @ turn for i, x in self.vectors.items()}, death)

    def subtract(self, other, turn):
        """Subtract combinations of the paths of an older bundle, from the birth on."""
        for i in self.vectors:
            self.vectors[i] = self.vectors[i] - other.vectors[i] @ turn


def normal_form(weights, *, tol=1e-9):
    r"""Find a gauge that turns the hidden layers into a union of paths.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, h >= 2.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    moved : list of numpy.ndarray
        ``[P_1 W_1, ..., W_h P_{h-1}^{-1}]``. Between hidden layers every row and column has at
        most one entry that is not zero, and it is 1. Rows of the first layer belong to paths
        from the input, columns of the last layer to paths to the output; those of paths from
        input to output, which come first, are :math:`\sqrt{s_k}\,v_k^T` and
        :math:`\sqrt{s_k}\,u_k` with the singular values and vectors of the product, those of
        stubs are orthonormal among stubs of the same length.
    gauge : list of numpy.ndarray
        ``[P_1, ..., P_{h-1}]``, shapes ``(d_i, d_i)``.

    Raises
    ------
    UndecidedRankError
        If a rank cannot be decided, or rounding spoils the form by more than 1e-8.
    ValueError
        If shapes do not fit, or there is no hidden layer.

    Notes
    -----
    Stubs keep vectors at the input and the output: the gauge cannot change those. Lengths and
    numbers of the paths are those of :func:`~gradflows.deep_linear.ranks.path_counts`.
    Source: achour2024loss for critical points; this book.
    """
    weights, tol = as_weights(weights), as_positive("tol", tol)
    depth = len(weights)
    if depth < 2:
        raise ValueError("weights: expected at least two layers, got one")
    bundles = _with_unit_weights(_follow(scaled_layers(weights, tol), tol), weights)
    frames = [np.hstack([b.vectors[i] for b in bundles if i in b.vectors]) for i in range(1, depth)]
    gauge = [np.linalg.inv(frame) for frame in frames]
    moved = gauge_act(gauge, weights)
    cleaned = [_cleaned(moved[i], i, bundles, depth) for i in range(depth)]
    error = max(np.abs(a - b).max() for a, b in zip(moved, cleaned, strict=True))
    if error > LARGEST_ERROR * max(np.abs(weight).max() for weight in cleaned):
        raise UndecidedRankError(
            f"weights: expected layers from which paths can be told to {LARGEST_ERROR:.0e}, got "
            f"rounding of size {error:.1e}: the weights are too badly conditioned"
        )
    return cleaned, gauge


def _follow(layers, tol):
    """Follow all paths from the first hidden layer to the output."""
    left, values, _ = np.linalg.svd(layers[0])
    count = count_nonzero(values, 1.0, tol, "weights")
    alive, ended = [Bundle(0, {1: left[:, :count]}), Bundle(1, {1: left[:, count:]})], []
    for i, layer in enumerate(layers[1:], start=1):
        survivors = []
        for bundle in alive:
            image = layer @ bundle.vectors[i]
            for older in survivors:
                turn = older.vectors[i + 1].T @ image
                bundle.subtract(older, turn)
                image = image - older.vectors[i + 1] @ turn
            left, values, right = np.linalg.svd(image)
            count = count_nonzero(values, 1.0, tol, "weights")
            ended.append(bundle.changed(right[count:].T, death=i))
            survivor = bundle.changed(right[:count].T / values[:count], death=i + 1)
            survivor.vectors[i + 1] = left[:, :count]
            survivors.append(survivor)
        reached = np.hstack([bundle.vectors[i + 1] for bundle in survivors])
        free = np.linalg.svd(reached)[0][:, reached.shape[1] :]
        alive = [*survivors, Bundle(i + 1, {i + 1: free})]
    return [b for b in ended + alive[:-1] if b.vectors[max(1, b.birth)].shape[1]]


def _with_unit_weights(bundles, weights):
    """Scale and turn the paths so that inner edges weigh 1 and the ends are as promised."""
    bundles = sorted(bundles, key=lambda b: (b.birth, -b.death))
    for bundle in bundles:
        for i in range(max(1, bundle.birth), bundle.death):
            bundle.vectors[i + 1] = weights[i] @ bundle.vectors[i]
    frame = np.hstack([b.vectors[1] for b in bundles if 1 in b.vectors])
    rows, start = np.linalg.solve(frame, weights[0]), 0
    turned = []
    for bundle in bundles:
        count = bundle.vectors[bundle.death].shape[1]
        turn = _turn(bundle, rows[start : start + count], weights)
        start += count
        turned.append(bundle.changed(turn, bundle.death))
    return turned


def _turn(bundle, rows, weights):
    """Choose the combination of paths that normalises their rows at the input, or columns."""
    leaves = bundle.death == len(weights)
    if bundle.birth == 0 and leaves:
        _, values, right = np.linalg.svd(multiply(weights))
        return rows @ right[: len(rows)].T / np.sqrt(values[: len(rows)])
    if bundle.birth == 0:
        return np.linalg.qr(rows.T)[1].T
    if leaves:
        return np.linalg.inv(np.linalg.qr(bundle.vectors[bundle.death])[1])
    return np.eye(bundle.vectors[bundle.death].shape[1])


def _cleaned(weight, i, bundles, depth):
    """Put exact zeros and ones where the normal form has them, in the layer after layer i."""
    cleaned, row, column = np.zeros_like(weight), 0, 0
    for b in bundles:
        count = b.vectors[b.death].shape[1]
        into, out = slice(column, column + count), slice(row, row + count)
        if i == 0 and b.birth == 0:
            cleaned[out] = weight[out]
        elif b.birth <= i < b.death:
            if i + 1 < depth:
                cleaned[out, into] = np.eye(count)
            else:
                cleaned[:, into] = weight[:, into]
        column += count if b.birth <= i <= b.death else 0
        row += count if b.birth <= i < b.death else 0
    return cleaned
