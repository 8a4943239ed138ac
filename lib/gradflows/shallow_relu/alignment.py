"""Early alignment: while the outputs are negligible, every neuron turns on its own, in closed form.

Directions and forces are in the coordinates of the inputs: coordinate k is the one along
``x_k``, and ``data.coordinates`` and ``data.force`` give them.
"""

from dataclasses import dataclass, field

import numpy as np

from gradflows.shallow_relu.early_paths import EarlyPaths
from gradflows.shallow_relu.orthogonal_data import as_neurons, as_signs
from gradflows.validation import as_array

__all__ = ["EarlyNeuron", "active_sets", "early_neuron"]


@dataclass(frozen=True, eq=False)
class EarlyNeuron:
    """One neuron under a constant force.

    Attributes
    ----------
    switches : tuple of (float, int)
        Times and samples at which the neuron switches off, in order of time.
    kappa : float
        The amplitude, the limit of ``rho(t) * exp(-rate * t)``, for ``rho(0) = |direction|``.
    rate : float
        The force norm after the last switch, the rate at which the neuron grows.
    active : numpy.ndarray, (n,) of bool
        Samples on which it stays active.
    """

    switches: tuple
    kappa: float
    rate: float
    active: np.ndarray
    paths: EarlyPaths = field(repr=False)

    def cosine(self, t):
        r"""Return the cosine of the angle to the force.

        It is :math:`\tanh(|D|(t-t_0) + \mathrm{artanh}\,c_0)`, where D, :math:`t_0` and
        :math:`c_0` are those of the last switch before t; 0 if no force is left.

        Parameters
        ----------
        t : array_like, () or (n_times,)
            Times >= 0.

        Returns
        -------
        numpy.ndarray, the shape of t
        """
        return self._along(t, 3)

    def log_growth(self, t):
        r"""Return the logarithm of :math:`\rho(t)/\rho(0)`, which never overflows.

        Parameters and result as for :meth:`cosine`.
        """
        return self._along(t, 0) - self.paths.pieces[0].log_norms[0]

    def growth(self, t):
        r"""Return the factor :math:`\rho(t)/\rho(0)`, infinite where it overflows.

        Before the first switch it is :math:`\cosh|D|t + c_0\sinh|D|t`. Parameters and result as
        for :meth:`cosine`.
        """
        with np.errstate(over="ignore"):
            return np.exp(self.log_growth(t))

    def direction(self, t):
        """Return the unit vectors of the neuron.

        Parameters
        ----------
        t : array_like, () or (n_times,)

        Returns
        -------
        numpy.ndarray, (d,) or (n_times, d)
        """
        return self._along(t, 1)

    def _along(self, t, item):
        t = as_array("t", t, ("n_times",) if np.ndim(t) else ())
        if t.min() < 0:
            raise ValueError(f"t: expected times >= 0, got {t.min():g}")
        found = np.array([self.paths.at(time)[item][0] for time in np.atleast_1d(t)])
        return found if t.ndim else found[0]


def early_neuron(direction, force, sign):
    r"""Solve :math:`\dot w = a D`, :math:`\dot a = \langle w, D\rangle` for one small neuron.

    D has the coordinates :math:`q_k y_k/n` on the samples on which the neuron is active. A
    coordinate pushed below zero is switched off for good, and the force loses it; the times are
    roots of a quadratic in :math:`e^{|D|t}`. With :math:`D \leftarrow sD`, between two switches

    .. math:: c = \tanh(|D|t + \mathrm{artanh}\,c_0), \qquad
        \rho = \rho_0(\cosh|D|t + c_0\sinh|D|t).

    Parameters
    ----------
    direction : array_like, (d,)
        Start of the neuron up to the scale, d >= n; the coordinates after the first n are those
        orthogonal to all inputs. Not zero.
    force : array_like, (n,)
        The coordinates :math:`q_k y_k / n`, ``data.force``.
    sign : float
        1 or -1, the sign of the balanced output weight :math:`a = s\rho`.

    Returns
    -------
    EarlyNeuron

    Raises
    ------
    ValueError
        If shapes do not fit, the direction is zero, or the sign is not 1 or -1.

    Notes
    -----
    Exact for zero outputs; the outputs of a start of scale lambda change it by
    :math:`O(\lambda^2 e^{2|D|t})`. A direction exactly opposite to the force never turns: the
    neuron shrinks for ever and its ``kappa`` is 0.

    Examples
    --------
    >>> neuron = early_neuron([0.6, 0.8], [1.0, -1.0], 1)
    >>> [sample for time, sample in neuron.switches], neuron.rate
    ([1], 1.0)
    """
    force = as_array("force", force, ("n",))
    direction = as_array("direction", direction, ("d",))
    if direction.size < force.size:
        raise ValueError(
            f"direction: expected at least {force.size} coordinates, got {direction.size}"
        )
    length = np.linalg.norm(direction)
    if length == 0:
        raise ValueError("direction: expected a vector that is not zero, got zeros")
    signs = as_signs(np.reshape(sign, (-1,)), 1)
    paths = EarlyPaths(np.log([length]), direction[None] / length, force, signs)
    return EarlyNeuron(
        switches=tuple((time, sample) for time, _, sample in paths.switches),
        kappa=float(np.exp(paths.log_amplitudes()[0])),
        rate=float(paths.last().strength[0]),
        active=paths.last().active[0],
        paths=paths,
    )


def active_sets(data, directions, signs):
    r"""Find what each neuron can fit: :math:`B_j = \{k: s_j y_k > 0,\ z_{jk}(0) > 0\}`.

    Parameters
    ----------
    data : OrthogonalData
    directions : array_like, (m, d)
    signs : array_like, (m,)

    Returns
    -------
    numpy.ndarray, (m, n) of bool

    Raises
    ------
    ValueError
        If shapes do not fit, a direction is zero or a sign is not 1 or -1.
    """
    directions, signs = as_neurons(data, directions, signs)
    seen = data.coordinates(directions)[:, : data.n] > 0
    return seen & (signs[:, None] * data.labels > 0)


def early_paths(data, directions, signs, log_scale=0.0, speed=1.0):
    """Paths of all neurons of a network, started at the scale ``exp(log_scale)``."""
    coordinates = data.coordinates(directions)
    lengths = np.linalg.norm(coordinates, axis=1)
    units = coordinates / lengths[:, None]
    return EarlyPaths(log_scale + np.log(lengths), units, speed * data.force, signs)
