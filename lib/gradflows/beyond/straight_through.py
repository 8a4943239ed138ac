r"""Straight-through estimators: training step functions with the derivative of something else.

A proxy g stands for the derivative of the activation in the chain rule; what comes out is the
*coarse gradient*. One binary neuron with Gaussian inputs has closed forms.
"""

import numpy as np
from scipy.special import lambertw

from gradflows.validation import as_array


def angle_loss(w, teacher):
    r"""Return the population loss of a binary neuron, :math:`\theta/2\pi`, theta its angle.

    Parameters
    ----------
    w, teacher : array_like, (d,)
        Neither may be zero.

    Returns
    -------
    float
        :math:`\frac12 E(1_{\langle w,z\rangle>0} - 1_{\langle w^*,z\rangle>0})^2` for Gaussian z.

    Raises
    ------
    ValueError
        If a vector is zero, or their shapes differ.

    Notes
    -----
    Source: this book.
    """
    w, teacher = _vectors(w, teacher)
    # the angle from both half-chords is right to rounding also near 0 and pi
    a, b = w / np.linalg.norm(w), teacher / np.linalg.norm(teacher)
    return float(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)) / (2 * np.pi))


def coarse_gradient(w, teacher, proxy="ReLU"):
    r"""Return the population coarse gradient of a binary neuron with Gaussian inputs.

    .. math:: E[(1_{\langle w,z\rangle>0} - 1_{\langle w^*,z\rangle>0})\, g(\langle w,z\rangle)\, z]
        = \frac{\hat w - \hat w^*}{2\sqrt{2\pi}}

    for the proxies "ReLU" and "negative side", and twice that for "identity".

    Parameters
    ----------
    w, teacher : array_like, (d,)
    proxy : {"ReLU", "negative side", "identity"}

    Returns
    -------
    numpy.ndarray, (d,)

    Raises
    ------
    ValueError
        If a vector is zero, their shapes differ, or the proxy has no closed form.

    Notes
    -----
    Source: this book.
    """
    w, teacher = _vectors(w, teacher)
    factors = {"ReLU": 1.0, "negative side": 1.0, "identity": 2.0}
    if proxy not in factors:
        raise ValueError(f"proxy: expected one of {', '.join(factors)}, got {proxy!r}")
    difference = w / np.linalg.norm(w) - teacher / np.linalg.norm(teacher)
    return factors[proxy] * difference / (2 * np.sqrt(2 * np.pi))


def coarse_gradient_quadrature(w, teacher, proxy, order=60):
    r"""Compute the same expectation by quadrature in the plane of w and the teacher.

    In polar coordinates the integrand jumps at four angles only; between them Gauss-Legendre
    nodes are used for the angle and, for the radius, Gauss-Legendre on ten intervals up to 10.

    Parameters
    ----------
    w, teacher : array_like, (d,)
        Not parallel.
    proxy : callable
        Derivative that stands for that of the activation, a function of an array; smooth on
        either side of zero.
    order : int
        Number of nodes on each interval.

    Returns
    -------
    numpy.ndarray, (d,)

    Raises
    ------
    ValueError
        If a vector is zero, their shapes differ, or they are parallel.

    Notes
    -----
    Source: this book.
    """
    w, teacher = _vectors(w, teacher)
    size, first = np.linalg.norm(w), w / np.linalg.norm(w)
    second = teacher - (teacher @ first) * first
    if np.linalg.norm(second) < 1e-12 * np.linalg.norm(teacher):
        raise ValueError("teacher: expected a vector that is not parallel to w")
    second /= np.linalg.norm(second)
    theta = np.arctan2(teacher @ second, teacher @ first)
    jumps = np.unique(np.mod([np.pi / 2, -np.pi / 2, theta + np.pi / 2, theta - np.pi / 2],
                             2 * np.pi))  # fmt: skip
    phi, weight = _nodes(np.append(jumps, jumps[0] + 2 * np.pi), order)
    r, radial = _nodes(np.arange(11.0), order)
    mismatch = (np.cos(phi) > 0).astype(float) - (np.cos(phi - theta) > 0)
    value = proxy(size * np.outer(np.cos(phi), r)) @ (radial * r**2 * np.exp(-(r**2) / 2))
    both = weight * mismatch * value / (2 * np.pi)
    return (both @ np.cos(phi)) * first + (both @ np.sin(phi)) * second


def coarse_flow(w0, teacher, times):
    r"""Flow along minus the coarse gradient of the ReLU proxy, in closed form.

    With :math:`u = \tan(\theta/2)`, the conserved :math:`c = |w|\cos^2(\theta/2)` and
    :math:`k = 2\sqrt{2\pi}\,c`,

    .. math:: u(t)^2 = W\big(u_0^2 e^{u_0^2} e^{-2t/k}\big),\qquad |w| = c\,(1 + u^2),

    W the Lambert function.

    Parameters
    ----------
    w0, teacher : array_like, (d,)
        The angle between them must be smaller than pi.
    times : array_like, (m,)
        Not negative.

    Returns
    -------
    numpy.ndarray, (m, d)

    Raises
    ------
    ValueError
        If a vector is zero or w0 is opposite to the teacher, where the flow meets w = 0.

    Notes
    -----
    Source: this book.
    """
    w0, teacher = _vectors(w0, teacher)
    times = as_array("times", times, ("m",))
    if times.min() < 0:
        raise ValueError(f"times: expected times >= 0, got {times.min()}")
    first, start = teacher / np.linalg.norm(teacher), w0 / np.linalg.norm(w0)
    across = start - (start @ first) * first
    u0 = np.tan(np.pi * angle_loss(w0, teacher))
    if np.linalg.norm(start + first) < 1e-12:
        raise ValueError("w0: expected an angle below pi to the teacher, got the opposite vector")
    c = np.linalg.norm(w0) / (1 + u0**2)
    side = across / np.linalg.norm(across) if np.linalg.norm(across) > 0 else across
    u2 = np.zeros_like(times)
    if u0 > 0:  # the argument of W as its logarithm, which does not overflow
        u2 = _lambert_of_log(2 * np.log(u0) + u0**2 - times / (np.sqrt(2 * np.pi) * c))
    # |w| cos(theta) = c (1 - u^2) and |w| sin(theta) = 2 c u
    return c * ((1 - u2)[:, None] * first + 2 * np.sqrt(u2)[:, None] * side)


def _vectors(w, teacher):
    """Check two vectors."""
    w = as_array("w", w, ("d",))
    teacher = as_array("teacher", teacher, w.shape)
    for name, vector in (("w", w), ("teacher", teacher)):
        if not np.linalg.norm(vector) > 0:
            raise ValueError(f"{name}: expected a vector that is not zero")
    return w, teacher


def _nodes(edges, order):
    """Return Gauss-Legendre nodes and weights on consecutive intervals."""
    x, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges) / 2
    nodes = (edges[:-1] + half)[:, None] + half[:, None] * x
    return nodes.ravel(), (half[:, None] * weight).ravel()


def _lambert_of_log(y):
    """Return x with log(x) + x = y, the Lambert function of exp(y)."""
    y = np.asarray(y, dtype=float)
    small = lambertw(np.exp(np.minimum(y, 50.0))).real
    large = np.maximum(y, 50.0) - np.log(np.maximum(y, 50.0))
    for _ in range(4):
        large = large * (1 + np.maximum(y, 50.0) - np.log(large)) / (large + 1)
    return np.where(y < 50, small, large)
