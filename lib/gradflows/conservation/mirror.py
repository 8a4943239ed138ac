r"""Flows in a diagonal metric, :math:`\dot\theta_e = -m(\theta_e)\,\partial_e L`, and their laws.

The metric :math:`m = 1` is the gradient flow, :math:`m(x) = x` on positive weights the entropic
mirror flow of nonnegative matrix factorisation.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights
from gradflows.problems import descent_field, losses_along
from gradflows.validation import as_array

__all__ = ["Preconditioned", "node_balances"]


class Preconditioned:
    r"""A problem whose gradient is multiplied by a diagonal metric, for `gradient_flow`.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``loss`` and ``gradient``.
    metric : callable
        Takes ``theta`` (size,) to the vector of all :math:`m(\theta_e)`, not negative.

    Raises
    ------
    ValueError
        If ``metric`` is not callable.

    Notes
    -----
    The loss still falls: :math:`\dot L = -\sum_e m(\theta_e)(\partial_e L)^2`. For a convex
    :math:`\psi` and :math:`m = 1/\psi''` the flow is mirror flow,
    :math:`\tfrac d{dt}\nabla\psi(\theta) = -\nabla L`. Source: this book.
    """

    def __init__(self, problem, metric):
        if not callable(metric):
            raise ValueError(f"metric: expected a callable, got {metric!r}")
        self.problem, self.metric = problem, metric
        if hasattr(problem, "size"):
            self.size = problem.size

    def loss(self, theta):
        """Evaluate the loss of the problem.

        Parameters
        ----------
        theta : array_like, (size,)

        Returns
        -------
        float
        """
        return float(losses_along(self.problem, np.asarray(theta, dtype=float)[None])[0])

    def gradient(self, theta):
        r"""Return :math:`m(\theta)\odot\nabla L(\theta)`, minus the velocity of the flow.

        Parameters
        ----------
        theta : array_like, (size,)

        Returns
        -------
        numpy.ndarray, (size,)
        """
        theta = np.asarray(theta, dtype=float)
        return -self.metric(theta) * descent_field(self.problem, theta.shape)(theta)


def node_balances(weights, charge):
    r"""Outgoing minus incoming charge of every hidden node.

    .. math:: \sum_{e\text{ out}} s(\theta_e) - \sum_{e\text{ in}} s(\theta_e).

    In the metric m they are conserved for :math:`s' = x/m(x)`.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, shapes ``(d_i, d_{i-1})``.
    charge : callable
        The function s, applied to each matrix.

    Returns
    -------
    list of numpy.ndarray
        For i = 1..h-1, shapes ``(d_i,)``.

    Raises
    ------
    ValueError
        If shapes do not fit, or a charge is no matrix of finite numbers of the same shape.

    Notes
    -----
    Source: du2018algorithmic for squares; this book.

    Examples
    --------
    >>> node_balances([[[1.0, 2.0]], [[5.0]]], np.asarray)
    [array([2.])]
    """
    charges = [as_array("charge(W)", charge(W), W.shape) for W in as_weights(weights)]
    return [
        after.sum(axis=0) - before.sum(axis=1)
        for before, after in zip(charges, charges[1:], strict=False)
    ]
