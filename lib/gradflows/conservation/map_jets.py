"""The series of :mod:`gradflows.conservation.jets` for any polynomial map of few parameters."""

import math

import numpy as np
import sympy as sp

from gradflows.conservation.jets import derivative, residues, times, toeplitz
from gradflows.modular import PRIME, reduce_mod


def polynomial_map(phi, symbols, name="phi"):
    """Read polynomials as lists of integer terms; denominators are multiplied away.

    Parameters
    ----------
    phi : sequence of sympy expressions
    symbols : sequence of sympy symbols
    name : str
        Name of the polynomials, for messages.

    Returns
    -------
    list of list of (int, tuple of int)
        For each polynomial its coefficients and exponents.

    Raises
    ------
    ValueError
        If an entry is no polynomial in the symbols, or a coefficient is not rational.
    """
    phi, symbols, result = list(phi), list(symbols), []
    if not phi or not symbols:
        raise ValueError(f"{name}, symbols: expected at least one each, got {phi}, {symbols}")
    for i, expression in enumerate(phi):
        try:
            polynomial = sp.Poly(expression, *symbols)
        except sp.PolynomialError:
            polynomial = None
        if polynomial is None or not all(c.is_Rational for c in polynomial.coeffs()):
            raise ValueError(
                f"{name}[{i}]: expected a polynomial in {symbols} with rational coefficients, "
                f"got {expression}"
            )
        common = math.lcm(*(c.q for c in polynomial.coeffs()))
        result.append([(int(c * common), exponents) for exponents, c in polynomial.terms()])
    return result


def map_jet(terms, theta, control):
    r"""Return the iterates at t = 0 of the gradients of all entries of a polynomial map.

    Parameters
    ----------
    terms : list
        From :func:`polynomial_map`, d polynomials.
    theta : numpy.ndarray of int, (size,)
        Start of the trajectory of :math:`\dot\theta = \sum_i u_i(t) \nabla\phi_i(\theta)`.
    control : numpy.ndarray of int, (K, d)
        Coefficients of u.

    Returns
    -------
    numpy.ndarray, (K + 1, d, size)
        Residues, order by order.
    """
    terms = [[(c % PRIME, exponents) for c, exponents in row] for row in terms]
    K, size = len(control), len(theta)
    u = np.zeros((len(terms), K + 1), dtype=np.int64)
    u[:, :K] = control.T % PRIME
    path = np.zeros((size, K + 1), dtype=np.int64)
    path[:, 0] = theta % PRIME
    inverses = np.array([pow(k, -1, PRIME) for k in range(1, K + 1)], dtype=np.int64)
    for _ in range(K):  # each round makes one more coefficient right
        field = _combine(u, gradients(terms, path))
        path[:, 1:] = field[:, :K] * inverses % PRIME
    H = toeplitz(residues(_combine(u, _hessians(terms, path)).transpose(2, 0, 1)))
    Z, result = residues(gradients(terms, path).transpose(2, 1, 0))[None], []
    for order in range(K + 1):
        result.append(Z[0, 0].T)
        if order < K:
            Z = reduce_mod(derivative(Z, 1) - times(H, Z[:, :-1]))
    return np.stack(result)


def gradients(terms, path):
    """Evaluate gradients along a path.

    Parameters
    ----------
    terms : list of list of (int, tuple of int)
        Residues and exponents of d polynomials.
    path : numpy.ndarray of int, (size, K + 1)
        Series of the parameters.

    Returns
    -------
    numpy.ndarray of int, (d, size, K + 1)
    """
    value, result = _monomials(path), np.zeros((len(terms), *path.shape), dtype=np.int64)
    for row, polynomial in zip(result, terms, strict=True):
        for c, exponents in polynomial:
            for j, factor, lower in _lowered(exponents):
                row[j] = (row[j] + c * factor % PRIME * value(lower)) % PRIME
    return result


def _hessians(terms, path):
    """Hessians along a path: (d, size, size, K + 1)."""
    value, size = _monomials(path), len(path)
    result = np.zeros((len(terms), size, *path.shape), dtype=np.int64)
    for block, polynomial in zip(result, terms, strict=True):
        for c, exponents in polynomial:
            for j, first, lower in _lowered(exponents):
                for k, second, lowest in _lowered(lower):
                    entry = c * first * second % PRIME * value(lowest)
                    block[j, k] = (block[j, k] + entry) % PRIME
    return result


def _lowered(exponents):
    """Differentiate a monomial: index, factor, exponents."""
    for j, exponent in enumerate(exponents):
        if exponent:
            yield j, exponent, (*exponents[:j], exponent - 1, *exponents[j + 1 :])


def _monomials(path):
    """Return a function from exponents to the series of the monomial, with a memory."""
    one = np.zeros(path.shape[1], dtype=np.int64)
    one[0] = 1
    known = {(0,) * len(path): one}

    def value(exponents):
        if exponents not in known:
            j, _, lower = next(_lowered(exponents))
            known[exponents] = _multiply(path[j], value(lower))
        return known[exponents]

    return value


def _multiply(a, b):
    """Multiply two scalar series; sums of 2**20 products fit into int64."""
    return np.convolve(a, b)[: a.size] % PRIME


def _combine(u, fields):
    """Sum over i of the series u_i times the series of the arrays with index i."""
    result = np.zeros(fields.shape[1:], dtype=np.int64)
    for i, series in enumerate(u):
        for k, factor in enumerate(series):
            if factor:
                result[..., k:] += factor * fields[i, ..., : series.size - k] % PRIME
    return result % PRIME
