r"""Margins: one trained layer of leaky ReLUs, and its largest margin.

The network is :math:`f(x) = a\sum_j s_j\varphi(\langle w_j, x\rangle)` with
:math:`\varphi(z) = \max(z, \alpha z)`; the signs :math:`s_j` and the scale a are fixed, the rows
:math:`w_j` of W are trained. The margin of sample k is :math:`y_k f(x_k)`, with labels 1 and -1.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.beyond.margin_losses import as_signs
from gradflows.beyond.stable_ranks import as_slope
from gradflows.validation import as_array, as_count, as_positive

__all__ = [
    "LargestMargin",
    "LeakyLayer",
    "largest_margin",
    "near_orthogonality",
]


class LeakyLayer:
    r"""One trained layer of leaky ReLUs, :math:`f(x) = a\sum_j s_j\varphi(\langle w_j,x\rangle)`.

    A network for ``Problem``: its parameters are the rows :math:`w_j`. At its kink the leaky ReLU
    has the slope :math:`\alpha` that it has below.

    Parameters
    ----------
    inputs : int
        d_0.
    signs : array_like, (d_1,)
        Signs :math:`s_j` of the output weights, 1 or -1.
    slope : float
        :math:`\alpha` between 0 (ReLU) and 1 (linear).
    scale : float, optional
        Common size a of the output weights; :math:`1/\sqrt{d_1}` if not given.

    Attributes
    ----------
    size : int
        d_1 d_0.
    widths : tuple
        (d_0, d_1, 1).
    smooth : bool
        False: the gradient jumps where a neuron changes its sign.

    Raises
    ------
    ValueError
        If an argument is not as described.
    """

    smooth = False

    def __init__(self, inputs, signs, slope, scale=None):
        self.signs = as_signs("signs", signs)
        self.signs.flags.writeable = False
        self.slope = as_slope(slope)
        neurons = len(self.signs)
        self.scale = neurons**-0.5 if scale is None else as_positive("scale", scale)
        self.widths = (as_count("inputs", inputs), neurons, 1)
        self.size = self.widths[0] * neurons

    def __repr__(self):
        return f"LeakyLayer({self.widths[0]}, {self.widths[1]} neurons, slope={self.slope:g})"

    def rows(self, theta):
        """Reshape parameters (size,) or (k, size) to W, (d_1, d_0) or (k, d_1, d_0)."""
        theta = as_array("theta", theta, (self.size,), stack=True)
        return theta.reshape(*theta.shape[:-1], self.widths[1], self.widths[0])

    def slopes(self, Z):
        """Slopes of the activation at the pre-activations ``Z``: 1 above zero, else alpha."""
        return np.where(Z > 0, 1.0, self.slope)

    def outputs(self, theta, X):
        """Evaluate the network on the columns of ``X`` (d_0, n): (1, n) or (k, 1, n)."""
        return self.combine(self.rows(theta) @ X)[..., None, :]

    def combine(self, Z):
        """Turn pre-activations (..., d_1, n) into outputs (..., n)."""
        return self.scale * np.einsum("j,...jk->...k", self.signs, self.slopes(Z) * Z)

    def pullback(self, theta, X, cotangent):
        """Multiply a cotangent of the outputs, (1, n), by the derivative in the parameters."""
        W = self.rows(theta)
        weights = self.scale * self.signs[:, None] * self.slopes(W @ X) * cotangent
        return (weights @ X.T).reshape(theta.shape)

    def jacobian(self, theta, X):
        """Differentiate the outputs in the parameters: (n, size)."""
        weights = self.scale * self.signs[:, None] * self.slopes(self.rows(theta) @ X)
        return np.einsum("jk,ik->kji", weights, X).reshape(X.shape[1], self.size)


@dataclass(frozen=True, eq=False)
class LargestMargin:
    """The network of the largest margin on nearly orthogonal inputs.

    Attributes
    ----------
    W : numpy.ndarray, (d_1, d_0)
        The weights of least norm with all margins at least 1; all of them are equal to 1.
    multipliers : numpy.ndarray, (n,)
        Positive; W is the sum of the gradients of the margins with these weights.
    u, v : numpy.ndarray, (d_0,)
        Rows of W, without the scale a, of the neurons of positive and of negative sign.
    normal : numpy.ndarray, (d_0,)
        The output has the sign of the product of the input with this vector.
    margin : float
        Least margin of a network of norm one, ``1 / |W|``.
    """

    W: np.ndarray
    multipliers: np.ndarray
    u: np.ndarray
    v: np.ndarray
    normal: np.ndarray
    margin: float


def largest_margin(layer, X, y):
    r"""Weights of least norm with margins at least 1, on nearly orthogonal inputs.

    Rows :math:`w_j = a u` or :math:`a v` with
    :math:`u = \sum_+\lambda_kx_k - \alpha\sum_-\lambda_kx_k`,
    :math:`v = \sum_-\lambda_kx_k - \alpha\sum_+\lambda_kx_k`, and multipliers from the linear
    system that makes all margins equal to 1. The result is tested, not assumed, to be a KKT point.

    Parameters
    ----------
    layer : LeakyLayer
        With positive slope.
    X : array_like, (d_0, n)
    y : array_like, (n,)
        Labels, 1 or -1.

    Returns
    -------
    LargestMargin

    Raises
    ------
    ValueError
        If an argument is not as described, or the solution of the system is no KKT point because
        the inputs are too far from orthogonal.

    Notes
    -----
    [frei2023implicit]_ for the rank and the linear rule; the system is this book's.

    Examples
    --------
    >>> import numpy as np
    >>> best = largest_margin(LeakyLayer(2, [1, -1], 0.5), np.eye(2), [1, -1])
    >>> best.multipliers.round(6).tolist()
    [1.6, 1.6]
    """
    as_slope(layer.slope, zero=False)
    X, y = as_samples(layer, X, y)
    positive = np.mean(layer.signs > 0)
    rows = np.array([positive, 1 - positive])[:, None] ** 0.5 * np.array(
        [np.where(y > 0, 1, layer.slope), np.where(y > 0, layer.slope, 1)]
    )
    matrix = (rows.T @ rows) * (X.T @ X) * np.outer(y, y)
    try:
        strength = np.linalg.solve(matrix, np.ones(len(y)))
    except np.linalg.LinAlgError:
        raise ValueError("X: expected nearly orthogonal inputs, got dependent ones") from None
    multipliers = strength / (layer.scale**2 * len(layer.signs))
    u = X @ (multipliers * np.where(y > 0, 1, -layer.slope))
    v = X @ (multipliers * np.where(y > 0, -layer.slope, 1))
    if not ((multipliers > 0).all() and (y * (u @ X) > 0).all() and (y * (v @ X) < 0).all()):
        raise ValueError(
            "X: expected nearly orthogonal inputs, on which each neuron has the sign of its class; "
            f"got inputs of near-orthogonality {near_orthogonality(X):.3g}"
        )
    W = layer.scale * np.where(layer.signs[:, None] > 0, u, v)
    normal = positive * u - (1 - positive) * v
    return LargestMargin(W, multipliers, u, v, normal, float(1 / np.linalg.norm(W)))


def near_orthogonality(X):
    r"""How nearly orthogonal the columns are.

    :math:`R_{\min}^4/(R_{\max}^2\, n \max_{i\ne k}|\langle x_i,x_k\rangle|)` with the least and the
    largest norm of a column. For a leaky ReLU of slope :math:`\alpha`, from
    :math:`3/\alpha^3` on the theorem of the chapter holds.

    Parameters
    ----------
    X : array_like, (d_0, n)

    Returns
    -------
    float
        Infinite for orthogonal columns.

    Raises
    ------
    ValueError
        If ``X`` is no matrix of finite numbers, or a column is zero.

    Examples
    --------
    >>> near_orthogonality([[1.0, 0.1], [0.0, 1.0]]) > 4.9
    True
    """
    X = as_array("X", X, ("d_0", "n"))
    gram = X.T @ X
    squares = np.diagonal(gram)
    if squares.min() == 0:
        raise ValueError(f"X: expected columns that are not zero, got {np.argmin(squares)} zero")
    largest = np.abs(gram - np.diag(squares)).max()
    if largest == 0:
        return float("inf")
    return float(squares.min() ** 2 / (squares.max() * len(gram) * largest))


def as_samples(layer, X, y):
    """Check inputs and labels against a layer."""
    X = as_array("X", X, (layer.widths[0], "n"))
    y = as_signs("y", y)
    if len(y) != X.shape[1]:
        raise ValueError(f"y: expected {X.shape[1]} labels, one a column of X, got {len(y)}")
    return X, y
