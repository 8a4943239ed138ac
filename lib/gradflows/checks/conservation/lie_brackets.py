"""Checks of the chapter conservation/lie_brackets: brackets, Frobenius, the number of laws."""

import sympy as sp

from gradflows.checks.conservation.small_networks import (
    fields,
    gradients_at,
    integers,
    known_laws,
    normalised_defect,
    rank_of_laws,
    with_brackets,
)
from gradflows.conservation import lie_bracket, lie_dimension_symbolic, model_map
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")
PAPER = dict(status="paper", source="marcotte2023abide")
NETWORKS = [
    ((2, 2, 2), "linear"),
    ((2, 3, 2), "linear"),
    ((1, 3, 1), "linear"),
    ((2, 2, 2, 2), "linear"),
    ((2, 2, 2), "relu"),
]


@statement(
    "lie-brackets-parallelogram",
    says="Forward along X, forward along Y, back along X, back along Y for the time t each leaves "
    "a gap of t^2 [X, Y], with [X, Y] = DY X - DX Y, up to third order.",
    status="literature",
    source="lee2013introduction",
    **EXACT,
)
def parallelogram(rng):
    """Compose Taylor polynomials of quadratic fields; the falsehood is the opposite sign."""
    t, symbols = sp.Symbol("t"), sp.symbols("x1:4")
    monomials = [a * b for i, a in enumerate(symbols) for b in symbols[: i + 1]]
    monomials += [sp.S.One, *symbols]
    X, Y = (
        [sum(int(rng.integers(-3, 4)) * m for m in monomials) for _ in symbols] for _ in range(2)
    )
    start = integers(rng, 3)

    def low_order(entry):
        entry = sp.Poly(sp.expand(entry), t)
        return sum(entry.coeff_monomial(t**k) * t**k for k in range(3))

    def step(point, field, direction):
        place = dict(zip(symbols, point, strict=True))
        acceleration = sp.Matrix(field).jacobian(symbols) * sp.Matrix(field)
        s = direction * t
        moved = zip(point, field, acceleration, strict=True)
        return [low_order(p + s * f.subs(place) + s**2 / 2 * a.subs(place)) for p, f, a in moved]

    point = start
    for field, direction in ((X, 1), (Y, 1), (X, -1), (Y, -1)):
        point = step(point, field, direction)

    def violations(bracket):
        at = bracket.subs(dict(zip(symbols, start, strict=True)))
        return sum(
            sp.expand(p - a - t**2 * b) != 0 for p, a, b in zip(point, start, at, strict=True)
        )

    return Evidence(violations(lie_bracket(X, Y, symbols)), violations(lie_bracket(Y, X, symbols)))


@statement(
    "lie-brackets-orthogonal",
    says="A C^1 function is a law if and only if its gradient is orthogonal to the whole Lie "
    "algebra of the gradients of the model map, at every point.",
    **PAPER,
    **EXACT,
)
def orthogonal(rng):
    """Count brackets not orthogonal to a gradient; the falsehood has a flipped sign in the laws."""
    counts = {-1: 0, 1: 0}
    for widths in ((2, 2, 2), (1, 2, 1, 2)):
        first, symbols = fields(widths)
        second = with_brackets(first, symbols)
        third = [list(lie_bracket(X, Y, symbols)) for X in first[:2] for Y in second[len(first) :]]
        point = integers(rng, len(symbols))
        place = dict(zip(symbols, point, strict=True))
        vectors = sp.Matrix(second + third).subs(place)
        for sign in counts:
            laws = known_laws(widths, symbols, sign=sign)
            products = vectors * gradients_at(laws, symbols, point).T
            counts[sign] += sum(entry != 0 for entry in products)
    return Evidence(counts[-1], counts[1])


@statement(
    "lie-brackets-frobenius",
    says="Fields of constant rank k that are closed under brackets are, in suitable coordinates, "
    "combinations of the first k coordinate fields.",
    status="literature",
    source="frobenius1877ueber",
    **EXACT,
)
def frobenius(rng):
    """Do normalised fields commute? The falsehood forgets the bracket of a linear network."""
    first, symbols = fields((2, 2, 2))
    point = integers(rng, 8)
    closed = [*first, list(lie_bracket(first[0], first[1], symbols))]
    return Evidence(
        normalised_defect(closed, symbols, point), normalised_defect(first, symbols, point)
    )


@statement(
    "lie-brackets-count",
    says="Where the dimension k of the Lie algebra is constant there are n_theta - k laws with "
    "independent gradients, no more, and every C^1 law is a function of them.",
    result="Thm 3.3",
    **PAPER,
    **EXACT,
)
def count(rng):
    """Compare with the known laws; the falsehood counts with the rank of the model map."""
    error = control = 0
    for widths, kind in NETWORKS:
        growth = lie_dimension_symbolic(*model_map(widths, kind), rng=rng).growth
        size = len(model_map(widths, kind)[1])
        found = rank_of_laws(widths, kind, integers(rng, size))
        error += abs(size - growth[-1] - found)
        control += abs(size - growth[0] - found)
    return Evidence(error, control)


@statement(
    "lie-brackets-complete",
    says="N laws with independent gradients at a point, and a Lie algebra of dimension n_theta - N "
    "there: near this point every C^1 law is a function of the N.",
    result="Cor. 3.4",
    **PAPER,
    **EXACT,
)
def complete(rng):
    """Add both numbers at points of full rank; the falsehood does so at a point of rank one."""
    phi, symbols = model_map((2, 2, 2))

    def missing(theta):
        dimension = lie_dimension_symbolic(phi, symbols, theta=theta, rounds=2).dimension
        return 8 - dimension - rank_of_laws((2, 2, 2), "linear", theta)

    a, b, c, d, e, f = integers(rng, 6)
    rank_one = [a * e, b * e, a * f, b * f, c * e, c * f, d * e, d * f]
    return Evidence(sum(missing(integers(rng, 8)) for _ in range(3)), missing(rank_one))


@statement(
    "lie-brackets-generic",
    says="The dimension of the Lie algebra of a polynomial model map takes its largest value on "
    "an open dense set of full measure, the complement of the zeros of a polynomial.",
    **BOOK,
    **EXACT,
)
def generic(rng):
    """Count random points off the largest value; the falsehood claims it at special points too."""
    error = control = 0
    for widths in ((2, 2, 2), (2, 2, 1, 2), (2, 2, 2, 2)):
        phi, symbols = model_map(widths)
        most = lie_dimension_symbolic(phi, symbols).dimension
        for _ in range(3):
            error += lie_dimension_symbolic(phi, symbols, rng=rng).dimension != most
        special = [1] + [0] * (len(symbols) - 1)
        control += lie_dimension_symbolic(phi, symbols, theta=special, rounds=2).dimension != most
    return Evidence(error, control)


@statement(
    "lie-brackets-stopping",
    says="If V_j and V_(j+1) have the same constant dimension near a point, all brackets lie in "
    "V_j there; fields that do not raise a maximal rank may be dropped on the way.",
    **BOOK,
    **EXACT,
)
def stopping(rng):
    """Go on after the stop, dropping nothing; the falsehood trusts a stop at a special point."""
    error = 0
    for widths in ((2, 2, 2), (1, 2, 1, 2), (2, 2, 1, 2)):
        phi, symbols = model_map(widths)
        stopped = lie_dimension_symbolic(phi, symbols, rng=rng)
        rounds = len(stopped.growth)
        further = lie_dimension_symbolic(phi, symbols, theta=stopped.theta, rounds=rounds)
        error += further.growth[-2:] != 2 * (stopped.dimension,)
    phi, symbols = model_map((2, 2, 1, 2))
    a, b, c = integers(rng, 3)
    special = [0, a, 0, b, 0, c, 0, 0]
    stopped, further = (
        lie_dimension_symbolic(phi, symbols, theta=special, rounds=rounds).dimension
        for rounds in (None, 3)
    )
    return Evidence(error, further - stopped)
