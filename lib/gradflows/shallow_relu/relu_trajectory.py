"""What the flow of a balanced ReLU network leaves behind: a function of time, switches, jumps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from gradflows.shallow_relu.early_paths import EarlyPaths
from gradflows.shallow_relu.orthogonal_data import OrthogonalData, as_samples
from gradflows.trajectories import Accuracy
from gradflows.validation import as_array

__all__ = ["Jump", "Neurons", "ReLUTrajectory", "Switch"]

DIP = 0.1
"""Two samples are fitted in one jump unless the squared gradient falls below this part between."""


class Switch(NamedTuple):
    """A neuron that switches off on a sample."""

    time: float
    neuron: int
    sample: int


class Jump(NamedTuple):
    """A fall of the loss: its half-drop time, the samples fitted, the loss on the plateau after."""

    time: float
    samples: tuple
    loss: float


class Neurons(NamedTuple):
    """Balanced neurons: ``log_norms`` (m,), ``directions`` (m, d), ``active`` (m, n)."""

    log_norms: np.ndarray
    directions: np.ndarray
    active: np.ndarray


@dataclass(frozen=True, eq=False)
class ReLUTrajectory:
    """The flow from 0 to ``t[-1]``; every method takes any time in between.

    Attributes
    ----------
    data : OrthogonalData
    signs : numpy.ndarray, (m,)
    t : numpy.ndarray, (n_times,)
        Ends of the integrator's steps.
    switches : tuple of Switch
        In order of time; coordinates that are not positive at the start do not count.
    evaluations : int
        Evaluations of the right-hand side; the closed form of the early phase needs none.
    rtol : float
    """

    data: OrthogonalData
    signs: np.ndarray
    t: np.ndarray
    switches: tuple
    evaluations: int
    rtol: float
    early: EarlyPaths = field(repr=False)
    segments: list = field(repr=False)
    again: Callable = field(repr=False)

    def neurons(self, t):
        """All neurons at one time.

        Parameters
        ----------
        t : float

        Returns
        -------
        Neurons
            The norm of ``w_j`` is the exponential of ``log_norms[j]``, and ``a_j`` is that times
            ``signs[j]``.

        Raises
        ------
        ValueError
            If t is not between 0 and the end of the trajectory.
        """
        log_norms, units, active = self._state(self._time(t))
        return Neurons(log_norms, self.data.vectors(units), active)

    def theta(self, t):
        """Parameters of ``ShallowReLU(d, m)`` at one time, ``(m * (d + 1),)``; they may underflow.

        Parameters and errors as for :meth:`neurons`.
        """
        log_norms, directions, _ = self.neurons(t)
        norms = np.exp(log_norms)
        return np.concatenate([(norms[:, None] * directions).ravel(), self.signs * norms])

    def outputs(self, t):
        """Return the outputs on the samples.

        Parameters
        ----------
        t : array_like, () or (n_times,)

        Returns
        -------
        numpy.ndarray, (n,) or (n_times, n)

        Raises
        ------
        ValueError
            If a time is not between 0 and the end of the trajectory.
        """
        return self._each(t, self._outputs)

    def loss(self, t):
        r"""Loss :math:`\frac1{2n}\sum_k r_k^2`, of the shape of t; otherwise as :meth:`outputs`."""
        return np.sum((self.outputs(t) - self.data.labels) ** 2, axis=-1) / (2 * self.data.n)

    def gradient_norm(self, t):
        """Norm of the gradient of the loss, of the shape of t; otherwise as :meth:`outputs`."""
        return self._each(t, self._gradient_norm)

    def variation_norm(self, t):
        r"""Return :math:`\sum_j|a_j||w_j| = \sum_j\rho_j^2`, of the shape of t."""
        return self._each(t, lambda time: np.exp(2 * self._state(time)[0]).sum())

    def balance_drift(self, t):
        r"""Largest :math:`|a_j^2 - |w_j|^2|`, of the shape of t; 0 in exact arithmetic."""
        return self._each(t, self._drift)

    def half_drop(self, samples):
        r"""First time at which the loss of some samples has fallen to half of what y = 0 gives.

        Parameters
        ----------
        samples : array_like, (n,) of bool, or sequence of int

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the samples are not known or their labels all 0, or the trajectory ends before.
        """
        samples = as_samples("samples", samples, self.data.n)
        time = self._half_drop(samples)
        if time is None:
            raise ValueError(
                f"samples: expected labels that are half fitted by t = {self.t[-1]:g}, got "
                f"{np.flatnonzero(samples).tolist()}"
            )
        return time

    @property
    def jumps(self):
        """Falls of the loss in order of time, tuple of :class:`Jump`.

        Samples belong to one jump if the gradient does not dip between their half-drop times;
        what is not half fitted at the end is left out.
        """
        times = [(self._half_drop(np.arange(self.data.n) == k), k) for k in range(self.data.n)]
        times = sorted((time, k) for time, k in times if time is not None)
        groups, quiet = [], []
        for time, k in times:
            if groups:
                dip, least = self._quietest(groups[-1][-1][0], time)
                ends = [self._gradient_norm(t) for t in (groups[-1][-1][0], time)]
                if least**2 >= DIP * min(ends) ** 2:
                    groups[-1].append((time, k))
                    continue
                quiet.append(dip)
            groups.append([(time, k)])
        jumps = []
        for group, after in zip(groups, [*quiet, self.t[-1]], strict=False):
            samples = tuple(sorted(k for _, k in group))
            time = self._half_drop(as_samples("samples", samples, self.data.n))
            jumps.append(Jump(time, samples, float(self.loss(after))))
        return tuple(jumps)

    def accuracy(self):
        """Compare with the same flow at 100 times coarser tolerances.

        Returns
        -------
        gradflows.trajectories.Accuracy
            Errors and drift are those of the parameters ``theta`` and of ``a_j^2 - |w_j|^2``.
        """
        other = self.again(100 * self.rtol)
        loss = self.loss(self.t)
        return Accuracy(
            method="DOP853 with events",
            rtol=self.rtol,
            atol=self.rtol,
            evaluations=self.evaluations,
            error=max(float(np.abs(self.theta(t) - other.theta(t)).max()) for t in self.t),
            drift=float(self.balance_drift(self.t).max()),
            falls=bool(np.all(np.diff(loss) <= self.rtol * (1 + loss[0]))),
        )

    def _quietest(self, first, last):
        """Time of the smallest gradient between two times, and its norm."""
        times = np.linspace(first, last, 64)
        norms = self.gradient_norm(times)
        return times[norms.argmin()], norms.min()

    def _half_drop(self, samples):
        target = 0.5 * self.data.labels[samples] @ self.data.labels[samples]

        def excess(outputs):
            residual = (outputs - self.data.labels)[..., samples]
            return np.sum(residual**2, axis=-1) - target

        done = np.flatnonzero(excess(self._on_steps) <= 0)
        if target == 0 or done.size == 0:
            return None
        if done[0] == 0:
            return 0.0
        before, after = self.t[done[0] - 1], self.t[done[0]]
        return brentq(lambda t: excess(self._outputs(t)), before, after, xtol=1e-13, rtol=1e-14)

    @cached_property
    def _on_steps(self):
        """Outputs at the ends of all steps, (n_times, n)."""
        first = len(self.t) - len(self.segments)
        early = [self._outputs(t) for t in self.t[:first]]
        return np.array([*early, *(segment.outputs for segment in self.segments)])

    def _time(self, t):
        t = float(as_array("t", t, ()))
        if not 0 <= t <= self.t[-1]:
            raise ValueError(f"t: expected times from 0 to {self.t[-1]:.17g}, got {t:.17g}")
        return t

    def _each(self, t, function):
        t = as_array("t", t, ("n_times",) if np.ndim(t) else ())
        values = np.array([function(self._time(time)) for time in t.ravel()])
        return values if t.ndim else values[0]

    def _segment(self, t):
        """Find the step that holds a time, None in the early phase."""
        start = self.segments[0].start if self.segments else np.inf
        if t <= start:
            return None
        first = len(self.t) - len(self.segments)
        return self.segments[int(np.searchsorted(self.t[first:], t))]

    def _state(self, t):
        """Return (m,) logarithms, (m, d) directions in coordinates, (m, n) active."""
        segment = self._segment(t)
        if segment is None:
            return self.early.at(t)[:3]
        field, state = segment.at(t)
        log_norms, units = field.unpack(state)
        # Off from the start, or orthogonal to all inputs: these coordinates of w do not move.
        first = self.early.pieces[0]
        at_rest = np.ones(first.units.shape, bool)
        at_rest[:, : self.data.n] = ~first.active
        shrink = np.exp(np.minimum(first.log_norms - log_norms, 700.0))
        full = np.where(at_rest, shrink[:, None] * first.units, 0.0)
        full[:, : self.data.n] += units
        return log_norms, full, field.active

    def _outputs(self, t):
        segment = self._segment(t)
        if segment is not None:
            field, state = segment.at(t)
            return field.outputs(state)
        log_norms, units, active, _ = self.early.at(t)
        seen = units[:, : self.data.n] * active
        return self.data.norms * ((self.signs * np.exp(2 * log_norms)) @ seen)

    def _gradient_norm(self, t):
        segment = self._segment(t)
        if segment is not None:
            field, state = segment.at(t)
            return field.gradient_norm(state)
        log_norms, units, active, cosines = self.early.at(t)
        strength = np.linalg.norm(self.data.force * active, axis=1)
        squares = strength**2 * (1 + cosines**2)
        return float(np.sqrt(np.exp(2 * log_norms) @ squares))

    def _drift(self, t):
        log_norms, units, _ = self._state(t)
        return np.abs(np.exp(2 * log_norms) * (1 - np.sum(units**2, axis=1))).max()
