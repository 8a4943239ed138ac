r"""Two-layer networks as clouds of particles.

A neuron :math:`\phi(x;\theta) = c\tanh(ux+v)` is a particle :math:`\theta = (c, u, v)`, and a
network with N neurons is the mean of :math:`\phi(x;\cdot)` over the measure
:math:`\nu = \sum_i w_i\,\delta_{\theta_i}`, usually with the masses :math:`w_i = 1/N`. Time is
scaled so that a particle moves with the speed that the measure gives it, N times the gradient of
the loss in its parameters.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from gradflows.validation import as_array


def neuron_values(particles, x):
    r"""Values :math:`\phi(x_k;\theta_i) = c_i\tanh(u_ix_k+v_i)` of all neurons on all inputs.

    Parameters
    ----------
    particles : array_like, (N, 3)
        Rows (c, u, v): output weight, input weight, bias.
    x : array_like, (n,)
        Inputs.

    Returns
    -------
    numpy.ndarray, (N, n)

    Raises
    ------
    ValueError
        If an array has another shape or is not finite.
    """
    particles, x = _checked(particles, x)
    return values_at(particles, x)


def neuron_gradients(particles, x):
    r"""Gradients :math:`\nabla_\theta\phi(x_k;\theta_i)` in (c, u, v).

    Parameters
    ----------
    particles : array_like, (N, 3)
    x : array_like, (n,)

    Returns
    -------
    numpy.ndarray, (N, n, 3)

    Raises
    ------
    ValueError
        If an array has another shape or is not finite.
    """
    particles, x = _checked(particles, x)
    return gradients_at(particles, x)


def particle_kernel(particles, x):
    r"""Tangent kernel of the mean of the neurons.

    .. math:: K(x, x') = \frac1N\sum_i\langle\nabla\phi(x;\theta_i),\nabla\phi(x';\theta_i)\rangle

    With the time of this module it is the kernel that moves the outputs.

    Parameters
    ----------
    particles : array_like, (N, 3)
    x : array_like, (n,)

    Returns
    -------
    numpy.ndarray, (n, n)

    Raises
    ------
    ValueError
        If an array has another shape or is not finite.

    Notes
    -----
    Source: jacot2018neural.
    """
    slopes = neuron_gradients(particles, x)
    return np.einsum("ink,ijk->nj", slopes, slopes) / len(slopes)


def sign_pairs(particles):
    r"""Add to each particle (c, u, v) its mirror image (-c, u, v).

    The result is invariant under the map S that flips the sign of c, and its mean is the zero
    function. A sample from a law that S leaves invariant is not an invariant set.

    Parameters
    ----------
    particles : array_like, (N, 3)

    Returns
    -------
    numpy.ndarray, (2N, 3)

    Raises
    ------
    ValueError
        If the array has another shape or is not finite.
    """
    particles = as_array("particles", particles, ("N", 3))
    return np.concatenate([particles, particles * [-1.0, 1.0, 1.0]])


def w2_exact(X, Y):
    r"""Wasserstein distance of two clouds of N particles with equal masses, by assignment.

    .. math:: W_2^2 = \min_\pi\frac1N\sum_i\lvert X_i-Y_{\pi(i)}\rvert^2

    over all permutations: no coupling of the two measures is better than the best permutation.

    Parameters
    ----------
    X, Y : array_like, (N, d)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the clouds differ in shape or are not finite.
    """
    X = as_array("X", X, ("N", "d"))
    Y = as_array("Y", Y, X.shape)
    squares = np.sum((X[:, None] - Y[None]) ** 2, axis=2)
    rows, columns = linear_sum_assignment(squares)
    return float(np.sqrt(squares[rows, columns].sum() / len(X)))


class MeanFieldProblem:
    r"""Fit of labels by a cloud of particles, for `gradflows.gradient_flow`.

    .. math:: L(\nu) = \frac1{2n}\sum_k\Big(\int\phi(x_k;\theta)\,d\nu(\theta)-y_k\Big)^2,
        \qquad \dot\theta_i = -\nabla\frac{\delta L}{\delta\nu}(\theta_i),
        \quad \frac{\delta L}{\delta\nu}(\theta) = \frac1n\sum_kr_k\,\phi(x_k;\theta)

    with the residuals r. For equal masses the velocity is -N times the gradient of L in
    :math:`\theta_i`.

    Parameters
    ----------
    x, y : array_like, (n,)
        Inputs and labels.
    masses : array_like, (N,), optional
        Masses of the particles; equal ones with sum 1 if left out.

    Raises
    ------
    ValueError
        If the arrays do not fit or are not finite, or a mass is negative.

    Notes
    -----
    Source: chizat2018global, mei2018mean.
    """

    def __init__(self, x, y, masses=None):
        self.x = as_array("x", x, ("n",)).copy()
        self.y = as_array("y", y, self.x.shape).copy()
        self.masses = None if masses is None else as_array("masses", masses, ("N",)).copy()
        if self.masses is not None and (self.masses < 0).any():
            raise ValueError("masses: expected numbers >= 0")

    def outputs(self, theta):
        """Evaluate the network on the inputs.

        Parameters
        ----------
        theta : array_like, (3N,) or (n_times, 3N)
            Particles (c, u, v), flattened row by row.

        Returns
        -------
        numpy.ndarray, (n,) or (n_times, n)
        """
        theta = as_array("theta", theta, ("size",), stack=True)
        if theta.ndim == 2:
            return np.array([self._mean(self._split(row)) for row in theta])
        return self._mean(self._split(theta))

    def loss(self, theta):
        """Return the loss L of a flat vector of particles (3N,)."""
        return float(np.mean((self.outputs(theta) - self.y) ** 2) / 2)

    def gradient(self, theta):
        """Return minus the velocities of all particles, flat (3N,)."""
        particles = self._split(as_array("theta", theta, ("size",)))
        force = (self._mean(particles) - self.y) / len(self.x)
        return np.tensordot(gradients_at(particles, self.x), force, (1, 0)).ravel()

    def _split(self, theta):
        count = len(theta) // 3 if self.masses is None else len(self.masses)
        if theta.size != 3 * count or count == 0:
            raise ValueError(f"theta: expected 3 numbers a particle, got {theta.size} numbers")
        return theta.reshape(count, 3)

    def _mean(self, particles):
        values = values_at(particles, self.x)
        return values.mean(axis=0) if self.masses is None else self.masses @ values


def _checked(particles, x):
    return as_array("particles", particles, ("N", 3)), as_array("x", x, ("n",))


def values_at(particles, x):
    """Evaluate `neuron_values` without checks."""
    c, u, v = particles.T[:, :, None]
    return c * np.tanh(u * x + v)


def gradients_at(particles, x):
    """Evaluate `neuron_gradients` without checks."""
    c, u, v = particles.T[:, :, None]
    value = np.tanh(u * x + v)
    slope = c * (1 - value**2)
    return np.stack([value, slope * x, slope], axis=2)
