r"""The linear system for polynomial laws, with all its coefficients.

A polynomial :math:`q = \sum_\alpha c_\alpha\theta^\alpha` is a law of the model map
:math:`\phi` if all coefficients of the polynomials :math:`\langle\nabla q, \nabla\phi_j\rangle`
vanish: linear equations for c, with integer coefficients.
"""

from dataclasses import dataclass
from itertools import chain, combinations_with_replacement
from math import comb

import numpy as np
from scipy import sparse

from gradflows.conservation.parameters import check_network, end_nodes, paths
from gradflows.validation import as_count

__all__ = ["SearchMatrix", "search_matrix"]

LARGEST_SEARCH = 200_000


@dataclass(frozen=True, eq=False)
class SearchMatrix:
    r"""The linear equations for the coefficients of a law.

    Attributes
    ----------
    matrix : scipy.sparse.csr_array of int, (equations, m)
        Its kernel are the laws.
    monomials : numpy.ndarray of int, (m, d)
        One row for each unknown: the indices of its factors, in increasing order.
    blocks : numpy.ndarray of int, (m,)
        Number of the sign character of each monomial; laws split accordingly.
    row_blocks : numpy.ndarray of int, (equations,)
        Number of the sign character of the unknowns that occur in each equation.
    """

    matrix: sparse.csr_array
    monomials: np.ndarray
    blocks: np.ndarray
    row_blocks: np.ndarray


def search_matrix(widths, degree, kind="linear", bias=False):
    r"""Set up the equations for laws that are homogeneous polynomials of a degree.

    One equation for each component :math:`\phi_j` of the model map and each monomial of
    :math:`\langle\nabla\theta^\alpha, \nabla\phi_j\rangle`.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    degree : int
    kind : {"linear", "relu"}
        The model map: the end-to-end matrix, or all products of weights along paths.
    bias : bool
        Whether hidden layers have biases.

    Returns
    -------
    SearchMatrix

    Raises
    ------
    ValueError
        If an argument is not as described, or there are more than 200000 monomials.

    Notes
    -----
    Source: [marcotte2023abide]_ for the method.
    """
    layers = check_network(widths, kind, bias)
    unknowns = all_monomials(layers.size, degree)
    matrix = equations(layers, unknowns)
    blocks = sign_blocks(layers, unknowns)
    first = matrix.indices[matrix.indptr[:-1]]
    return SearchMatrix(matrix, unknowns, blocks, blocks[first])


def all_monomials(size, degree):
    """List all monomials of a degree in so many variables, as rows of increasing indices."""
    degree = as_count("degree", degree)
    count = comb(size + degree - 1, degree)
    if count > LARGEST_SEARCH:
        raise ValueError(
            f"degree: expected at most {LARGEST_SEARCH} monomials, got {count} of degree {degree} "
            f"in {size} parameters"
        )
    rows = combinations_with_replacement(range(size), degree)
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=count * degree)
    return flat.reshape(count, degree)


def sign_blocks(layers, monomials):
    """Give each monomial the number of its sign character.

    Flipping a neuron changes the sign of every parameter at it, so that the character of a
    monomial is the set of nodes that its factors touch an odd number of times.
    """
    touched = end_nodes(layers)[monomials].sum(axis=1) % 2
    characters = np.packbits(touched.astype(np.uint8), axis=1)
    return np.unique(characters, axis=0, return_inverse=True)[1]


def equations(layers, monomials):
    """Expand all products <grad monomial, grad phi_j>: a sparse integer matrix."""
    edges, groups = paths(layers)
    real = edges < layers.size
    path, place = np.nonzero(real)
    order = np.argsort(edges[real], kind="stable")
    path, place = path[order], place[order]
    rest = _without(edges[path], place)  # the other factors of the path
    first = np.searchsorted(edges[path, place], np.arange(layers.size + 1))

    column, position = np.divmod(np.arange(monomials.size), monomials.shape[1])
    variable = monomials[column, position]
    count = np.diff(first)[variable]  # one term for each path through the variable
    which = np.repeat(np.arange(monomials.size), count)
    use = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    use += first[variable[which]]
    others = _without(monomials[column[which]], position[which])
    product = np.sort(np.concatenate([others, rest[use]], axis=1), axis=1)
    keys = np.concatenate([groups[path[use], None], product], axis=1)
    kinds, row = np.unique(keys, axis=0, return_inverse=True)
    shape = (len(kinds), len(monomials))
    return sparse.coo_array(
        (np.ones(len(row), dtype=np.int64), (row, column[which])), shape
    ).tocsr()


def _without(rows, place):
    """Delete the entry at ``place[i]`` from row i."""
    keep = np.arange(rows.shape[1]) != place[:, None]
    return rows[keep].reshape(len(rows), -1)
