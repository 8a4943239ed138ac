r"""How rough a path is: Lipschitz constant, quadratic variation, p-variation, growth exponents.

A path is an array ``(m, ...)``: m points of a Euclidean space, at the places
:math:`s = 1/m, \dots, 1` of the interval. Matrices are measured by the Frobenius norm.
"""

import numpy as np

from gradflows.validation import as_array, as_positive

__all__ = ["growth_exponent", "lipschitz_constant", "p_variation", "quadratic_variation"]


def lipschitz_constant(path):
    r"""Least Lipschitz constant of the piecewise linear path, :math:`m\max_k\|v_k - v_{k-1}\|`.

    Parameters
    ----------
    path : array_like, (m, ...)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``path`` is no array of at least two finite points.
    """
    points = _points(path)
    return float(len(points) * np.linalg.norm(np.diff(points, axis=0), axis=1).max())


def quadratic_variation(path):
    r"""Sum over the grid, :math:`\sum_k\|v_k - v_{k-1}\|^2`.

    Parameters
    ----------
    path : array_like, (m, ...)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``path`` is no array of at least two finite points.
    """
    return float(np.sum(np.diff(_points(path), axis=0) ** 2))


def p_variation(path, p):
    r"""Supremum of :math:`\sum_i\|v_{k_{i+1}} - v_{k_i}\|^p` over all partitions of the grid.

    Dynamic programming: the best value of a partition that ends at j is
    :math:`u_j = \max_{i<j}(u_i + \|v_j - v_i\|^p)`. The cost is quadratic in m.

    Parameters
    ----------
    path : array_like, (m, ...)
    p : float
        At least 1.

    Returns
    -------
    float
        The p-th power is not undone.

    Raises
    ------
    ValueError
        If ``path`` is no array of at least two finite points, or ``p`` is less than 1.
    """
    points, power = _points(path), as_positive("p", p)
    if power < 1:
        raise ValueError(f"p: expected a number >= 1, got {p!r}")
    best = np.zeros(len(points))
    for j in range(1, len(points)):
        jumps = np.linalg.norm(points[:j] - points[j], axis=1) ** power
        best[j] = np.max(best[:j] + jumps)
    return float(best[-1])


def growth_exponent(sizes, values):
    r"""Slope of :math:`\ln` values over :math:`\ln` sizes by least squares.

    Parameters
    ----------
    sizes, values : array_like, (m,)
        Positive; at least two different sizes.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    sizes = as_array("sizes", sizes, ("m",))
    values = as_array("values", values, sizes.shape)
    for name, array in (("sizes", sizes), ("values", values)):
        if array.min() <= 0:
            raise ValueError(f"{name}: expected positive numbers, got {array.min():g}")
    if np.ptp(sizes) == 0:
        raise ValueError("sizes: expected at least two different ones")
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def _points(path):
    """Check a path and give it the shape (m, size)."""
    path = np.asarray(path) if np.ndim(path) else np.empty(0)
    points = as_array("path", path.reshape(len(path), -1), ("m", "size"))
    if len(points) < 2:
        raise ValueError(f"path: expected at least two points, got {len(points)}")
    return points
