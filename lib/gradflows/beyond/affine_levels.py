r"""Critical points of the loss of an affine target: levels, networks, curvature.

The levels are :math:`\alpha^2/(12(m+1)^4)` with an even number m of kinks. What is said of the
curvature holds for the ReLU.
"""

from fractions import Fraction

import numpy as np

from gradflows.beyond.affine_target import as_number, as_numbers
from gradflows.validation import as_array, as_count

__all__ = ["critical_level", "curvature_ratios", "escape_rate", "exact_inertia", "zigzag_saddle"]


def critical_level(kinks, alpha=1):
    r"""Loss at the critical points with m kinks, :math:`\alpha^2/(12(m+1)^4)`.

    Parameters
    ----------
    kinks : int
        Their number m, even, at least 0.
    alpha : float or fraction

    Returns
    -------
    float, or Fraction if ``alpha`` is a fraction or an integer

    Raises
    ------
    ValueError
        If ``kinks`` is odd or negative, or ``alpha`` is not finite.
    """
    kinks, alpha = as_even("kinks", kinks), as_number("alpha", alpha)
    return alpha * alpha / (12 * (kinks + 1) ** 4)


def zigzag_saddle(kinks, neurons, alpha=1, beta=0):
    r"""Critical point with kinks at :math:`j/(m+1)`: a zigzag about the target.

    Neuron j has :math:`w_j = \pm1`, + for odd j, :math:`b_j = -w_jt_j` and
    :math:`v_j = \pm2\alpha/(m+1)`; :math:`c = \beta + \alpha/2`. Further neurons have
    w = v = 0, b = -1.

    Parameters
    ----------
    kinks : int
        Their number m, even; 0 gives a network that is dead.
    neurons : int
        At least m, and at least 1.
    alpha, beta : float or fraction

    Returns
    -------
    numpy.ndarray, (3 * neurons + 1,)
        Fractions if ``alpha`` and ``beta`` are fractions or integers, floats otherwise.

    Raises
    ------
    ValueError
        If ``kinks`` is odd or negative, there are fewer neurons, or a number is not finite.

    Notes
    -----
    Source: this book; for the classification see [cheridito2022landscape]_.
    """
    kinks, neurons = as_even("kinks", kinks), as_count("neurons", neurons)
    if neurons < kinks:
        raise ValueError(f"neurons: expected at least {kinks}, one for each kink, got {neurons}")
    alpha, beta = as_number("alpha", alpha), as_number("beta", beta)
    facing = [1 if j % 2 else -1 for j in range(1, kinks + 1)]
    rest = neurons - kinks
    w = [*facing, *[0] * rest]
    b = [*(-sign * Fraction(j, kinks + 1) for j, sign in enumerate(facing, 1)), *[-1] * rest]
    v = [*(sign * 2 * alpha / (kinks + 1) for sign in facing), *[0] * rest]
    entries = [*w, *b, *v, beta + alpha / 2]
    exact = isinstance(alpha, Fraction) and isinstance(beta, Fraction)
    if exact:
        return np.array([Fraction(entry) for entry in entries], dtype=object)
    return np.array([float(entry) for entry in entries])


def curvature_ratios(kinks):
    r"""Negative curvatures of the loss at a zigzag, in the space of functions.

    .. math:: -2\cos^2\frac{\pi l}{2(m+1)}, \qquad l = 1, \dots, m

    are, besides 1, the eigenvalues of half the second variation of the loss with respect to
    :math:`\int\delta f^2`.

    Parameters
    ----------
    kinks : int
        Their number m, even and positive.

    Returns
    -------
    numpy.ndarray, (kinks,), increasing

    Raises
    ------
    ValueError
        If ``kinks`` is odd, or less than 2.

    Notes
    -----
    Source: this book.
    """
    kinks = as_even("kinks", kinks, least=2)
    return -2 * np.cos(np.pi * np.arange(1, kinks + 1) / (2 * (kinks + 1))) ** 2


def escape_rate(hessian):
    r"""Rate at which the flow leaves a strict saddle along its fastest direction.

    Minus the smallest eigenvalue of the Hessian; a step of gradient descent multiplies the
    distance along this direction by :math:`1 + \eta` times the rate.

    Parameters
    ----------
    hessian : array_like, (size, size)
        Symmetric.

    Returns
    -------
    rate : float
    direction : numpy.ndarray, (size,)
        Of norm 1, with a positive entry where it is largest.

    Raises
    ------
    ValueError
        If ``hessian`` is no symmetric matrix, or has no negative eigenvalue.
    """
    hessian = as_array("hessian", hessian, ("size", "size"))
    if not np.allclose(hessian, hessian.T):
        raise ValueError("hessian: expected a symmetric matrix")
    values, vectors = np.linalg.eigh(hessian)
    if not values[0] < -1e-12 * np.abs(values).max():
        raise ValueError(f"hessian: expected a negative eigenvalue, the smallest is {values[0]:g}")
    direction = vectors[:, 0] * np.sign(vectors[np.argmax(np.abs(vectors[:, 0])), 0])
    return float(-values[0]), direction


def exact_inertia(matrix):
    """Count negative, zero and positive eigenvalues without rounding.

    Symmetric elimination over the rational numbers: by Sylvester's law the signs of the pivots
    are those of the eigenvalues. Where the diagonal is zero, two rows are added first.

    Parameters
    ----------
    matrix : array_like of Fraction or int, (size, size)
        Symmetric. Floats are refused.

    Returns
    -------
    tuple of int
        Numbers of negative, zero and positive eigenvalues.

    Raises
    ------
    ValueError
        If ``matrix`` is no symmetric matrix of fractions or integers.

    Examples
    --------
    >>> exact_inertia([[0, 1], [1, 0]])
    (1, 0, 1)
    """
    matrix = as_numbers("matrix", np.array(matrix, dtype=object), ("size", "size"))
    if matrix.dtype != object:
        raise ValueError("matrix: expected fractions or integers, got floats")
    if not np.all(matrix == matrix.T):
        raise ValueError("matrix: expected a symmetric matrix")
    size, signs = len(matrix), []
    while matrix.size and (places := np.argwhere(matrix != 0)).size:
        i, j = next(((i, j) for i, j in places if i == j), places[0])
        if i != j:
            matrix[i] = matrix[i] + matrix[j]
            matrix[:, i] = matrix[:, i] + matrix[:, j]
        signs.append(matrix[i, i] > 0)
        matrix = matrix - np.outer(matrix[:, i], matrix[i]) / matrix[i, i]
        matrix = np.delete(np.delete(matrix, i, 0), i, 1)
    positive = int(sum(signs))
    return len(signs) - positive, size - len(signs), positive


def as_even(name, value, least=0):
    """Return ``value`` as an even int, or raise a ValueError that names it."""
    value = as_count(name, value, minimum=least)
    if value % 2:
        raise ValueError(f"{name}: expected an even number, got {value}")
    return value
