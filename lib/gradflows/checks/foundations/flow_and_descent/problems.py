"""Chains, slopes and the hat, for the checks of the chapter."""

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from gradflows import (
    DeepLinear,
    Problem,
    SquaredLoss,
)


def chain(layers):
    """Return the problem ``L = (1 - w_1 ... w_h)^2 / 2`` of a chain of `layers` scalar weights."""
    one = np.ones((1, 1))
    return Problem(DeepLinear((1,) * (layers + 1)), one, SquaredLoss(one, mean=False))


def slope(steps, errors):
    """Return the exponent p of ``error = C step^p``, by regression in the logarithms."""
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


def largest_ratio(t, theta, loss):
    """Return the largest distance between two times over what energy allows between them."""
    i, j = np.triu_indices(len(t), 1)
    far = np.linalg.norm(theta[j] - theta[i], axis=1)
    return np.max(far / np.sqrt((t[j] - t[i]) * (loss[i] - loss[j])))


def first_order_error(problem, flow, sign=1.0):
    """Return the limit of (descent - flow) / step, from its equation; `sign` plants an error."""
    path = flow.theta

    def rate(t, error):
        theta = np.array([np.interp(t, flow.t, column) for column in path.T])
        hessian = problem.hessian(theta)
        return -hessian @ error - sign * hessian @ problem.gradient(theta) / 2

    span = (flow.t[0], flow.t[-1])
    return solve_ivp(rate, span, np.zeros(path.shape[1]), rtol=1e-6, atol=1e-9).y[:, -1]


def failures_of_the_hat(sign):
    """Count which of four properties the hat lacks; `sign` is that of its oscillation."""
    r, phi = sp.symbols("r phi", positive=True)
    psi, g = 1 / (1 - r**2), r**4 / (r**4 + (1 - r**2) ** 4)
    f = sp.exp(-psi) * (1 - sign * g * sp.sin(2 * phi - psi))
    velocity = (-sp.diff(f, r), -sp.diff(f, phi) / r**2)
    outward, around = (sp.factor(sp.exp(psi) * part.subs(phi, psi / 2)) for part in velocity)
    lacks = [
        around - sp.diff(psi / 2, r) * outward,
        outward - 2 * r * (1 - r**2) ** 2 / (r**4 + (1 - r**2) ** 4),
        sp.exp(psi) * f.subs(phi, psi / 2) - 1,
        sp.cancel(sp.diff(psi, r) * outward).subs(r, 1) - 4,
    ]
    return sum(sp.simplify(value) != 0 for value in lacks)
