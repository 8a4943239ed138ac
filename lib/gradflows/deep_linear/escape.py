r"""Leaving a saddle: starts supported on paths, and orders measured on small spheres.

Both work where the Hessian sees nothing. Whitened data, loss
:math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2`.
"""

import numpy as np
from scipy.optimize import minimize

from gradflows.deep_linear.weights import whitened_problem
from gradflows.validation import as_array, as_count, as_positive


def path_weights(widths, chains, paths=None):
    r"""Weights that live on disjoint paths through the network, one scalar chain each.

    Path k leads from input node k to output node k. For diagonal :math:`\Sigma` and h >= 2 the
    subspace of weights supported on such paths is invariant, and the flow on it is a product of
    scalar chains (:mod:`gradflows.deep_linear.chains`). Along a straight path, node k of every
    layer belongs to mode k.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, ..., d_h)``.
    chains : array_like, (modes, h)
        ``chains[k, i - 1]`` is the weight of path k in layer i; zeros are allowed.
    paths : array_like of int, (modes, h + 1), optional
        Nodes of each path, layer 0 first, counted from 0. By default mode k takes the straight
        path ``(k, ..., k)``.

    Returns
    -------
    list of numpy.ndarray
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.

    Raises
    ------
    ValueError
        If a path leaves the network, does not end at the output with the number of its input,
        or meets another path.

    Notes
    -----
    Source: saxe2014exact (aligned starts); the reading as paths is this book's.

    Examples
    --------
    >>> path_weights((1, 1), [[2.0]])
    [array([[2.]])]
    """
    widths = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    chains = as_array("chains", chains, ("modes", len(widths) - 1))
    nodes = _checked_paths(paths, widths, len(chains))
    weights = []
    for i in range(1, len(widths)):
        matrix = np.zeros((widths[i], widths[i - 1]))
        matrix[nodes[:, i], nodes[:, i - 1]] = chains[:, i - 1]
        weights.append(matrix)
    return weights


def sphere_decrease(weights, Sigma, radius, *, rng, starts=24):
    r"""Largest decrease of the loss on a sphere of weights around a point.

    Maximises :math:`L(A) - L(A + V)` over :math:`\|V\|_F = \varepsilon` by quasi-Newton steps
    from random directions. The result is attained, hence a lower bound of the maximum; it is
    negative around a strict local minimum.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    Sigma : array_like, (d_h, d_0)
    radius : float
        Frobenius norm of the perturbation of all weights together.
    rng : numpy.random.Generator
    starts : int
        Number of random directions.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If shapes do not fit, or radius or starts are not positive.

    Notes
    -----
    At a critical point of escape order m it is of the size of radius**m. Source: this book.
    """
    problem, theta = whitened_problem(weights, Sigma)
    radius, starts = as_positive("radius", radius), as_count("starts", starts)
    directions = rng.standard_normal((starts, problem.size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    decrease = _decrease_on_sphere(problem, theta, radius)
    best, value = None, -np.inf
    for direction in directions:
        found = _ascend(decrease, direction, radius**2)
        reached = decrease(found)[0]
        if reached > value:
            best, value = found, reached
    # In units of the decrease itself the stopping rules of the optimiser mean what they say.
    return decrease(_ascend(decrease, best, abs(value)))[0] if value else 0.0


def measured_order(weights, Sigma, *, rng, radii=(0.08, 0.04, 0.02), starts=24):
    r"""Escape order of a saddle, measured: slope of log decrease against log radius.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``, a saddle.
    Sigma : array_like, (d_h, d_0)
    rng : numpy.random.Generator
    radii : sequence of float
        At least two radii of spheres, as in :func:`sphere_decrease`.
    starts : int
        Number of random directions on each sphere.

    Returns
    -------
    float
        Close to the integer m at a saddle of order m; 1 where the gradient is not zero.

    Raises
    ------
    ValueError
        If shapes do not fit, fewer than two radii are given, or the loss falls nowhere.

    Notes
    -----
    A measurement, not a proof: it shares no code with the rank formula for the order.
    Source: this book.
    """
    radii = as_array("radii", radii, ("n",))
    if len(np.unique(radii)) < 2:
        raise ValueError(f"radii: expected at least two different numbers, got {radii}")
    falls = [sphere_decrease(weights, Sigma, float(r), rng=rng, starts=starts) for r in radii]
    if min(falls) <= 1e-14 * np.sum(np.square(Sigma)):
        raise ValueError("weights: expected a saddle, but the loss falls nowhere around it")
    return float(np.polyfit(np.log(radii), np.log(falls), 1)[0])


def _checked_paths(paths, widths, modes):
    """Check that paths stay in the network, end where they began, and are disjoint."""
    if paths is None:
        paths = np.repeat(np.arange(modes)[:, None], len(widths), axis=1)
    nodes = as_array("paths", paths, (modes, len(widths)))
    if (nodes != nodes.round()).any() or (nodes < 0).any() or (nodes >= widths).any():
        raise ValueError(f"paths: expected nodes counted from 0 below the widths {widths}")
    if (nodes[:, 0] != nodes[:, -1]).any():
        raise ValueError("paths: expected every path to end at the number of its input node")
    if any(len(np.unique(layer)) < modes for layer in nodes.T):
        raise ValueError("paths: expected disjoint paths, but two share a node")
    return nodes.astype(int)


def _decrease_on_sphere(problem, theta, radius):
    """Decrease of the loss and its gradient as functions of a direction, of any length."""
    base = problem.outputs(theta)
    residual = base - problem.loss_function.labels

    def decrease(direction):
        length = np.linalg.norm(direction)
        unit = direction / length
        point = theta + radius * unit
        # The difference of two losses, without cancelling their leading digits.
        change = problem.outputs(point) - base
        value = -np.sum(residual * change) - 0.5 * np.sum(change**2)
        slope = -problem.gradient(point)
        return value, radius / length * (slope - (slope @ unit) * unit)

    return decrease


def _ascend(decrease, direction, scale):
    """Maximise the decrease, in units of ``scale``, over directions."""

    def negative(v):
        value, slope = decrease(v)
        return -value / scale, -slope / scale

    options = {"maxiter": 2000, "maxfun": 4000, "gtol": 1e-9, "ftol": 1e-15, "maxcor": 30}
    found = minimize(negative, direction, jac=True, method="L-BFGS-B", options=options)
    return found.x / np.linalg.norm(found.x)
