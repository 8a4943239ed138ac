r"""The diagonal network :math:`\beta = u\odot u - v\odot v` and the potential that it minimises.

Inputs are the columns of ``X`` (d, n), the loss is :math:`\tfrac12\|X^T\beta - y\|^2`, and time is
that of its gradient flow in (u, v).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from gradflows.beyond.dual_newton import as_independent, dual_newton
from gradflows.validation import as_array, as_positive

__all__ = ["DiagonalProblem", "LeastL1", "entropy_minimiser", "hyperbolic_entropy", "least_l1"]

LEAST_SCALE = 1e-150
"""Below this the square of a scale is not a normal number."""

TIE = 1e-9
"""Entries below this part of the largest count as zero."""


class DiagonalProblem:
    r"""Loss :math:`\tfrac12\|X^T(u\odot u - v\odot v) - y\|^2`, for `gradient_flow`.

    Parameters
    ----------
    X : array_like, (d, n)
        Inputs as columns.
    y : array_like, (n,)

    Attributes
    ----------
    size : int
        2 d; ``theta`` is u, then v.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Notes
    -----
    Source: woodworth2020kernel.
    """

    def __init__(self, X, y):
        self.inputs = as_array("X", X, ("d", "n"))
        self.labels = as_array("y", y, (self.inputs.shape[1],))
        self.size = 2 * len(self.inputs)

    def coefficients(self, theta):
        r"""Return :math:`\beta = u\odot u - v\odot v`.

        Parameters
        ----------
        theta : array_like, (2 d,) or (k, 2 d)

        Returns
        -------
        numpy.ndarray, (d,) or (k, d)
        """
        u, v = np.split(as_array("theta", theta, (self.size,), stack=True), 2, axis=-1)
        return u * u - v * v

    def loss(self, theta):
        """Evaluate the loss.

        Parameters
        ----------
        theta : array_like, (2 d,)

        Returns
        -------
        float
        """
        return float(0.5 * np.sum((self.coefficients(theta) @ self.inputs - self.labels) ** 2))

    def gradient(self, theta):
        r"""Differentiate the loss.

        :math:`(2u\odot g, -2v\odot g)` with :math:`g = X(X^T\beta - y)`.

        Parameters
        ----------
        theta : array_like, (2 d,)

        Returns
        -------
        numpy.ndarray, (2 d,)
        """
        force = self.inputs @ (self.coefficients(theta) @ self.inputs - self.labels)
        return 2 * self._signed(theta) * np.tile(force, 2)

    def hessian(self, theta):
        """Differentiate the loss twice.

        Parameters
        ----------
        theta : array_like, (2 d,)

        Returns
        -------
        numpy.ndarray, (2 d, 2 d)
        """
        force = self.inputs @ (self.coefficients(theta) @ self.inputs - self.labels)
        jacobian = 2 * self._signed(theta) * np.tile(self.inputs.T, 2)
        return jacobian.T @ jacobian + np.diag(2 * np.concatenate([force, -force]))

    def _signed(self, theta):
        u, v = np.split(np.asarray(theta, dtype=float), 2)
        return np.concatenate([u, -v])


def hyperbolic_entropy(beta, alpha):
    r"""Potential of the diagonal network that starts from :math:`u = v = \alpha`.

    .. math:: \psi_\alpha(\beta) = \tfrac14\sum_i\Big(\beta_i\operatorname{arsinh}
        \frac{\beta_i}{2\alpha_i^2} - \sqrt{\beta_i^2 + 4\alpha_i^4} + 2\alpha_i^2\Big)

    For large :math:`\alpha` it is :math:`\|\beta\|^2/(16\alpha^2)`, for small :math:`\alpha`
    :math:`\tfrac12\ln(1/\alpha)\,\|\beta\|_1`, up to terms of lower order.

    Parameters
    ----------
    beta : array_like, (d,)
    alpha : float or array_like, (d,)
        Positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a shape does not fit or a scale is not positive (below 1e-150).

    Notes
    -----
    Source: woodworth2020kernel.

    Examples
    --------
    >>> hyperbolic_entropy([0.0, 0.0], 0.1)
    0.0
    """
    beta = as_array("beta", beta, ("d",))
    double = 2 * _scales(alpha, len(beta)) ** 2
    # hypot - double, without cancellation
    excess = beta * beta / (np.hypot(beta, double) + double)
    return float(0.25 * np.sum(beta * np.arcsinh(beta / double) - excess))


def entropy_minimiser(X, y, alpha, start=None):
    r"""Find where the diagonal network ends, without training it.

    It ends at the interpolant for which :math:`\operatorname{arsinh}(\beta/(2\alpha^2))` minus its
    value at the start is a combination :math:`X\nu` of the inputs; from :math:`\beta = 0` this is
    the minimiser of `hyperbolic_entropy`.

    Parameters
    ----------
    X : array_like, (d, n)
        Linearly independent columns.
    y : array_like, (n,)
    alpha : float or array_like, (d,)
        Scale of the start, :math:`u_iv_i = \alpha_i^2`.
    start : array_like, (d,), optional
        :math:`\beta` at the start; zero if left out.

    Returns
    -------
    Interpolant

    Raises
    ------
    ValueError
        If a shape does not fit, the columns are dependent, or a scale is not positive.
    ArithmeticError
        If Newton's method does not reach the labels.

    Notes
    -----
    Source: woodworth2020kernel.

    Examples
    --------
    >>> entropy_minimiser([[1.0], [1.0]], [2.0], 0.1).beta.round(9).tolist()
    [1.0, 1.0]
    """
    X, y = as_independent(X, y)
    double = 2 * _scales(alpha, len(X)) ** 2
    begin = np.zeros(len(X)) if start is None else as_array("start", start, (len(X),))

    begin = np.arcsinh(begin / double)

    def mirror(step):
        p = begin + step
        return double * np.sinh(p), np.diag(double * np.cosh(p))

    return dual_newton(mirror, X, y, reach=2.0)


@dataclass(frozen=True, eq=False)
class LeastL1:
    r"""The interpolant of least :math:`\ell_1` norm, with its certificate.

    Attributes
    ----------
    beta : numpy.ndarray, (d,)
    value : float
        Its :math:`\ell_1` norm.
    support : numpy.ndarray of int
        Indices of the nonzero entries.
    certificate : numpy.ndarray, (n,)
        Vector z with :math:`\langle x_i, z\rangle = \operatorname{sgn}\beta_i` on the support, with
        row i of X as :math:`x_i`, and the least possible largest modulus elsewhere.
    slack : float
        One minus this modulus. If it is positive and the rows of the support are independent, the
        solution is unique.
    """

    beta: np.ndarray
    value: float
    support: np.ndarray
    certificate: np.ndarray
    slack: float


def least_l1(X, y):
    r"""Minimise :math:`\|\beta\|_1` under :math:`X^T\beta = y` by linear programming.

    A second program finds the certificate with the largest slack :math:`1-\rho`; the network
    :math:`u\odot u - v\odot v` comes as close as :math:`\alpha^{2(1-\rho)}`.

    Parameters
    ----------
    X : array_like, (d, n)
        Linearly independent columns.
    y : array_like, (n,)
        Not zero.

    Returns
    -------
    LeastL1

    Raises
    ------
    ValueError
        If a shape does not fit, the columns are dependent, or all labels are zero.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> found = least_l1([[1.0], [0.5]], [2.0])
    >>> found.beta.round(9).tolist(), round(found.slack, 9)
    ([2.0, 0.0], 0.5)
    """
    X, y = as_independent(X, y)
    if not y.any():
        raise ValueError("y: expected a label other than zero, else the least interpolant is zero")
    d, n = X.shape
    solved = linprog(np.ones(2 * d), A_eq=np.hstack([X.T, -X.T]), b_eq=y)
    beta = solved.x[:d] - solved.x[d:]
    beta[np.abs(beta) < TIE * np.abs(beta).max()] = 0.0
    support = np.flatnonzero(beta)
    rest = np.delete(X, support, axis=0)
    last = np.ones((len(rest), 1))
    dual = linprog(
        [0.0] * n + [1.0],
        A_ub=np.vstack([np.hstack([rest, -last]), np.hstack([-rest, -last])]),
        b_ub=np.zeros(2 * len(rest)),
        A_eq=np.hstack([X[support], np.zeros((len(support), 1))]),
        b_eq=np.sign(beta[support]),
        bounds=[(None, None)] * n + [(0, None)],
    )
    return LeastL1(beta, float(np.abs(beta).sum()), support, dual.x[:n], float(1 - dual.x[n]))


def _scales(alpha, d):
    """Check a scale, or one for each coefficient."""
    if np.ndim(alpha) == 0:
        alpha = np.full(d, as_positive("alpha", alpha))
    alpha = as_array("alpha", alpha, (d,))
    if alpha.min() < LEAST_SCALE:
        raise ValueError(f"alpha: expected scales of at least {LEAST_SCALE:g}, got {alpha.min():g}")
    return alpha
