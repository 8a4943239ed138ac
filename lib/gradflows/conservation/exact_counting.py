r"""The exact dimension of the Lie algebra that a model map generates.

The gradients of the entries of a polynomial map :math:`\phi` span :math:`W_\phi`; brackets
enlarge it to :math:`\mathrm{Lie}(W_\phi)`. Its dimension at a point is found without forming a
bracket: one random polynomial control is enough, see ``jets.py``.
Everything is done modulo a prime, where ranks are exact. All results are lower bounds for the
generic dimension over the reals, and an equality as soon as enough laws are known.
"""

from dataclasses import dataclass, field

import numpy as np

from gradflows.conservation.complete_lists import (
    as_integers,
    extra_law_count,
    known_law_count,
    network_widths,
    parameter_count,
    split_layers,
)
from gradflows.conservation.jets import LinearJet, residues, with_biases
from gradflows.conservation.map_jets import map_jet, polynomial_map
from gradflows.conservation.path_cover import covering_paths, path_vectors
from gradflows.modular import PRIME, as_residues, pivots_mod
from gradflows.validation import as_array

__all__ = ["LieDimension", "lie_dimension", "lie_dimension_of", "lie_vectors"]


def _nothing():
    """Return an empty array."""
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class LieDimension:
    """Dimension of the Lie algebra at a point, and how it was reached.

    Attributes
    ----------
    dimension : int
        Never more than the generic dimension over the reals.
    order : int
        Number of derivatives along the trajectory that were needed.
    growth : tuple of int
        Rank of all derivatives up to order 0, 1, 2, ...; the first entry is the rank of the
        differential of the model map.
    """

    dimension: int
    order: int
    growth: tuple


@dataclass(frozen=True, eq=False)
class Witness:
    """The random integers from which the vectors in the Lie algebra are computed.

    Attributes
    ----------
    theta : numpy.ndarray, (size,)
    control : numpy.ndarray, (K, d_h, d_0) or (K, d)
        Coefficients of the control; empty for ReLU networks.
    left, right : numpy.ndarray, (n, d_h) and (n, d_0), (n, d_0 + 1) with biases
        The generators of a linear network are the gradients of ``left @ product @ right``; empty
        otherwise.
    """

    theta: np.ndarray
    control: np.ndarray = field(default_factory=_nothing)
    left: np.ndarray = field(default_factory=_nothing)
    right: np.ndarray = field(default_factory=_nothing)


def lie_dimension(widths, kind="linear", bias=False, rng=None, *, theta=None, method="auto"):
    r"""Dimension of the Lie algebra of a deep linear network or of a ReLU path lifting.

    Linear networks: Taylor series of the trajectory under a random polynomial control, iterates
    of :math:`Z \mapsto \dot Z - HZ`, and their rank modulo a prime. Only as many random
    generators are followed as the differential of the model map has rank; the order grows until
    the known laws leave no room for more, or a further order adds nothing.

    ReLU networks: the number of parameters minus that of the hidden neurons, at every point
    without zero weights; no brackets are needed.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    kind : str
        "linear" or "relu".
    bias : bool
        Whether the hidden layers have biases.
    rng : numpy.random.Generator, optional
        Draws point, control and generators; seed 0 if left out.
    theta : array_like of int, (size,), optional
        The point; random if left out.
    method : str
        "auto" as above, or "computed": no closed form, also for ReLU networks, where the rank of
        the gradients of enough paths is computed.

    Returns
    -------
    LieDimension

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: this book, after the algorithm of marcotte2023abide; that one control is enough goes
    back to sontag1995control.

    Examples
    --------
    >>> lie_dimension((2, 3, 3, 2))
    LieDimension(dimension=9, order=2, growth=(4, 7, 9))
    """
    widths = network_widths(widths, kind, bias)
    if method not in ("auto", "computed"):
        raise ValueError(f'method: expected "auto" or "computed", got {method!r}')
    size = parameter_count(widths, bias)
    if kind == "relu" and method == "auto" and theta is None:
        dimension = size - known_law_count(widths, kind, bias)
        return LieDimension(dimension, 0, (dimension,))
    if theta is not None:
        theta = as_integers("theta", theta, (size,))
        if kind == "relu" and not theta.all():
            raise ValueError('theta: expected no zero for kind "relu", got one')
    rng = np.random.default_rng(0) if rng is None else rng
    return searched(widths, kind, bias, rng, theta)[0]


def lie_dimension_of(phi, symbols, rng=None, *, theta=None):
    r"""Dimension of the Lie algebra of any polynomial map, by the same method.

    Parameters
    ----------
    phi : sequence of sympy expressions
        Polynomials with rational coefficients.
    symbols : sequence of sympy symbols
        The parameters.
    rng : numpy.random.Generator, optional
        Draws point and control; seed 0 if left out.
    theta : array_like of int, (len(symbols),), optional
        The point; random if left out.

    Returns
    -------
    LieDimension

    Raises
    ------
    ValueError
        If an entry is no polynomial in the symbols, or a coefficient is not rational.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> import sympy as sp
    >>> x, y, z = sp.symbols("x y z")
    >>> lie_dimension_of([x * y, y * z], [x, y, z]).dimension
    2
    """
    terms = polynomial_map(phi, symbols)
    if theta is not None:
        theta = as_integers("theta", theta, (len(symbols),))
    rng = np.random.default_rng(0) if rng is None else rng
    return searched_map(terms, len(symbols), rng, theta)[0]


def lie_vectors(weights, control, left, right, *, p=PRIME):
    r"""Vectors in the Lie algebra of a deep linear network at a point, from one control.

    Iterates of :math:`Z \mapsto \dot Z - HZ` at t = 0, started at the gradients of
    :math:`a^T W_h\cdots W_1\,b`, along the flow of the gradient of
    :math:`\langle U(t), W_h\cdots W_1\rangle`.

    Parameters
    ----------
    weights : sequence of array_like, (d_i, d_{i-1})
        The point, integers.
    control : array_like, (K, d_h, d_0)
        Coefficients of the polynomial U, integers.
    left : array_like, (n, d_h)
        Vectors a, integers.
    right : array_like, (n, d_0)
        Vectors b, integers.
    p : int or None
        A prime above K and below 2**21; or None: the same computation in floating point, with
        numbers that need not be integers.

    Returns
    -------
    numpy.ndarray, (K + 1, n, size)
        Order by order: for a prime residues between -p/2 and p/2.

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is no integer, or ``p`` is no such prime.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> lie_vectors([[[1]], [[2]]], [[[3]]], [[1]], [[1]])
    array([[[2., 1.]],
    <BLANKLINE>
           [[0., 0.]]])
    """
    weights = [as_array(f"weights[{i}]", w, ("rows", "columns")) for i, w in enumerate(weights)]
    for i, (before, after) in enumerate(zip(weights, weights[1:], strict=False)):
        as_array(f"weights[{i + 1}]", after, ("rows", len(before)))
    ends = len(weights[-1]), weights[0].shape[1]
    control = as_array("control", control, ("K", *ends))
    left = as_array("left", left, ("n", ends[0]))
    right = as_array("right", right, (len(left), ends[1]))
    if p is None:
        return LinearJet(weights, control, None).vectors(left, right)
    as_residues([[0]], p)
    if p <= len(control):
        raise ValueError(f"p: expected a prime above the length of the control, got {p}")
    weights, flat = [as_residues(w, p) for w in weights], control.reshape(len(control), -1)
    control = as_residues(flat, p).reshape(control.shape)
    return LinearJet(weights, control, p).vectors(as_residues(left, p), as_residues(right, p))


def searched(widths, kind, bias, rng, theta=None):
    """Compute the dimension for checked arguments; return it with its witness."""
    size = parameter_count(widths, bias)
    room = size - known_law_count(widths, kind, bias)
    generic = theta is None
    theta = _draw(rng, size) if generic else theta
    if kind == "relu":
        return grown(path_vectors(theta, covering_paths(widths, bias))[None]), Witness(theta)
    ends, narrow = (widths[-1], widths[0] + bias), min(widths)
    n = ends[0] * ends[1] if bias or not generic else narrow * (sum(ends) - narrow)
    left, right = (_draw(rng, (n, d)) for d in ends)
    weights, masks = split_layers(residues(theta), widths, bias)[0], None
    if bias:
        weights, masks = with_biases(*split_layers(residues(theta), widths, bias))
    else:
        room -= extra_law_count(widths)

    def attempt(control):
        jet = LinearJet(weights, residues(control), masks=masks)
        vectors = jet.vectors(residues(left), residues(right))
        return grown(vectors), Witness(theta, control, left, right)

    return _enlarged(attempt, ends, room, -(-room // n) - 1, rng)


def searched_map(terms, size, rng, theta=None):
    """Compute the dimension of a polynomial map; return it with its witness."""
    theta = _draw(rng, size) if theta is None else theta

    def attempt(control):
        return grown(map_jet(terms, theta, control)), Witness(theta, control)

    return _enlarged(attempt, (len(terms),), size, 2, rng)


def grown(vectors):
    """Rank of the vectors order by order."""
    orders, n, size = vectors.shape
    pivots = pivots_mod(vectors.reshape(orders * n, size).T)
    growth = [int(np.searchsorted(pivots, n * (k + 1))) for k in range(orders)]
    order = growth.index(growth[-1])
    return LieDimension(growth[-1], order, tuple(growth[: order + 1]))


def _enlarged(attempt, shape, room, start, rng):
    """Lengthen the control until the rank fills the room, or a further order adds nothing."""
    control = _draw(rng, (max(start, 1), *shape))
    while True:
        found, witness = attempt(control)
        if found.dimension >= room or found.order < len(control):
            return found, witness
        control = np.concatenate([control, _draw(rng, (max(2, len(control) // 2), *shape))])


def _draw(rng, shape):
    """Draw uniform residues, zero excluded."""
    return rng.integers(1, PRIME, shape, dtype=np.int64)
