r"""What is learned: the interpolator of least variation norm, and how fast the flow gets there.

The variation norm of a network is :math:`F = \sum_j|a_j||w_j|`; for balanced neurons it is half
the squared norm of the parameters.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.shallow_relu.budgets import as_active_sets
from gradflows.shallow_relu.orthogonal_data import as_signs
from gradflows.shallow_relu.staircase import groups
from gradflows.validation import as_array

__all__ = [
    "Interpolator",
    "bias_gap",
    "bias_rate",
    "final_kernel",
    "minimum_variation_interpolator",
]


@dataclass(frozen=True, eq=False)
class Interpolator:
    r"""The function :math:`x \mapsto \max(\beta_+^Tx, 0) - \max(\beta_-^Tx, 0)`.

    Attributes
    ----------
    norm : float
        Its variation norm.
    W : numpy.ndarray, (k, d)
        Balanced neurons, k = 1 or 2: one for each sign among the labels.
    a : numpy.ndarray, (k,)
    """

    norm: float
    W: np.ndarray
    a: np.ndarray

    def __call__(self, X):
        """Return the outputs on the columns of X.

        Parameters
        ----------
        X : array_like, (d, n)

        Returns
        -------
        numpy.ndarray, (n,)

        Raises
        ------
        ValueError
            If the columns have another length.
        """
        X = as_array("X", X, (self.W.shape[1], "n"))
        return self.a @ np.maximum(self.W @ X, 0)


def minimum_variation_interpolator(data):
    r"""Return the one function of least variation norm through orthogonal data.

    Parameters
    ----------
    data : OrthogonalData

    Returns
    -------
    Interpolator
        With :math:`w = \beta/\sqrt{|\beta|}` and :math:`a = \pm\sqrt{|\beta|}`.

    Notes
    -----
    Holds for labels 0 and for infinite width too. Source: this book; that the flow from small
    starts finds it is in [boursier2022gradient]_.

    Examples
    --------
    >>> from gradflows.shallow_relu import OrthogonalData
    >>> data = OrthogonalData([1.0, 1.0, 1.0], [3.0, 4.0, -1.0])
    >>> minimum_variation_interpolator(data).norm
    6.0
    """
    betas = np.array([data.beta_plus, data.beta_minus])
    sizes = np.linalg.norm(betas, axis=1)
    there = sizes > 0
    roots = np.sqrt(sizes[there])
    return Interpolator(
        norm=data.minimum_variation_norm,
        W=betas[there] / roots[:, None],
        a=roots * np.array([1.0, -1.0])[there],
    )


def final_kernel(data):
    r"""Tangent kernel at the end of the flow, in the limit of small starts.

    It is zero between samples of different signs, and within a group

    .. math:: K_\pm = |\beta_\pm|\,\mathrm{diag}(q_k^2) + \frac{y_\pm y_\pm^T}{|\beta_\pm|}.

    Parameters
    ----------
    data : OrthogonalData
        Without labels 0: on such a sample the kernel vanishes with the scale, at a speed that
        depends on the start.

    Returns
    -------
    numpy.ndarray, (n, n)
        The residuals obey :math:`\dot r = -Kr/n`. For equal norms q the eigenvalues of a group
        are :math:`|\beta|q^2` and, once, :math:`2|\beta|q^2`.

    Raises
    ------
    ValueError
        If a label is 0.

    Notes
    -----
    Source: this book.
    """
    zero = np.flatnonzero(data.labels == 0)
    if zero.size:
        raise ValueError(f"data: expected labels that are not 0, got 0 at index {zero[0]}")
    kernel = np.zeros((data.n, data.n))
    for group in (data.positive, data.negative):
        if group.any():
            size = np.linalg.norm(data.final[group])
            block = size * np.diag(data.norms[group] ** 2)
            block += np.outer(data.labels[group], data.labels[group]) / size
            kernel[np.ix_(group, group)] = block
    return kernel


def bias_rate(data, active_sets, signs, *, flow="standard"):
    r"""Exponent p of :math:`F - F^* \asymp \lambda^p`, how fast small starts reach the least norm.

    .. math:: p = \min_\pm 2\Big(1 - \max_{j\notin S_\pm,\,s_j=\pm}
        \frac{|D_{B_j}|}{|D_\pm|}\Big),

    the largest runner-up of each group: it stops growing, at :math:`\lambda^{1-|D_B|/|D_\pm|}`,
    when the winners are done. Without runners-up p = 2.

    Parameters
    ----------
    data : OrthogonalData
    active_sets : array_like, (m, n) of bool, or sequence of m sequences of int
        As for :func:`~gradflows.shallow_relu.budgets.jump_process`.
    signs : array_like, (m,)
    flow : {"standard", "adapted"}
        For the adapted flow, in which the outputs move straight to the labels, the forces D are
        replaced by the final directions; `active_sets` are then those at the end of training.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a group has no winner, or an argument is not as described.

    Notes
    -----
    F - F* is at most of this order; it is smaller where nothing is left over, such as one winner
    without runners-up and without frozen coordinates. Source: this book.

    Examples
    --------
    >>> from gradflows.shallow_relu import OrthogonalData
    >>> data = OrthogonalData([1.0, 1.0], [3.0, 4.0])
    >>> round(bias_rate(data, [[0, 1], [1]], [1, 1]), 6)
    0.4
    """
    if flow not in ("standard", "adapted"):
        raise ValueError(f"flow: expected 'standard' or 'adapted', got {flow!r}")
    sets = as_active_sets(data, active_sets, signs)
    signs = as_signs(signs, len(sets))
    forces = data.force if flow == "standard" else data.final
    rates = []
    for name, group, sign in (("positive", data.positive, 1), ("negative", data.negative, -1)):
        if not group.any():
            continue
        mine = sets[signs == sign]
        winners = mine[:, group].all(axis=1)
        if not winners.any():
            raise ValueError(
                f"active_sets: expected a {name} neuron that sees all {group.sum()} {name} "
                "samples, got none; see jump_process"
            )
        strengths = np.sqrt(mine[~winners] @ forces**2)
        rates.append(2 * (1 - strengths.max(initial=0.0) / np.linalg.norm(forces[group])))
    return float(min(rates))


def bias_gap(data, directions, signs, log_scale):
    r"""Leading term of :math:`F - F^*` for equal input norms within each group.

    .. math:: F - F^* \sim \sum_\pm\sum_i (1-\nu_i)\,\kappa_i^2\lambda^2
        \Big(\frac{b^*_\pm}{\lambda^2\sum_{S_\pm}\kappa_j^2}\Big)^{\nu_i}, \qquad
        \nu_i = \frac{|D_{B_i}|}{|D_\pm|},

    summed over the runners-up i of each group, up to terms of order :math:`\lambda^2`.

    Parameters
    ----------
    data : OrthogonalData
    directions : array_like, (m, d)
    signs : array_like, (m,)
    log_scale : float
        :math:`\ln\lambda`.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If norms differ within a group, a group has no winner, or an argument is not as described.

    Notes
    -----
    Source: this book.
    """
    log_scale = float(as_array("log_scale", log_scale, ()))
    gap = 0.0
    for group in groups(data, directions, signs):
        if group is None:
            continue
        group.require_equal_norms()
        log_ratio = np.log(group.size) - 2 * log_scale - group.log_start
        terms = 2 * (log_scale + group.runner_up_amplitudes) + group.runner_up_shares * log_ratio
        gap += float(np.sum((1 - group.runner_up_shares) * np.exp(terms)))
    return gap
