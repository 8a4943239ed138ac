r"""Neurons under a force that does not change: hyperbolic pieces, glued where a ReLU switches off.

With the signed force D on the active coordinates, :math:`\dot w = \rho D` and
:math:`\dot\rho = \langle w, D\rangle`. This is linear; with :math:`x = |D|t` and the cosine c of
the angle between w and D,

.. math:: \rho = \rho_0(\cosh x + c_0\sinh x), \qquad
    w = w_0 + \rho_0\hat D(\sinh x + c_0(\cosh x - 1)).

Everything is scaled by :math:`e^{-x}`, so that no time is too long.
"""

from dataclasses import dataclass

import numpy as np

OPPOSITE = -1 + 1e-15
"""Below this cosine a neuron points exactly away from its force: it shrinks and never turns."""


@dataclass(frozen=True, eq=False)
class Piece:
    """All neurons between two switches of their own; `start` (m,) is infinite where there is none.

    Attributes
    ----------
    start, log_norms, strength, cosine : numpy.ndarray, (m,)
    units, pull : numpy.ndarray, (m, d)
        Directions at the start, and unit vectors of the force.
    active : numpy.ndarray, (m, n)
    """

    start: np.ndarray
    log_norms: np.ndarray
    units: np.ndarray
    active: np.ndarray
    strength: np.ndarray
    pull: np.ndarray
    cosine: np.ndarray

    @classmethod
    def under(cls, force, start, log_norms, units, active):
        """Begin a piece under the signed force (m, n)."""
        pull = np.zeros_like(units)
        pull[:, : active.shape[1]] = force * active
        strength = np.linalg.norm(pull, axis=1)
        pull /= np.where(strength > 0, strength, 1.0)[:, None]
        cosine = np.clip(np.einsum("jk,jk->j", units, pull), -1, 1)
        return cls(start, log_norms, units, active, strength, pull, cosine)

    def log_growth(self, time):
        """Increase of ln rho after the time (m,) since the start."""
        x, c = self.strength * time, self.cosine
        opposite = c <= OPPOSITE
        inside = np.where(opposite, 1.0, (1 + c) / 2 + (1 - c) / 2 * np.exp(-2 * x))
        return np.where(opposite, -x, x + np.log(inside))

    def cosines(self, time):
        """Cosine of the angle to the force: tanh(|D|t + artanh c_0)."""
        near, far = 1 + self.cosine, (1 - self.cosine) * np.exp(-2 * self.strength * time)
        opposite = self.cosine <= OPPOSITE
        return np.where(opposite, -1.0, (near - far) / np.where(opposite, 1.0, near + far))

    def directions(self, time):
        """Return unit vectors (m, d) after the time (m,) since the start."""
        E, c = np.exp(-self.strength * time), self.cosine
        opposite = c <= OPPOSITE
        along = (1 - E**2) / 2 + c * ((1 + E**2) / 2 - E)
        norm = np.where(opposite, 1.0, (1 + E**2) / 2 + c * (1 - E**2) / 2)
        turned = (E[:, None] * self.units + along[:, None] * self.pull) / norm[:, None]
        return np.where(opposite[:, None], self.units, turned)

    def waits(self):
        r"""Solve for the times (m, n) at which coordinates vanish, roots in :math:`e^{|D|t}`."""
        n = self.active.shape[1]
        c = self.cosine[:, None]
        against = self.active & (self.pull[:, :n] < 0) & (c > OPPOSITE)
        with np.errstate(divide="ignore", invalid="ignore"):
            middle = c - self.units[:, :n] / self.pull[:, :n]
            root = np.sqrt(middle**2 + (1 + c) * (1 - c))
            # Of the two forms of the one positive root, the one without cancellation.
            growth = np.where(middle > 0, (middle + root) / (1 + c), (1 - c) / (root - middle))
            waits = np.log(growth) / self.strength[:, None]
        return np.where(against, np.maximum(waits, 0.0), np.inf)


class EarlyPaths:
    """All neurons from their start, each as a sequence of pieces.

    Parameters
    ----------
    log_norms : (m,), units : (m, d)
        Start; the first n coordinates are those along the inputs.
    force : (n,)
    signs : (m,)
    """

    def __init__(self, log_norms, units, force, signs):
        signed = signs[:, None] * force
        active = units[:, : force.size] > 0
        piece = Piece.under(signed, np.zeros(len(units)), log_norms, units, active)
        self.pieces, self.switches = [], []
        while piece is not None:
            self.pieces.append(piece)
            piece = self._next(piece, signed)
        self.switches.sort()

    def _next(self, piece, signed):
        """Drop the coordinates that vanish first, neuron by neuron; None if there are none."""
        waits = piece.waits()
        wait = waits.min(axis=1)
        moves = np.isfinite(wait)
        if not moves.any():
            return None
        time = np.where(moves, wait, 0.0)
        units = piece.directions(time)
        n = piece.active.shape[1]
        gone = piece.active & ((waits == wait[:, None]) | (units[:, :n] <= 0)) & moves[:, None]
        units[:, :n][gone] = 0.0
        start = piece.start + wait
        log_norms = piece.log_norms + piece.log_growth(time)
        self.switches += [(float(start[j]), int(j), int(k)) for j, k in np.argwhere(gone)]
        return Piece.under(signed, start, log_norms, units, piece.active & ~gone)

    def last(self):
        """Pick the last piece of each neuron."""
        return self._pick(np.inf)

    def at(self, time):
        """Return ln rho (m,), unit vectors (m, d), active (m, n) and cosines at one time."""
        piece = self._pick(time)
        since = time - piece.start
        log_norms = piece.log_norms + piece.log_growth(since)
        return log_norms, piece.directions(since), piece.active, piece.cosines(since)

    def log_amplitudes(self):
        r"""Limits (m,) of :math:`\ln\rho_j - |D_j| t`."""
        piece = self.last()
        c = np.where(piece.strength > 0, piece.cosine, 1.0)
        with np.errstate(divide="ignore"):
            share = np.where(c <= OPPOSITE, -np.inf, np.log((1 + c) / 2))
        return piece.log_norms + share - piece.strength * piece.start

    def _pick(self, time):
        """For each neuron the last piece that has begun by this time."""
        result = self.pieces[0]
        for piece in self.pieces[1:]:
            begun = np.isfinite(piece.start) & (piece.start <= time)
            if begun.any():
                result = _merge(begun, piece, result)
        return result


def _merge(where, one, other):
    """Take from one piece where the mask (m,) says so, from the other elsewhere."""
    fields = []
    for name in Piece.__dataclass_fields__:
        first, second = getattr(one, name), getattr(other, name)
        fields.append(np.where(where if first.ndim == 1 else where[:, None], first, second))
    return Piece(*fields)
