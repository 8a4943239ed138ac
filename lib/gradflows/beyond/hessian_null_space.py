r"""The null space of the Hessian at a global minimum, and what the activation decides of it.

Shallow networks :math:`x = W_2\sigma(W_1X)` with the widths ``(d_0, d_1, d_2)`` and the mean
loss :math:`\frac1{2n}\|x-Y\|_F^2`. Where the residual is zero the Hessian is
:math:`\frac1nJ^TJ`, so its null space is that of the Jacobian. The *nullity* is its dimension.
"""

import numpy as np

from gradflows.beyond.dense_networks import as_activation, as_widths
from gradflows.deep_linear.ranks import count_nonzero
from gradflows.modular import rank_mod
from gradflows.validation import as_array, as_count, as_positive

INDEPENDENT = ("tanh", "sigmoid", "softplus")
POWERS = {"relu": 1, "relu2": 2}


def nullity(J, *, exact=False, tol=1e-9):
    r"""Dimension of the null space of a Jacobian: columns minus rank.

    Parameters
    ----------
    J : array_like, (m, n_theta)
    exact : bool
        Compute the rank modulo a prime; J must then have integer entries. The rank over the
        rational numbers is at least as large, so the nullity is at most what is returned, and
        equal to it for all but finitely many primes.
    tol : float
        Without ``exact``: singular values count as zero up to ``tol`` times the largest, as
        nonzero from ``100 * tol``.

    Returns
    -------
    int

    Raises
    ------
    UndecidedRankError
        If a singular value lies in the gap.
    ValueError
        If J is no matrix of finite numbers, or of integers if ``exact``.

    Examples
    --------
    >>> nullity([[1.0, 1.0, 0.0]])
    2
    """
    J, tol = as_array("J", J, ("m", "n_theta")), as_positive("tol", tol)
    if exact:
        return J.shape[1] - rank_mod(J)
    values = np.linalg.svd(J, compute_uv=False)
    if values[0] == 0:
        return J.shape[1]
    return J.shape[1] - count_nonzero(values, values[0], tol, "J")


def gauss_newton(problem, theta):
    r"""Gauss-Newton part of the Hessian, :math:`J^T\nabla^2\ell(x)\,J`.

    Parameters
    ----------
    problem : Problem
    theta : array_like, (size,)

    Returns
    -------
    numpy.ndarray, (size, size)
        The Hessian without the curvature of the outputs; equal to it at zero residual.

    Raises
    ------
    ValueError
        If ``theta`` has another shape, or holds NaN or infinity.
    """
    theta = as_array("theta", theta, (problem.size,))
    J = problem.network.jacobian(theta, problem.inputs)
    outputs = problem.outputs(theta)
    columns = J.reshape(*outputs.shape[::-1], problem.size).transpose(2, 1, 0)
    bent = problem.loss_function.hessian_product(outputs, columns)
    return J.T @ bent.transpose(2, 1, 0).reshape(J.shape)


def symmetry_dimension(activation, hidden):
    r"""Dimension of the linear symmetries of one hidden layer.

    These are the pairs (A, B) of square matrices with
    :math:`B\sigma(z)+\sigma'(z)\odot Az = 0` for all z; each gives the null vector
    :math:`(AW_1, W_2B)`. There are :math:`d_1^2` for the identity, :math:`d_1` for other
    positively homogeneous activations, and none otherwise.

    Parameters
    ----------
    activation : str
        As for ``DenseNetwork``.
    hidden : int
        Width :math:`d_1`.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is none of the above.

    Notes
    -----
    Source: this book.
    """
    as_activation("activation", activation)
    hidden = as_count("hidden", hidden)
    if activation == "identity":
        return hidden**2
    return hidden if activation in POWERS else 0


def predicted_nullity(widths, activation, *, off=0, on=0):
    r"""Nullity of a shallow network with weights in general position and enough samples.

    For "tanh", "sigmoid" and "softplus" it is 0. For the identity it is
    :math:`\nu(d_1)`, with

    .. math:: \nu(m) = m(d_0+d_2)-d_0d_2+(d_0-r_1)(d_2-r_2),
        \quad r_1 = \min(m,d_0),\ r_2 = \min(m,d_2),

    which is :math:`m^2` for :math:`m\le\min(d_0,d_2)`. For the ReLU it is
    :math:`m_{off}(d_0+d_2)+m_{cross}+\nu(m_{on})`, where the neurons are negative on all
    inputs, of both signs, or positive on all inputs.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, d_1, d_2)``.
    activation : str
        "identity", "relu", "relu2", "sigmoid", "softplus" or "tanh".
    off, on : int
        Number of neurons that are negative or positive on all inputs; for "relu" only, ``off``
        for "relu2" also.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If an argument is none of the above; for "quadratic" no general number is known.

    Notes
    -----
    Source: this book; that the activation determines the null space is in
    olearyroseberry2020ill.

    Examples
    --------
    >>> [predicted_nullity((4, 3, 2), name) for name in ("identity", "relu", "tanh")]
    [10, 3, 0]
    >>> predicted_nullity((4, 3, 2), "relu", off=1)
    8
    """
    widths = as_widths(widths)
    if len(widths) != 3:
        raise ValueError(f"widths: expected three of them, got {widths}")
    off, on = as_count("off", off, minimum=0), as_count("on", on, minimum=0)
    inputs, hidden, outputs = widths
    if activation == "identity":
        off, on = _none(activation, off=off, on=on), hidden
    elif activation in INDEPENDENT:
        return _none(activation, off=off, on=on)
    elif activation == "relu2":
        _none(activation, on=on)
    elif activation != "relu":
        known = ", ".join(sorted(("identity", *INDEPENDENT, *POWERS)))
        raise ValueError(f"activation: expected one of {known}, got {activation!r}")
    if off + on > hidden:
        raise ValueError(f"off: expected off + on <= {hidden} hidden neurons, got {off} + {on}")
    return off * (inputs + outputs) + (hidden - off - on) + _linear(inputs, on, outputs)


def origin_curvature(activation, X, Y):
    r"""Least eigenvalue of the Hessian of a shallow network at the origin.

    If :math:`\sigma(0)=0` and :math:`\sigma` is differentiable there, it is
    :math:`-|\sigma'(0)|\,\|\tfrac1nYX^T\|_2`; the whole spectrum is
    :math:`\pm|\sigma'(0)|s_k`, each :math:`d_1` times, and zeros, with the singular values
    :math:`s_k` of :math:`\tfrac1nYX^T`.

    Parameters
    ----------
    activation : str
        "identity", "quadratic", "relu2" or "tanh".
    X : array_like, (d_0, n)
    Y : array_like, (d_2, n)

    Returns
    -------
    float
        At most 0; of the mean loss.

    Raises
    ------
    ValueError
        If the activation is not zero, or not differentiable, at zero, or the data do not fit.

    Notes
    -----
    Source: this book.
    """
    kind = as_activation("activation", activation)
    zero = np.zeros(())
    if activation == "relu" or kind.value(zero) != 0:
        raise ValueError(
            f"activation: expected one that is 0 and differentiable at 0, got {activation!r}"
        )
    X = as_array("X", X, ("d_0", "n"))
    Y = as_array("Y", Y, ("d_2", X.shape[1]))
    slope = float(kind.slope(zero, kind.value(zero)))
    return 0.0 - abs(slope) * float(np.linalg.norm(Y @ X.T, 2)) / X.shape[1]


def _linear(inputs, hidden, outputs):
    """Nullity of a linear network with factors of full rank on inputs of full rank."""
    missing = (inputs - min(hidden, inputs)) * (outputs - min(hidden, outputs))
    return hidden * (inputs + outputs) - inputs * outputs + missing


def _none(activation, **counts):
    """Refuse counts of neurons that make no sense for an activation; return 0."""
    for name, value in counts.items():
        if value:
            raise ValueError(f"{name}: expected 0 for {activation!r}, got {value}")
    return 0
