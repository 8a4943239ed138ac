"""Kinds of answers: what a submitted value must be, and its form as plain data.

An answer is observed where it was computed (`encode`) and judged elsewhere (`decode`); between
the two there is nothing but JSON, so no code of a submission runs where marks are given.
"""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import sympy as sp

__all__ = [
    "AnswerError",
    "Array",
    "Choice",
    "Function",
    "Listing",
    "Polynomial",
    "Record",
    "Text",
]

MOST_NUMBERS = 100_000
MOST_TERMS = 2_000
MOST_ITEMS = 200
LONGEST_COEFFICIENT = 400


class AnswerError(ValueError):
    """What is wrong with the form of an answer, as a sentence for its author."""


@dataclass(frozen=True)
class Array:
    """Real numbers in a given shape: ``()`` for a single one, None for any length of an axis."""

    shape: tuple = ()

    def encode(self, answer, probes=None):
        """Return shape and values as plain data; raises `AnswerError`."""
        try:
            array = np.asarray(answer)
            if array.dtype == object:
                array = np.array([float(x) for x in array.ravel()]).reshape(array.shape)
        except (TypeError, ValueError):
            raise AnswerError(f"expected {self}, got {_named(answer)}") from None
        if array.dtype.kind not in "biuf":
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        if array.size > MOST_NUMBERS:
            raise AnswerError(f"expected {self}, got {array.size} numbers")
        payload = {"shape": list(array.shape), "values": [float(x) for x in array.ravel()]}
        self.decode(payload)
        return payload

    def decode(self, payload):
        """Return the float64 array; raises `AnswerError`."""
        shape, values = tuple(payload["shape"]), np.array(payload["values"], dtype=float)
        if len(shape) != len(self.shape) or any(
            want is not None and have != want for have, want in zip(shape, self.shape, strict=True)
        ):
            flipped = len(shape) == 2 and shape == tuple(reversed(self.shape))
            raise AnswerError(
                f"expected {self}, got shape {shape}" + ("; it is transposed" if flipped else "")
            )
        if not np.isfinite(values).all():
            raise AnswerError(f"expected {self}, got NaN or infinity among the numbers")
        return values.reshape(shape)

    def __str__(self):
        if self.shape == ():
            return "a number"
        inner = ", ".join("any" if n is None else str(n) for n in self.shape)
        return f"an array of shape ({inner}{',' if len(self.shape) == 1 else ''})"


@dataclass(frozen=True)
class Choice:
    """One of a few words; capitals, hyphens and spaces at the ends do not matter."""

    options: tuple

    def encode(self, answer, probes=None):
        """Return the word; raises `AnswerError`."""
        if not isinstance(answer, str):
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        return self.decode(answer[:100])

    def decode(self, payload):
        """Return the word as the options spell it; raises `AnswerError`."""
        word = " ".join(str(payload).replace("-", " ").lower().split())
        for option in self.options:
            if word == option.replace("-", " ").lower():
                return option
        raise AnswerError(f"expected {self}, got {str(payload)[:40]!r}")

    def __str__(self):
        return "one of " + ", ".join(repr(option) for option in self.options)


@dataclass(frozen=True)
class Text:
    """A short text, which its judge reads."""

    longest: int

    def encode(self, answer, probes=None):
        """Return the text; raises `AnswerError`."""
        if not isinstance(answer, str):
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        return self.decode(answer)

    def decode(self, payload):
        """Return the text; raises `AnswerError`."""
        if not isinstance(payload, str) or len(payload) > self.longest:
            raise AnswerError(f"expected {self}")
        return payload

    def __str__(self):
        return f"a text of at most {self.longest} characters"


@dataclass(frozen=True)
class Polynomial:
    """A polynomial with rational coefficients in named symbols: a sympy expression or its text."""

    symbols: tuple

    def encode(self, answer, probes=None):
        """Return the terms as ``[exponents, coefficient]``; raises `AnswerError`."""
        names = sp.symbols(self.symbols)
        try:
            given = sp.sympify(answer, locals=dict(zip(self.symbols, names, strict=True)))
            by_name = {s: sp.Symbol(s.name) for s in given.free_symbols}
            poly = sp.Poly(sp.nsimplify(given.subs(by_name), rational=True), *names)
            terms = [[list(powers), str(sp.Rational(c))] for powers, c in poly.terms()]
        except (sp.SympifyError, sp.PolynomialError, TypeError, ValueError, AttributeError):
            raise AnswerError(f"expected {self}, got {_named(answer)}") from None
        if len(terms) > MOST_TERMS or any(len(c) > LONGEST_COEFFICIENT for _, c in terms):
            raise AnswerError(f"expected {self} of moderate size, got {len(terms)} terms")
        return terms

    def decode(self, payload):
        """Return a `sympy.Poly` over the rationals; raises `AnswerError`."""
        terms = {}
        for powers, coefficient in payload[:MOST_TERMS]:
            if len(powers) != len(self.symbols) or max(powers, default=0) > 100:
                raise AnswerError(f"expected {self}")
            value = Fraction(coefficient[:LONGEST_COEFFICIENT])
            terms[tuple(int(p) for p in powers)] = sp.Rational(value.numerator, value.denominator)
        return sp.Poly.from_dict(terms or {(0,) * len(self.symbols): 0}, *sp.symbols(self.symbols))

    def __str__(self):
        return "a polynomial in " + ", ".join(self.symbols)


@dataclass(frozen=True)
class Function:
    """A function, observed by its values at probes, each a tuple of arguments."""

    value: object = field(default_factory=Array)

    def encode(self, answer, probes=None):
        """Return the values at the probes; raises `AnswerError`, also if the function raises."""
        if not callable(answer):
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        results = []
        for probe in probes or ():
            arguments = [x.copy() if isinstance(x, np.ndarray) else x for x in probe]
            try:
                value = answer(*arguments)
            except Exception as error:
                text = f"calling it raised {type(error).__name__}: {str(error)[:200]}"
                raise AnswerError(text) from None
            results.append(self.value.encode(value))
        return results

    def decode(self, payload):
        """Return the list of values; raises `AnswerError`."""
        return [self.value.decode(item) for item in payload]

    def __str__(self):
        return f"a function that returns {self.value}"


@dataclass(frozen=True)
class Listing:
    """A list of answers of one kind, of any length."""

    item: object

    def encode(self, answer, probes=None):
        """Encode each item; raises `AnswerError`."""
        if isinstance(answer, str | dict) or not hasattr(answer, "__iter__"):
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        items = []
        for item in answer:
            if len(items) == MOST_ITEMS:
                raise AnswerError(f"expected {self}, got more than {MOST_ITEMS} items")
            items.append(self.item.encode(item, probes))
        return items

    def decode(self, payload):
        """Return the list; raises `AnswerError`."""
        return [self.item.decode(item) for item in payload[:MOST_ITEMS]]

    def __str__(self):
        return f"a list, each item {self.item}"


class Record:
    """Several named answers in one dictionary."""

    def __init__(self, **kinds):
        self.kinds = kinds

    def encode(self, answer, probes=None):
        """Encode each entry, functions with ``probes[name]``; raises `AnswerError`."""
        if not isinstance(answer, dict):
            raise AnswerError(f"expected {self}, got {_named(answer)}")
        missing = [name for name in self.kinds if name not in answer]
        if missing:
            raise AnswerError(f"expected {self}; {missing[0]!r} is missing")
        coded = {}
        for name, kind in self.kinds.items():
            try:
                coded[name] = kind.encode(answer[name], (probes or {}).get(name))
            except AnswerError as error:
                raise AnswerError(f"{name}: {error}") from None
        return coded

    def decode(self, payload):
        """Return the dictionary; raises `AnswerError`."""
        return {name: kind.decode(payload[name]) for name, kind in self.kinds.items()}

    def __str__(self):
        return "a dictionary with the entries " + ", ".join(repr(name) for name in self.kinds)


def _named(answer):
    """Name a value by its type and, if it is short, its text; `...` is an answer not given."""
    if answer is ...:
        return "no answer yet"
    try:
        text = repr(answer)
    except Exception:  # the repr is the submission's own code
        text = ""
    kind = type(answer).__name__
    return f"{kind} {text}" if 0 < len(text) <= 40 else f"an object of type {kind}"
