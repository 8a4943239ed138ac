r"""The flow downstairs: how the model map :math:`z = \phi(\theta)` moves under gradient flow.

For a loss :math:`L(\theta) = \ell(\phi(\theta))` the gradient flow of the parameters gives

.. math:: \dot z = -M(\theta)\,\nabla\ell(z), \qquad M = \partial\phi\,\partial\phi^T .

Where M depends on z and on conserved quantities only, the flow closes: it is a gradient flow in
the metric with inverse M. Each ``metric_...`` returns such an M as a function of z. Matrices z
are flattened row by row. Time is that of :math:`\theta' = -\nabla L`.
"""

import numpy as np

from gradflows.flows import gradient_flow
from gradflows.validation import as_array, as_count

__all__ = [
    "metric_neurons",
    "metric_parallel",
    "metric_product",
    "metric_rank_one",
    "riemannian_flow",
]

RANK_TOLERANCE = 1e-9
"""Singular values below this part of the largest count as zero."""


def metric_rank_one(lam):
    r"""Metric of one linear neuron, :math:`z = uv` with a number u and a vector v.

    .. math:: M = \delta I + \delta^{-1} zz^T, \qquad
        \delta = u^2 = \tfrac12\big(\lambda + \sqrt{\lambda^2 + 4\|z\|^2}\big),

    with the conserved :math:`\lambda = u^2 - \|v\|^2`.

    Parameters
    ----------
    lam : float

    Returns
    -------
    callable
        Takes z (d,), returns M (d, d). At z = 0 with lam <= 0 it raises a ValueError, for there
        M depends on the direction of v.

    Raises
    ------
    ValueError
        If lam is no finite number.

    Notes
    -----
    Source: marcotte2023abide; the condition at z = 0 is this book's.

    Examples
    --------
    >>> metric_rank_one(0.0)([3.0, 4.0]).tolist()
    [[6.8, 2.4], [2.4, 8.2]]
    """
    lam = float(as_array("lam", lam, ()))

    def metric(z):
        z = as_array("z", z, ("d",))
        delta = larger_root(lam, z @ z)
        if delta == 0:
            raise ValueError("z: expected z != 0 for lam <= 0, there the metric is not determined")
        return delta * np.eye(len(z)) + np.outer(z, z) / delta

    return metric


def metric_neurons(lam, shape):
    r"""Metric of two layers of ReLUs, :math:`z_k = u_kv_k^T` for each hidden neuron k.

    :math:`u_k` is column k of W_2, :math:`v_k` is row k of W_1 (with its bias appended, if there
    is one). With :math:`\lambda_k = \|u_k\|^2 - \|v_k\|^2` the metric has one block a neuron,

    .. math:: G \mapsto \|z\|^{-2}\,(\alpha\, zz^TG + \beta\, Gz^Tz), \qquad
        \alpha = \tfrac12\big(\lambda + \sqrt{\lambda^2 + 4\|z\|_F^2}\big), \quad
        \beta = \alpha - \lambda .

    Parameters
    ----------
    lam : array_like, (r,)
    shape : tuple of int
        Shape ``(d_h, d_0)`` of each z_k, with biases ``(d_h, d_0 + 1)``.

    Returns
    -------
    callable
        Takes z (r * d_h * d_0,), returns the square matrix M of this size; a ValueError if some
        z_k is zero.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: this book; the case of involutive maps is that of marcotte2023abide.
    """
    lam = as_array("lam", lam, ("r",))
    rows, columns = (as_count("shape", n) for n in _pair("shape", shape))
    block = rows * columns

    def metric(z):
        z = as_array("z", z, (len(lam) * block,)).reshape(len(lam), rows, columns)
        M = np.zeros((z.size, z.size))
        for k, (entry, value) in enumerate(zip(z, lam, strict=True)):
            square = np.sum(entry**2)
            if square == 0:
                raise ValueError(f"z: expected each neuron to be nonzero, number {k} is zero")
            alpha = larger_root(value, square) / square
            beta = larger_root(-value, square) / square
            place = slice(k * block, (k + 1) * block)
            M[place, place] = sylvester(alpha * entry @ entry.T, beta * entry.T @ entry)
        return M

    return metric


def metric_product(lam):
    r"""Metric of a chain of h numbers, :math:`z = \theta_1\cdots\theta_h`.

    .. math:: M = z^2\sum_i \theta_i^{-2}, \qquad \theta_i^2 = s + \lambda_i,

    where :math:`\lambda_i = \theta_i^2 - \theta_1^2` are conserved and s is the largest real
    root of :math:`\prod_i(s + \lambda_i) = z^2`.

    Parameters
    ----------
    lam : array_like, (h,)

    Returns
    -------
    callable
        Takes z (1,), returns M (1, 1); a ValueError if z = 0.

    Raises
    ------
    ValueError
        If lam is no finite vector.

    Notes
    -----
    Source: this book.
    """
    lam = as_array("lam", lam, ("h",))

    def metric(z):
        z = float(as_array("z", z, (1,))[0])
        if z == 0:
            raise ValueError("z: expected a number other than 0")
        squares = _root(lam, z * z) + (lam - lam.min())
        return np.array([[z * z * np.sum(1 / squares)]])

    return metric


def metric_parallel(C):
    r"""Metric of two linear layers with one input and one output, :math:`z = W_2W_1`.

    .. math:: M = \|W_1\|^2 + \|W_2\|^2 = \sqrt{4z^2 + 2\,\mathrm{tr}\,C^2 - (\mathrm{tr}\,C)^2}

    with the imbalance :math:`C = W_2^TW_2 - W_1W_1^T`; it holds at every point.

    Parameters
    ----------
    C : array_like, (d_1, d_1)

    Returns
    -------
    callable
        Takes z (1,), returns M (1, 1).

    Raises
    ------
    ValueError
        If C is not square, or no imbalance of such a network: its only nonzero eigenvalues are
        at most one positive and one negative.

    Notes
    -----
    Source: this book.
    """
    C = as_array("C", C, ("d", "d"))
    values = np.linalg.eigvalsh(C)
    small = RANK_TOLERANCE * np.abs(values).max()
    if np.abs(C - C.T).max() > small or np.any(np.abs(values[1:-1]) > small):
        raise ValueError("C: expected a symmetric matrix with at most one eigenvalue of each sign")
    constant = 2 * np.sum(C * C) - np.trace(C) ** 2

    def metric(z):
        z = float(as_array("z", z, (1,))[0])
        return np.array([[np.sqrt(max(0.0, 4 * z * z + constant))]])

    return metric


def riemannian_flow(metric, loss, gradient, z0, t_end, **options):
    r"""Follow the flow :math:`\dot z = -M(z)\nabla\ell(z)` from 0 to ``t_end``.

    Parameters
    ----------
    metric : callable
        Takes z (d,), returns M (d, d), symmetric and positive semidefinite.
    loss, gradient : callable
        Take z (d,), return :math:`\ell(z)` and its gradient (d,).
    z0 : array_like, (d,)
    t_end : float
    **options
        As for :func:`gradflows.flows.gradient_flow`.

    Returns
    -------
    Trajectory
        With z in ``theta``.

    Raises
    ------
    IntegrationError
        If the flow cannot reach ``t_end``.
    ValueError
        If an argument is not as described, or the metric is not determined on the way.
    """
    for name, value in (("metric", metric), ("loss", loss), ("gradient", gradient)):
        if not callable(value):
            raise ValueError(f"{name}: expected a callable, got {type(value).__name__}")
    return gradient_flow(_Downstairs(metric, loss, gradient), z0, t_end, **options)


class _Downstairs:
    """A loss on z with the gradient that the metric makes of it."""

    def __init__(self, metric, loss, gradient):
        self.loss = lambda z: float(loss(z))
        self.gradient = lambda z: metric(z) @ np.ravel(gradient(z))


def larger_root(lam, square):
    """Larger root of x^2 - lam x - square, without cancellation; zero if both vanish."""
    root = np.sqrt(lam * lam + 4 * square)
    if lam >= 0:
        return (lam + root) / 2
    return 2 * square / (root - lam)


def _root(lam, square):
    """Smallest of the s + lam_i for the largest root s, by bisection in its logarithm."""
    gaps = lam - lam.min()
    high = square ** (1 / len(lam))
    low = min(high, square / np.prod(gaps + high) * high)
    for _ in range(100):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if np.prod(middle + gaps) < square else (low, middle)
    return high


def sylvester(P, R):
    """Matrix of G -> P G + G R for G flattened row by row."""
    return np.kron(P, np.eye(len(R))) + np.kron(np.eye(len(P)), R.T)


def _pair(name, value):
    """Check a pair of numbers."""
    value = tuple(np.atleast_1d(value))
    if len(value) != 2:
        raise ValueError(f"{name}: expected two numbers, got {len(value)}")
    return value
