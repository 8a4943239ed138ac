r"""Momentum in linear networks of any depth: exact counts from Taylor series modulo a prime.

Position and velocity follow :math:`\dot\theta = \omega`,
:math:`\dot\omega = \nabla\langle\Delta(t), W_h\cdots W_1\rangle`, with a random polynomial
:math:`\Delta(t)` in the place of data that change. A field :math:`Z(t)` along the solution is
followed by :math:`\dot Z - A Z`, A the derivative of the right-hand side, which is a bracket with
the motion: all these vectors, started from forces, lie in the span of brackets.
"""

import itertools

import numpy as np

from gradflows.conservation.jets import derivative, residues, times, toeplitz
from gradflows.modular import PRIME, rank_mod, reduce_mod
from gradflows.validation import as_count

__all__ = ["momentum_rank"]


def momentum_rank(widths, order, *, rng):
    r"""Dimension of the span of brackets of forces and motion, up to an order, exact.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``, h at least 2.
    order : int
        Number K of brackets with the motion; there are :math:`(K + 1)\,d_0 d_h` vectors.
    rng : numpy.random.Generator
        For position, velocity and the change of data.

    Returns
    -------
    int
        A rank modulo a prime near two million. The number of laws of position and velocity at
        generic points is at most ``2 * n_theta`` minus this.

    Raises
    ------
    ValueError
        If there are fewer than three widths, or a number is no positive integer.

    Notes
    -----
    Brackets commute with the reduction modulo the prime, and a rank can only fall. Source: this
    book.

    Examples
    --------
    >>> momentum_rank((2, 2, 2, 2), 6, rng=np.random.default_rng(0))
    22
    """
    widths = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    if len(widths) < 3:
        raise ValueError(f"widths: expected at least three, got {tuple(widths)}")
    order = as_count("order", order)
    shapes = [(b, a) for a, b in itertools.pairwise(widths)]
    data = residues(rng.integers(PRIME, size=(order + 1, widths[-1], widths[0])))
    position, velocity = _solution(shapes, data, rng)
    rows = []
    for i, j in np.ndindex(widths[-1], widths[0]):
        unit = np.zeros_like(data)
        unit[0, i, j] = 1
        rows += _brackets(position, unit, data)
    return rank_mod(rows)


def _brackets(position, unit, data):
    """Return the start values of a force and of its repeated brackets with the motion."""
    moved = [np.zeros_like(series) for series in position]
    pushed, values = _force(position, unit), []
    for length in range(len(data), 0, -1):
        values.append(np.concatenate([series[0].ravel() for series in moved + pushed]))
        # Z' - A Z for Z = (moved, pushed): A Z = (pushed, derivative of the force along moved).
        bent = _force(position, data, along=moved)
        moved, pushed = (
            [
                reduce_mod(derivative(a, 0) - b[: length - 1])
                for a, b in zip(left, right, strict=True)
            ]
            for left, right in ((moved, pushed), (pushed, bent))
        )
        position, data = [series[: length - 1] for series in position], data[: length - 1]
    return values


def _solution(shapes, data, rng):
    """Solve for position and velocity from a random start, coefficient by coefficient."""
    position, velocity = ([np.zeros((len(data), *shape)) for shape in shapes] for _ in range(2))
    for series in position + velocity:
        series[0] = residues(rng.integers(PRIME, size=series[0].shape))
    for k in range(1, len(data)):
        inverse = pow(k, -1, PRIME)
        force = _force([series[:k] for series in position], data[:k])
        for place, speed, push in zip(position, velocity, force, strict=True):
            place[k] = reduce_mod(speed[k - 1] * inverse)
            speed[k] = reduce_mod(push[k - 1] * inverse)
    return position, velocity


def _force(position, data, along=None):
    """Gradients of <data, W_h ... W_1>, or their derivative along a change of position."""
    depth, result = len(position), []
    for i in range(depth):
        total = np.zeros_like(position[i])
        for changed in (None,) if along is None else set(range(depth)) - {i}:
            factors = [along[k] if k == changed else position[k] for k in range(depth)]
            term = data
            for k in range(depth - 1, i, -1):
                term = _times(factors[k].mT, term)
            for k in range(i):
                term = _times(term, factors[k].mT)
            total = reduce_mod(total + term)
        result.append(total)
    return result


def _times(A, B):
    """Multiply two truncated series of matrices."""
    return times(toeplitz(A), B[None])[0]
