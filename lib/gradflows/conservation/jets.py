r"""Truncated power series modulo a prime, and what a trajectory's series says about brackets.

A series of matrices is an array ``(K, a, b)``: coefficient k of :math:`t^k` at index k. All
entries are residues modulo a prime p, held in float64; with ``p=None`` they are ordinary floats,
and everything is rounded.

Along :math:`\dot\theta = \nabla\langle u(t), \phi(\theta)\rangle` a curve of tangent vectors
:math:`Z(t)` is pulled back to the start by the linearised flow; its derivatives there are
obtained by iterating :math:`Z \mapsto \dot Z - HZ`, with the Hessian H of
:math:`\langle u(t), \phi\rangle` along the trajectory. Started at fields of
:math:`W_\phi`, all iterates at t = 0 lie in :math:`\mathrm{Lie}(W_\phi)(\theta(0))`.
"""

import numpy as np

from gradflows.modular import PRIME, product_mod, reduce_mod

CHUNK = 2**22
"""Entries of the batch of series that is propagated at once."""


def residues(values, p=PRIME):
    """Return integers as residues between -p/2 and p/2.

    Parameters
    ----------
    values : array_like of int

    Returns
    -------
    numpy.ndarray of float
    """
    return reduce_mod(np.asarray(values, dtype=np.int64) % p * 1.0, p)


def coefficient(A, B, k, p=PRIME):
    """Coefficient k of the product of two series.

    Parameters
    ----------
    A : numpy.ndarray, (K, a, b)
    B : numpy.ndarray, (K, b, c)
    k : int

    Returns
    -------
    numpy.ndarray, (a, c)
    """
    left = A[: k + 1].transpose(1, 0, 2).reshape(A.shape[1], -1)
    return _product(left, B[k::-1].reshape(-1, B.shape[2]), p)


def toeplitz(A):
    """Matrix of the multiplication by a series from the left, on stacked coefficients.

    Parameters
    ----------
    A : numpy.ndarray, (K, a, b)

    Returns
    -------
    numpy.ndarray, (K*a, K*b)
        Its leading block ``(k*a, k*b)`` multiplies series cut to k coefficients.
    """
    K, a, b = A.shape
    blocks = np.zeros((K, a, K, b))
    for k in range(K):
        blocks[k:, :, k] = A[: K - k]
    return blocks.reshape(K * a, K * b)


def times(matrix, Z, p=PRIME):
    """Multiply a batch of series by a fixed one from the left.

    Parameters
    ----------
    matrix : numpy.ndarray
        From :func:`toeplitz`, of a series ``(at least K, a, b)``.
    Z : numpy.ndarray, (n, K, b, c)

    Returns
    -------
    numpy.ndarray, (n, K, a, c)
    """
    n, K, b, c = Z.shape
    cut = matrix if matrix.shape[1] == K * b else _leading(matrix, K, b)
    return _product(cut, Z.reshape(n, K * b, c), p).reshape(n, K, -1, c)


def times_right(Z, matrix, p=PRIME):
    """Multiply a batch of series by a fixed one from the right.

    Parameters
    ----------
    Z : numpy.ndarray, (n, K, a, b)
    matrix : numpy.ndarray
        From :func:`toeplitz`, of the *transpose* of a series ``(at least K, b, c)``.

    Returns
    -------
    numpy.ndarray, (n, K, a, c)
    """
    return times(matrix, Z.mT, p).mT


def derivative(Z, axis, p=PRIME):
    """Differentiate a series in t: one coefficient fewer.

    Parameters
    ----------
    Z : numpy.ndarray
    axis : int
        The axis of the coefficients.

    Returns
    -------
    numpy.ndarray
    """
    Z = np.moveaxis(Z, axis, -1)
    return np.moveaxis(_reduce(Z[..., 1:] * np.arange(1, Z.shape[-1]), p), -1, axis)


def trajectory(weights, control, p=PRIME, masks=None):
    r"""Taylor series of a deep linear network under a control, modulo the prime.

    .. math:: \dot W_i = (W_h\cdots W_{i+1})^T\, U(t)\, (W_{i-1}\cdots W_1)^T

    Parameters
    ----------
    weights : list of numpy.ndarray, (d_i, d_{i-1})
        Start, residues.
    control : numpy.ndarray, (K, d_h, d_0)
        Coefficients of U.
    p : int or None
    masks : list of numpy.ndarray, (d_i, d_{i-1}), optional
        1 for the entries that move, 0 for constants.

    Returns
    -------
    W : list of numpy.ndarray, (K + 1, d_i, d_{i-1})
    before : list of numpy.ndarray, (K, d_{i-1}, d_0)
        The products :math:`W_{i-1}\cdots W_1`, for i = 1..h.
    after : list of numpy.ndarray, (K, d_i, d_0)
        :math:`(W_h\cdots W_{i+1})^T U`, for i = 1..h.
    """
    K, inputs, depth = len(control), control.shape[2], len(weights)
    W = [np.concatenate([w[None], np.zeros((K, *w.shape))]) for w in weights]
    before = [np.zeros((K, w.shape[1], inputs)) for w in weights]
    after = [np.zeros((K, len(w), inputs)) for w in weights]
    before[0][:1], after[-1] = np.eye(inputs), control
    for k in range(K):
        for i in range(1, depth):
            before[i][k] = coefficient(W[i - 1], before[i - 1], k, p)
            after[-1 - i][k] = coefficient(W[-i].mT, after[-i], k, p)
        inverse = 1 / (k + 1) if p is None else pow(k + 1, -1, p)
        for i in range(depth):
            speed = coefficient(after[i], before[i].mT, k, p)
            W[i][k + 1] = _reduce((speed if masks is None else speed * masks[i]) * inverse, p)
    return W, before, after


class LinearJet:
    """Iterates of ``Z -> Z' - HZ`` along a trajectory of a deep linear network.

    Parameters
    ----------
    weights, control, p, masks : see :func:`trajectory`
    """

    def __init__(self, weights, control, p=PRIME, masks=None):
        self.p, self.masks = p, masks
        W, before, after = trajectory(weights, control, p, masks)
        self.orders, self.depth = len(control) + 1, len(weights)
        self.W, self.WT = [toeplitz(w) for w in W], [toeplitz(w.mT) for w in W]
        self.before = [toeplitz(b) for b in before]
        self.before_T = [toeplitz(b.mT) for b in before]
        self.after, self.after_T = (
            [toeplitz(a) for a in s] for s in (after, [a.mT for a in after])
        )
        self.size = sum(w.size for w in weights)

    def vectors(self, left, right):
        r"""Return the iterates at t = 0 of the gradients of :math:`a^T W_h\cdots W_1\, b`.

        Parameters
        ----------
        left : numpy.ndarray, (n, d_h)
            Vectors a, residues.
        right : numpy.ndarray, (n, d_0)
            Vectors b.

        Returns
        -------
        numpy.ndarray, (K + 1, n, size)
            Order by order, for a control with K coefficients; zeros at constant entries.
        """
        rows = max(1, CHUNK // (self.orders * self.size))
        parts = [
            self._iterates(left[start : start + rows], right[start : start + rows])
            for start in range(0, len(left), rows)
        ]
        return np.concatenate(parts, axis=1)

    def _iterates(self, left, right):
        Z, result, p = self._gradients(left, right), [], self.p
        for order in range(self.orders):
            result.append(np.concatenate([z[:, 0].reshape(len(left), -1) for z in Z], axis=1))
            if order + 1 < self.orders:
                moved = zip(Z, self._hessian([z[:, :-1] for z in Z]), strict=True)
                Z = [_reduce(derivative(z, 1, p) - hz, p) for z, hz in moved]
        return np.stack(result)

    def _gradients(self, left, right):
        """Gradients along the trajectory: outer products of two vector series per layer."""
        series = [np.zeros((len(v), self.orders, v.shape[1], 1)) for v in (left, right)]
        for s, v in zip(series, (left, right), strict=True):
            s[:, 0, :, 0] = v
        ahead, back = [series[1]], [series[0]]
        for i in range(self.depth - 1):
            ahead.append(times(self.W[i], ahead[-1], self.p))
            back.append(times(self.WT[-1 - i], back[-1], self.p))
        return self._masked([_outer(a, b, self.p) for a, b in zip(back[::-1], ahead, strict=True)])

    def _hessian(self, Z):
        """Hessian of <U, phi> times Z, by differentiating both propagations."""
        (n, K), p = Z[0].shape[:2], self.p
        inputs, outputs = Z[0].shape[3], Z[-1].shape[2]
        ahead, back = [np.zeros((n, K, inputs, inputs))], [np.zeros((n, K, outputs, inputs))]
        for i in range(self.depth - 1):
            j = self.depth - 1 - i
            moved = times_right(Z[i], self.before_T[i], p)
            ahead.append(_reduce(times(self.W[i], ahead[-1], p) + moved, p))
            moved = times(self.after_T[j], Z[j], p).mT
            back.append(_reduce(times(self.WT[j], back[-1], p) + moved, p))
        back.reverse()
        return self._masked(
            [
                times_right(back[i], self.before[i], p) + times(self.after[i], ahead[i].mT, p)
                for i in range(self.depth)
            ]
        )

    def _masked(self, Z):
        """Set what belongs to constants to zero."""
        if self.masks is None:
            return Z
        return [z * mask for z, mask in zip(Z, self.masks, strict=True)]


def with_biases(weights, biases):
    r"""Write affine layers as linear ones with a constant unit: ``[[W, b], [0, 1]]``.

    Parameters
    ----------
    weights : list of numpy.ndarray, (d_i, d_{i-1})
    biases : list of numpy.ndarray, (d_i,)
        Of the hidden layers.

    Returns
    -------
    matrices, masks : lists of numpy.ndarray
        For hidden layers ``(d_i + 1, d_{i-1} + 1)``, for the last one ``(d_h, d_{h-1} + 1)`` with
        zeros in the last column; masks are 1 at weights and biases.
    """
    matrices, masks = [], []
    for i, weight in enumerate(weights):
        hidden = i < len(biases)
        rows, columns = weight.shape
        matrix, mask = np.zeros((2, rows + hidden, columns + 1))
        matrix[:rows, :columns], mask[:rows, :columns] = weight, 1
        if hidden:
            matrix[:rows, columns], mask[:rows, columns], matrix[rows, columns] = biases[i], 1, 1
        matrices.append(matrix)
        masks.append(mask)
    return matrices, masks


def _outer(a, b, p):
    """Products of column series (n, K, r, 1) and row series (n, K, c, 1)^T."""
    K = a.shape[1]
    result = np.zeros((len(a), K, a.shape[2], b.shape[2]))
    for k in range(K):
        result[:, k] = _product(a[:, : k + 1, :, 0].mT, b[:, k::-1, :, 0], p)
    return result


def _product(A, B, p):
    """Matrix product, exact modulo p or rounded."""
    return A @ B if p is None else product_mod(A, B, p)


def _reduce(A, p):
    """Reduce modulo p, if there is one."""
    return A if p is None else reduce_mod(A, p)


def _leading(matrix, K, b):
    """Leading block of a Toeplitz matrix for K coefficients of b rows."""
    a = matrix.shape[0] * b // matrix.shape[1]
    return matrix[: K * a, : K * b]
