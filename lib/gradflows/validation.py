"""Checks at the border of the library: every message names argument, expectation and arrival."""

import math
import numbers

import numpy as np

LARGEST_COUNT = 2**31


def as_array(name, value, shape, *, stack=False):
    """Return ``value`` as a float64 array of the given shape, or say what is wrong with it.

    Parameters
    ----------
    name : str
        Name of the argument, for the message.
    value : array_like
        What came. A float64 array is returned as it is, without a copy.
    shape : tuple of int or str
        Expected shape; a string such as ``"n"`` stands for any positive number, and the same
        string for the same number.
    stack : bool
        Admit one more leading dimension, ``(k, *shape)``.

    Returns
    -------
    numpy.ndarray
        Finite, real, float64, without an empty dimension.

    Raises
    ------
    ValueError
        If ``value`` is no real numerical array, has another shape, is empty, or holds NaN or
        infinity.
    """
    array = _as_float(name, value)
    expected = _shape_text(shape, stack)
    leading = 1 if stack and array.ndim == len(shape) + 1 else 0
    if not _matches(array.shape[leading:], shape):
        raise ValueError(f"{name}: expected shape {expected}, got {_shape_text(array.shape)}")
    if array.size == 0:
        raise ValueError(
            f"{name}: expected at least one entry, got an empty array of shape "
            f"{_shape_text(array.shape)}"
        )
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(i) for i in np.argwhere(~finite)[0])
        what = "NaN" if np.isnan(array[place]) else "infinity"
        raise ValueError(f"{name}: expected finite numbers, got {what} at index {place}")
    return array


def as_positive(name, value, *, zero=False):
    """Return ``value`` as a finite float that is positive (or zero, if ``zero``).

    Raises
    ------
    ValueError
        If ``value`` is no real number, is NaN or infinite, or has the wrong sign.
    """
    expected = "a number >= 0" if zero else "a number > 0"
    if np.ndim(value) == 0 and isinstance(value, np.ndarray):
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name}: expected {expected}, got {_brief(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result) or result < 0 or (result == 0 and not zero):
        raise ValueError(f"{name}: expected {expected}, finite, got {_brief(value)}")
    return result


def as_count(name, value, *, minimum=1):
    """Return ``value`` as an int between ``minimum`` and 2**31.

    Raises
    ------
    ValueError
        If ``value`` is no integer (a bool is none, ``3.0`` is one), or out of range.
    """
    expected = f"an integer >= {minimum}"
    whole = isinstance(value, numbers.Integral) or (
        isinstance(value, numbers.Real) and math.isfinite(value) and value == int(value)
    )
    if isinstance(value, bool | np.bool_) or not whole:
        raise ValueError(f"{name}: expected {expected}, got {_brief(value)}")
    if value < minimum:
        raise ValueError(f"{name}: expected {expected}, got {_brief(value)}")
    if value > LARGEST_COUNT:
        raise ValueError(f"{name}: expected {expected} and at most 2**31, got {_brief(value)}")
    return int(value)


def _as_float(name, value):
    """Convert to float64; a complex, masked, ragged or non-numeric value is refused."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name}: expected an array without masked entries")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: expected an array, got rows of different lengths") from None
    if array.dtype.kind not in "biuf":
        kind = "complex numbers" if array.dtype.kind == "c" else f"entries of type {array.dtype}"
        raise ValueError(f"{name}: expected real numbers, got {kind}")
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float64)


def _matches(actual, expected):
    """Tell whether a shape fits a pattern of numbers and symbols."""
    if len(actual) != len(expected):
        return False
    known = {}
    return all(
        have == (known.setdefault(want, have) if isinstance(want, str) else want)
        for have, want in zip(actual, expected, strict=True)
    )


def _shape_text(shape, stack=False):
    """Write a shape as Python does, symbols without quotes."""
    inner = ", ".join(str(part) for part in shape) + ("," if len(shape) == 1 else "")
    return f"({inner}) or (k, {inner.rstrip(',')})" if stack else f"({inner})"


def _brief(value):
    """Show a value in at most sixty characters."""
    text = f"{type(value).__name__} {np.shape(value)}" if np.ndim(value) else _safe_repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _safe_repr(value):
    """Show a scalar; integers too long for Python's own printing are described."""
    try:
        return repr(value)
    except ValueError:
        return f"an integer of {value.bit_length()} bits"
