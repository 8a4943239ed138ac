r"""One attention head, as a network for `gradflows.Problem`, and its conserved imbalances."""

import numpy as np
from scipy.special import softmax

from gradflows.validation import as_array, as_count

__all__ = ["AttentionHead"]


class AttentionHead:
    r"""One head of soft-max attention.

    Tokens :math:`x_1, \dots, x_T` (columns) become

    .. math:: y_i = O \sum_j a_{ij} V x_j, \qquad
        a_{i\cdot} = \operatorname{softmax}_j\big((Q x_i)^T K x_j\big).

    Parameters
    ----------
    width : int
        Dimension d of a token; outputs have the same.
    rank : int
        Dimension r of queries, keys and values.
    length : int
        Number T of tokens of a sequence. The columns of the inputs are cut into sequences.

    Attributes
    ----------
    widths : tuple of int
        ``(width, width)``.
    size : int
        Number of parameters, ``4 * rank * width``.
    length : int

    Raises
    ------
    ValueError
        If a number is no positive integer.

    Notes
    -----
    ``theta`` holds Q, K, V of shape ``(r, d)`` and O of shape ``(d, r)``, each flattened row by
    row. There is no ``second_order``: integrate with ``method="DOP853"``.
    """

    def __init__(self, width, rank, length):
        d, r = as_count("width", width), as_count("rank", rank)
        self.length, self.widths, self.size = as_count("length", length), (d, d), 4 * r * d
        self._shapes = [(r, d), (r, d), (r, d), (d, r)]

    def __repr__(self):
        return f"AttentionHead(width={self.widths[0]}, rank={self._shapes[0][0]})"

    def split(self, theta):
        """Cut ``theta`` into its four matrices.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        list of numpy.ndarray
            Q, K, V, O, of shapes ``(r, d)`` and ``(d, r)``, or with a leading k.

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.
        """
        theta = as_array("theta", theta, (self.size,), stack=True)
        parts = np.split(theta, 4, axis=-1)
        lead = theta.shape[:-1]
        return [part.reshape(lead + s) for part, s in zip(parts, self._shapes, strict=True)]

    def outputs(self, theta, X):
        """Send sequences through the head.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d, n)
            The columns are tokens; n is a multiple of ``length``.

        Returns
        -------
        numpy.ndarray, (d, n) or (k, d, n)

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        matrices = self.split(theta)
        output = matrices[3][..., None, :, :] @ self._forward(matrices, self._cut("X", X))[-1]
        return np.moveaxis(output, -3, -2).reshape(*output.shape[:-3], self.widths[0], -1)

    def pullback(self, theta, X, cotangent):
        r"""Pull a derivative in the outputs back to the parameters: :math:`J^T vec(g)`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)
        X : array_like, (d, n)
        cotangent : array_like, (d, n), or (k, d, n) for a stack

        Returns
        -------
        numpy.ndarray, (size,) or (k, size)

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        Q, K, V, O = matrices = self.split(theta)  # noqa: E741
        X, G = self._cut("X", X), self._cut("cotangent", cotangent)
        queries, keys, values, attention, mixed = self._forward(matrices, X)
        d_mixed = O.mT[..., None, :, :] @ G
        d_attention = d_mixed.mT @ values
        mean = np.sum(attention * d_attention, axis=-1, keepdims=True)
        d_scores = attention * (d_attention - mean)
        parts = [keys @ d_scores.mT @ X.mT, queries @ d_scores @ X.mT]
        parts += [d_mixed @ attention @ X.mT, G @ mixed.mT]
        sums = [part.sum(axis=-3) for part in parts]
        return np.concatenate([part.reshape(*part.shape[:-2], -1) for part in sums], axis=-1)

    def jacobian(self, theta, X):
        r"""Differentiate the outputs in the parameters.

        Parameters
        ----------
        theta : array_like, (size,)
        X : array_like, (d, n)

        Returns
        -------
        numpy.ndarray, (n*d, size)
            Rows token by token. They span the gradients of all losses on these tokens.

        Raises
        ------
        ValueError
            If a shape does not fit, or an entry is NaN or infinite.
        """
        theta = as_array("theta", theta, (self.size,))
        d, n = np.shape(X)
        units = np.eye(n * d).reshape(n * d, n, d).mT
        return self.pullback(np.broadcast_to(theta, (n * d, self.size)), X, units)

    def imbalances(self, theta):
        r"""Conserved matrices :math:`QQ^T - KK^T` and :math:`O^T O - VV^T`.

        Parameters
        ----------
        theta : array_like, (size,) or (k, size)

        Returns
        -------
        list of numpy.ndarray
            Two, of shape ``(r, r)`` or ``(k, r, r)``.

        Raises
        ------
        ValueError
            If ``theta`` has another shape, or holds NaN or infinity.

        Notes
        -----
        Source: marcotte2025transformative.
        """
        Q, K, V, O = self.split(theta)  # noqa: E741
        return [Q @ Q.mT - K @ K.mT, O.mT @ O - V @ V.mT]

    def _forward(self, matrices, X):
        """Compute queries, keys, values, attention and mixed values, sequences in front."""
        queries, keys, values = (matrix[..., None, :, :] @ X for matrix in matrices[:3])
        attention = softmax(queries.mT @ keys, axis=-1)
        return queries, keys, values, attention, values @ attention.mT

    def _cut(self, name, columns):
        """Cut (..., d, n) into sequences (..., n / length, d, length)."""
        columns = as_array(name, columns, (self.widths[0], "n"), stack=True)
        if columns.shape[-1] % self.length:
            raise ValueError(
                f"{name}: expected a multiple of {self.length} columns, got {columns.shape[-1]}"
            )
        cut = columns.reshape(*columns.shape[:-1], -1, self.length)
        return np.moveaxis(cut, -2, -3)
