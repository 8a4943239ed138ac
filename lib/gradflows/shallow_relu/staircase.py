r"""The staircase of the loss: when the two groups of labels are fitted, and along which curve.

A group is the samples with positive or with negative labels; its winners are the neurons of that
sign that see all of it at the start. All times are of the mean loss.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from gradflows.shallow_relu.alignment import active_sets, early_paths
from gradflows.shallow_relu.events import event_flow
from gradflows.shallow_relu.orthogonal_data import OrthogonalData, as_neurons
from gradflows.validation import as_array

__all__ = ["JumpTimes", "jump_times", "logistic_loss"]

HALF = np.log(np.sqrt(2) - 1)
"""Half the loss is left at b = (1 - 1/sqrt 2) b*, where the logistic exponential is sqrt 2 - 1."""

LOG_START = -18.0
"""Logarithm of the norm at which the orbit of one neuron leaves 0: its square is about 1e-16."""


class JumpTimes(NamedTuple):
    """Times at which the positive and the negative samples are fitted; NaN for an empty group."""

    plus: float
    minus: float


def jump_times(data, directions, signs, log_scale, order="constant"):
    r"""Predict when each group of labels is fitted, from the start alone.

    To leading order :math:`t_\pm \sim \ln(1/\lambda)/|D_\pm|`. Up to a term that vanishes with
    the scale, the half-drop time is

    .. math:: t_\pm = \frac{\ln(b^*_\pm/b_{0\pm}) + \ln(\sqrt2-1)}{2|D_\pm|} + \delta_\pm, \qquad
        b_{0\pm} = \lambda^2\sum_{j\in S_\pm}\kappa_j^2, \quad b^*_\pm = |\beta_\pm|,

    with the winners :math:`S_\pm` and their amplitudes :math:`\kappa_j`. The shift
    :math:`\delta_\pm` is 0 for equal input norms in the group; otherwise it is read off the orbit
    of one neuron that leaves 0 along the force.

    Parameters
    ----------
    data : OrthogonalData
    directions : array_like, (m, d)
    signs : array_like, (m,)
    log_scale : float
        :math:`\ln\lambda`.
    order : {"constant", "leading"}

    Returns
    -------
    JumpTimes

    Raises
    ------
    ValueError
        If a group that is not empty has no winner (then see
        :func:`~gradflows.shallow_relu.budgets.jump_process`), or an argument is not as
        described.

    Notes
    -----
    The groups do not interact, so equal force norms are allowed: the two times then differ by a
    constant that does not depend on the scale. Source: this book; the two stages are those of
    [boursier2022gradient]_.
    """
    if order not in ("constant", "leading"):
        raise ValueError(f"order: expected 'constant' or 'leading', got {order!r}")
    log_scale = float(as_array("log_scale", log_scale, ()))
    times = []
    for group in groups(data, directions, signs):
        if group is None:
            times.append(np.nan)
        elif order == "leading":
            times.append(-log_scale / group.strength)
        else:
            wait = np.log(group.size) - 2 * log_scale - group.log_start + HALF
            times.append(wait / (2 * group.strength) + group.shift())
    return JumpTimes(*map(float, times))


def logistic_loss(data, directions, signs, log_scale, t):
    r"""Loss curve in the limit of small starts, for equal input norms within each group.

    .. math:: L(t) = \sum_\pm \frac{1}{2n}\sum_{\pm y_k>0} y_k^2\,(1 - S_\pm(t))^2, \qquad
        S_\pm = \frac{1}{1 + (b^*_\pm/b_{0\pm} - 1)e^{-2|D_\pm|t}},

    with the quantities of :func:`jump_times`.

    Parameters
    ----------
    data, directions, signs, log_scale
        As for :func:`jump_times`.
    t : array_like, () or (n_times,)

    Returns
    -------
    numpy.ndarray, the shape of t

    Raises
    ------
    ValueError
        If norms differ within a group, a group has no winner, or the start is so large that
        :math:`b_0 \ge b^*`.
    """
    log_scale = float(as_array("log_scale", log_scale, ()))
    t = as_array("t", t, ("n_times",) if np.ndim(t) else ())
    loss = np.zeros(t.shape)
    for group in groups(data, directions, signs):
        if group is None:
            continue
        group.require_equal_norms()
        log_ratio = np.log(group.size) - 2 * log_scale - group.log_start
        if log_ratio <= 0:
            raise ValueError(
                f"log_scale: expected a start below the final norm, got {log_scale:g}, which is "
                f"{-log_ratio / 2:.3g} above it"
            )
        # ln(e^x - 1) without overflow
        far = log_ratio + np.log1p(-np.exp(-log_ratio))
        left = expit(far - 2 * group.strength * t)
        loss = loss + group.labels @ group.labels / (2 * data.n) * left**2
    return loss


class Group:
    """The samples of one sign, and the neurons of this sign that see some of them.

    Attributes: ``norms``, ``labels``, ``strength`` |D|, ``size`` b*; ``log_start``, the logarithm
    of the sum of squared amplitudes of the winners; of the runners-up the logarithms
    ``runner_up_amplitudes`` and the rates ``runner_up_shares``, as parts of |D|.
    """

    def __init__(self, data, samples, seen, amplitudes):
        self.norms, self.labels, self.n = data.norms[samples], data.labels[samples], data.n
        force = data.force[samples]
        self.strength, self.size = np.linalg.norm(force), np.linalg.norm(data.final[samples])
        winners, some = seen.all(axis=1), seen.any(axis=1)
        self.log_start = np.logaddexp.reduce(2 * amplitudes[winners])
        self.runner_up_amplitudes = amplitudes[some & ~winners]
        self.runner_up_shares = np.sqrt(seen[some & ~winners] @ force**2) / self.strength

    @property
    def equal_norms(self):
        return np.ptp(self.norms) <= 1e-12 * self.norms.max()

    def require_equal_norms(self):
        if not self.equal_norms:
            raise ValueError(
                f"data: expected equal norms within a group of labels, got {self.norms.tolist()}"
            )

    def shift(self):
        """Half-drop time of one neuron leaving 0 along the force, less that of the logistic."""
        if self.equal_norms:
            return 0.0
        alone = OrthogonalData(self.norms, np.abs(self.labels))
        # A group alone has fewer samples: its clock runs faster by n over their number.
        speed = self.n / alone.n
        direction = alone.D_plus / np.linalg.norm(alone.D_plus)
        strength = self.strength * speed
        wait = (np.log(self.size) - 2 * LOG_START + HALF) / (2 * strength)
        t_max = wait + 50 / strength
        run = event_flow(alone, [direction], [1.0], LOG_START, t_max, rtol=1e-12)
        return float(run.half_drop(alone.positive) - wait) * speed


def groups(data, directions, signs):
    """Return the positive and the negative group; None for one without samples."""
    directions, signs = as_neurons(data, directions, signs)
    amplitudes = early_paths(data, directions, signs).log_amplitudes()
    seen = active_sets(data, directions, signs)
    found = []
    for name, samples, sign in (("positive", data.positive, 1), ("negative", data.negative, -1)):
        mine = signs == sign
        if not samples.any():
            found.append(None)
        elif not seen[mine][:, samples].all(axis=1).any():
            raise ValueError(
                f"directions: expected a {name} neuron that sees all {samples.sum()} {name} "
                "samples, got none; see jump_process"
            )
        else:
            found.append(Group(data, samples, seen[mine][:, samples], amplitudes[mine]))
    return found
