"""What a flow leaves behind, and how far it can be trusted."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Accuracy", "IntegrationError", "Trajectory"]

COARSER = 100.0
"""Factor between the tolerances of a run and of the run it is compared with."""

FLOOR = 1e-14
"""Differences below this are rounding; they are printed as this power of ten."""


class IntegrationError(RuntimeError):
    """A flow or an iteration that could not reach its end.

    Attributes
    ----------
    time_reached : float
        Last time with an accepted, finite state.
    reason : str
        Why it stopped there.
    """

    def __init__(self, time_reached, reason):
        super().__init__(time_reached, reason)
        self.time_reached = time_reached
        self.reason = reason

    def __str__(self):
        return f"stopped at t = {self.time_reached:.6g}: {self.reason}"


@dataclass(frozen=True)
class Accuracy:
    """How far a trajectory can be trusted; its text is the accuracy strip.

    Attributes
    ----------
    method : str
    rtol, atol : float or None
        Tolerances of the integrator; None for an iteration, which has none.
    evaluations : int
        Evaluations of the gradient.
    error : float
        Largest difference to the same flow at 100 times coarser tolerances, at the same times.
        It estimates the error of the *coarser* run, so it is on the safe side. 0 for an iteration.
    drift : float or None
        Largest change of an invariant since the start; None if none is known. A necessary check
        only: a start at a saddle has no drift and may have a wrong end.
    falls : bool
        Whether the loss (with momentum the energy) never rises between saved times by more than
        ``atol + rtol * (its start value)``, which is what the integrator answers for; for an
        iteration, by more than rounding, ``1e-14 * (its start value)``.
    falling : str
        "loss" or "energy": the quantity that must fall.
    """

    method: str
    rtol: float | None
    atol: float | None
    evaluations: int
    error: float
    drift: float | None
    falls: bool
    falling: str = "loss"

    def __str__(self):
        exact = self.rtol is None
        tolerances = "" if exact else f"rtol {self.rtol:.0e}, atol {self.atol:.0e}, "
        error = "no integrator error: the iteration is exact"
        if not exact:
            error = f"error {power_of_ten(self.error)}"
        drift = "drift none known" if self.drift is None else f"drift {power_of_ten(self.drift)}"
        return (
            f"{self.method}, {tolerances}{self.evaluations} evaluations | {error} | {drift} | "
            f"{self.falling} {'falls' if self.falls else 'does not always fall'}"
        )


@dataclass(frozen=True, eq=False)
class Trajectory:
    """States of a flow or an iteration at the saved times.

    Attributes
    ----------
    t : numpy.ndarray, (n_times,)
    theta : numpy.ndarray, (n_times, size)
    loss : numpy.ndarray, (n_times,)
    evaluations : int
        Evaluations of the gradient; in a stack, for each start the same.
    method : str
        "LSODA", "DOP853", ...; "gradient descent" for the iteration.
    rtol, atol : float or None
        Tolerances asked for; None for the iteration.
    velocity : numpy.ndarray, (n_times, size), or None
        For momentum flow, the derivative of ``theta`` in time.
    events : tuple of numpy.ndarray
        Times of the events, one array for each event function.
    """

    t: np.ndarray
    theta: np.ndarray
    loss: np.ndarray
    evaluations: int
    method: str
    rtol: float | None
    atol: float | None
    velocity: np.ndarray | None = None
    events: tuple = ()
    again: Callable | None = field(default=None, repr=False)

    def accuracy(self, invariants=None):
        """Estimate how far this trajectory can be trusted.

        The flow is run a second time, at 100 times coarser tolerances.

        Parameters
        ----------
        invariants : callable or list of callables, optional
            Each takes ``theta`` (size,) and returns a number or an array that the flow, in exact
            arithmetic, leaves unchanged.

        Returns
        -------
        Accuracy

        Raises
        ------
        ValueError
            If an invariant is no callable or returns NaN or infinity.
        """
        momentum = self.velocity is not None
        quantity = self.loss
        if momentum:
            quantity = quantity + 0.5 * np.sum(self.velocity**2, axis=1)
        start = abs(float(quantity[0]))
        slack = 1e-14 * start if self.rtol is None else self.atol + self.rtol * start
        return Accuracy(
            method=self.method,
            rtol=self.rtol,
            atol=self.atol,
            evaluations=self.evaluations,
            error=self._error(),
            drift=None if invariants is None else self._drift(invariants),
            falls=bool(np.all(np.diff(quantity) <= slack)),
            falling="energy" if momentum else "loss",
        )

    def _error(self):
        """Compare with a coarser run; infinite if that one does not reach the end."""
        if self.again is None or self.t[-1] == 0:
            return 0.0
        try:
            coarse = self.again(self.t, COARSER * self.rtol, COARSER * self.atol)
        except IntegrationError:
            return math.inf
        error = np.max(np.abs(coarse.theta - self.theta))
        if self.velocity is not None:
            error = max(error, np.max(np.abs(coarse.velocity - self.velocity)))
        return float(error)

    def _drift(self, invariants):
        """Largest change of any entry of any invariant since the first saved time."""
        several = invariants if isinstance(invariants, list | tuple) else [invariants]
        drift = 0.0
        for i, invariant in enumerate(several):
            if not callable(invariant):
                raise ValueError(f"invariants[{i}]: expected a callable, got {invariant!r}")
            values = np.array([invariant(theta) for theta in self.theta], dtype=float)
            if not np.isfinite(values).all():
                raise ValueError(f"invariants[{i}]: expected finite values, got NaN or infinity")
            drift = max(drift, float(np.max(np.abs(values - values[0]))))
        return drift


def power_of_ten(value):
    """Write the power of ten just above a size, at least 1e-14.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> power_of_ten(3.1e-9)
    '1e-08'
    """
    if not math.isfinite(value):
        return "not known"
    return f"1e{math.ceil(math.log10(max(value, FLOOR)) - 1e-9):+03d}"
