"""Brackets of vector fields, filters, numbers of laws, and enough brackets for a proof."""

import json

import sympy as sp

from gradflows.conservation import known_law_count
from gradflows.grading.answers import Array, Listing, Polynomial, Record, Text
from gradflows.grading.properties import conserved_along, is_constant
from gradflows.grading.questions import Part, Question, question

SPACE = sp.symbols("x y z")
FOUR = sp.symbols("x1 x2 x3 x4")
DEEPEST = 6


@question
class Bracket(Question):
    """The Lie bracket of two polynomial fields, judged by how it acts on functions."""

    label, points = "conservation-bracket", 3

    def draw(self, rng):
        """Draw two fields of degree two whose bracket and mixed terms are not zero."""
        monomials = [1, *SPACE, *(a * b for i, a in enumerate(SPACE) for b in SPACE[i:])]
        while True:
            X, Y = (
                [sum(int(rng.integers(-3, 4)) * monomials[k] for k in rng.choice(10, 3, False))
                 for _ in range(3)]
                for _ in range(2)
            )  # fmt: skip
            if all(any(sp.expand(e) for e in _along(*pair)) for pair in ((X, Y), (Y, X))) and any(
                sp.expand(a - b) for a, b in zip(_along(X, Y), _along(Y, X), strict=True)
            ):
                return {"X": [str(e) for e in X], "Y": [str(e) for e in Y]}

    def kind(self, data):
        """Return a list of polynomials."""
        return Listing(Polynomial(("x", "y", "z")))

    def judge(self, answer, data, rng):
        """Let the field act on a polynomial, and compare with both orders of X and Y."""
        X, Y = ([sp.sympify(e) for e in data[name]] for name in "XY")
        mistake = f"a field on R^3 has three components, not {len(answer)}"
        if len(answer) == 3:
            mistake = self._mistake([p.as_expr() for p in answer], X, Y)
        yield Part(3, "bracket", mistake)

    def _mistake(self, Z, X, Y):
        """Compare the action on the coordinates and on their products."""
        functions = [*SPACE, *(a * b for a in SPACE for b in SPACE)]
        first, second = (
            [_act(A, _act(B, f)) - _act(B, _act(A, f)) for f in functions]
            for A, B in ((X, Y), (Y, X))
        )
        mine = [_act(Z, f) for f in functions]
        if _same(mine, first):
            return None
        if _same(mine, second):
            return "the sign is the opposite: this is [Y, X]"
        if _same(Z, _along(X, Y)) or _same(Z, _along(Y, X)):
            return "only one of the two terms is there"
        if _same(Z, [a + b for a, b in zip(_along(X, Y), _along(Y, X), strict=True)]):
            return "the two terms are added; their difference is the bracket"
        return "it does not act as X(Yf) - Y(Xf)"


@question
class Filter(Question):
    """A law of repeated filters, by its exact derivative along all coefficient gradients."""

    label, points = "conservation-filter", 5

    def draw(self, rng):
        """Draw how often the filter is used, and the length of the other."""
        return {"times": int(rng.integers(2, 4)), "length": int(rng.integers(2, 4))}

    def kind(self, data):
        """Return a polynomial and a number."""
        return Record(law=Polynomial(self._names(data)), number=Array(()))

    def judge(self, answer, data, rng):
        """Differentiate; a repetition that is forgotten makes another polynomial a law."""
        law, mistake = answer["law"], None
        if is_constant(law):
            mistake = "a constant is conserved by every flow"
        elif not self._is_law(law, data, data["times"]):
            signs = sp.Poly(law.as_expr().subs({s: sp.I * s for s in law.gens[:2]}), *law.gens)
            if self._is_law(law, data, 1):
                mistake = "this is a law if the filter p is used once"
            elif self._is_law(signs, data, data["times"]):
                mistake = "a sign is wrong: one square is subtracted from the other"
            elif self._is_law(self._exchanged(law, data["times"]), data, data["times"]):
                mistake = "the number of uses stands at the wrong filter"
            else:
                mistake = "its derivative along the flow is not zero"
        yield Part(4, "law", mistake)
        number = round(float(answer["number"]), 9)
        text = "there are not so many: the only symmetry of the coefficients is a scaling"
        yield Part(1, "number", None if number == 1 else text)

    def _names(self, data):
        """Return the names of the parameters."""
        return ("p0", "p1", *(f"v{i}" for i in range(data["length"])))

    def _is_law(self, law, data, times):
        """Whether a polynomial is constant along the gradient of each coefficient."""
        p0, p1, *v = symbols = sp.symbols(self._names(data))
        z = sp.Symbol("z")
        whole = (p0 + p1 * z) ** times * sum(x * z**i for i, x in enumerate(v))
        return all(
            conserved_along(law, [sp.diff(c, s) for s in symbols])
            for c in sp.Poly(sp.expand(whole), z).all_coeffs()
        )

    def _exchanged(self, law, times):
        """Scale the square terms as if the factor had been put at the other filter."""
        terms = {powers: c * (times**2 if any(powers[:2]) else 1) for powers, c in law.terms()}
        scaled = sp.Poly.from_dict(terms, *law.gens)
        other = sp.Poly.from_dict(
            {p: c * (1 if any(p[:2]) else times**2) for p, c in law.terms()}, *law.gens
        )
        return scaled if self._has_ratio(law, times) else other

    def _has_ratio(self, law, times):
        """Whether the coefficients of p are smaller than those of v."""
        p, v = ([abs(c) for powers, c in law.terms() if any(powers[:2]) == here]
                for here in (True, False))  # fmt: skip
        return max(p, default=0) < max(v, default=0)


@question
class Widths(Question):
    """Widths with a given number of independent imbalances and the fewest parameters."""

    label, points = "conservation-widths", 4

    def draw(self, rng):
        """Draw a number that several hidden widths can give."""
        return {"laws": int(rng.choice([9, 15, 18, 21, 25, 27, 30, 33, 35, 36]))}

    def kind(self, data):
        """Return three numbers."""
        return Array((3,))

    def judge(self, answer, data, rng):
        """Count the independent imbalances; then look for a smaller network."""
        widths = tuple(int(n) for n in answer)
        if min(widths) < 1 or max(widths) > 40 or any(widths - answer):
            text = "widths are positive integers (and at most 40 here)"
            yield Part(2, "number of laws", text)
            yield Part(2, "fewest parameters", text)
            return
        count = known_law_count(widths)
        wrong = f"C holds {count} independent functions for the widths {widths}"
        if widths[1] * (widths[1] + 1) // 2 == data["laws"] != count:
            wrong += "; its entries depend on each other if d_1 > d_0 + d_2"
        right = count == data["laws"]
        yield Part(2, "number of laws", None if right else wrong)
        size = widths[1] * (widths[0] + widths[2])
        smaller = right and self._smaller(size, data["laws"])
        text = "there is a smaller network with as many laws" if right else "see above"
        yield Part(2, "fewest parameters", None if right and not smaller else text)

    def _smaller(self, size, laws):
        """Whether some network with fewer parameters has the number of laws."""
        return any(
            known_law_count((1, hidden, outer - 1)) == laws
            for outer in range(2, size)
            for hidden in range(1, (size - 1) // outer + 1)
        )


@question
class Words(Question):
    """Brackets that span: an exact rank at a random point with the law's codimension."""

    label, points = "conservation-words", 6

    def draw(self, rng):
        """Draw a map whose gradients and one bracket, of several forms, span three dimensions."""
        x1, x2, x3, x4 = (FOUR[i] for i in rng.permutation(4))
        c = int(rng.integers(2, 6))
        phi = [x1 * x2 + c * x3 * x4, x1 * x4]
        law = x1**2 - x2**2 - x4**2 + x3**2
        return {"map": [str(f) for f in phi], "law": str(law)}

    def kind(self, data):
        """Return three texts."""
        return Listing(Text(200))

    def judge(self, answer, data, rng):
        """Read the words, evaluate the fields at a random point, and take the exact rank."""
        phi = [sp.sympify(f) for f in data["map"]]
        fields = [[sp.diff(f, s) for s in FOUR] for f in phi]
        try:
            found = [_field(word, fields) for word in answer]
        except ValueError as error:
            yield Part(6, "three independent fields", str(error))
            return
        rank = max(self._rank(found, rng) for _ in range(3))
        mistake = None
        if len(found) != 3:
            mistake = f"three fields are asked for, not {len(found)}"
        elif rank < 3:
            zero = [w for w, Z in zip(answer, found, strict=True) if not any(map(sp.expand, Z))]
            mistake = f"they span {rank} dimensions only"
            mistake += f"; {zero[0]} is the field zero" if zero else ""
        yield Part(6, "three independent fields", mistake)

    def _rank(self, found, rng):
        """Return the rank of the fields at a random point."""
        numbers = (int(n) for n in rng.integers(-1000, 1001, 4))
        point = dict(zip(FOUR, numbers, strict=True))
        return sp.Matrix([[sp.sympify(e).subs(point) for e in Z] for Z in found]).rank()


def _field(word, fields):
    """Return the vector field that a text such as ``[0, [0, 1]]`` names."""

    def build(tree, depth):
        if isinstance(tree, int) and not isinstance(tree, bool) and tree in (0, 1):
            return fields[tree]
        if not isinstance(tree, list) or len(tree) != 2 or depth == DEEPEST:
            raise ValueError(f"{word!r} is not made from 0 and 1 by brackets of two")
        X, Y = (build(part, depth + 1) for part in tree)
        return [
            sp.expand(b - a) for a, b in zip(_along(Y, X, FOUR), _along(X, Y, FOUR), strict=True)
        ]

    try:
        tree = json.loads(word)
    except ValueError:
        raise ValueError(f"{word!r} is not made from 0 and 1 by brackets of two") from None
    return build(tree, 0)


def _along(X, Y, symbols=SPACE):
    """Return the derivative of the components of Y along X."""
    return [sum(sp.diff(e, s) * c for s, c in zip(symbols, X, strict=True)) for e in Y]


def _act(X, function):
    """Return the derivative of a function along X."""
    return sum(sp.diff(function, s) * c for s, c in zip(SPACE, X, strict=True))


def _same(first, second):
    """Whether two lists of polynomials are equal."""
    return all(sp.expand(a - b) == 0 for a, b in zip(first, second, strict=True))
