r"""Reduction of data to one matrix: whitening, then singular values.

.. math:: \tfrac12\|Y - WX\|_F^2 = \tfrac12\|\Sigma - U^T W T\|_F^2 + \text{constant}.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.deep_linear.ranks import count_nonzero
from gradflows.deep_linear.weights import as_weights
from gradflows.validation import as_array, as_positive

__all__ = ["ReducedData", "reduce_data"]


@dataclass(frozen=True, eq=False)
class ReducedData:
    r"""What :func:`reduce_data` leaves of a data set.

    Attributes
    ----------
    Sigma : numpy.ndarray, (d_h, q)
        Rectangular diagonal, with q = rank X.
    sigma : numpy.ndarray, (min(d_h, q),)
        Its diagonal, decreasing: the singular values of :math:`YX^T(XX^T)^{-1/2}`.
    output_basis : numpy.ndarray, (d_h, d_h)
        The orthogonal matrix U.
    input_map : numpy.ndarray, (d_0, q)
        The matrix T with :math:`TT^T = XX^T`.
    constant : float
        What no linear map can fit, :math:`\tfrac12(\|Y\|_F^2 - \|\Sigma\|_F^2)`.
    orthogonal : bool
        Whether the columns of T are orthonormal, that is :math:`XX^T` is the identity or, if q
        is less than d_0, a projector. Only then does the reduction take the flow to the flow;
        otherwise it takes critical points to critical points.
    """

    Sigma: np.ndarray
    sigma: np.ndarray
    output_basis: np.ndarray
    input_map: np.ndarray
    constant: float
    orthogonal: bool

    def reduce(self, weights):
        r"""Change coordinates at both ends: :math:`W_1 T` and :math:`U^T W_h`.

        Parameters
        ----------
        weights : sequence of array_like
            ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

        Returns
        -------
        list of numpy.ndarray
            Weights of the reduced problem, with q inputs.

        Raises
        ------
        ValueError
            If the weights do not fit the data.
        """
        return self._change(weights, self.output_basis.T, self.input_map)

    def restore(self, weights):
        r"""Go back: :math:`\tilde W_1 T^+` and :math:`U \tilde W_h`.

        Parameters
        ----------
        weights : sequence of array_like
            Weights of the reduced problem.

        Returns
        -------
        list of numpy.ndarray
            ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``; they ignore inputs that no sample
            has.

        Raises
        ------
        ValueError
            If the weights do not fit the reduced problem.
        """
        return self._change(weights, self.output_basis, np.linalg.pinv(self.input_map))

    def _change(self, weights, left, right):
        """Multiply the first layer from the right and the last from the left."""
        weights = as_weights(weights)
        as_array("weights: W_1", weights[0], ("d_1", len(right)))
        as_array(f"weights: W_{len(weights)}", weights[-1], (len(left), "d"))
        changed = [weights[0] @ right, *weights[1:]]
        changed[-1] = left @ changed[-1]
        return changed


def reduce_data(X, Y, *, tol=1e-9):
    r"""Reduce a data set to the matrix of singular values that a linear network learns.

    With the singular value decompositions :math:`X = U_x S_x V_x^T` (q = rank X values) and
    :math:`Y V_x = U \Sigma V^T`, the loss of :math:`W` on the data is, up to a constant, that of
    :math:`U^T W T` on :math:`\Sigma`, where :math:`T = U_x S_x V`.

    Parameters
    ----------
    X : array_like, (d_0, n)
        Inputs, one column a sample.
    Y : array_like, (d_h, n)
        Labels. For the mean loss divide both by :math:`\sqrt n`.
    tol : float
        Relative size below which a singular value of X counts as zero.

    Returns
    -------
    ReducedData

    Raises
    ------
    UndecidedRankError
        If a singular value of X, relative to the largest, lies between ``tol`` and
        ``100 * tol``.
    ValueError
        If shapes do not fit, or X is zero.

    Notes
    -----
    Unless ``orthogonal`` holds, only the landscape is carried over: whitening is no orthogonal
    change of variables, so the flow, its clock and its rates are others. Critical values use the
    singular values of :math:`YX^T(XX^T)^{-1/2}`, not those of :math:`YX^T`.
    Source: baldi1989neural, saxe2014exact; the extension to any X is this book's.
    """
    X = as_array("X", X, ("d_0", "n"))
    Y = as_array("Y", Y, ("d_h", X.shape[1]))
    frame, scales, samples = np.linalg.svd(X, full_matrices=False)
    rank = count_nonzero(scales, scales[0], as_positive("tol", tol), "X")
    if rank == 0:
        raise ValueError("X: expected inputs that are not all zero")
    core = Y @ samples[:rank].T
    output_basis, sigma, modes = np.linalg.svd(core)
    Sigma = np.zeros_like(core)
    np.fill_diagonal(Sigma, sigma)
    input_map = (frame[:, :rank] * scales[:rank]) @ modes.T
    gram = input_map.T @ input_map
    return ReducedData(
        Sigma=Sigma,
        sigma=sigma,
        output_basis=output_basis,
        input_map=input_map,
        constant=0.5 * float(np.sum((Y - core @ samples[:rank]) ** 2)),
        orthogonal=bool(np.allclose(gram, np.eye(rank), rtol=0, atol=1e-12)),
    )
