r"""Quadratic games played by two clouds of particles: descent of one, ascent of the other."""

import numpy as np

from gradflows.beyond.games import GamePath, lyapunov
from gradflows.beyond.mean_field import gradients_at, particle_kernel, values_at
from gradflows.flows import gradient_flow
from gradflows.validation import as_array


def game_flow(game, x, z, theta0, omega0, alpha, times, *, rtol=1e-9, atol=1e-11):
    r"""Let two clouds of particles play, by descent of one and ascent of the other.

    With :math:`f = \frac\alpha N\sum_i(\phi(\cdot;\theta_i)-\phi(\cdot;\theta_i^0))`, and g alike,

    .. math:: \dot\theta_i = -\tfrac1\alpha\sum_kp_k(A^*g+\lambda f)_k\nabla\phi(x_k;\theta_i),
        \qquad
        \dot\omega_i = \tfrac1\alpha\sum_jq_j(Af-b-\mu g)_j\nabla\phi(z_j;\omega_i).

    Parameters
    ----------
    game : QuadraticGame
    x, z : array_like, (n,) and (l,)
        The points on which f and g live.
    theta0, omega0 : array_like, (N, 3)
        Particles (c, u, v) of the two players at the start, as many for both.
    alpha : float
        Scale of the outputs, not zero. As it grows, the flow tends to `kernel_flow`.
    times : array_like, (n_times,)
        Increasing times >= 0.
    rtol, atol : float
        Tolerances of the integrator, the second one for a displacement times alpha.

    Returns
    -------
    GamePath

    Raises
    ------
    ValueError
        If an argument is not as described, or there are so few particles that a tangent kernel
        at the start is not positive definite.
    IntegrationError
        If the flow cannot reach the last time.

    Notes
    -----
    Source: zhu2024mean.
    """
    field = _ParticleGame(game, x, z, theta0, omega0, alpha)
    times = as_array("times", times, ("n_times",))
    start = np.zeros(field.size)
    run = gradient_flow(field, start, times[-1], times=times, method="DOP853", rtol=rtol, atol=atol)
    plays = [field.functions(state) for state in run.theta]
    f, g = (np.array(part) for part in zip(*plays, strict=True))
    particles = field.start + run.theta.reshape(-1, *field.start.shape) / field.alpha
    return GamePath(run.t, f, g, particles[:, 0], particles[:, 1], run)


class _ParticleGame:
    """The field of a game of particles in displacements times alpha; its loss is V."""

    def __init__(self, game, x, z, theta0, omega0, alpha):
        rows, columns = game.A.shape
        self.game = game
        self.points = as_array("x", x, (columns,)), as_array("z", z, (rows,))
        theta0 = as_array("theta0", theta0, ("N", 3))
        self.start = np.stack([theta0, as_array("omega0", omega0, theta0.shape)])
        self.alpha = float(as_array("alpha", alpha, ()))
        if self.alpha == 0:
            raise ValueError("alpha: expected a number other than 0, got 0")
        self.size = self.start.size
        pairs = list(zip(self.start, self.points, strict=True))
        self.first = [values_at(cloud, points) for cloud, points in pairs]
        self.kernels = [particle_kernel(cloud, points) for cloud, points in pairs]
        self.loss(np.zeros(self.size))  # refuses kernels that are not positive definite

    def clouds(self, state):
        return self.start + state.reshape(self.start.shape) / self.alpha

    def functions(self, state):
        parts = zip(self.clouds(state), self.points, self.first, strict=True)
        return [
            self.alpha * (values_at(cloud, points) - first).mean(axis=0)
            for cloud, points, first in parts
        ]

    def loss(self, state):
        return lyapunov(self.game, *self.kernels, *self.functions(state))

    def gradient(self, state):
        down, up = self.game.gradients(*self.functions(state))
        forces = self.game.p * down, -self.game.q * up
        parts = zip(self.clouds(state), self.points, forces, strict=True)
        slopes = [
            np.tensordot(gradients_at(cloud, points), force, (1, 0))
            for cloud, points, force in parts
        ]
        return np.concatenate(slopes).ravel()
