r"""The deep-linear shadow of a ReLU network: neurons that see the same samples, as small matrices.

Neurons with one active set B are a two-layer linear network on the samples of B, with output
weights a and first weights Z, ``(members, n)``. All that the outputs can feel of them is the Gram
matrix

.. math:: G = \begin{pmatrix}|a|^2 & \beta^T\\ \beta & Z^TZ\end{pmatrix}, \qquad \beta = Z^Ta ,

which obeys :math:`\dot G = AG + GA` with the force in the first row and column of A.
"""

from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

from gradflows.output_space.two_spaces import as_share
from gradflows.shallow_relu.orthogonal_data import as_signs
from gradflows.trajectories import IntegrationError
from gradflows.validation import as_array, as_positive

__all__ = ["Bundle", "active_bundles", "shadow_flow"]


class Bundle(NamedTuple):
    """Neurons with the same active set.

    ``active`` (n,) of bool, ``members`` (k,) their numbers, ``gram`` (n + 1, n + 1) with zeros
    where they are not active.
    """

    active: np.ndarray
    members: np.ndarray
    gram: np.ndarray


def active_bundles(data, neurons, signs):
    """Sort neurons by their active sets; those that see nothing belong to no bundle.

    Parameters
    ----------
    data : OrthogonalData
    neurons : Neurons
        As ``ReLUTrajectory.neurons`` returns them.
    signs : array_like, (m,)

    Returns
    -------
    list of Bundle

    Raises
    ------
    ValueError
        If there is not one sign for each neuron.
    """
    signs = as_signs(signs, len(neurons.log_norms))
    norms = np.exp(neurons.log_norms)
    z = norms[:, None] * data.coordinates(neurons.directions)[:, : data.n] * neurons.active
    weights = np.column_stack([signs * norms, z])
    sets, place = np.unique(neurons.active, axis=0, return_inverse=True)
    bundles = []
    for number, active in enumerate(sets):
        if active.any():
            members = np.flatnonzero(place.ravel() == number)
            bundles.append(Bundle(active, members, weights[members].T @ weights[members]))
    return bundles


def shadow_flow(data, bundles, tau, times, *, rtol=1e-10):
    r"""Follow the Gram matrices in place of the neurons, under the metric tau.

    Parameters
    ----------
    data : OrthogonalData
    bundles : list of Bundle
        At time 0.
    tau : float
        In [0, 1).
    times : array_like, (n_times,)
        Rising, the last one positive; time of the mean loss.
    rtol : float

    Returns
    -------
    outputs : numpy.ndarray, (n_times, n)
    grams : numpy.ndarray, (n_times, k, n + 1, n + 1)

    Raises
    ------
    IntegrationError
        If the last time cannot be reached.
    ValueError
        If an argument is not as described.

    Notes
    -----
    Exact as long as no neuron of the network switches. Source: this book.
    """
    times = as_array("times", times, ("n_times",))
    rtol, tau = as_positive("rtol", rtol), as_share(tau)
    if tau == 1:
        raise ValueError("tau: expected a number below 1, got 1")
    if not bundles:
        raise ValueError("bundles: expected at least one, got none")
    active = np.array([one.active for one in bundles], float)
    start = np.array([one.gram for one in bundles])
    scale = max(np.trace(gram) for gram in start)

    def field(t, state):
        grams = state.reshape(start.shape)
        force = active * _force(data, grams, active, tau)
        turned = np.zeros_like(grams)
        turned[:, 0] = np.einsum("bk,bkl->bl", force, grams[:, 1:])
        turned[:, 1:] = force[:, :, None] * grams[:, :1]
        return (turned + turned.transpose(0, 2, 1)).ravel()

    given = {"rtol": rtol, "atol": rtol * min(scale, 1.0), "method": "DOP853", "t_eval": times}
    run = solve_ivp(field, (0.0, as_positive("times", times[-1])), start.ravel(), **given)
    if run.status != 0:
        raise IntegrationError(float(run.t[-1]) if run.t.size else 0.0, run.message)
    grams = run.y.T.reshape(-1, *start.shape)
    return data.norms * grams[:, :, 0, 1:].sum(axis=1), grams


def _force(data, grams, active, tau):
    """Coordinates of the force on a neuron that sees everything, (n,)."""
    total = grams.sum(axis=0)
    tension = (data.norms * total[0, 1:] - data.labels) / data.n
    if tau > 0:
        kernel = tau * np.outer(data.norms, data.norms) * total[1:, 1:]
        diagonal = tau * data.norms**2 * (grams[:, 0, 0] @ active) + 1 - tau
        tension = np.linalg.solve(kernel + np.diag(diagonal), tension)
    return -data.norms * tension
