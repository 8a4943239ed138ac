"""Networks and flows of outputs that the checks of this chapter share."""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import softmax

from gradflows import MLP, CrossEntropy, Problem


def gradient(x, Y):
    """Differentiate the cross-entropy in the outputs; labels ``(d_h, n)`` of any sums."""
    return (Y.sum(axis=0) * softmax(x, axis=0) - Y) / Y.shape[1]


def loss(x, Y):
    """Evaluate the cross-entropy for labels of any sums."""
    return -np.sum(Y * np.log(softmax(x, axis=0))) / Y.shape[1]


def output_path(x0, Y, times, field=gradient):
    """Return the outputs ``(n_times, d_h, n)`` that move by ``-field(x, Y)``, from time 0 on."""

    def velocity(s, x):
        return -field(x.reshape(Y.shape), Y).ravel()

    def slopes(s, x):
        """Only the part that makes the equation stiff matters: each sample is by itself."""
        p = softmax(x.reshape(Y.shape), axis=0)
        d, n = Y.shape
        block = np.einsum("aj,ab->jab", p, np.eye(d)) - np.einsum("aj,bj->jab", p, p)
        block *= (Y.sum(axis=0) if field is gradient else np.ones(n))[:, None, None] / n
        whole = np.einsum("jab,jk->ajbk", block, np.eye(n))
        return -whole.reshape(d * n, d * n)

    run = solve_ivp(
        velocity, (0, times[-1]), np.ravel(x0), "LSODA", times, rtol=1e-11, atol=1e-13, jac=slopes
    )
    return run.y.T.reshape(-1, *Y.shape)


def tanh_problem(rng, classes=3, n=3, hidden=12, one_hot=False):
    """Return a tanh network with cross-entropy, and a start."""
    Y = rng.dirichlet(np.full(classes, 2.0), n).T
    if one_hot:
        Y = np.eye(classes)[:, np.arange(n) % classes]
    network = MLP((2, hidden, classes))
    problem = Problem(network, 1.5 * rng.normal(size=(2, n)), CrossEntropy(Y))
    return problem, rng.normal(size=network.size)


def centred(network, theta):
    """Return the parameters with the columns of the last layer centred to the sum zero."""
    parts = [part.copy() for part in network.split(theta)]
    for part in parts[-2:]:
        part -= part.mean(axis=0)
    return network.join(parts)
