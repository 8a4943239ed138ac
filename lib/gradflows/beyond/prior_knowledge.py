r"""What a two-layer linear network already knows, and what it can therefore learn.

Loss :math:`\tfrac12\|\Sigma - W_2W_1\|_F^2` with whitened inputs and a square invertible
:math:`\Sigma`.
"""

import numpy as np

from gradflows.deep_linear.weights import as_target, as_weights

__all__ = ["prior_seeds"]


def prior_seeds(weights, Sigma):
    r"""Part of the start of two linear layers that grows under a new task.

    With :math:`\Sigma = \sum_k\sigma_ku_kv_k^T`, row k of

    .. math:: A = \tfrac1{\sqrt2}\big(U^TW_2 + V^TW_1^T\big)

    grows like :math:`e^{\sigma_kt}` as long as the network is small. From a balanced start the
    network learns :math:`\Sigma` exactly if A has full row rank.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, W_2]``, shapes ``(d_1, d)`` and ``(d, d_1)``.
    Sigma : array_like, (d, d)
        Invertible.

    Returns
    -------
    numpy.ndarray, (d, d_1)
        Rows in the order of falling singular values. Where singular values coincide the rows depend
        on the choice of singular vectors; the rank does not.

    Raises
    ------
    ValueError
        If shapes do not fit, or Sigma is not square or not invertible.

    Notes
    -----
    Source: this book; the closed form of the flow is that of braun2022exact.

    Examples
    --------
    >>> abs(prior_seeds([[[1.0]], [[1.0]]], [[-2.0]])).tolist()  # it knows the opposite
    [[0.0]]
    """
    weights = as_weights(weights, depth=2)
    Sigma = as_target(Sigma, weights)
    if Sigma.shape[0] != Sigma.shape[1]:
        raise ValueError(f"Sigma: expected a square matrix, got shape {Sigma.shape}")
    U, sigma, Vt = np.linalg.svd(Sigma)
    if sigma[-1] <= 1e-12 * sigma[0]:
        raise ValueError("Sigma: expected an invertible matrix")
    return (U.T @ weights[1] + Vt @ weights[0].T) / np.sqrt(2)
