"""Matrix completion by linear networks: a loss on some entries, and a rank that is not integer."""

import numpy as np

from gradflows.losses import Loss
from gradflows.validation import as_array

__all__ = ["MaskedSquaredLoss", "effective_rank"]


class MaskedSquaredLoss(Loss):
    r"""Squared loss on the observed entries.

    :math:`\ell(x) = \tfrac12\sum_{(i,j)\in\Omega}(x_{ij} - Y_{ij})^2`.

    Parameters
    ----------
    Y : array_like, (d_h, n)
        Entries that are not observed may be anything finite.
    observed : array_like of bool, (d_h, n)
        The set :math:`\Omega`, not empty.

    Raises
    ------
    ValueError
        If the shapes differ, the mask is not boolean, or nothing is observed.

    Notes
    -----
    Source: gunasekar2017implicit.
    """

    def __init__(self, Y, observed):
        super().__init__(Y)
        observed = np.asarray(observed)
        if observed.dtype != bool or observed.shape != self.labels.shape or not observed.any():
            raise ValueError(
                f"observed: expected a boolean array of shape {self.labels.shape} that is not "
                f"empty, got {observed.dtype} of shape {observed.shape}"
            )
        self.observed = observed.astype(float)

    def _value(self, outputs):
        return 0.5 * np.sum(self.observed * np.square(outputs - self.labels), axis=(-2, -1))

    def _gradient(self, outputs):
        return self.observed * (outputs - self.labels)

    def _hessian_product(self, outputs, direction):
        shape = np.broadcast_shapes(outputs.shape, direction.shape)
        return np.broadcast_to(self.observed * direction, shape)


def effective_rank(W):
    r"""Exponential of the entropy of the normalised singular values.

    :math:`\exp\big(-\sum_kp_k\ln p_k\big)` with :math:`p_k = \sigma_k/\sum_j\sigma_j`: a number
    between 1 and the rank, equal to the rank if all nonzero singular values are equal.

    Parameters
    ----------
    W : array_like, (m, n)
        Not zero.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If W is no finite matrix, or zero.

    Notes
    -----
    A measure used by arora2019implicit.

    Examples
    --------
    >>> round(effective_rank([[2.0, 0.0], [0.0, 2.0]]), 9)
    2.0
    """
    sigma = np.linalg.svd(as_array("W", W, ("m", "n")), compute_uv=False)
    if sigma[0] == 0:
        raise ValueError("W: expected a matrix other than zero")
    shares = sigma[sigma > 0] / sigma.sum()
    return float(np.exp(-np.sum(shares * np.log(shares))))
