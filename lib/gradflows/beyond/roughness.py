r"""Rough and smooth paths of weights: starts, Lipschitz constant, variations, growth exponents.

A path is an array ``(m, ...)``: m points of a Euclidean space, at the places
:math:`s = 1/m, \dots, 1` of the interval. Matrices are measured by the Frobenius norm.
"""

import numpy as np

from gradflows.validation import as_array, as_count, as_positive

__all__ = [
    "growth_exponent",
    "initial_path",
    "lipschitz_constant",
    "p_variation",
    "quadratic_variation",
]

KINDS = ("smooth", "brownian", "small noise", "noise")


def initial_path(kind, depth, width, *, rng, scale=0.3):
    r"""Draw a path of rescaled weights at the places :math:`s = 1/h, 2/h, \dots, 1`.

    Parameters
    ----------
    kind : str
        "smooth": :math:`G_0\cos\pi s + G_1\sin\pi s` with Gaussian matrices; "brownian": Brownian
        motion; "small noise": independent Gaussians divided by :math:`\sqrt h`; "noise":
        independent Gaussians.
    depth, width : int
        h and d.
    rng : numpy.random.Generator
    scale : float
        Factor of all paths, positive: the standard deviation of an entry (at s = 1).

    Returns
    -------
    numpy.ndarray, (h, d, d)

    Raises
    ------
    ValueError
        If an argument is not as described.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
    depth, width = as_count("depth", depth), as_count("width", width)
    scale = as_positive("scale", scale)
    if kind == "smooth":
        s = np.arange(1, depth + 1)[:, None, None] / depth
        first, second = rng.standard_normal((2, width, width))
        return scale * (np.cos(np.pi * s) * first + np.sin(np.pi * s) * second)
    noise = scale * rng.standard_normal((depth, width, width))
    if kind == "noise":
        return noise
    noise /= np.sqrt(depth)
    return np.cumsum(noise, axis=0) if kind == "brownian" else noise


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
    try:
        array = np.asarray(path)
    except ValueError:
        raise ValueError("path: expected an array, got rows of different lengths") from None
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"path: expected at least two points, got shape {array.shape}")
    points = as_array("path", array.reshape(len(array), -1), ("m", "size"))
    if len(points) < 2:
        raise ValueError(f"path: expected at least two points, got {len(points)}")
    return points
