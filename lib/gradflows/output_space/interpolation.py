"""Straight lines in output space: where the outputs are, when to stop, how classes collapse."""

import numpy as np

from gradflows.options import check_start
from gradflows.output_space.two_spaces import OutputFrame, stacked
from gradflows.validation import as_array, as_count, as_positive

__all__ = ["class_scatter", "continuation_steps", "linear_interpolation", "stopping_time"]


def linear_interpolation(x0, y, t):
    r"""Points :math:`(1-t)x_0 + t y` of the straight line from the outputs to the labels.

    Parameters
    ----------
    x0, y : array_like, (d_h, n)
        Outputs at the start, and labels.
    t : array_like, (n_times,) or float
        Shares of the way.

    Returns
    -------
    numpy.ndarray, (n_times, d_h, n), or (d_h, n) for a single share

    Raises
    ------
    ValueError
        If the shapes differ or something is not finite.

    Examples
    --------
    >>> linear_interpolation([[0.0]], [[4.0]], 0.25)
    array([[1.]])
    """
    x0 = as_array("x0", x0, ("d_h", "n"))
    y = as_array("y", y, x0.shape)
    t = as_array("t", t, ("n_times",) if np.ndim(t) else ())
    return x0 + t[..., None, None] * (y - x0)


def stopping_time(x0, y, n, cost):
    r"""Time at which the adapted flow has lowered the cost: :math:`\frac n2\ln(L_0/L)`.

    Parameters
    ----------
    x0, y : array_like
        Outputs at the start and labels, as matrices ``(d_h, n)`` or stacked in a vector.
    n : int
        Number of samples: :math:`L_0 = |x_0 - y|^2/(2n)`, time of the mean loss.
    cost : float
        The cost :math:`L` to be reached, positive.

    Returns
    -------
    float
        Zero if the start is good enough.

    Raises
    ------
    ValueError
        If the shapes differ, or ``n`` or ``cost`` is not positive.

    Notes
    -----
    Source: [chen2024equivalence]_; full rank along the whole way is assumed.

    Examples
    --------
    >>> round(stopping_time([2.0], [0.0], 1, 0.02), 6)
    2.302585
    """
    x0 = as_array("x0", x0, ("d_h", "n") if np.ndim(x0) == 2 else ("n*d_h",))
    gap = x0 - as_array("y", y, x0.shape)
    n, cost = as_count("n", n), as_positive("cost", cost)
    start = np.sum(gap**2) / (2 * n)
    return float(0.5 * n * np.log(start / cost)) if start > cost else 0.0


def continuation_steps(problem, theta0, n_steps, *, aim_again=True):
    r"""Go from the outputs to the labels in N steps of one least-norm solve each.

    The step is :math:`\theta_{k+1} = \theta_k + J^+(\theta_k)\,\delta_k` with

    .. math:: \delta_k = \frac{Y - x(\theta_k)}{N-k} \quad\text{(aiming again)}, \qquad
              \delta_k = \frac{Y - x(\theta_0)}{N} \quad\text{(aiming once)}.

    Both are Euler's method for the adapted flow on its finite clock. At the end the outputs miss
    the labels by :math:`O(N^{-2})` in the first case and by :math:`O(N^{-1})` in the second.

    Parameters
    ----------
    problem : Problem
        Its labels are where the outputs go.
    theta0 : array_like, (size,)
    n_steps : int
        N; a single step is a Gauss-Newton step.
    aim_again : bool
        Whether every step aims from where the outputs are, or all as the first one.

    Returns
    -------
    numpy.ndarray, (n_steps + 1, size)

    Raises
    ------
    ValueError
        If the start has a wrong shape, or ``n_steps`` is no positive integer.

    Notes
    -----
    The continuation is that of [davidenko1953new]_; the orders are this book's. Full rank is not
    checked.
    """
    theta, n_steps = check_start(problem, theta0, stack=False), as_count("n_steps", n_steps)
    labels, inputs = problem.loss_function.labels, problem.inputs
    way, path = labels - problem.outputs(theta), [theta]
    for k in range(n_steps):
        step = way / n_steps
        if aim_again:
            step = (labels - problem.outputs(theta)) / (n_steps - k)
        frame = OutputFrame(problem.network.jacobian(theta, inputs))
        aim = stacked("outputs", step, len(frame.left))
        theta = theta + frame.steer(aim, 1.0, len(frame.values))
        path.append(theta)
    return np.array(path)


def class_scatter(outputs, labels):
    r"""Scatter of the outputs within their classes: mean of :math:`|x_j - \bar x_{c(j)}|^2`.

    Parameters
    ----------
    outputs : array_like, (d_h, n) or (n_times, d_h, n)
    labels : array_like, (n,) or (d_h, n)
        Class of each sample, or labels whose equal columns are the classes.

    Returns
    -------
    float, or numpy.ndarray (n_times,)

    Raises
    ------
    ValueError
        If the numbers of samples differ.

    Examples
    --------
    >>> class_scatter([[0.0, 2.0, 5.0]], [0, 0, 1])
    0.6666666666666666
    """
    outputs = as_array("outputs", outputs, ("d_h", "n"), stack=True)
    labels = as_array("labels", labels, ("n",) if np.ndim(labels) == 1 else ("d_h", "n"))
    if labels.shape[-1] != outputs.shape[-1]:
        raise ValueError(
            f"labels: expected {outputs.shape[-1]} of them, one a sample, got {labels.shape[-1]}"
        )
    classes = np.unique(np.atleast_2d(labels), axis=1, return_inverse=True)[1].ravel()
    member = np.eye(classes.max() + 1)[classes]
    means = outputs @ (member / member.sum(axis=0)) @ member.T
    scatter = np.sum((outputs - means) ** 2, axis=(-2, -1)) / outputs.shape[-1]
    return float(scatter) if scatter.ndim == 0 else scatter
