r"""Known laws of networks, and measurements on them.

A conservation law is a function q of the parameters that stays constant along the gradient flow
whatever the data are.
"""

import numpy as np
from scipy import sparse

from gradflows.conservation.law_basis import LawBasis
from gradflows.conservation.parameters import check_network, parameter_names, places
from gradflows.deep_linear.ranks import count_nonzero
from gradflows.validation import as_array, as_positive

__all__ = ["known_laws", "law_drift", "observed_rank"]


def known_laws(widths, kind, bias=False):
    r"""Collect the classical quadratic laws of a network.

    For ``kind="linear"`` the entries on and above the diagonals of the imbalances

    .. math:: C_i = W_{i+1}^\top W_{i+1} - W_iW_i^\top - b_ib_i^\top, \qquad 1 \le i < h,

    for ``kind="relu"`` their diagonals: one law for each hidden neuron, the squares of its
    outgoing weights minus those of its incoming weights and of its bias.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    kind : {"linear", "relu"}
    bias : bool
        Whether hidden layers have biases; the outputs have none.

    Returns
    -------
    LawBasis
        Layer by layer, and row by row.

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Prop. 4.1 of [marcotte2023abide]_; the laws are older, see [arora2018optimization]_ and
    [du2018algorithmic]_.

    Examples
    --------
    >>> known_laws((3, 4, 2), "relu", bias=True).independent
    4
    """
    layers = check_network(widths, kind, bias)
    parts, rows = places(layers), []
    for (before, shift), (after, _) in zip(parts, parts[1:], strict=False):
        for p in range(len(before)):
            for q in range(p, len(before) if kind == "linear" else p + 1):
                row = [(pair, 1) for pair in zip(after[:, p], after[:, q], strict=True)]
                row += [(pair, -1) for pair in zip(before[p], before[q], strict=True)]
                row += [] if shift is None else [((shift[p], shift[q]), -1)]
                rows.append(row)
    monomials = sorted({pair for row in rows for pair, _ in row})
    number = {pair: j for j, pair in enumerate(monomials)}
    coefficients = sparse.lil_array((len(rows), len(monomials)), dtype=np.int64)
    for i, row in enumerate(rows):
        for pair, value in row:
            coefficients[i, number[pair]] = value
    table = np.array(monomials, dtype=np.int64).reshape(-1, 2)
    return LawBasis(parameter_names(layers), table, coefficients.tocsr())


def observed_rank(problem, theta, *, tol=1e-9):
    r"""Measure the dimension of the span of the gradients that data can produce at a point.

    With a loss whose derivatives in the outputs span the whole output space, the gradients of
    the loss on single samples span the rows of the Jacobian :math:`\partial_\theta\hat Y`; its
    rank is what comes back. With few inputs, or inputs that miss a linear region, it is smaller
    than that over all inputs.

    Parameters
    ----------
    problem : Problem
        Its network and its inputs count, its labels do not.
    theta : array_like, (size,)
    tol : float
        Relative precision: singular values count as zero up to ``tol`` times the largest, as
        nonzero from ``100 * tol``.

    Returns
    -------
    int

    Raises
    ------
    UndecidedRankError
        If a singular value lies in the gap.
    ValueError
        If ``theta`` or ``tol`` is not as described.

    Notes
    -----
    No law of the network can have more independent gradients than ``size - rank`` where this
    rank is attained for all data sets. Source: [marcotte2023abide]_ for the criterion.
    """
    theta = as_array("theta", theta, (problem.size,))
    tol = as_positive("tol", tol)
    jacobian = problem.network.jacobian(theta, problem.inputs)
    values = np.linalg.svd(jacobian, compute_uv=False)
    if values[0] == 0:
        return 0
    return count_nonzero(values, values[0], tol, "theta")


def law_drift(laws, trajectory):
    """Measure by how much each law has changed along a trajectory, at most.

    Parameters
    ----------
    laws : LawBasis
    trajectory : Trajectory or array_like, (n_times, size)

    Returns
    -------
    numpy.ndarray, (k,)
        Largest absolute difference to the start.

    Raises
    ------
    ValueError
        If the trajectory is no finite array (n_times, size).
    """
    theta = getattr(trajectory, "theta", trajectory)
    values = laws.values(as_array("trajectory", theta, ("n_times", laws.size)))
    return np.abs(values - values[0]).max(axis=0)
