"""Properties by which answers are judged, and the search for the mistake behind a wrong one."""

from types import SimpleNamespace

import numpy as np
import sympy as sp

from gradflows.taylor import check_gradient

__all__ = [
    "close",
    "conserved_along",
    "find_mistake",
    "gradient_holds",
    "gradient_mistake",
    "is_constant",
    "jacobian_rank",
]


def find_mistake(answer, holds, repairs, otherwise):
    """Return None if the answer has the property, else the sentence of the mistake.

    Parameters
    ----------
    answer : object
    holds : callable
        ``answer -> bool``, the property.
    repairs : dict of str to callable
        A sentence, and a change of the answer that undoes the mistake it names; the first one
        after which the property holds is the mistake.
    otherwise : str
        The sentence if no repair helps.
    """
    if holds(answer):
        return None
    for sentence, repair in repairs.items():
        if holds(repair(answer)):
            return sentence
    return otherwise


def gradient_holds(loss, points, values):
    """Whether the values are the gradients of the loss at the points, by Taylor's formula.

    A wrong gradient fails along almost every direction. A right one can be undecided along some,
    where terms of second and third order cancel; it has to pass along one of six.
    """
    function = SimpleNamespace(loss=loss)
    return all(
        any(
            check_gradient(
                function, theta, gradient=lambda _, g=value: g, rng=np.random.default_rng(seed)
            ).passed
            for seed in range(6)
        )
        for theta, value in zip(points, values, strict=True)
    )


def gradient_mistake(loss, points, values, repairs=None, names=None):
    """Name what is wrong with gradients: a repair, a sign or a factor, or else the entries.

    Parameters
    ----------
    loss : callable
        ``(size,) -> float``, smooth near the points.
    points, values : list of numpy.ndarray, (size,)
    repairs : dict of str to callable, optional
        Mistakes of this problem, tried first; each acts on a single gradient.
    names : list of str, optional
        Names of the entries, for the last message.

    Returns
    -------
    str or None
    """
    single = (repairs or {}) | {
        "the sign is the opposite: this is the velocity of the flow": lambda g: -g,
        "it is twice the gradient": lambda g: g / 2,
        "it is half the gradient": lambda g: 2 * g,
    }
    several = {
        sentence: lambda all_, repair=repair: [repair(g) for g in all_]
        for sentence, repair in single.items()
    }
    found = find_mistake(
        list(values), lambda given: gradient_holds(loss, points, given), several, "other"
    )
    return _wrong_entries(loss, points, values, names) if found == "other" else found


def conserved_along(function, field):
    """Whether a polynomial is constant along a polynomial field: its derivative is exactly zero.

    Parameters
    ----------
    function : sympy.Poly
    field : list of sympy expressions
        One for each generator of ``function``.
    """
    symbols = function.gens
    rate = sum(function.diff(s).as_expr() * f for s, f in zip(symbols, field, strict=True))
    return sp.expand(rate) == 0


def is_constant(function):
    """Whether a `sympy.Poly` is a constant, which every flow conserves."""
    return function.total_degree() <= 0


def jacobian_rank(functions, rng):
    """Count the independent ones among some `sympy.Poly`, at a random integer point, exactly.

    The rank at one point never exceeds the number of independent functions; at a random point of
    a large box it is equal to it but for an event of tiny probability.
    """
    symbols = functions[0].gens
    numbers = rng.integers(-1000, 1001, len(symbols))
    point = {s: int(n) for s, n in zip(symbols, numbers, strict=True)}
    rows = [[f.diff(s).eval(point) for s in symbols] for f in functions]
    return sp.Matrix(rows).rank()


def close(value, reference, tolerance=1e-6):
    """Whether two arrays agree, relative to the size of the reference and absolutely below 1."""
    value, reference = np.asarray(value, dtype=float), np.asarray(reference, dtype=float)
    scale = 1 + np.abs(reference).max(initial=0.0)
    return bool(np.abs(value - reference).max(initial=0.0) <= tolerance * scale)


def _wrong_entries(loss, points, values, names):
    """Compare entry by entry with central differences; say which differ, and whether by a sign."""
    wrong, flipped = set(), set()
    for theta, value in zip(points, values, strict=True):
        for i, basis in enumerate(np.eye(theta.size)):
            step = 1e-5 * (1 + abs(theta[i]))
            slope = (loss(theta + step * basis) - loss(theta - step * basis)) / (2 * step)
            if not close(value[i], slope, 1e-5):
                wrong.add(i)
                if close(-value[i], slope, 1e-5):
                    flipped.add(i)
    listed = ", ".join((names[i] if names else f"entry {i}") for i in sorted(wrong))
    if wrong and wrong == flipped:
        return f"the derivative has the wrong sign in: {listed}"
    return f"the derivative is wrong in: {listed}" if wrong else "it is slightly wrong everywhere"
