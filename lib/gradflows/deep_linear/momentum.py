r"""What momentum, :math:`\ddot A + \gamma\dot A = -\nabla L(A)`, does to the conserved imbalances.

The imbalances :math:`C_i = W_{i+1}^T W_{i+1} - W_i W_i^T` move, but by exact laws. They hold for
every loss of the product; for friction that depends on time read
:math:`\int\gamma` for :math:`\gamma t`.
"""

from gradflows.deep_linear.weights import as_weights
from gradflows.validation import as_array


def skew_charges(weights, velocities):
    r"""Skew-symmetric matrices that momentum damps at the rate of the friction, exactly.

    Along :math:`\ddot A + \gamma\dot A = -\nabla L` every

    .. math:: e^{\gamma t}\operatorname{skew}\big(\dot W_i W_i^T - W_{i+1}^T\dot W_{i+1}\big)

    is constant (:math:`\operatorname{skew} M = (M - M^T)/2`), the angular momentum of the
    orthogonal gauge symmetry. It is void for hidden layers of width 1.

    Parameters
    ----------
    weights, velocities : sequence of array_like
        ``[W_1, ..., W_h]`` and their time derivatives, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    list of numpy.ndarray
        For i = 1..h-1, shapes ``(d_i, d_i)``, without the exponential.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    charges = []
    for inner, outer, d_inner, d_outer in _hidden(weights, velocities):
        moment = d_inner @ inner.T - outer.T @ d_outer
        charges.append(0.5 * (moment - moment.T))
    return charges


def imbalance_velocities(weights, velocities):
    r"""Time derivatives of the imbalances: :math:`\dot C_i`, zero along gradient flow.

    Parameters
    ----------
    weights, velocities : sequence of array_like
        ``[W_1, ..., W_h]`` and their time derivatives, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    list of numpy.ndarray
        For i = 1..h-1, shapes ``(d_i, d_i)``.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Under momentum :math:`\ddot C_i + \gamma\dot C_i` is :func:`imbalance_sources`.
    Source: this book.
    """
    changes = []
    for inner, outer, d_inner, d_outer in _hidden(weights, velocities):
        half = outer.T @ d_outer - d_inner @ inner.T
        changes.append(half + half.T)
    return changes


def imbalance_sources(velocities):
    r"""Drive of the imbalances under momentum.

    .. math:: \ddot C_i + \gamma\dot C_i
        = 2\big(\dot W_{i+1}^T\dot W_{i+1} - \dot W_i\dot W_i^T\big),

    the continuous counterpart of the drift under gradient descent.

    Parameters
    ----------
    velocities : sequence of array_like
        ``[W_1', ..., W_h']``, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    list of numpy.ndarray
        For i = 1..h-1, shapes ``(d_i, d_i)``.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    velocities = as_weights(velocities, name="velocities")
    return [
        2 * (outer.T @ outer - inner @ inner.T)
        for inner, outer in zip(velocities, velocities[1:], strict=False)
    ]


def _hidden(weights, velocities):
    """Pair weights and velocities on both sides of every hidden layer."""
    weights = as_weights(weights)
    velocities = as_weights(velocities, depth=len(weights), name="velocities")
    for i, (matrix, velocity) in enumerate(zip(weights, velocities, strict=True), start=1):
        as_array(f"velocities: W_{i}'", velocity, matrix.shape)
    return zip(weights, weights[1:], velocities, velocities[1:], strict=False)
