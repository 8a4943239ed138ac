r"""Momentum: how many laws of position and velocity there are, and a discrete one.

Two layers, widths ``(d_0, r, d_2)``, :math:`N = d_0 + d_2`. A law of the momentum flow
:math:`\ddot\theta + \gamma\dot\theta = -\nabla L` is a function of time, position and velocity
that is constant for every loss :math:`L = f(W_2 W_1)`.
"""

import numpy as np

from gradflows.deep_linear.weights import as_weights
from gradflows.modular import PRIME, pivots_mod, rank_mod
from gradflows.problems import descent_field, losses_along
from gradflows.trajectories import IntegrationError, Trajectory
from gradflows.validation import as_array, as_count, as_positive

__all__ = [
    "crossed_charge",
    "heavy_ball",
    "momentum_generators",
    "momentum_law_count",
    "momentum_leaf_dimension",
    "orbit_dimension",
]


def momentum_law_count(widths):
    r"""Count the independent laws of position and velocity of two linear layers.

    .. math:: \binom r2 - \binom{r - 2N}2 \quad (N = d_0 + d_2 \ge 3),

    with the second term for :math:`r > 2N` only; :math:`4r - 6` for
    :math:`d_0 = d_2 = 1 < r`, and none for r = 1.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, r, d_2)``.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there are not three widths, or one is no positive integer.

    Notes
    -----
    Source: this book; [marcotte2024keep]_ for the laws.

    Examples
    --------
    >>> momentum_law_count((2, 3, 2)), momentum_law_count((1, 8, 2)), momentum_law_count((1, 3, 1))
    (3, 27, 6)
    """
    inputs, hidden, outputs = _two_layers(widths)
    both = inputs + outputs
    if both == 2:
        return max(4 * hidden - 6, 0)
    rest = max(hidden - 2 * both, 0)
    return (hidden * (hidden - 1) - rest * (rest - 1)) // 2


def momentum_leaf_dimension(widths, *, rng):
    r"""Dimension of the set that position and velocity can reach, exact.

    The fields :math:`(\theta, \omega) \mapsto (\omega, 0)` and
    :math:`(\theta, \omega) \mapsto (0, \nabla\langle\Delta, W_2 W_1\rangle)` are linear in the
    stack of :math:`\theta = (W_2; W_1^T)` and :math:`\omega = \dot\theta`, of shape
    ``(2 N, r)``. Their matrices are closed under commutators modulo a prime and applied to a
    random stack. The number of laws is :math:`2 N r` minus this dimension.

    Parameters
    ----------
    widths : sequence of int
        ``(d_0, r, d_2)``.
    rng : numpy.random.Generator
        For the stack.

    Returns
    -------
    int
        Never more than the dimension at generic real points, and less with a probability of
        about the number of unknowns over two million.

    Raises
    ------
    ValueError
        If there are not three widths, or one is no positive integer.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> momentum_leaf_dimension((2, 3, 2), rng=np.random.default_rng(0))
    21
    """
    inputs, hidden, outputs = _two_layers(widths)
    generators = momentum_generators(inputs, outputs)
    return orbit_dimension(generators, columns=hidden, rng=rng)


def orbit_dimension(generators, *, columns, rng):
    r"""Dimension of the span of :math:`L Z`, L in the Lie algebra of the generators, exact.

    The fields :math:`Z \mapsto L Z` are linear, so their brackets are commutators of matrices.

    Parameters
    ----------
    generators : array_like of int, (k, s, s)
        Matrices.
    columns : int
        Z is a random matrix of shape ``(s, columns)``.
    rng : numpy.random.Generator

    Returns
    -------
    int
        A rank modulo a prime near two million.

    Raises
    ------
    ValueError
        If the generators are no stack of square integer matrices, or ``columns`` no positive
        integer.

    Notes
    -----
    Source: this book.

    Examples
    --------
    >>> turn = [[[0, -1], [1, 0]]]
    >>> orbit_dimension(turn, columns=1, rng=np.random.default_rng(0))
    1
    """
    generators = np.asarray(generators)
    if generators.dtype.kind != "i" or generators.ndim != 3:
        raise ValueError(f"generators: expected integers (k, s, s), got {generators.shape}")
    size = len(as_array("generators", generators, ("k", "s", "s"))[0])
    basis, rank = _independent(generators % PRIME), 0
    while len(basis) > rank:
        rank = len(basis)
        products = generators[:, None] @ basis - basis @ generators[:, None]
        basis = _independent(np.concatenate([basis, products.reshape(-1, size, size) % PRIME]))
    stack = rng.integers(PRIME, size=(size, as_count("columns", columns)))
    return rank_mod((basis @ stack % PRIME).reshape(len(basis), -1))


def crossed_charge(weights, velocities):
    r"""Second family of momentum laws of two layers with one input and one output.

    With :math:`u = W_2^T` and :math:`v = W_1` in :math:`\mathbb R^r`,

    .. math:: e^{\gamma t}\big(u\dot v^T - \dot v u^T + v\dot u^T - \dot u v^T\big)

    is constant along momentum flow. It has no counterpart for more inputs or outputs.

    Parameters
    ----------
    weights, velocities : sequence of array_like
        ``[W_1, W_2]`` and their time derivatives, shapes ``(r, 1)`` and ``(1, r)``.

    Returns
    -------
    numpy.ndarray, (r, r)
        Skew-symmetric, without the exponential.

    Raises
    ------
    ValueError
        If shapes do not fit.

    Notes
    -----
    Source: this book.
    """
    v, u = as_weights(weights, depth=2)
    as_array("weights: W_1", v, (len(v), 1))
    as_array("weights: W_2", u, (1, len(v)))
    moving = as_weights(velocities, depth=2, name="velocities")
    dv = as_array("velocities: W_1'", moving[0], v.shape)
    du = as_array("velocities: W_2'", moving[1], u.shape)
    half = u.T @ dv.T + v @ du
    return half - half.T


def heavy_ball(problem, theta0, step, momentum, n_steps, *, before=None):
    r"""Iterate gradient descent with momentum.

    .. math:: \theta_{k+1} = \theta_k - \eta\nabla L(\theta_k) + \mu(\theta_k - \theta_{k-1}).

    It is a discretisation of momentum flow with the time step :math:`\sqrt\eta` and the
    friction :math:`(1 - \mu)/\sqrt\eta` [polyak1964some]_.

    Parameters
    ----------
    problem : Problem
        Or an object of yours with ``loss`` and ``gradient``.
    theta0 : array_like, (size,)
    step : float
        The step size :math:`\eta > 0`.
    momentum : float
        The factor :math:`\mu \ge 0`.
    n_steps : int
        At least 1.
    before : array_like, (size,), optional
        The iterate :math:`\theta_{-1}`; by default ``theta0``, a start at rest.

    Returns
    -------
    Trajectory
        All ``n_steps + 1`` iterates, at ``t = sqrt(step) * k``.

    Raises
    ------
    IntegrationError
        If the iterates overflow.
    ValueError
        If an argument is not as described.
    """
    now = as_array("theta0", theta0, (getattr(problem, "size", "size"),))
    last = now if before is None else as_array("before", before, now.shape)
    step, momentum = as_positive("step", step), as_positive("momentum", momentum, zero=True)
    field, path = descent_field(problem, now.shape), [now]
    with np.errstate(all="ignore"):
        for k in range(as_count("n_steps", n_steps)):
            now, last = now + step * field(now) + momentum * (now - last), now
            if not np.isfinite(now).all():
                raise IntegrationError(np.sqrt(step) * k, f"heavy ball overflows in step {k + 1}")
            path.append(now)
    path, t = np.array(path), np.sqrt(step) * np.arange(len(path))
    return Trajectory(t, path, losses_along(problem, path), len(path) - 1, "heavy ball", None, None)


def momentum_generators(inputs, outputs):
    r"""Matrices of the free motion and of all forces on position and velocity.

    On the stack of :math:`\theta = (W_2; W_1^T)` and :math:`\omega` they are
    :math:`(\theta, \omega) \mapsto (\omega, 0)` and
    :math:`(\theta, \omega) \mapsto (0, S_\Delta\theta)`, where :math:`S_\Delta` is
    :math:`\Delta = E_{ij}` and its transpose beside the diagonal.

    Parameters
    ----------
    inputs, outputs : int
        The widths :math:`d_0` and :math:`d_2`.

    Returns
    -------
    numpy.ndarray of int, (1 + d_0 d_2, 2 N, 2 N)

    Raises
    ------
    ValueError
        If a width is no positive integer.
    """
    inputs, outputs = as_count("inputs", inputs), as_count("outputs", outputs)
    both = inputs + outputs
    fields = np.zeros((1 + inputs * outputs, 2 * both, 2 * both), dtype=np.int64)
    fields[0, :both, both:] = np.eye(both, dtype=np.int64)
    for k, (i, j) in enumerate(np.ndindex(outputs, inputs), start=1):
        fields[k, both + i, outputs + j] = fields[k, both + outputs + j, i] = 1
    return fields


def _two_layers(widths):
    """Check ``(d_0, r, d_2)``."""
    widths = [as_count(f"widths[{i}]", width) for i, width in enumerate(widths)]
    if len(widths) != 3:
        raise ValueError(f"widths: expected (d_0, r, d_2), got {tuple(widths)}")
    return widths


def _independent(matrices):
    """Choose a basis of the span of a stack of matrices, modulo the prime."""
    return matrices[pivots_mod(matrices.reshape(len(matrices), -1).T)]
