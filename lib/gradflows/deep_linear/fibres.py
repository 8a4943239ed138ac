r"""Fibres: orbits under the gauge group, and the balanced point that represents each fibre.

All weights with the same product form a fibre; the gauge group of
:mod:`gradflows.deep_linear.gauges` acts on it. Whitened data throughout.
"""

import numpy as np

from gradflows.deep_linear.gauges import generated, random_frame
from gradflows.deep_linear.matrix_flow import imbalances
from gradflows.deep_linear.products import multiply
from gradflows.deep_linear.ranks import path_counts, rank_pattern
from gradflows.deep_linear.weights import as_weights, widths_of
from gradflows.flows import gradient_flow
from gradflows.networks import DeepLinear
from gradflows.validation import as_array, as_count

__all__ = [
    "balance",
    "balanced_factors",
    "moment_map_flow",
    "orbit_dimension",
    "schatten_cost",
]


def orbit_dimension(weights, *, tol=1e-9):
    r"""Dimension of the orbit under the gauge group.

    With :math:`m_{ab}` the number of paths from layer a to layer b
    (:func:`~gradflows.deep_linear.ranks.path_counts`),

    .. math::

        \sum_{i=1}^{h-1} d_i^2
        - \sum_{c \le a \le d \le b,\; a \ge 1,\; d \le h-1} m_{ab}m_{cd} ,

    and :math:`\sum_i \big(d_i^2 - (d_i - r)^2\big)` if there are no stubs.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    int

    Raises
    ------
    UndecidedRankError
        If a rank cannot be decided.
    ValueError
        If shapes do not fit.

    Notes
    -----
    The second sum is the dimension of the stabiliser: a path maps to another if it can be cut
    off at its end and prolonged at its beginning to become the other. Source: this book.
    """
    weights = as_weights(weights)
    counts, depth = path_counts(weights, tol=tol), len(weights)
    stabiliser = sum(
        counts[a, b] * counts[c, d]
        for a, b in counts
        for c, d in counts
        if c <= a <= d <= b and a >= 1 and d <= depth - 1
    )
    return sum(width**2 for width in widths_of(weights)[1:-1]) - stabiliser


def balanced_factors(W, widths, rank, *, rng=None):
    r"""Factor a matrix into balanced layers, :math:`W_i = F_i S^{1/h} F_{i-1}^T`.

    Here :math:`W = U S V^T`, cut off after ``rank`` singular values, :math:`F_0 = V`,
    :math:`F_h = U`, and the hidden frames have orthonormal columns.

    Parameters
    ----------
    W : array_like, (d_h, d_0)
    widths : sequence of int
        ``(d_0, ..., d_h)``, all at least ``rank``.
    rank : int
        At least 0. It must be given: the h-th root makes a large number of a rounding error.
    rng : numpy.random.Generator, optional
        Draw the hidden frames; by default they are the first columns of the identity.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, with all imbalances zero; their product
        is the best approximation of W of the given rank.

    Raises
    ------
    ValueError
        If shapes do not fit, a width is less than the rank, or the singular value with the
        number ``rank`` is zero up to rounding.

    Notes
    -----
    Source: arora2018optimization.
    """
    sizes = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    W, rank = as_array("W", W, (sizes[-1], sizes[0])), as_count("rank", rank, minimum=0)
    left, values, right = np.linalg.svd(W, full_matrices=False)
    if rank > min(sizes) or (rank and values[rank - 1] <= 1e-12 * values[0]):
        raise ValueError(
            f"rank: expected at most the least width, {min(sizes)}, and the rank of W, got {rank}"
        )
    hidden = [
        np.eye(size, rank) if rng is None else random_frame(size, rank, rng) for size in sizes[1:-1]
    ]
    frames = [right[:rank].T, *hidden, left[:, :rank]]
    return _framed(frames, values[:rank])


def balance(weights, *, tol=1e-9):
    r"""Replace weights by balanced ones with the same product, keeping their hidden frames.

    If no stubs exist, the result lies in the gauge orbit of the weights and has the least norm
    there. If stubs exist, the orbit is not closed, and the result lies in its closure. Up to an
    orthogonal gauge it is the limit of the moment-map flow.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    tol : float
        Relative precision to which the weights are trusted.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]`` with all imbalances zero; balanced weights come back unchanged.

    Raises
    ------
    UndecidedRankError
        If the rank of the product cannot be decided.
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: kempf1979length; lindsey2025regularization.
    """
    weights = as_weights(weights)
    left, values, right = np.linalg.svd(multiply(weights), full_matrices=False)
    rank = rank_pattern(weights, tol=tol)[len(weights), 1]
    values, frames = values[:rank], [right[:rank].T]
    image, root = frames[0], values ** (1 / len(weights))
    for weight in weights[:-1]:
        image = weight @ image / root
        before, _, after = np.linalg.svd(image, full_matrices=False)
        frames.append(before @ after)
    return _framed([*frames, left[:, :rank]], values)


def moment_map_flow(weights, t_end, *, times=None, rtol=1e-9, atol=1e-12):
    r"""Shrink the norm within the gauge orbit: steepest descent along the group.

    .. math:: \dot W_i = C_iW_i - W_iC_{i-1}, \qquad C_0 = C_h = 0,

    along which the product stays and
    :math:`\tfrac{d}{dt}\tfrac12\sum_i\|W_i\|_F^2 = -\sum_i\|C_i\|_F^2`.

    Parameters
    ----------
    weights : sequence of array_like
        Start ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    t_end : float
        Positive; time of the equation above, not that of a gradient flow of the loss.
    times : array_like, (n_times,), optional
        Increasing times in [0, t_end] to save.
    rtol, atol : float
        Local tolerances of DOP853.

    Returns
    -------
    Trajectory
        Its ``theta`` holds the weights in the order of ``DeepLinear``, its ``loss`` half the sum
        of the squares of all weights, which falls.

    Raises
    ------
    IntegrationError
        If the end is not reached.
    ValueError
        If shapes do not fit, or an argument is out of range.

    Notes
    -----
    It is also the gradient flow of :math:`\tfrac14\sum_i\|C_i\|_F^2`, and converges. On a closed
    orbit the norm tends to its minimum, at a balanced point, exponentially; on others to the
    infimum, which is not attained, never faster than 1/t.
    Source: kempf1979length; lindsey2025regularization.
    """
    orbit = _Orbit(as_weights(weights))
    start = np.concatenate([weight.ravel() for weight in as_weights(weights)])
    return gradient_flow(orbit, start, t_end, times=times, method="DOP853", rtol=rtol, atol=atol)


class _Orbit:
    """Half the squared norm of the weights as a function on a gauge orbit, for the integrator."""

    def __init__(self, weights):
        self.network = DeepLinear(widths_of(weights))
        self.size = self.network.size

    def loss(self, theta):
        """Half the sum of all squares."""
        return 0.5 * np.sum(theta**2, axis=-1)

    def gradient(self, theta):
        """Minus the velocity, the gradient in the metric of the group."""
        weights = self.network.split(theta)
        velocity = generated(imbalances(weights), weights)
        return -np.concatenate([part.ravel() for part in velocity])


def schatten_cost(W, depth, *, rank=None):
    r"""Least possible :math:`\sum_i \|W_i\|_F^2` of h layers with product W.

    .. math:: h \sum_k s_k(W)^{2/h} .

    Parameters
    ----------
    W : array_like, (d_h, d_0)
    depth : int
        The number h of layers, at least 1.
    rank : int, optional
        Number of singular values that count; by default those above 1e-12 of the largest. The
        roots make large numbers of rounding errors.

    Returns
    -------
    float
        Attained exactly at balanced factors.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: lindsey2025regularization.
    """
    depth = as_count("depth", depth)
    values = np.linalg.svd(as_array("W", W, ("d_h", "d_0")), compute_uv=False)
    if rank is None:
        values = values[values > 1e-12 * values[0]]
    else:
        values = values[: as_count("rank", rank, minimum=0)]
    return depth * float(np.sum(values ** (2 / depth)))


def _framed(frames, values):
    """Build the layers F_i S^(1/h) F_{i-1}^T."""
    root = values ** (1 / (len(frames) - 1))
    return [(after * root) @ before.T for before, after in zip(frames, frames[1:], strict=False)]
