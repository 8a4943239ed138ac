"""Networks for the checks of affine targets, in rational numbers."""

from fractions import Fraction

import numpy as np

from gradflows.beyond import zigzag_saddle


def random_fractions(rng, size):
    """Return fractions with numerators from 1 to 9, either sign, and denominators from 1 to 7."""
    entries = rng.integers(1, 10, size), rng.integers(1, 8, size), rng.choice([-1, 1], size)
    found = [Fraction(int(a * s), int(b)) for a, b, s in zip(*entries, strict=True)]
    return np.array(found, dtype=object)


def samples_of(count):
    """Return the midpoints of equal intervals, as fractions."""
    return np.array([Fraction(2 * i + 1, 2 * count) for i in range(count)], dtype=object)


def crowded_saddle(n, alpha, beta, rng):
    """Share each kink of a zigzag between two neurons, and add one dead and one flat neuron.

    Returns the parameters and the places of those that belong to kinks, and of c.
    """
    slim = zigzag_saddle(n, n, alpha, beta)
    facing, b, v = slim[:n], slim[n : 2 * n], slim[2 * n : 3 * n]
    scale = np.abs(random_fractions(rng, 2 * n))
    # Shares of the output: they add up to one, and one of them is negative.
    share = 1 + np.abs(random_fractions(rng, n))
    outputs = np.concatenate([v * share, v * (1 - share)]) / scale
    w = [*(np.tile(facing, 2) * scale), 0, 0]
    biases = [*(np.tile(b, 2) * scale), -1, 2]
    theta = np.array([Fraction(z) for z in [*w, *biases, *outputs, 3, 0, slim[-1]]], dtype=object)
    neurons = 2 * n + 2
    kinked = [layer * neurons + j for layer in range(3) for j in range(2 * n)]
    return theta, [*kinked, 3 * neurons]


def inactive_network(kinds, sign, alpha, beta):
    """Build a critical point at the level alpha^2 / 12 from kinds of neurons.

    Output weights of touching neurons are those of a local minimum, except for the second of the
    three neurons, where they are multiplied by the sign, which may be 0.
    """
    right = 1 if alpha > 0 else -1
    known = {
        "dead": lambda sign: (1, -2, 1),
        "touches 0": lambda sign: (-1, 0, sign * right),
        "touches 1": lambda sign: (1, -1, -sign * right),
        "zero": lambda sign: (0, 0, sign),
        "flat": lambda sign: (0, 2, 0),
    }
    first, second, third = kinds
    columns = zip(known[first](1), known[second](sign), known[third](1), strict=True)
    entries = [*(z for column in columns for z in column), beta + alpha / 2]
    return np.array([Fraction(z) for z in entries], dtype=object)


def way_down(kind, sign, alpha):
    """Return the displacement of the second of three neurons along which the loss falls."""
    right, small = 1 if alpha > 0 else -1, Fraction(1, 1000)
    fresh = right * small if sign == 0 else 0
    rises = sign == 0 or sign * right > 0
    moves = {
        "touches 0": (0, small, -fresh),
        "touches 1": (0, small, fresh),
        "zero": (small, 0, fresh) if rises else (-small, small, 0),
        "flat": (right * small, 0, small / 100),
    }
    w, b, v = moves[kind]
    theta = np.array([Fraction(0)] * 10, dtype=object)
    theta[[1, 4, 7]] = Fraction(w), Fraction(b), Fraction(v)
    return theta
