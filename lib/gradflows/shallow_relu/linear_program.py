r"""The variation norm of an interpolation problem as a linear program over candidate directions."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from gradflows.validation import as_array

__all__ = ["VariationProgram", "variation_norm_by_lp"]

ROUNDS, SWEEPS = 50, 20
"""Most rounds of new directions, and steps of the search for a better direction in each."""

SLACK = 1e-9
"""A direction whose dual constraint is violated by no more is no improvement."""

FINEST = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True, eq=False)
class VariationProgram:
    r"""Solution of the linear program.

    Attributes
    ----------
    value : float
        Least :math:`\sum_j|c_j|`; an upper bound of the variation norm, since the network it
        describes interpolates.
    directions : numpy.ndarray, (k, d)
        Unit vectors :math:`u_j` of the neurons used.
    weights : numpy.ndarray, (k,)
        The weights :math:`c_j`, none of them zero.
    dual : numpy.ndarray, (n,)
        The dual vector :math:`\mu`, with :math:`\mu^Ty` equal to the value.
    violation : float
        How far :math:`|\sum_k\mu_k\max(u^Tx_k, 0)|` exceeds 1 at the best direction found: zero
        means that no better direction is known. For orthogonal inputs the search is exact.
    """

    value: float
    directions: np.ndarray
    weights: np.ndarray
    dual: np.ndarray
    violation: float


def variation_norm_by_lp(X, y, directions=None, *, refine=True):
    r"""Minimise :math:`\sum_j|c_j|` over networks :math:`\sum_j c_j\max(u_j^Tx, 0)` through data.

    Parameters
    ----------
    X : array_like, (d, n)
        Inputs as columns; they need not be orthogonal.
    y : array_like, (n,)
    directions : array_like, (k, d), optional
        Candidate directions, made unit vectors. If left out, one for each sample that sees only
        this sample, for which the inputs must be linearly independent.
    refine : bool
        Whether to add directions: the dual vector of one program tells which direction would
        lower it most, until there is none.

    Returns
    -------
    VariationProgram

    Raises
    ------
    ValueError
        If shapes do not fit, a direction is zero, no directions are given for dependent inputs,
        or the candidates do not reach all labels.

    Notes
    -----
    The dual program is :math:`\max\mu^Ty` under
    :math:`|\sum_k\mu_k\max(u^Tx_k, 0)| \le 1` for all unit u.

    Examples
    --------
    >>> round(variation_norm_by_lp([[-0.5, 2.0], [1.0, 1.0]], [-1.0, 1.0]).value**2, 9)
    1.8
    """
    X = as_array("X", X, ("d", "n"))
    y = as_array("y", y, (X.shape[1],))
    if directions is None:
        if np.linalg.matrix_rank(X) < X.shape[1]:
            raise ValueError("directions: expected candidates, since the inputs are dependent")
        directions = np.linalg.pinv(X)
    directions = as_array("directions", directions, ("k", X.shape[0]))
    lengths = np.linalg.norm(directions, axis=1)
    if lengths.min() == 0:
        raise ValueError(f"directions: expected no zero row, got one at index {lengths.argmin()}")
    units = directions / lengths[:, None]
    value, weights, dual = _solve(X, y, units)
    better, violation = _better_directions(X, dual, units)
    for _ in range(ROUNDS if refine else 0):
        if violation <= SLACK:
            break
        units = np.concatenate([units, better])
        value, weights, dual = _solve(X, y, units)
        better, violation = _better_directions(X, dual, units)
    used = weights != 0
    return VariationProgram(value, units[used], weights[used], dual, violation)


def _solve(X, y, units):
    """Solve the program over fixed directions: value, weights (k,), dual vector (n,)."""
    features = np.maximum(units @ X, 0).T
    columns = np.hstack([features, -features])
    found = linprog(np.ones(columns.shape[1]), A_eq=columns, b_eq=y, options=FINEST)
    if found.status != 0:
        raise ValueError(
            "directions: expected candidates through which a network can reach all labels, got "
            f"{len(units)}: {found.message}"
        )
    plus, minus = np.split(found.x, 2)
    return float(found.fun), plus - minus, found.eqlin.marginals


def _better_directions(X, dual, units):
    """Find the directions that violate the dual constraint most, for each sign, and by how much."""
    better, values = [], []
    for sign in (1.0, -1.0):
        slopes = sign * dual
        starts = np.concatenate([[X @ slopes], units])
        for _ in range(SWEEPS):
            # On the samples it sees, a direction can do no better than their weighted sum.
            starts = ((starts @ X > 0) * slopes) @ X.T
            starts = starts[np.linalg.norm(starts, axis=1) > 1e-300]
            starts = starts / np.linalg.norm(starts, axis=1)[:, None]
        reached = np.maximum(starts @ X, 0) @ slopes
        if reached.size:
            better.append(starts[reached.argmax()])
            values.append(reached.max())
    return np.array(better), max(0.0, max(values) - 1)
