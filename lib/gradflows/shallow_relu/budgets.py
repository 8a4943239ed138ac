r"""The staircase without winners: neurons race to size one, each on the samples it still sees."""

from dataclasses import dataclass

import numpy as np

from gradflows.shallow_relu.orthogonal_data import as_samples, as_signs

__all__ = ["JumpProcess", "as_active_sets", "jump_process"]

TIE = 1e-9
"""Relative difference of times below which two neurons arrive together."""


@dataclass(frozen=True, eq=False)
class JumpProcess:
    r"""Jumps of the limit of small starts.

    Attributes
    ----------
    times : numpy.ndarray, (n_jumps,)
        In units of :math:`\ln(1/\lambda)`, not falling.
    samples : tuple of tuple of int
        Newly fitted samples of each jump.
    losses : numpy.ndarray, (n_jumps + 1,)
        Levels of the loss, that of the start first.
    norm : float
        Final variation norm, the sum of the norms of the final directions of the jumps.
    fitted : numpy.ndarray, (n,) of bool
    """

    times: np.ndarray
    samples: tuple
    losses: np.ndarray
    norm: float
    fitted: np.ndarray


def jump_process(data, active_sets, signs):
    r"""Predict the whole staircase from the active sets of the neurons alone.

    Every neuron has a budget, at first 1, that runs down at the rate
    :math:`|D_{B_j\setminus F}|` in the time :math:`\tau = t/\ln(1/\lambda)`, where :math:`B_j` are
    the samples of its sign that it sees and F those already fitted. When the first budget is used
    up, its neuron fits :math:`G = B_j\setminus F` and adds :math:`|\beta_G|` to the variation
    norm.

    Parameters
    ----------
    data : OrthogonalData
    active_sets : array_like, (m, n) of bool, or sequence of m sequences of int
        Samples on which each neuron is active at the start. Samples with a label of the other
        sign, or 0, may be among them: they are lost before the first jump.
    signs : array_like, (m,)

    Returns
    -------
    JumpProcess
        The loss ends at zero if and only if the active sets cover all samples with a label.

    Raises
    ------
    ValueError
        If two neurons arrive together whose new samples overlap without being the same: then the
        active sets do not decide what happens. Neurons with the same or with disjoint new
        samples may arrive together, and disjoint sets count as separate jumps.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> from gradflows.shallow_relu import OrthogonalData
    >>> data = OrthogonalData([1.0, 1.0, 1.0], [1.0, 0.8, 1.2])
    >>> jump_process(data, [[0, 2], [1, 2]], [1, 1]).samples
    ((0, 2), (1,))
    """
    sets = as_active_sets(data, active_sets, signs)
    budgets, fitted = np.ones(len(sets)), np.zeros(data.n, bool)
    times, samples, tau, norm = [], [], 0.0, 0.0
    while True:
        rates = np.sqrt((sets & ~fitted) @ data.force**2)
        if not rates.any():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            waits = np.where(rates > 0, np.maximum(budgets, 0.0) / rates, np.inf)
        wait = waits.min()
        arrived = np.flatnonzero(waits <= wait + TIE * (tau + wait))
        tau += wait
        budgets = budgets - rates * wait
        budgets[arrived] = 0.0
        for new in _disjoint(sets[arrived] & ~fitted, arrived):
            times.append(tau)
            samples.append(tuple(np.flatnonzero(new).tolist()))
            norm += float(np.linalg.norm(data.final[new]))
            fitted = fitted | new
    firsts = [sum(samples[:i], ()) for i in range(len(samples) + 1)]
    losses = np.array([data.critical_level(first) for first in firsts])
    return JumpProcess(np.array(times), tuple(samples), losses, norm, fitted)


def as_active_sets(data, active_sets, signs):
    """Turn active sets into a mask (m, n) that holds only samples of the sign of each neuron."""
    rows = [as_samples(f"active_sets[{j}]", row, data.n) for j, row in enumerate(active_sets)]
    if not rows:
        raise ValueError("active_sets: expected at least one neuron, got none")
    signs = as_signs(signs, len(rows))
    return np.array(rows) & (signs[:, None] * data.labels > 0)


def _disjoint(news, neurons):
    """Return the different sets among the rows, which must be disjoint."""
    different, first = np.unique(news, axis=0, return_index=True)
    shared = np.flatnonzero(different.sum(axis=0) > 1)
    if shared.size:
        one, other = sorted(neurons[first[different[:, shared[0]]]])[:2]
        raise ValueError(
            f"active_sets: expected no tie between different sets that overlap, got neurons {one} "
            f"and {other}, which arrive together and share sample {shared[0]}"
        )
    return different
