r"""Starts from which the flow can be solved: single modes, balanced and lambda-balanced weights.

Loss :math:`L = \tfrac12\|\Sigma - W_h\cdots W_1\|_F^2` with whitened data; all times are of its
gradient flow. A mode is one singular direction of :math:`\Sigma`; its strength s is the product
along its path, :math:`u = s^{1/h}` the weight of each of its h balanced layers.
"""

import numpy as np

from gradflows.deep_linear.modes import strength_time
from gradflows.deep_linear.products import multiply
from gradflows.deep_linear.weights import as_target, as_weights
from gradflows.validation import as_array, as_count, as_positive

MOST_STEPS = 10**6


def riccati_solution(weights, Sigma, t):
    r"""Solve depth 2 from a lambda-balanced start, for all weights at once.

    For :math:`Q = \binom{W_2}{W_1^T}` and :math:`W_2^T W_2 - W_1 W_1^T = \lambda I`,

    .. math:: QQ^T(t) = e^{Ft} Q_0 \Big[I + Q_0^T \int_0^t e^{2Fs}ds\, Q_0\Big]^{-1}
        Q_0^T e^{Ft}, \qquad
        F = \begin{pmatrix} \tfrac\lambda2 I & \Sigma \\ \Sigma^T & -\tfrac\lambda2 I
        \end{pmatrix}.

    The integral form holds for singular F too (rectangular :math:`\Sigma`, zero singular
    values). Long times are reached by composing steps, so nothing overflows.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, W_2]``, shapes ``(d_1, d_0)`` and ``(d_2, d_1)``.
    Sigma : array_like, (d_2, d_0)
        Need not be diagonal.
    t : array_like, () or (n_times,)
        Times >= 0, in any order.

    Returns
    -------
    numpy.ndarray, (d_2 + d_0, d_2 + d_0) or (n_times, d_2 + d_0, d_2 + d_0)
        :math:`QQ^T`, with the blocks :math:`W_2W_2^T`, :math:`W_2W_1` (the product,
        ``[..., :d_2, d_2:]``), its transpose, and :math:`W_1^TW_1`.

    Raises
    ------
    ValueError
        If shapes do not fit, a time is negative or takes more than a million steps, or the
        start is not lambda-balanced (to 1e-9 of its squared norm). No such start exists with a
        hidden layer wider than d_2 for lambda > 0, than d_0 for lambda < 0.

    Notes
    -----
    Source: fukumizu1998effect for lambda = 0, domine2025lazy for the general form.
    """
    weights = as_weights(weights, depth=2)
    Sigma = as_target(Sigma, weights)
    t = np.asarray(t, dtype=np.float64) if np.ndim(t) == 0 else as_array("t", t, ("n_times",))
    if not np.all(np.isfinite(t)) or np.any(t < 0):
        raise ValueError("t: expected finite times >= 0")
    imbalance = _common_imbalance(weights)
    half = 0.5 * imbalance
    F = np.block([[half * np.eye(len(Sigma)), Sigma], [Sigma.T, -half * np.eye(Sigma.shape[1])]])
    rates, vectors = np.linalg.eigh(F)
    q = vectors.T @ np.vstack([weights[1], weights[0].T])
    grams, now = {}, 0.0
    for time in np.unique(t):
        q = _riccati_steps(q, rates, time - now)
        now, factor = time, vectors @ q
        grams[time] = factor @ factor.T
    return grams[float(t)] if t.ndim == 0 else np.array([grams[time] for time in t])


def balanced_field(W, Sigma, depth, *, rank=None):
    r"""Velocity of the product under balanced weights, a function of the product alone.

    .. math:: \dot W = \sum_{j=1}^h (WW^T)^{(h-j)/h} (\Sigma - W) (W^TW)^{(j-1)/h},

    with :math:`M^0 = I`. In the singular bases of W each entry of the residual is multiplied by
    the number that :func:`~gradflows.deep_linear.rates.balanced_hessian_spectrum` has in its place.

    Parameters
    ----------
    W : array_like, (d_h, d_0)
    Sigma : array_like, (d_h, d_0)
    depth : int
        Number h of layers.
    rank : int, optional
        Rank of W. Singular values beyond it are set to zero; otherwise rounding errors of
        1e-16 enter with the power 2/h.

    Returns
    -------
    numpy.ndarray, (d_h, d_0)

    Raises
    ------
    ValueError
        If shapes do not fit, or depth or rank is no admissible integer.

    Notes
    -----
    Source: arora2018optimization.
    """
    W = as_array("W", W, ("d_h", "d_0"))
    Sigma = as_array("Sigma", Sigma, W.shape)
    depth = as_count("depth", depth)
    U, s, Vt = np.linalg.svd(W)
    if rank is not None:
        rank = as_count("rank", rank, minimum=0)
        if rank > len(s):
            raise ValueError(f"rank: expected at most {len(s)}, got {rank}")
        s[rank:] = 0.0
    return U @ (pair_rates(s, W.shape, depth) * (U.T @ (Sigma - W) @ Vt.T)) @ Vt


def pair_rates(s, shape, depth):
    r"""Sum the powers :math:`\sum_i s_j^{2(h-i)/h} s_k^{2(i-1)/h}` for all pairs (j, k).

    ``s`` is filled up with zeros to the two numbers in ``shape``; :math:`0^0 = 1`.
    """
    left, right = (np.concatenate([s, np.zeros(n - len(s))]) for n in shape)
    powers = 2 * np.arange(depth) / depth
    return np.sum(left[:, None, None] ** powers[::-1] * right[None, :, None] ** powers, axis=-1)


def learning_times(sigma, seeds, depth, fraction=0.5):
    r"""Predict when each mode is learnt, from the singular values alone.

    Mode k, balanced and aligned, grows from the strength :math:`s_k(0)` to
    ``fraction`` times :math:`\sigma_k` as if it were alone. To leading order the half-time is
    :math:`\ln(1/s_k(0))/(2\sigma_k)` for h = 2 and
    :math:`s_k(0)^{-(h-2)/h}/((h-2)\sigma_k)` for h >= 3: large singular values first.

    Parameters
    ----------
    sigma : array_like, (modes,)
        Singular values > 0.
    seeds : float or array_like, (modes,)
        Strengths at the start: :math:`\varepsilon^h` if every layer is :math:`\varepsilon I`.
        In depth 2 with entries drawn from :math:`N(0, \varepsilon^2)` and a wide hidden layer,
        :math:`d_1\varepsilon^2/2`: the mean square of the part of the weights that grows.
    depth : int
        Number h of layers.
    fraction : float
        Between 0 and 1.

    Returns
    -------
    numpy.ndarray, (modes,)

    Raises
    ------
    ValueError
        If a number is out of range, or a seed is not below its threshold.

    Notes
    -----
    Source: saxe2014exact; gidel2019implicit.
    """
    sigma = as_array("sigma", sigma, ("modes",))
    if np.ndim(seeds) == 0:
        seeds = np.full(len(sigma), as_positive("seeds", seeds))
    seeds = as_array("seeds", seeds, (len(sigma),))
    fraction = as_positive("fraction", fraction)
    if sigma.min() <= 0 or seeds.min() <= 0 or np.any(seeds >= fraction * sigma) or fraction >= 1:
        raise ValueError("seeds: expected 0 < seeds < fraction * sigma < sigma for every mode")
    return np.array(
        [
            float(strength_time(seed, fraction * target, target, depth))
            for seed, target in zip(seeds, sigma, strict=True)
        ]
    )


def imbalance_gap(weights):
    r"""How far the outer Gram matrix is from what it would be under balance.

    .. math:: (WW^T)^{(h-1)/h} - W_{h:2} W_{h:2}^T,

    zero for balanced weights. In depth 2 its eigenvalues lie between :math:`-\delta` and
    :math:`\delta/2` with :math:`\delta = \|W_2^TW_2 - W_1W_1^T\|_2`; for h >= 3 it is of the
    order of the imbalances on bounded sets.

    Parameters
    ----------
    weights : sequence of array_like
        ``[W_1, ..., W_h]``, h >= 2, shapes ``(d_i, d_{i-1})``.

    Returns
    -------
    numpy.ndarray, (d_h, d_h)
        Symmetric.

    Raises
    ------
    ValueError
        If shapes do not fit, or there is one layer only.

    Notes
    -----
    Source: arora2019convergence (approximate balance); the two-sided bound is this book's.
    """
    weights = as_weights(weights)
    if len(weights) < 2:
        raise ValueError("weights: expected at least two layers, got one")
    outer = multiply(weights[1:])
    U, s, _ = np.linalg.svd(outer @ weights[0])
    powers = np.zeros(len(U))
    powers[: len(s)] = s ** (2 - 2 / len(weights))
    return (U * powers) @ U.T - outer @ outer.T


def _common_imbalance(weights):
    """Return lambda of a lambda-balanced start of depth 2, or refuse the start."""
    inner, outer = weights[0] @ weights[0].T, weights[1].T @ weights[1]
    imbalance = float(np.trace(outer - inner)) / len(inner)
    defect = np.linalg.norm(outer - inner - imbalance * np.eye(len(inner)))
    if defect > 1e-9 * np.trace(inner + outer):
        raise ValueError(
            "weights: expected a lambda-balanced start, W_2^T W_2 - W_1 W_1^T = lambda I; the "
            f"nearest lambda, {imbalance:.6g}, leaves a defect of {defect:.3g}"
        )
    return imbalance


def _riccati_steps(q, rates, duration):
    """Advance the factor of Q Q^T, written in the eigenbasis of F, by short exact steps."""
    # Within one step no exponential exceeds exp(4), so the matrix to factor stays well posed.
    steps = max(1, int(np.ceil(duration * np.abs(rates).max() / 4)))
    if steps > MOST_STEPS:
        raise ValueError(
            f"t: expected gaps between times of at most {4 * MOST_STEPS / np.abs(rates).max():.3g} "
            f"for this target, got {duration:.3g}"
        )
    x = 2 * rates * (duration / steps)
    growth = duration / steps * np.where(x == 0, 1.0, np.expm1(x) / np.where(x == 0, 1.0, x))
    for _ in range(steps):
        root = np.linalg.cholesky(np.eye(q.shape[1]) + q.T @ (growth[:, None] * q))
        q = np.exp(0.5 * x)[:, None] * np.linalg.solve(root, q.T).T
    return q
