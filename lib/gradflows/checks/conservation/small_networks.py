"""Small networks in sympy for the checks on brackets: fields, laws, exact ranks."""

import sympy as sp

from gradflows.conservation import lie_bracket, model_map


def fields(widths, kind="linear"):
    """Return the gradients of the entries of the model map, and the symbols."""
    phi, symbols = model_map(widths, kind)
    return [[entry.diff(x) for x in symbols] for entry in phi], symbols


def with_brackets(first, symbols):
    """Return the fields and their brackets in pairs."""
    pairs = [(X, Y) for i, X in enumerate(first) for Y in first[:i]]
    return [*first, *(list(lie_bracket(X, Y, symbols)) for X, Y in pairs)]


def known_laws(widths, symbols, kind="linear", sign=-1):
    """List the entries of the imbalances, for ReLUs of their diagonals; sign=-1 is the truth."""
    weights, rest = [], list(symbols)
    for columns, rows in zip(widths, widths[1:], strict=False):
        weights.append(sp.Matrix(rows, columns, rest[: rows * columns]))
        rest = rest[rows * columns :]
    laws = []
    for before, after in zip(weights, weights[1:], strict=False):
        C = after.T * after + sign * before * before.T
        pairs = [
            (i, j) for i in range(C.rows) for j in range(i, C.rows if kind == "linear" else i + 1)
        ]
        laws += [C[pair] for pair in pairs]
    return laws


def gradients_at(laws, symbols, point):
    """Return the matrix of gradients at a point, one row for each law."""
    place = dict(zip(symbols, point, strict=True))
    return sp.Matrix([[law.diff(x).subs(place) for x in symbols] for law in laws])


def rank_of_laws(widths, kind, point):
    """Rank of the gradients of the known laws at a point."""
    symbols = model_map(widths, kind)[1]
    return gradients_at(known_laws(widths, symbols, kind), symbols, point).rank()


def integers(rng, size):
    """Draw integers without zero, as Python's own."""
    return [int(a) for a in rng.choice([-1, 1], size) * rng.integers(1, 20, size)]


def normalised_defect(distribution, symbols, point):
    """Count nonzero entries of the brackets of the normalised fields at a point.

    With Y the matrix of k fields and B its first k rows, the normalised fields are the columns
    of Z = Y B^-1; they commute if and only if the fields are involutive.
    """
    place = dict(zip(symbols, point, strict=True))
    k = len(distribution)
    Y = sp.Matrix(distribution).T
    inverse = Y[:k, :].subs(place).inv()
    Z = Y.subs(place) * inverse
    slopes = []
    for x in symbols:
        change = Y.diff(x).subs(place)
        slopes.append((change - Z * change[:k, :]) * inverse)
    count = 0
    for a in range(k):
        for b in range(a):
            bracket = sum(
                (Z[j, a] * slope[:, b] - Z[j, b] * slope[:, a] for j, slope in enumerate(slopes)),
                sp.zeros(len(symbols), 1),
            )
            count += sum(entry != 0 for entry in bracket)
    return count
