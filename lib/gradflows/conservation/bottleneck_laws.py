r"""The laws of a linear network with widths (1, a, b, 1) that are no polynomials of the imbalances.

They are integrals over the singular values of the middle layer.
"""

import numpy as np
from scipy.integrate import quad

from gradflows.networks import DeepLinear
from gradflows.validation import as_array

__all__ = ["bottleneck_laws"]


def bottleneck_laws(widths, theta, start):
    r"""Evaluate the hidden laws of a linear network with widths (1, a, b, 1).

    Let :math:`m = \min(a, b)`, :math:`\sigma_1 > \dots > \sigma_m > 0` the singular values of
    :math:`W_2`, and :math:`\varepsilon_i` the sign of the product of the components of
    :math:`W_1` and :math:`W_3` along the i-th singular vectors. For k = 0, ..., m - 2

    .. math:: q_k = \sum_{i=1}^m (-1)^{i-1} \varepsilon_i
        \int_{\sigma_i^0}^{\sigma_i} \frac{\sigma^{2k}\,d\sigma}{\sqrt{R(\sigma^2)}}, \qquad
        R(x) = x^{-|a - b|} \det(xI - C_1) \det(xI + C_2) .

    Parameters
    ----------
    widths : sequence of int
        ``(1, a, b, 1)``.
    theta : array_like, (size,) or (n, size)
        Parameters in the order of ``gradflows.DeepLinear``.
    start : array_like, (size,)
        The singular values of its middle layer are the lower limits :math:`\sigma_i^0`.

    Returns
    -------
    numpy.ndarray, (m - 1,) or (n, m - 1)

    Raises
    ------
    ValueError
        If the widths are of another form; if the singular values of a middle layer are not
        distinct and positive, or R is not positive between the limits: the laws are local.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> theta = [1.0, 0.5, 2.0, 0.0, 0.0, 1.0, 0.7, 0.4]
    >>> bottleneck_laws((1, 2, 2, 1), theta, theta)
    array([0.])
    """
    network = DeepLinear(widths)
    if len(network.widths) != 4 or network.widths[0] != 1 or network.widths[3] != 1:
        raise ValueError(f"widths: expected (1, a, b, 1), got {network.widths}")
    theta = as_array("theta", theta, (network.size,), stack=True)
    start = as_array("start", start, (network.size,))
    lower, signs, _ = _separated(network, start)
    values = [_integrals(network, point, lower, signs) for point in np.atleast_2d(theta)]
    return np.array(values).reshape(*theta.shape[:-1], lower.size - 1)


def _separated(network, theta):
    """Return the singular values, the signs and the roots of R."""
    first, middle, last = network.split(theta)
    if len(middle) > len(middle.T):
        first, middle, last = last.T, middle.T, first.T
    left, values, right = np.linalg.svd(middle)
    m, wider = len(middle), middle.shape[0] < middle.shape[1]
    if np.min(-np.diff(values, append=0)) <= 1e-12 * values[0]:
        raise ValueError(f"theta: expected distinct positive singular values, got {values}")
    signs = np.sign((right[:m] @ first)[:, 0] * (last @ left)[0])
    roots = np.linalg.eigvalsh(middle.T @ middle - first @ first.T)
    # C_1 has rank m + 1 at most; a - m - 1 factors x cancel, and one remains below.
    roots = roots[np.argsort(-np.abs(roots))[: m + wider]]
    return values, signs, np.append(roots, np.linalg.eigvalsh(middle @ middle.T - last.T @ last))


def _integrals(network, theta, lower, start_signs):
    """Integrate the powers of sigma between the limits."""
    upper, signs, roots = _separated(network, theta)
    if np.any(signs != start_signs):
        raise ValueError(
            f"theta: expected the signs {start_signs} of the start, got {signs}; "
            "the laws are local, take a start nearer by"
        )
    m = upper.size

    def R(sigma):
        return np.prod(sigma**2 - roots) / sigma ** (2 * (roots.size - 2 * m))

    for low, high in zip(lower, upper, strict=True):
        ends = sorted((low, high))
        between = (roots > ends[0] ** 2) & (roots < ends[1] ** 2)
        if R(low) <= 0 or R(high) <= 0 or between.any():
            raise ValueError(
                f"theta: expected R to be positive between the limits {low} and {high}; "
                "the laws are local, take a start nearer by"
            )
    return [
        sum(
            (-1) ** i
            * signs[i]
            * quad(lambda x, k=k: x ** (2 * k) / np.sqrt(R(x)), lower[i], upper[i])[0]
            for i in range(m)
        )
        for k in range(m - 1)
    ]
