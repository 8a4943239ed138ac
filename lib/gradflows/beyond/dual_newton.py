r"""Interpolants that minimise a potential, by Newton's method on the dual problem.

A flow that moves a dual variable by :math:`X\nu` only, and arrives at :math:`X^T\beta = y`, has
found the minimiser of a convex potential :math:`\psi(\beta) - \langle p_0, \beta\rangle` among all
interpolants. The multiplier :math:`\nu` minimises the smooth convex function
:math:`\psi^*(p_0 + X\nu) - \langle y, \nu\rangle`.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.validation import as_array

STEPS, HALVINGS, REST = 300, 60, 1e-9


@dataclass(frozen=True, eq=False)
class Interpolant:
    r"""The minimiser of a potential among all :math:`\beta` with :math:`X^T\beta = y`.

    Attributes
    ----------
    beta : numpy.ndarray, (d,)
    multiplier : numpy.ndarray, (n,)
        The vector :math:`\nu`: the gradient of the potential at ``beta`` is :math:`X\nu` plus the
        one at the start.
    """

    beta: np.ndarray
    multiplier: np.ndarray


def as_independent(X, y):
    """Check inputs (d, n) with independent columns, and labels (n,)."""
    X = as_array("X", X, ("d", "n"))
    y = as_array("y", y, (X.shape[1],))
    if np.linalg.matrix_rank(X) < X.shape[1]:
        raise ValueError("X: expected linearly independent columns, so that all labels are reached")
    return X, y


def dual_newton(mirror, X, y, reach=np.inf):
    r"""Find :math:`\nu` with :math:`X^T\nabla\psi^*(p_0 + X\nu) = y`, and the interpolant.

    ``mirror(step)`` returns the gradient (d,) of :math:`\psi^*` at :math:`p_0` plus the step and
    its Hessian (d, d). It takes the step and not the sum, in which small steps would drown.
    ``reach`` bounds the change of any entry in one iteration.
    """
    nu, (beta, bend) = np.zeros(len(y)), mirror(np.zeros(len(X)))
    scale = np.linalg.norm(y) + np.linalg.norm(X.T @ beta)
    for _ in range(STEPS):
        slope = X.T @ beta - y
        direction = _newton_direction(X.T @ bend @ X, slope)
        length = min(1.0, reach / max(np.abs(X @ direction).max(), 1e-300))
        # The function is convex: a step is too long if the slope along it has changed its sign.
        for _ in range(HALVINGS):
            new = mirror(X @ (nu + length * direction))
            if (X.T @ new[0] - y) @ direction <= 0.1 * abs(slope @ direction):
                break
            length /= 2
        before, after = (np.linalg.norm(X.T @ b - y) for b in (beta, new[0]))
        if before <= REST * scale and after >= before:
            return Interpolant(beta, nu)
        nu, (beta, bend) = nu + length * direction, new
    raise ArithmeticError(
        "Newton's method did not reach the labels: the inputs are too close to linearly dependent "
        "ones, or the scale is out of range"
    )


def _newton_direction(hessian, slope):
    """Solve for the step; where the function is flat, follow its gradient."""
    if not hessian.any():
        return -slope
    return -np.linalg.lstsq(hessian, slope)[0]
