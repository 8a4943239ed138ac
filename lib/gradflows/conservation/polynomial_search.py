r"""Finding all polynomial laws of a degree, exactly.

The kernel of the search matrix is found modulo a prime, from values of the equations at random
points; then it is lifted to the rational numbers and verified over the integers. A kernel modulo
a prime is never too small, verified laws are never too many: when the two agree, both are exact.
"""

from math import gcd, isqrt, lcm

import numpy as np
from scipy import sparse

from gradflows.conservation.law_basis import LawBasis
from gradflows.conservation.parameters import check_network, parameter_names, places
from gradflows.conservation.search_matrix import all_monomials, equations, sign_blocks
from gradflows.modular import PRIME, kernel_mod

__all__ = ["SearchError", "polynomial_laws"]

SPARE_ROWS = 8
"""Random equations more than unknowns."""

ATTEMPTS = 3


class SearchError(RuntimeError):
    """A kernel modulo the prime that is no kernel over the rational numbers."""


def polynomial_laws(widths, degree, kind="linear", bias=False):
    r"""Find all laws of a network that are homogeneous polynomials of a degree.

    A law of the model map :math:`\phi` is a function q with
    :math:`\langle\nabla q, \nabla\phi_j\rangle = 0` for all j. For ``kind="linear"`` the map is
    the end-to-end matrix, for ``"relu"`` it is the vector of all products of weights along paths.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    degree : int
    kind : {"linear", "relu"}
    bias : bool
        Whether hidden layers have biases.

    Returns
    -------
    LawBasis
        A basis of all such laws over the rational numbers, with integer coefficients without a
        common factor. It does not depend on the random points of the search.

    Raises
    ------
    SearchError
        If a kernel modulo the prime could not be lifted, with three sets of random points.
    ValueError
        If an argument is not as described, or there are more than 200000 monomials.

    Notes
    -----
    Method: [marcotte2023abide]_; sign characters, lifting and verification: this book.

    Examples
    --------
    >>> laws = polynomial_laws((1, 2, 1), 2)
    >>> laws.kernel_dimension, laws.independent
    (4, 3)
    """
    layers = check_network(widths, kind, bias)
    unknowns = all_monomials(layers.size, degree)
    blocks = sign_blocks(layers, unknowns)
    for attempt in range(ATTEMPTS):
        rows = [
            _lifted(vector, columns)
            for vector, columns in _kernels(layers, unknowns, blocks, attempt)
        ]
        if None not in rows and _are_laws(rows, layers, unknowns):
            support, coefficients = _coefficients(rows)
            return LawBasis(parameter_names(layers), unknowns[support], coefficients)
    raise SearchError(
        f"degree {degree}, widths {layers.widths}: {len(rows)} laws modulo {PRIME}, but not all "
        "of them over the rational numbers"
    )


def random_fields(layers, count, rng):
    r"""Sample points and gradients of random components of the model map, modulo the prime.

    Parameters
    ----------
    layers : Layers
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    theta, field : numpy.ndarray of int, (count, size)
        ``field`` is the gradient of :math:`y^\top W_hG_{h-1}\cdots G_1W_1x` with random x and y;
        the diagonal gates :math:`G_i` are random for ReLUs, so that each path has a factor of
        its own, and the identity in linear networks.
    """

    def draw(width):
        return rng.integers(1, PRIME, (count, width))

    theta, field = draw(layers.size), np.zeros((count, layers.size), dtype=np.int64)
    parts, state = places(layers), draw(layers.widths[0])
    states, gates = [], []
    for weight, bias in parts:
        states.append(state)
        state = np.einsum("krc,kc->kr", theta[:, weight], state) % PRIME
        state = state if bias is None else state + theta[:, bias]
        gates.append(1 if layers.linear else draw(len(weight)))
        state = gates[-1] * (state % PRIME) % PRIME
    signal = draw(layers.widths[-1])
    for (weight, bias), state, gate in zip(parts[::-1], states[::-1], gates[::-1], strict=True):
        signal = gate * signal % PRIME
        field[:, weight] = signal[:, :, None] * state[:, None, :] % PRIME
        if bias is not None:
            field[:, bias] = signal
        signal = np.einsum("krc,kr->kc", theta[:, weight], signal) % PRIME
    return theta, field


def _kernels(layers, unknowns, blocks, seed):
    """Yield the kernel modulo the prime, block by block: residues and their columns."""
    order = np.argsort(blocks, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(blocks))[:-1])
    count = max(len(columns) for columns in groups) + SPARE_ROWS
    theta, field = random_fields(layers, count, np.random.default_rng(seed))
    for columns in groups:
        rows = slice(len(columns) + SPARE_ROWS)
        samples = _derivatives(unknowns[columns], theta[rows], field[rows])
        for vector in kernel_mod(samples).T:
            yield vector, columns


def _derivatives(monomials, theta, field):
    """Differentiate monomials along the fields, modulo the prime: (points, monomials)."""
    total = 0
    for place in range(monomials.shape[1]):
        term = field[:, monomials[:, place]]
        for other in range(monomials.shape[1]):
            if other != place:
                term = term * theta[:, monomials[:, other]] % PRIME
        total = total + term
    return total % PRIME


def _lifted(vector, columns):
    """Lift residues to fractions and clear denominators: a dict column -> integer, or None."""
    support = np.flatnonzero(vector)
    fractions = [_fraction(int(vector[j])) for j in support]
    if None in fractions:
        return None
    common = lcm(*(below for _, below in fractions))
    whole = [above * (common // below) for above, below in fractions]
    divisor = gcd(*whole)
    return {int(columns[j]): value // divisor for j, value in zip(support, whole, strict=True)}


def _fraction(residue):
    """Find the fraction a/b with |a|, b <= sqrt(p/2) that has this residue, or None."""
    bound = isqrt(PRIME // 2)
    above, below, before, now = PRIME, residue, 0, 1
    while below > bound:
        quotient = above // below
        above, below = below, above - quotient * below
        before, now = now, before - quotient * now
    if not 0 < abs(now) <= bound or gcd(below, now) != 1:
        return None
    return (below, now) if now > 0 else (-below, -now)


def _are_laws(rows, layers, unknowns):
    """Verify over the integers that all equations hold."""
    if not rows:
        return True
    support, coefficients = _coefficients(rows)
    matrix = equations(layers, unknowns[support])
    return (matrix @ coefficients.T).count_nonzero() == 0


def _coefficients(rows):
    """Collect dicts column -> integer: the columns that occur, and a sparse matrix over them."""
    support = sorted({column for row in rows for column in row})
    number = {column: j for j, column in enumerate(support)}
    matrix = sparse.lil_array((len(rows), len(support)), dtype=np.int64)
    for i, row in enumerate(rows):
        for column, value in row.items():
            matrix[i, number[column]] = value
    return support, matrix.tocsr()
