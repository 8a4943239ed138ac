r"""Exact linear algebra modulo a prime, at the speed of floating point.

A float64 holds every integer up to :math:`2^{53}`. With a prime :math:`p < 2^{21}` and residues
taken between :math:`-p/2` and :math:`p/2`, products stay below :math:`2^{41}` and sums of 2048 of
them below :math:`2^{52}`: a matrix product of residues is one ordinary floating-point product,
without any rounding, followed by one reduction. Longer inner dimensions are cut into pieces.
Elimination goes by blocks of columns, so that nearly all of its work is such products.
"""

import numbers
from functools import cache

import numpy as np

try:
    from flint import nmod_mat
except ImportError:
    nmod_mat = None

__all__ = ["PRIME", "kernel_mod", "pivots_mod", "product_mod", "rank_mod", "reduce_mod"]

PRIME = 2097143
"""The largest prime below 2**21."""

PIECE = 2048
"""Inner dimensions up to this one are exact in one product."""

BLOCK = 48
"""Columns that are eliminated together."""


def rank_mod(A, p=PRIME, *, method="numpy"):
    r"""Rank of an integer matrix over the field with p elements, exact.

    Parameters
    ----------
    A : array_like of int, (m, n)
        Integers of any size, or floats with integer values below 2**53 in modulus.
    p : int
        A prime below 2**21.
    method : str
        "numpy", the elimination of this module, or "flint", that of the optional package
        python-flint: an independent second opinion. The result is the same.

    Returns
    -------
    int
        At most the rank over the rational numbers, and equal to it for all but finitely many
        primes.

    Raises
    ------
    ValueError
        If an entry is no integer, ``A`` is no matrix, ``p`` is no prime below 2**21, or the
        method is not known or not installed.

    Notes
    -----
    Blocked Gaussian elimination. Source: this book.

    Examples
    --------
    >>> rank_mod([[1, 2], [2, 4]])
    1
    >>> rank_mod([[2, 0], [0, 3]], p=3)
    1
    """
    A, p = as_residues(A, p), int(p)
    if _uses_flint(method):
        return int(_to_flint(A, p).rank())
    return len(_eliminate(A, p, form=False)[1])


def kernel_mod(A, p=PRIME, *, method="numpy"):
    r"""Basis of the kernel of an integer matrix over the field with p elements.

    Parameters
    ----------
    A : array_like of int, (m, n)
        As for :func:`rank_mod`.
    p : int
        A prime below 2**21.
    method : str
        As for :func:`rank_mod`.

    Returns
    -------
    numpy.ndarray of int, (n, n - rank)
        Columns K with :math:`AK \equiv 0`, entries from 0 to p - 1. Column j has a one at the
        j-th coordinate that is no pivot, and zeros at the other ones: it is unique, and both
        methods return the same.

    Raises
    ------
    ValueError
        As :func:`rank_mod`.

    Notes
    -----
    Its number of columns is at least that of the rational kernel. A vector of it need not be
    the residue of a rational one.

    Examples
    --------
    >>> kernel_mod([[1, 1, 0]], p=7).tolist()
    [[6, 0], [1, 0], [0, 1]]
    """
    A, p = as_residues(A, p), int(p)
    columns = A.shape[1]
    if _uses_flint(method):
        echelon, rank = _to_flint(A, p).rref()
        rows = np.array([[int(x) for x in row] for row in echelon.table()[:rank]], dtype=float)
        rows = rows.reshape(rank, columns)
        pivots = [int(np.flatnonzero(row)[0]) for row in rows]
    else:
        rows, pivots = _eliminate(A, p, upwards=True)
    free = np.setdiff1d(np.arange(columns), pivots)
    kernel = np.zeros((columns, free.size), dtype=np.int64)
    kernel[pivots] = -rows[: len(pivots), free]
    kernel[free, np.arange(free.size)] = 1
    return kernel % p


def pivots_mod(A, p=PRIME):
    """Find the columns that are no combination of the columns before them, modulo p.

    Parameters
    ----------
    A : array_like of int, (m, n)
        As for :func:`rank_mod`.
    p : int
        A prime below 2**21.

    Returns
    -------
    numpy.ndarray of int, (rank,)
        Increasing. The number of entries below k is the rank of the first k columns.

    Raises
    ------
    ValueError
        As :func:`rank_mod`.

    Examples
    --------
    >>> pivots_mod([[1, 2, 0], [1, 2, 1]]).tolist()
    [0, 2]
    """
    return np.array(_eliminate(as_residues(A, p), int(p), form=False)[1], dtype=int)


def reduce_mod(A, p=PRIME):
    """Residues between -p/2 and p/2 of floats with integer values below 2**53 in modulus.

    Parameters
    ----------
    A : numpy.ndarray of float
        Overwritten and returned.
    p : int

    Returns
    -------
    numpy.ndarray of float
        Congruent to ``A``. Only multiples of p give zero.
    """
    quotient = A * (1.0 / p)
    np.rint(quotient, out=quotient)
    quotient *= p
    A -= quotient
    return A


def product_mod(A, B, p=PRIME):
    """Product of two matrices (or stacks) of residues between -p/2 and p/2, reduced.

    Parameters
    ----------
    A : numpy.ndarray of float, (..., l, m)
    B : numpy.ndarray of float, (..., m, n)
    p : int

    Returns
    -------
    numpy.ndarray of float, (..., l, n)
    """
    inner = A.shape[-1]
    if inner <= PIECE:
        return reduce_mod(A @ B, p)
    starts = range(0, inner, PIECE)
    return reduce_mod(
        sum(product_mod(A[..., s : s + PIECE], B[..., s : s + PIECE, :], p) for s in starts), p
    )


def as_residues(A, p=PRIME):
    """Check an integer matrix and a prime; return a fresh float array of residues.

    Parameters
    ----------
    A : array_like of int, (m, n)
        Integers of any size, or floats with integer values below 2**53 in modulus.
    p : int
        A prime below 2**21.

    Returns
    -------
    numpy.ndarray of float, (m, n)
        Between -p/2 and p/2.

    Raises
    ------
    ValueError
        If an entry is no integer, ``A`` is no matrix, or ``p`` is no prime below 2**21.
    """
    if isinstance(p, bool) or not isinstance(p, int | np.integer) or not _is_prime(int(p)):
        raise ValueError(f"p: expected a prime below 2**21, got {p!r}")
    try:
        given = np.asarray(A)
    except ValueError:
        raise ValueError("A: expected a matrix, got rows of different lengths") from None
    if given.ndim != 2:
        raise ValueError(f"A: expected shape (m, n), got {given.shape}")
    if given.dtype.kind == "f":
        whole = np.isfinite(given) & (np.abs(given) < 2.0**53) & (given == np.rint(given))
        if not whole.all():
            raise ValueError(f"A: expected integers below 2**53, got {given[~whole][0]}")
        return reduce_mod(given.astype(np.float64), p)
    if given.dtype.kind == "O" and all(isinstance(x, numbers.Integral) for x in given.flat):
        given = np.array([[int(x) % int(p) for x in row] for row in given], dtype=np.int64)
        given = given.reshape(np.shape(A))
    if given.dtype.kind not in "iu":
        raise ValueError(f"A: expected integers, got entries of type {given.dtype}")
    wide = np.dtype("int64" if given.dtype.kind == "i" else "uint64")
    return reduce_mod((given.astype(wide) % wide.type(p)).astype(np.float64), p)


def _eliminate(A, p, upwards=False, form=True):
    """Bring residues to echelon form in place; return them and the pivot columns.

    With ``upwards`` the form is the reduced one. Without ``form`` only the pivots are right: the
    last block, behind which there is nothing to eliminate, stays as it was.
    """
    (rows, columns), pivots = A.shape, []
    for start in range(0, columns, BLOCK):
        done = len(pivots)
        if done == rows:
            break
        stop = min(start + BLOCK, columns)
        order, found = _panel_pivots(A[done:, start:stop].copy(), p)
        if not found:
            continue
        chosen = start + np.array(found)
        if stop == columns and not form:
            return A, pivots + chosen.tolist()
        A[done:] = A[done:][order] if _moves(order) else A[done:]
        top, last = slice(done, done + len(found)), done + len(found)
        A[top, start:] = product_mod(_inverse(A[top, chosen], p), A[top, start:], p)
        others = [slice(last, rows)] + ([slice(0, done)] if upwards else [])
        for other in others:
            factors = A[other, chosen]
            A[other, start:] = reduce_mod(A[other, start:] - factors @ A[top, start:], p)
        pivots += chosen.tolist()
    return A, pivots


def _panel_pivots(panel, p):
    """Choose pivots of a narrow matrix: the order of its rows, and the pivot columns."""
    order, found = np.arange(len(panel)), []
    for column in range(panel.shape[1]):
        done = len(found)
        pivot = done + int(np.argmax(panel[done:, column] != 0))
        value = panel[pivot, column]
        if value == 0:
            continue
        if pivot > done:
            panel[[done, pivot]], order[[done, pivot]] = panel[[pivot, done]], order[[pivot, done]]
        found.append(column)
        if len(found) == len(panel):
            break
        factors = reduce_mod(panel[done + 1 :, column] * _inverse_of(value, p), p)
        rest = panel[done + 1 :, column:]
        rest -= factors[:, None] * panel[done, column:]
        reduce_mod(rest, p)
    return order, found


def _moves(order):
    """Tell whether a permutation moves anything."""
    return bool((order != np.arange(order.size)).any())


def _inverse(A, p):
    """Invert a small matrix of residues by Gauss-Jordan elimination."""
    size = len(A)
    both = np.hstack([A, np.eye(size)])
    for k in range(size):
        pivot = k + int(np.flatnonzero(both[k:, k])[0])
        both[[k, pivot]] = both[[pivot, k]]
        both[k] = reduce_mod(both[k] * _inverse_of(both[k, k], p), p)
        factors = both[:, k].copy()
        factors[k] = 0
        both = reduce_mod(both - factors[:, None] * both[k], p)
    return both[:, size:]


def _inverse_of(value, p):
    """Inverse of one residue."""
    return float(pow(int(value) % p, -1, p))


@cache
def _is_prime(p):
    """Trial division; enough below 2**21."""
    return 2 <= p < 2**21 and all(p % d for d in range(2, int(p**0.5) + 1))


def _uses_flint(method):
    """Check the name of a method."""
    if method not in ("numpy", "flint"):
        raise ValueError(f'method: expected "numpy" or "flint", got {method!r}')
    if method == "flint" and nmod_mat is None:
        raise ValueError('method: expected an installed one, got "flint" without python-flint')
    return method == "flint"


def _to_flint(A, p):
    """Convert residues."""
    return nmod_mat(*A.shape, (A.astype(np.int64) % p).ravel().tolist(), p)
