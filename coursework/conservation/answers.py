"""Right answers in other conventions, and wrong answers with the words that must name them.

Each entry is a function of a student's data; `WRONG` adds what the reasons must contain.
"""

import sympy as sp

from gradflows.conservation import known_law_count

SPACE = sp.symbols("x y z")
X = sp.symbols("x0:8")
A1, A2, B1, B2, P1, P2, Q1, Q2 = sp.symbols("a1 a2 b1 b2 p1 p2 q1 q2")


def _terms(d):
    first, second = (sp.Matrix([sp.sympify(e) for e in field]) for field in (d.X, d.Y))
    return second.jacobian(SPACE) * first, first.jacobian(SPACE) * second


def _law(d, times=None, sign=-1, swap=False):
    times = d.times if times is None else times
    p = sum(x**2 for x in sp.symbols("p0 p1"))
    v = sum(x**2 for x in sp.symbols(f"v0:{d.length}"))
    return times * p + sign * v if swap else p + sign * times * v


def _widths(d, largest=30):
    found = [
        (hidden * outer, (1, hidden, outer - 1))
        for hidden in range(1, largest)
        for outer in range(2, largest)
        if known_law_count((1, hidden, outer - 1)) == d.laws
    ]
    return sorted(found)


def _entries(d):
    """Return the hidden width whose number of entries is the number of laws, if there is one."""
    return next((r for r in range(1, 30) if r * (r + 1) // 2 >= d.laws), None)


def _turn(m, n, sign=1):
    return m * (A1 * P2 - A2 * P1) + sign * n * (B1 * Q2 - B2 * Q1)


def _laws(d, alternate=True, odd=False, single=True):
    colour, found = {}, []
    for start in range(8):
        if start in colour:
            continue
        colour[start], piece, todo = 1, [start], [start]
        while todo:
            node = todo.pop()
            for i, j in d.edges:
                other = i + j - node
                if node in (i, j) and other not in colour:
                    colour[other] = -colour[node]
                    piece.append(other)
                    todo.append(other)
        even = all(colour[i] != colour[j] for i, j in d.edges if i in piece)
        if (even or odd) and (single or len(piece) > 1):
            found.append(sum((colour[i] if alternate else 1) * X[i] ** 2 for i in piece))
    return found


RIGHT = {
    "conservation-bracket": {
        "not expanded": lambda d: [a - b for a, b in zip(*_terms(d), strict=True)],
        "as texts": lambda d: [str(sp.expand(e)) for e in _terms(d)[0] - _terms(d)[1]],
    },
    "conservation-filter": {
        "the other sign": lambda d: {"law": str(-_law(d)), "number": 1.0},
        "its square": lambda d: {"law": _law(d) ** 2 + 3, "number": sp.Integer(1)},
    },
    "conservation-widths": {
        "in the other order": lambda d: _widths(d)[0][1][::-1],
        "a list of floats": lambda d: [float(n) for n in _widths(d)[0][1]],
    },
    "conservation-words": {
        "another order": lambda d: ["[1,0]", "1", "0"],
        "deeper brackets": lambda d: ["0", "[0, 1]", "[0, [0, 1]]"],
    },
    "conservation-masses": {
        "the other sign": lambda d: {"J": -_turn(d.m, d.n), "kappa": d.gamma},
        "squared": lambda d: {"J": _turn(d.m, d.n) ** 2, "kappa": 2 * d.gamma},
    },
    "conservation-graph": {
        "multiples, as texts": lambda d: [str(3 * e) for e in _laws(d)],
        "powers": lambda d: [e**2 for e in _laws(d)],
    },
}

WRONG = {
    "conservation-bracket": {
        "this is [Y, X]": lambda d: list(_terms(d)[1] - _terms(d)[0]),
        "only one": lambda d: list(_terms(d)[0]),
        "are added": lambda d: list(_terms(d)[0] + _terms(d)[1]),
        "three components": lambda d: list(_terms(d)[0])[:2],
    },
    "conservation-filter": {
        "used once": lambda d: {"law": _law(d, times=1), "number": 1},
        "a sign is wrong": lambda d: {"law": _law(d, sign=1), "number": 1},
        "wrong filter": lambda d: {"law": _law(d, swap=True), "number": 1},
        "not so many": lambda d: {"law": _law(d), "number": d.times},
        "constant": lambda d: {"law": 1, "number": 1},
    },
    "conservation-widths": {
        "a smaller network": lambda d: next(
            w for size, w in _widths(d, 60) if size > _widths(d)[0][0]
        ),
        "independent functions for the widths": lambda d: (1, _entries(d) + 1, 20),
        "positive integers": lambda d: (1, 2.5, 1),
    },
    "conservation-words": {
        "span 2 dimensions": lambda d: ["0", "1", "[0, 0]"],
        "the field zero": lambda d: ["0", "1", "[1, 1]"],
        "three fields": lambda d: ["0", "1"],
        "brackets of two": lambda d: ["0", "1", "[0, 1, 1]"],
    },
    "conservation-masses": {
        "equal masses": lambda d: {"J": _turn(1, 1), "kappa": d.gamma},
        "exchanged": lambda d: {"J": _turn(d.n, d.m), "kappa": d.gamma},
        "the same way": lambda d: {"J": _turn(d.m, d.n, -1), "kappa": d.gamma},
        "sign of kappa": lambda d: {"J": _turn(d.m, d.n), "kappa": -d.gamma},
        "another rate": lambda d: {"J": _turn(d.m, d.n), "kappa": 2 * d.gamma},
    },
    "conservation-graph": {
        "changes along the edge": lambda d: _laws(d, odd=True),
        "sum of squares": lambda d: _laws(d, alternate=False)[-1:] if len(_laws(d)) < 2 else [
            e for e in _laws(d, alternate=False) if len(e.free_symbols) > 1
        ],
        "there are more": lambda d: _laws(d)[:-1] or [_laws(d)[0] * 0 + 1],
    },
}  # fmt: skip
