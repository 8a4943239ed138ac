r"""Quadratic games in function space, and how frozen kernels play them.

Player f, a function on n points with weights p, lowers

.. math:: \mathcal L(f, g) = \langle g, Af-b\rangle_q-\tfrac\mu2\lVert g\rVert_q^2
    +\tfrac\lambda2\lVert f\rVert_p^2,

player g, a function on l points with weights q, raises it, with
:math:`\langle g, h\rangle_q = \sum_jq_jg_jh_j`. The adjoint of A in these inner products is
:math:`A^* = \mathrm{diag}(p)^{-1}A^\top\mathrm{diag}(q)`.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve, expm

from gradflows.trajectories import Trajectory
from gradflows.validation import as_array, as_positive

ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class QuadraticGame:
    r"""The payoff :math:`\mathcal L(f, g)` of the module.

    Parameters
    ----------
    A : array_like, (l, n)
    b : array_like, (l,)
    lam, mu : float
        Convexity :math:`\lambda` in f and concavity :math:`\mu` in g, both >= 0.
    p, q : array_like, (n,) and (l,), optional
        Positive weights of the two sets of points; equal ones with sum 1 if left out.

    Raises
    ------
    ValueError
        If the arrays do not fit or are not finite, or a number has the wrong sign.
    """

    A: np.ndarray
    b: np.ndarray
    lam: float
    mu: float = 1.0
    p: np.ndarray | None = None
    q: np.ndarray | None = None

    def __post_init__(self):
        A = as_array("A", self.A, ("l", "n"))
        checked = {"A": A, "b": as_array("b", self.b, A.shape[:1])}
        for name in ("lam", "mu"):
            checked[name] = as_positive(name, getattr(self, name), zero=True)
        for name, size in (("p", A.shape[1]), ("q", A.shape[0])):
            given = getattr(self, name)
            weights = np.full(size, 1 / size) if given is None else given
            checked[name] = as_array(name, weights, (size,))
            if (checked[name] <= 0).any():
                raise ValueError(f"{name}: expected weights > 0, got {checked[name].min():g}")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def adjoint(self):
        """The adjoint of A in the weighted inner products, (m, l)."""
        return self.A.T * self.q / self.p[:, None]

    def payoff(self, f, g):
        """Payoff of functions (..., n) and (..., l), one number each."""
        coupling = ((f @ self.A.T - self.b) * g) @ self.q
        return coupling - self.mu / 2 * g**2 @ self.q + self.lam / 2 * f**2 @ self.p

    def gradients(self, f, g):
        r"""Gradients :math:`A^*g+\lambda f` and :math:`Af-b-\mu g`, f descends, g ascends."""
        return (
            g @ self.adjoint.T + self.lam * f,
            f @ self.A.T - self.b - self.mu * g,
        )


@dataclass(frozen=True, eq=False)
class GamePath:
    """The play of both players at the saved times.

    Attributes
    ----------
    t : numpy.ndarray, (n_times,)
    f, g : numpy.ndarray, (n_times, n) and (n_times, l)
    theta, omega : numpy.ndarray, (n_times, N, 3), or None
        Particles of the two players; None for the kernel flow.
    """

    t: np.ndarray
    f: np.ndarray
    g: np.ndarray
    theta: np.ndarray | None = None
    omega: np.ndarray | None = None
    run: Trajectory | None = field(default=None, repr=False)

    def accuracy(self):
        """Estimate how far the particles can be trusted; what may fall is V with first kernels.

        Returns
        -------
        Accuracy

        Raises
        ------
        ValueError
            For a kernel flow, which is not integrated but exact.
        """
        if self.run is None:
            raise ValueError("accuracy: expected a path of particles, a kernel flow is exact")
        return replace(self.run.accuracy(), falling="V")


def conditional_game(joint, truth, lam, mu=1.0):
    r"""Game of a conditional mean: :math:`(Af)(z) = \mathbb E[f(X)\mid Z=z]`, :math:`b = Af_0`.

    Parameters
    ----------
    joint : array_like, (l, n)
        Positive multiples of the probabilities of (z, x).
    truth : array_like, (n,)
        The function :math:`f_0` that solves the equation.
    lam, mu : float

    Returns
    -------
    QuadraticGame
        With the marginal laws as weights; the adjoint is the other conditional mean.

    Raises
    ------
    ValueError
        If an entry of ``joint`` is not positive or the arrays do not fit.

    Notes
    -----
    Source: zhu2024mean, for this class of games.
    """
    joint = as_array("joint", joint, ("l", "n"))
    if (joint <= 0).any():
        raise ValueError(f"joint: expected entries > 0, got {joint.min():g}")
    joint = joint / joint.sum()
    q = joint.sum(axis=1)
    A = joint / q[:, None]
    truth = as_array("truth", truth, A.shape[1:])
    return QuadraticGame(A, A @ truth, lam, mu, joint.sum(axis=0), q)


def saddle(game):
    r"""Return the saddle point of a game, where both gradients vanish.

    :math:`f^* = (A^*A+\lambda\mu)^{-1}A^*b` and, for :math:`\mu>0`,
    :math:`g^* = (Af^*-b)/\mu`.

    Parameters
    ----------
    game : QuadraticGame

    Returns
    -------
    (n,) and (l,) arrays

    Raises
    ------
    ValueError
        If the saddle point is not unique: :math:`\lambda = 0` and A is not injective, or
        :math:`\mu = 0` and its adjoint is not.
    """
    rows, columns = game.A.shape
    system = np.block(
        [[game.lam * np.eye(columns), game.adjoint], [game.A, -game.mu * np.eye(rows)]],
    )
    values = np.linalg.svd(system, compute_uv=False)
    if values[-1] <= ROUNDING * values[0]:
        raise ValueError(
            "game: expected a unique saddle point: lam > 0 or A injective, and mu > 0 or the "
            "adjoint of A injective"
        )
    point = np.linalg.solve(system, np.concatenate([np.zeros(columns), game.b]))
    return point[:columns], point[columns:]


def kernel_flow(game, kernel_f, kernel_g, times, f0=None, g0=None):
    r"""Follow both players with frozen kernels, exactly, by a matrix exponential.

    .. math:: \dot f = -K_f\,\mathrm{diag}(p)\,(A^*g+\lambda f), \qquad
        \dot g = K_g\,\mathrm{diag}(q)\,(Af-b-\mu g)

    The kernels :math:`\mathrm{diag}(p)^{-1}` and :math:`\mathrm{diag}(q)^{-1}` give the adapted
    flow, which is steepest in both spaces of functions.

    Parameters
    ----------
    game : QuadraticGame
    kernel_f, kernel_g : array_like, (n, n) and (l, l)
    times : array_like, (n_times,)
        Any times >= 0.
    f0, g0 : array_like, (n,) and (l,), optional
        Start; zero if left out.

    Returns
    -------
    GamePath

    Raises
    ------
    ValueError
        If an array has another shape or is not finite, or the saddle point is not unique.
    """
    rows, columns = game.A.shape
    times = as_array("times", times, ("n_times",))
    if (times < 0).any():
        raise ValueError(f"times: expected times >= 0, got {times.min():g}")
    drive_f = as_array("kernel_f", kernel_f, (columns, columns)) * game.p
    drive_g = as_array("kernel_g", kernel_g, (rows, rows)) * game.q
    generator = np.block(
        [[-game.lam * drive_f, -drive_f @ game.adjoint], [drive_g @ game.A, -game.mu * drive_g]]
    )
    rest = np.concatenate(saddle(game))
    f0 = np.zeros(columns) if f0 is None else as_array("f0", f0, (columns,))
    g0 = np.zeros(rows) if g0 is None else as_array("g0", g0, (rows,))
    path = rest + expm(times[:, None, None] * generator) @ (np.concatenate([f0, g0]) - rest)
    return GamePath(times.copy(), path[:, :columns], path[:, columns:])


def lyapunov(game, kernel_f, kernel_g, f, g):
    r"""Distance from the saddle point in the norms of the kernels.

    .. math:: V = \tfrac12(f-f^*)^\top K_f^{-1}(f-f^*)+\tfrac12(g-g^*)^\top K_g^{-1}(g-g^*)

    Parameters
    ----------
    game : QuadraticGame
    kernel_f, kernel_g : array_like, (n, n) and (l, l)
        Positive definite.
    f, g : array_like, (..., n) and (..., l)

    Returns
    -------
    float or numpy.ndarray

    Raises
    ------
    ValueError
        If a kernel is not positive definite or has another shape.
    """
    total, (rest_f, rest_g) = 0.0, saddle(game)
    gaps = ("kernel_f", kernel_f, f - rest_f), ("kernel_g", kernel_g, g - rest_g)
    for name, kernel, gap in gaps:
        kernel = as_array(name, kernel, (gap.shape[-1],) * 2)
        try:
            factor = cho_factor(kernel)
        except np.linalg.LinAlgError:
            raise ValueError(f"{name}: expected a positive definite matrix") from None
        total = total + np.sum(gap.T * cho_solve(factor, gap.T), axis=0) / 2
    return total
