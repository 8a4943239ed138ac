r"""Critical points of the loss of an affine target for the leaky ReLU."""

from typing import NamedTuple

import numpy as np

from gradflows.beyond.affine_target import as_number
from gradflows.validation import as_count

__all__ = ["LeakyZigzag", "leaky_zigzag"]


class LeakyZigzag(NamedTuple):
    """A critical point of a leaky network with as many kinks as neurons, and its level.

    Attributes
    ----------
    theta : numpy.ndarray, (3 * kinks + 1,)
    level : float
    positions : numpy.ndarray, (kinks,)
        Where the kinks are.
    """

    theta: np.ndarray
    level: float
    positions: np.ndarray


def leaky_zigzag(kinks, leak, *, first=1, alpha=1, beta=0):
    r"""Construct the critical point with m kinks of alternate facing for the leaky ReLU.

    With :math:`\kappa = \gamma/(1-\gamma)` the pieces have widths :math:`\omega_i \propto e_i`:
    :math:`\sqrt{1+2\kappa}` inside, and at an end :math:`\sqrt{1+\kappa}` if the neuron of the
    kink next to it faces away from that end, :math:`\sqrt\kappa` if it faces towards it. The level
    is :math:`\rho^2/12`, where

    .. math:: \frac{\alpha}{\rho} = \frac1{\omega_1} + \sum_j(-1)^{j+1}g_j
        \Bigl(\frac1{\omega_j}+\frac1{\omega_{j+1}}\Bigr)

    with :math:`g_j = \kappa` for a kink that faces right, :math:`-(1+\kappa)` for one that faces
    left.

    Parameters
    ----------
    kinks : int
        Their number m, which is that of the neurons, positive.
    leak : float
        The slope :math:`\gamma` in (0, 1).
    first : {1, -1}
        Whether the first kink faces right or left.
    alpha, beta : float

    Returns
    -------
    LeakyZigzag

    Raises
    ------
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: this book; for the classification see [cheridito2022landscape]_.
    """
    kinks, leak = as_count("kinks", kinks), float(as_number("leak", leak))
    alpha, beta = float(as_number("alpha", alpha)), float(as_number("beta", beta))
    if not 0 < leak < 1:
        raise ValueError(f"leak: expected a number in (0, 1), got {leak!r}")
    if first not in (1, -1):
        raise ValueError(f"first: expected 1 or -1, got {first!r}")
    kappa, facing = leak / (1 - leak), first * (-1.0) ** np.arange(kinks)
    parts = np.full(kinks + 1, np.sqrt(1 + 2 * kappa))
    parts[0] = np.sqrt(kappa + (facing[0] > 0))
    parts[-1] = np.sqrt(kappa + (facing[-1] < 0))
    width = parts / parts.sum()
    positions = np.cumsum(width)[:-1]
    turns = (-1.0) ** np.arange(kinks) * (1 / width[:-1] + 1 / width[1:])
    share = np.where(facing > 0, kappa, -(1 + kappa))
    rho = alpha / (1 / width[0] + turns @ share)
    v = rho * turns / (1 - leak)
    # The residual has mean zero on the first piece, so it is zero in its middle.
    z = facing * (width[0] / 2 - positions)
    c = alpha * width[0] / 2 + beta - np.where(z > 0, z, leak * z) @ v
    theta = np.concatenate([facing, -facing * positions, v, [c]])
    return LeakyZigzag(theta, float(rho**2 / 12), positions)
