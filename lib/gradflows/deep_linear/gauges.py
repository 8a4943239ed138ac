r"""Gauge group: changes of basis in the hidden layers, which leave the product as it is.

A gauge is a list :math:`P_1, \dots, P_{h-1}` of invertible matrices, one for each hidden layer,
that acts by :math:`W_i \mapsto P_iW_iP_{i-1}^{-1}` with :math:`P_0 = P_h = I`.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights, widths_of
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["gauge_act", "gauge_direction", "random_gauge"]


def gauge_act(gauge, weights):
    r"""Let a gauge act: :math:`W_i \mapsto P_iW_iP_{i-1}^{-1}`.

    Parameters
    ----------
    gauge : sequence of array_like
        ``[P_1, ..., P_{h-1}]``, shapes ``(d_i, d_i)``, invertible.
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    list of numpy.ndarray
        With the same product and the same loss.

    Raises
    ------
    ValueError
        If shapes do not fit, or a matrix is singular.

    Notes
    -----
    Gradients change by :math:`P_i^{-T}\nabla_iP_{i-1}^T`, so critical points stay critical with
    the same inertia of the Hessian. The flow is carried along only by orthogonal gauges.
    Source: trager2020pure for the action.
    """
    weights = as_weights(weights)
    frames = _checked_gauge(gauge, weights)
    moved = [frames[0] @ weights[0]] if frames else [weights[0].copy()]
    for i, weight in enumerate(weights[1:], start=1):
        try:
            image = np.linalg.solve(frames[i - 1].T, weight.T).T
        except np.linalg.LinAlgError:
            raise ValueError(f"gauge: expected invertible matrices, P_{i} is singular") from None
        moved.append(frames[i] @ image if i < len(frames) else image)
    return moved


def gauge_direction(generators, weights):
    r"""Velocity of the gauge action: :math:`X_iW_i - W_iX_{i-1}` with :math:`X_0 = X_h = 0`.

    Parameters
    ----------
    generators : sequence of array_like
        ``[X_1, ..., X_{h-1}]``, shapes ``(d_i, d_i)``, any matrices.
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    list of numpy.ndarray
        Directions of the shapes of the weights; the blocks of :math:`[X, A]`.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    The gradient is orthogonal to them everywhere, and they lie in the kernel of the Hessian at
    critical points. Source: this book.
    """
    weights = as_weights(weights)
    return generated(_checked_gauge(generators, weights, name="generators"), weights)


def random_gauge(widths, *, rng, condition=10.0, orthogonal=False):
    r"""Draw a gauge whose matrices have condition numbers of at most ``condition``.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``.
    rng : numpy.random.Generator
    condition : float
        At least 1. Singular values are log-uniform in :math:`[c^{-1/2}, c^{1/2}]`, between two
        uniformly distributed rotations.
    orthogonal : bool
        Draw orthogonal matrices instead.

    Returns
    -------
    list of numpy.ndarray
        ``[P_1, ..., P_{h-1}]``, shapes ``(d_i, d_i)``.

    Raises
    ------
    ValueError
        If a width is no positive integer, or the condition number is below 1.
    """
    sizes = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)][1:-1]
    if as_positive("condition", condition) < 1:
        raise ValueError(f"condition: expected a number >= 1, got {condition}")
    gauge = []
    for size in sizes:
        frame = random_frame(size, size, rng)
        if not orthogonal:
            scales = condition ** rng.uniform(-0.5, 0.5, size)
            frame = (frame * scales) @ random_frame(size, size, rng)
        gauge.append(frame)
    return gauge


def random_frame(rows, columns, rng):
    """Draw a uniformly distributed matrix with orthonormal columns."""
    frame, triangle = np.linalg.qr(rng.standard_normal((rows, columns)))
    signs = np.sign(np.diag(triangle))
    return frame * np.where(signs == 0, 1.0, signs)


def _checked_gauge(gauge, weights, name="gauge"):
    """Check h - 1 square matrices of the sizes of the hidden layers."""
    sizes, gauge = widths_of(weights)[1:-1], list(gauge)
    if len(gauge) != len(sizes):
        raise ValueError(f"{name}: expected {len(sizes)} matrices, got {len(gauge)}")
    return [
        as_array(f"{name}[{i}]", matrix, (size, size))
        for i, (matrix, size) in enumerate(zip(gauge, sizes, strict=True))
    ]


def generated(generators, weights):
    """Blocks of [X, A] for checked arguments."""
    moved = []
    for i, weight in enumerate(weights):
        velocity = np.zeros_like(weight)
        if i < len(generators):
            velocity += generators[i] @ weight
        if i > 0:
            velocity -= weight @ generators[i - 1]
        moved.append(velocity)
    return moved
