r"""Beyond the quadratic loss, the layered graph and simple singular values."""

import numpy as np

from gradflows.deep_linear.products import heads
from gradflows.deep_linear.weights import as_weights
from gradflows.losses import Loss
from gradflows.validation import as_array


class WeightedSquaredLoss(Loss):
    r"""Squared loss with a weight for every entry.

    :math:`\ell(x) = \tfrac12\sum_{ij}\omega_{ij}(x_{ij} - Y_{ij})^2`. With a bottleneck it has
    local minima that are not global, which the unweighted loss on whitened data never has.

    Parameters
    ----------
    Y : array_like, (d_h, n)
    omega : array_like, (d_h, n)
        Weights > 0.

    Raises
    ------
    ValueError
        If the shapes differ, or a weight is not positive.

    Notes
    -----
    Source: trager2020pure for the role of the loss; the example is this book's.
    """

    def __init__(self, Y, omega):
        super().__init__(Y)
        self.omega = as_array("omega", omega, self.labels.shape).copy()
        if self.omega.min() <= 0:
            raise ValueError(f"omega: expected positive weights, got {self.omega.min():g}")

    def _value(self, outputs):
        return 0.5 * np.sum(self.omega * np.square(outputs - self.labels), axis=(-2, -1))

    def _gradient(self, outputs):
        return self.omega * (outputs - self.labels)

    def _hessian_product(self, outputs, direction):
        shape = np.broadcast_shapes(outputs.shape, direction.shape)
        return np.broadcast_to(self.omega * direction, shape)


def loss_field(weights, loss_gradient):
    r"""Velocity of every layer under the gradient flow of any loss of the product.

    .. math:: \dot W_i = -W_{h:i+1}^T\,\nabla\ell(W)\,W_{i-1:1}^T.

    Whatever :math:`\ell` is, :math:`W_{i+1}^T\dot W_{i+1} = \dot W_i W_i^T`, so the imbalances
    are conserved; for the squared loss :math:`-\nabla\ell(W) = \Sigma - W`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    loss_gradient : callable
        Takes the product ``(d_h, d_0)`` to the gradient of the loss there, of the same shape.

    Returns
    -------
    list of numpy.ndarray
        Shapes ``(d_i, d_{i-1})``.

    Raises
    ------
    ValueError
        If shapes do not fit, or the gradient is no array of the shape of the product.

    Notes
    -----
    Source: du2018algorithmic; arora2018optimization.
    """
    weights = as_weights(weights)
    before = heads(weights)
    signal = -as_array("loss_gradient(W)", loss_gradient(before[-1]), before[-1].shape)
    velocities = []
    for matrix, inputs in zip(weights[::-1], before[-2::-1], strict=True):
        velocities.append(signal @ inputs.T)
        signal = matrix.T @ signal
    return velocities[::-1]


def dag_field(A, target, inputs, outputs, *, mask=None):
    r"""Velocity of the edge weights of a linear network on any directed acyclic graph.

    The response is :math:`R = (I - A)^{-1}`, the loss
    :math:`\tfrac12\|T - R_{\mathrm{out},\mathrm{in}}\|_F^2`, and

    .. math:: \dot A = \text{mask} \odot (R^T G R^T),

    where G holds the residual in the rows of the outputs and the columns of the inputs. For
    every node that is neither input nor output, the sum of the squares of its outgoing weights
    minus that of its incoming weights is conserved.

    Parameters
    ----------
    A : array_like, (n, n)
        ``A[v, u]`` is the weight of the edge from u to v; strictly lower triangular.
    target : array_like, (number of outputs, number of inputs)
    inputs, outputs : sequence of int
        Nodes, counted from 0; no node is both.
    mask : array_like of bool, (n, n), optional
        The edges; by default those with non-zero weight.

    Returns
    -------
    numpy.ndarray, (n, n)

    Raises
    ------
    ValueError
        If A is not strictly lower triangular, has weights off the mask, or shapes or nodes do
        not fit.

    Notes
    -----
    Source: this book.
    """
    A = as_array("A", A, ("n", "n"))
    if np.any(np.triu(A)):
        raise ValueError("A: expected strictly lower triangular (edges lead to later nodes)")
    inputs, outputs = _nodes("inputs", inputs, len(A)), _nodes("outputs", outputs, len(A))
    if set(inputs) & set(outputs):
        raise ValueError("outputs: expected no node that is also an input")
    target = as_array("target", target, (len(outputs), len(inputs)))
    mask = A != 0 if mask is None else as_array("mask", mask, A.shape) != 0
    if np.any(A[~mask]) or np.any(np.triu(mask)):
        raise ValueError("mask: expected to hold every edge of A, and no edge to an earlier node")
    response = np.linalg.inv(np.eye(len(A)) - A)
    residual = np.zeros_like(A)
    residual[np.ix_(outputs, inputs)] = target - response[np.ix_(outputs, inputs)]
    return np.where(mask, response.T @ residual @ response.T, 0.0)


def node_imbalances(A):
    r"""Outgoing minus incoming squared weights of every node, diagonal of :math:`[A^T, A]`.

    Parameters
    ----------
    A : array_like, (n, n)
        ``A[v, u]`` is the weight of the edge from u to v.

    Returns
    -------
    numpy.ndarray, (n,)
        Conserved at the nodes that are neither input nor output. In a layered network these
        are the diagonals of the imbalances.

    Raises
    ------
    ValueError
        If A is no square matrix of finite numbers.

    Notes
    -----
    Source: du2018algorithmic.
    """
    squares = np.square(as_array("A", A, ("n", "n")))
    return squares.sum(axis=0) - squares.sum(axis=1)


def projected_target(Sigma, projector):
    r"""Product at a critical point when singular values repeat: :math:`\Pi\Sigma`.

    Every orthogonal projector :math:`\Pi` that commutes with :math:`\Sigma\Sigma^T` gives one:
    a Grassmannian of critical products for each repeated value.

    Parameters
    ----------
    Sigma : array_like, (d_h, d_0)
    projector : array_like, (d_h, d_h)

    Returns
    -------
    numpy.ndarray, (d_h, d_0)

    Raises
    ------
    ValueError
        If the matrix is no orthogonal projector, or does not commute (to 1e-9).

    Notes
    -----
    Source: this book.
    """
    Sigma = as_array("Sigma", Sigma, ("d_h", "d_0"))
    P = as_array("projector", projector, (len(Sigma), len(Sigma)))
    if np.abs(P - P.T).max() > 1e-9 or np.abs(P @ P - P).max() > 1e-9:
        raise ValueError("projector: expected a symmetric matrix with P^2 = P")
    square = Sigma @ Sigma.T
    if np.abs(P @ square - square @ P).max() > 1e-9 * max(np.abs(square).max(), 1e-300):
        raise ValueError("projector: expected to commute with Sigma Sigma^T")
    return P @ Sigma


def _nodes(name, nodes, count):
    """Check a sequence of different nodes below ``count``."""
    array = as_array(name, nodes, ("n",))
    if (array != array.round()).any() or array.min() < 0 or array.max() >= count:
        raise ValueError(f"{name}: expected node numbers from 0 to {count - 1}, got {nodes}")
    if len(np.unique(array)) < len(array):
        raise ValueError(f"{name}: expected different nodes, got {nodes}")
    return array.astype(int)
