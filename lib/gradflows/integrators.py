"""scipy's integrators, watched: a run that cannot go on says when and why, and never hangs."""

import math
import warnings

import numpy as np
from scipy import integrate

from gradflows.trajectories import IntegrationError

LEAST_RTOL = 100 * np.finfo(float).eps
"""Below this relative tolerance scipy's integrators go no further."""


STALL, PATIENCE = 1e-11, 200
"""This many steps in a row, each below this part of the time reached, mean that nothing moves."""


class NotFinite(ArithmeticError):
    """The field has NaN or infinity where an implicit integrator needs a number."""


class Clock:
    """Time reached by accepted steps, with a progress bar if one is wanted."""

    def __init__(self, t_end, progress):
        self.t, self._bar = 0.0, _bar(t_end) if progress else None

    def show(self, t):
        """Move on to time ``t``."""
        if self._bar is not None:
            self._bar.update(t - self.t)
        self.t = t

    def close(self):
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


class Watched:
    """Mixin for scipy's solver classes: tells the time, ends a step that gets nowhere."""

    def __init__(self, *arguments, clock=None, **options):
        super().__init__(*arguments, **options)
        self._clock = clock
        self._stalled = 0
        # Where the field is infinite close to the start, scipy's first step is NaN for ever.
        if not math.isfinite(getattr(self, "h_abs", 0.0)):
            self.h_abs = 1e-6 * (self.t_bound - self.t)

    def step(self):
        """Make one step; a field that is not finite, or a vanishing step, is a failure."""
        before = self.t
        try:
            message = super().step()
        except NotFinite as problem:
            self.status = "failed"
            return str(problem)
        if self.status != "failed" and not _all_finite(self.y):
            self.status = "failed"
            return "the state is not finite"
        short = self.t - before <= STALL * before
        self._stalled = self._stalled + 1 if short else 0
        if self.status == "running" and self._stalled >= PATIENCE:
            self.status = "failed"
            return "the step size is too small: the solution blows up or the field jumps"
        self._clock.show(self.t)
        return message


EXPLICIT = ("RK23", "RK45", "DOP853")
IMPLICIT = ("LSODA", "BDF", "Radau")
SOLVERS = {
    name: type(name, (Watched, getattr(integrate, name)), {"__doc__": f"{name}, watched."})
    for name in EXPLICIT + IMPLICIT
}


def integrate_field(field, start, options, count=1, *, jacobian=None):
    r"""Integrate ``y' = field(t, y)`` from 0 to the end and return scipy's solution.

    For ``count`` starts in one system the tolerances are divided by its square root: the norm of
    the error is a mean over all of them, and one fast start must keep its own tolerance.

    Raises
    ------
    IntegrationError
        If the end, or a terminal event before it, was not reached.
    """
    with np.errstate(all="ignore"):
        if not _all_finite(field(0.0, start)):
            raise IntegrationError(0.0, "the gradient is not finite at the start")
    given = {"rtol": max(options.rtol / math.sqrt(count), LEAST_RTOL)}
    given["atol"] = options.atol / math.sqrt(count)
    if options.method in IMPLICIT:
        field, given["jac"] = _finite(field), jacobian
    clock = Clock(options.t_end, options.progress)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            # What scipy warns of is found by the watched step, and raised.
            warnings.simplefilter("ignore")
            solution = integrate.solve_ivp(
                field,
                (0.0, options.t_end),
                start,
                method=SOLVERS[options.method],
                t_eval=options.times,
                events=options.events,
                clock=clock,
                **given,
            )
    except NotFinite as problem:
        raise IntegrationError(0.0, f"{problem} close to the start") from None
    finally:
        clock.close()
    if solution.status < 0:
        raise IntegrationError(float(clock.t), solution.message)
    _save_end(solution)
    return solution


def _save_end(solution):
    """Save the place of a terminal event too: a trajectory ends where its flow ended."""
    if solution.status == 1:
        ends = zip(solution.t_events, solution.y_events, strict=True)
        end, state = max(((t[-1], y[-1]) for t, y in ends if len(t)), key=lambda pair: pair[0])
        if len(solution.t) == 0:
            solution.t, solution.y = np.array([end]), state[:, None]
        elif solution.t[-1] < end:
            solution.t = np.append(solution.t, end)
            solution.y = np.column_stack([solution.y, state])


def _all_finite(vector):
    """Look for NaN and infinity; a sum of squares finds out cheaply that there is none."""
    return math.isfinite(vector.dot(vector)) or bool(np.isfinite(vector).all())


def _finite(field):
    """Raise where the field is not finite."""

    def checked(t, y):
        value = field(t, y)
        if not _all_finite(value):
            raise NotFinite("the gradient is not finite")
        return value

    return checked


def _bar(t_end):
    """Open a progress bar over the time of the flow."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError("progress=True needs tqdm: pip install tqdm") from None
    return tqdm(total=t_end, unit="t", bar_format="{l_bar}{bar}| {n:.4g}/{total:.4g}")
