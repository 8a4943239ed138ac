"""The arguments that all flows share, checked once at the border."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradflows.integrators import EXPLICIT, IMPLICIT, LEAST_RTOL
from gradflows.validation import as_array, as_positive

LARGEST_DENSE = 500
"""Up to this number of unknowns "auto" uses LSODA with the dense exact Jacobian."""

METHODS = ("auto", *EXPLICIT, *IMPLICIT)


@dataclass(frozen=True, eq=False)
class Options:
    """How to integrate: checked, with "auto" resolved."""

    t_end: float
    times: np.ndarray | None
    method: str
    rtol: float
    atol: float
    events: list | None
    progress: Any

    @classmethod
    def check(cls, start, dense, t_end, times, method, rtol, atol, events=None, progress=False):
        """Check all arguments against the start (unknowns,) or (k, unknowns).

        Raises
        ------
        ValueError
            If an argument is not what a flow expects.
        """
        t_end = as_positive("t_end", t_end)
        rtol, atol = as_positive("rtol", rtol), as_positive("atol", atol)
        if rtol < LEAST_RTOL:
            raise ValueError(f"rtol: expected at least {LEAST_RTOL:.1e}, got {rtol:g}")
        if not isinstance(progress, bool | np.bool_):
            raise ValueError(f"progress: expected True or False, got {progress!r}")
        return cls(
            t_end=t_end,
            times=_check_times(times, t_end),
            method=_choose_method(method, start, dense),
            rtol=rtol,
            atol=atol,
            events=_check_events(events, start),
            progress=bool(progress),
        )


def check_start(problem, theta0, stack):
    """Check a start and copy it; a problem from outside need not know its size."""
    size = getattr(problem, "size", "size")
    return as_array("theta0", theta0, (size,), stack=stack).copy()


def _check_times(times, t_end):
    """Check the times to save: increasing, between 0 and the end."""
    if times is None:
        return None
    times = as_array("times", times, ("n_times",))
    if (np.diff(times) <= 0).any():
        place = int(np.argmax(np.diff(times) <= 0))
        raise ValueError(
            f"times: expected increasing times, got {times[place]:g} before {times[place + 1]:g}"
        )
    if times[0] < 0 or times[-1] > t_end:
        raise ValueError(
            f"times: expected times in [0, {t_end:g}], got {times[0]:g} to {times[-1]:g}"
        )
    return times


def _choose_method(method, start, dense):
    """Resolve "auto": LSODA needs a dense Jacobian, which must exist and be small."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if method == "auto":
        return "LSODA" if dense and start.ndim == 1 and start.size <= LARGEST_DENSE else "DOP853"
    if start.ndim == 2 and method in IMPLICIT:
        raise ValueError(f"method: expected one of {', '.join(EXPLICIT)} for a stack, got {method}")
    return method


def _check_events(events, start):
    """Return event functions as a list, or None."""
    if events is None:
        return None
    if start.ndim == 2:
        raise ValueError("events: expected None for a stack of starts, got event functions")
    try:
        events = [events] if callable(events) else list(events)
    except TypeError:
        raise ValueError(f"events: expected callables event(t, theta), got {events!r}") from None
    for i, event in enumerate(events):
        if not callable(event):
            raise ValueError(f"events[{i}]: expected a callable event(t, theta), got {event!r}")
    return events
