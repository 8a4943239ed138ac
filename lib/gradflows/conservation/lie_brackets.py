r"""Lie brackets with sympy: the bracket itself, and the dimension of the algebra it generates.

The gradients of the entries of a polynomial model map :math:`\phi` span a space :math:`W_\phi` of
vector fields; :math:`\mathrm{Lie}(W_\phi)` is the smallest space that holds it and all brackets.
Everything here is exact and meant for small networks; sizes beyond need another method.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import sympy as sp

from gradflows.conservation.parameters import check_network, parameter_names, paths
from gradflows.validation import as_count

__all__ = ["BracketGrowth", "lie_bracket", "lie_dimension_symbolic", "model_map"]

LARGEST_ENTRY = 99
"""Random points have integer coordinates up to this size, none of them zero."""


@dataclass(frozen=True)
class BracketGrowth:
    r"""How the brackets of a model map fill up the tangent space at one point.

    Attributes
    ----------
    growth : tuple of int
        Dimensions of :math:`V_0(\theta), V_1(\theta), \dots`; the first is the rank of the
        differential of the model map.
    theta : tuple of Fraction, (size,)
        The point.
    """

    growth: tuple
    theta: tuple

    @property
    def dimension(self):
        """The last dimension."""
        return self.growth[-1]


def model_map(widths, kind="linear", bias=False):
    r"""Write the model map :math:`\phi` of a network in sympy.

    Linear networks: the entries of :math:`W_h \cdots W_1`, column by column, and with biases the
    constant part. ReLU networks: the path lifting, that is the product of the weights along each
    path from an input, or from a hidden bias, to an output.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, input first.
    kind : str
        "linear" or "relu".
    bias : bool
        Whether the hidden layers have biases.

    Returns
    -------
    phi : list of sympy expressions
    symbols : list of sympy symbols, (size,)
        In the order of ``theta``: ``w2_1_3`` is the entry (1, 3) of W_2, of shape
        ``(d_2, d_1)``, and ``b1_2`` the second bias of layer 1.

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: marcotte2023abide.

    Examples
    --------
    >>> model_map((1, 2, 1))[0]
    [w1_1_1*w2_1_1 + w1_2_1*w2_1_2]
    """
    layers = check_network(widths, kind, bias)
    symbols = [sp.Symbol(name) for name in parameter_names(layers)]
    edges, groups = paths(layers)
    factors = np.array([*symbols, sp.S.One])
    phi = [sp.S.Zero] * (max(groups) + 1)
    for path, group in zip(edges, groups, strict=True):
        phi[group] += sp.prod(factors[path])
    return phi, symbols


def lie_bracket(X, Y, symbols):
    r"""Bracket of two vector fields, :math:`[X, Y] = DY\,X - DX\,Y`.

    Parameters
    ----------
    X, Y : sequence of sympy expressions, (size,)
    symbols : sequence of sympy symbols, (size,)

    Returns
    -------
    sympy.Matrix, (size, 1)
        With expanded entries.

    Raises
    ------
    ValueError
        If a field has not as many entries as there are symbols.

    Notes
    -----
    Many books use the opposite sign for matrices; spans do not see it.

    Examples
    --------
    >>> x, y, z = sp.symbols("x y z")
    >>> list(lie_bracket([1, 0, 0], [0, 1, x], [x, y, z]))
    [0, 0, 1]
    """
    symbols = list(symbols)
    for name, field in (("X", X), ("Y", Y)):
        if len(field) != len(symbols):
            raise ValueError(f"{name}: expected {len(symbols)} entries, got {len(field)}")
    X, Y = sp.Matrix(list(X)), sp.Matrix(list(Y))
    return (Y.jacobian(symbols) * X - X.jacobian(symbols) * Y).expand()


def lie_dimension_symbolic(phi, symbols, *, theta=None, rounds=None, known_laws=0, rng=None):
    r"""Dimension of the Lie algebra of a polynomial map at a point, by forming brackets.

    .. math:: V_0 = W_\phi, \qquad V_{j+1} = V_j + [V_0, V_j],

    evaluated at one point, until the dimension stagnates. At a random point a field is kept only
    if it raises the dimension: near a point of maximal rank the others are combinations, with
    functions as coefficients, of those kept. At a point of your own nothing is dropped, and
    equal dimensions prove nothing unless the rank is maximal there.

    Parameters
    ----------
    phi : sequence of sympy expressions
        Polynomials in the symbols with rational coefficients.
    symbols : sequence of sympy symbols, (size,)
    theta : sequence of rational numbers, (size,), optional
        The point; random integers without a zero if left out.
    rounds : int, optional
        Do so many rounds, whether or not the dimension stagnates.
    known_laws : int
        Number of independent laws that are known; the search ends when they leave no room.
    rng : numpy.random.Generator, optional
        Draws the point; seed 0 if left out.

    Returns
    -------
    BracketGrowth

    Raises
    ------
    ValueError
        If phi is not polynomial in the symbols, or an argument is not as described.

    Notes
    -----
    The algorithm is that of Sec. 3.3 of marcotte2023abide, with exact ranks.

    Examples
    --------
    >>> lie_dimension_symbolic(*model_map((2, 2, 2))).growth
    (4, 5, 5)
    """
    generators, variables = _gradients(phi, symbols)
    known_laws = as_count("known_laws", known_laws, minimum=0)
    rounds = None if rounds is None else as_count("rounds", rounds, minimum=0)
    pruned = theta is None
    point = _random_point(len(variables), rng) if pruned else _as_point(theta, len(variables))
    space, fields = _Span(), _Span()

    def grows(field):
        """Add a field to the space at the point; tell whether it must be kept."""
        raised = space.add(dict(enumerate(_at(field, point))))
        return raised if pruned else fields.add(_coefficients(field))

    first = kept = [X for X in generators if grows(X)]
    growth, room = [space.dimension], len(variables) - known_laws
    while growth[-1] < room if rounds is None else len(growth) <= rounds:
        kept = [Z for Y in kept for X in first if grows(Z := _bracket(X, Y, variables))]
        growth.append(space.dimension)
        if rounds is None and growth[-1] == growth[-2]:
            break
    return BracketGrowth(tuple(growth), tuple(point))


def _gradients(phi, symbols):
    """Differentiate the map, in sympy's sparse polynomials, which are much faster."""
    ring = sp.polys.rings.PolyRing(list(symbols), sp.QQ)
    try:
        entries = [ring.from_expr(sp.sympify(entry)) for entry in phi]
    except (ValueError, sp.CoercionFailed):
        raise ValueError(
            "phi: expected polynomials in the symbols, rational coefficients"
        ) from None
    if not entries:
        raise ValueError("phi: expected at least one entry, got none")
    return [[entry.diff(x) for x in ring.gens] for entry in entries], ring.gens


def _bracket(X, Y, variables):
    """Bracket of two fields of sparse polynomials."""
    total = [0] * len(variables)
    for x, a, b in zip(variables, X, Y, strict=True):
        for i in range(len(total)):
            if a and Y[i]:
                total[i] += a * Y[i].diff(x)
            if b and X[i]:
                total[i] -= b * X[i].diff(x)
    return total


def _coefficients(field):
    """All coefficients of a field, as a vector over the rationals."""
    return {
        (i, powers): factor
        for i, entry in enumerate(field)
        for powers, factor in (entry.terms() if entry else ())
    }


def _at(field, point):
    """Evaluate a field at a point, in fractions."""
    return [_value(entry, point) for entry in field]


def _value(polynomial, point):
    total = Fraction(0)
    for powers, factor in polynomial.terms() if polynomial else ():
        term = Fraction(int(factor.numerator), int(factor.denominator))
        for k, power in enumerate(powers):
            if power:
                term *= point[k] ** power
        total += term
    return total


def _random_point(size, rng):
    rng = np.random.default_rng(0) if rng is None else rng
    signs = rng.choice([-1, 1], size)
    return [Fraction(int(a)) for a in signs * rng.integers(1, LARGEST_ENTRY + 1, size)]


def _as_point(theta, size):
    """Check a point with rational coordinates."""
    theta = list(theta)
    if len(theta) != size:
        raise ValueError(f"theta: expected {size} coordinates, got {len(theta)}")
    try:
        exact = [sp.nsimplify(a, rational=True) for a in theta]
        return [Fraction(int(a.p), int(a.q)) for a in exact]
    except (AttributeError, TypeError, sp.SympifyError):
        raise ValueError(f"theta: expected rational coordinates, got {theta}") from None


class _Span:
    """A linear space over the rationals; vectors are dicts, rows are in echelon form."""

    def __init__(self):
        self._rows = {}

    @property
    def dimension(self):
        return len(self._rows)

    def add(self, vector):
        """Add a vector; tell whether the dimension has grown."""
        vector = {key: a for key, a in vector.items() if a}
        for place, row in self._rows.items():
            factor = vector.get(place, 0)
            if factor:
                for key, a in row.items():
                    vector[key] = vector.get(key, 0) - factor * a
        vector = {key: a for key, a in vector.items() if a}
        if not vector:
            return False
        place = next(iter(vector))
        self._rows[place] = {key: a / vector[place] for key, a in vector.items()}
        return True
