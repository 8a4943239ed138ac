r"""Reading a critical point: whether it is one, and which modes it has learnt.

At a critical point the product is the target with some singular values deleted,
:math:`W = \Pi\Sigma` with a projector that commutes with :math:`\Sigma\Sigma^T`.
"""

from dataclasses import dataclass

import numpy as np

from gradflows.deep_linear.curvature import inversions
from gradflows.deep_linear.matrix_flow import layer_velocities
from gradflows.deep_linear.products import multiply
from gradflows.deep_linear.ranks import UndecidedRankError, count_nonzero
from gradflows.deep_linear.weights import as_target, as_weights, widths_of
from gradflows.validation import as_positive

__all__ = ["NotCriticalError"]

CLEAR = 0.01
"""How far from a projector the learnt part may be, relative to 1."""


class NotCriticalError(ValueError):
    """The gradient at the given weights is not zero.

    Attributes
    ----------
    gradient_norm : float
        Frobenius norm of the gradient in all weights.
    """

    def __init__(self, gradient_norm, layer, size, allowed):
        super().__init__(
            f"weights: expected a critical point, got a gradient of norm {gradient_norm:.3g}; in "
            f"W_{layer} it has norm {size:.1e}, and rounding of the weights would explain "
            f"{allowed:.1e}"
        )
        self.gradient_norm = gradient_norm


@dataclass(frozen=True, eq=False)
class Reading:
    """A critical point as the classification reads it.

    Attributes
    ----------
    weights, target
        Checked arguments.
    widths : tuple of int
    sigma : numpy.ndarray, (min(d_0, d_h),)
        Singular values of the target; those that count as zero are zero, tied ones are equal.
    learned : tuple of int
        Increasing; among tied singular values the first ones stand for all.
    outputs, inputs : numpy.ndarray, (d_h, r) and (d_0, r)
        Singular vectors of the learnt modes.
    residual : numpy.ndarray, (d_h, d_0)
        Target minus learnt part.
    """

    weights: list
    target: np.ndarray
    widths: tuple
    sigma: np.ndarray
    learned: tuple
    outputs: np.ndarray
    inputs: np.ndarray
    residual: np.ndarray

    @property
    def rank(self):
        """Number of learnt modes."""
        return len(self.learned)

    @property
    def target_rank(self):
        """Number of nonzero singular values of the target."""
        return int(np.sum(self.sigma > 0))

    @property
    def full_rank(self):
        """Whether the target has full rank."""
        return self.target_rank == len(self.sigma)

    @property
    def top(self):
        """Whether no unlearnt singular value exceeds a learnt one."""
        return inversions(self.sigma, list(self.learned)) == 0

    @property
    def minimal(self):
        """Whether the point is a global minimum."""
        return self.top and self.rank == min(*self.widths, self.target_rank)

    @property
    def value(self):
        """Half the sum of the squares of the unlearnt singular values."""
        return 0.5 * float(np.sum(np.delete(self.sigma, list(self.learned)) ** 2))


def read_critical(weights, Sigma, tol):
    """Check that weights are a critical point of a network with a hidden layer, and read it.

    Raises
    ------
    NotCriticalError
        If the gradient is larger than relative errors ``tol`` of the weights explain.
    UndecidedRankError
        If singular values of the target are too close to zero, or to each other.
    ValueError
        If shapes do not fit, or there is no hidden layer.
    """
    weights, tol = as_weights(weights), as_positive("tol", tol)
    Sigma = as_target(Sigma, weights)
    if len(weights) < 2:
        raise ValueError("weights: expected at least two layers, got one")
    _check_gradient(weights, Sigma, tol)
    left, sigma, right = np.linalg.svd(Sigma)
    sigma = np.where(np.arange(len(sigma)) < count_nonzero(sigma, sigma[0], tol, "Sigma"), sigma, 0)
    groups = _ties(sigma, tol)
    learned, outputs, inputs, rebuilt = [], [], [], np.zeros_like(Sigma)
    product = multiply(weights)
    for group in groups:
        sigma[group] = sigma[group].mean()
        part = left[:, group].T @ product @ right[group].T / sigma[group[0]]
        shares, turns = np.linalg.eigh((part + part.T) / 2)
        turns = turns[:, shares > 0.5]
        learned += group[: turns.shape[1]]
        outputs.append(left[:, group] @ turns)
        inputs.append(right[group].T @ turns)
        rebuilt += sigma[group[0]] * outputs[-1] @ inputs[-1].T
        _check_projector(part, turns)
    return Reading(
        weights=weights,
        target=Sigma,
        widths=widths_of(weights),
        sigma=sigma,
        learned=tuple(learned),
        outputs=np.hstack([np.zeros((len(Sigma), 0)), *outputs]),
        inputs=np.hstack([np.zeros((Sigma.shape[1], 0)), *inputs]),
        residual=Sigma - rebuilt,
    )


def _check_gradient(weights, Sigma, tol):
    """Compare each block of the gradient with what relative errors of the layers can cause."""
    sizes = [float(np.linalg.norm(block)) for block in layer_velocities(weights, Sigma)]
    for i, (size, allowed) in enumerate(zip(sizes, _allowed(weights, Sigma, tol), strict=True), 1):
        if size > allowed:
            raise NotCriticalError(float(np.linalg.norm(sizes)), i, size, allowed)


def _allowed(weights, Sigma, tol):
    """Bound the change of each gradient block under relative errors ``tol`` of every layer."""
    depth = len(weights)
    lengths = {}
    for j in range(1, depth + 2):
        product = np.eye(weights[j - 1].shape[1] if j <= depth else len(Sigma))
        lengths[j - 1, j] = 1.0
        for i in range(j, depth + 1):
            product = weights[i - 1] @ product
            lengths[i, j] = float(np.linalg.norm(product, 2))

    def shake(i, j):
        return sum(lengths[i, k + 1] * lengths[k, k] * lengths[k - 1, j] for k in range(j, i + 1))

    gap, total = np.linalg.norm(Sigma - multiply(weights)), np.linalg.norm(Sigma)
    whole = shake(depth, 1) + total
    return [
        tol
        * (
            shake(depth, i + 1) * gap * lengths[i - 1, 1]
            + lengths[depth, i + 1] * gap * shake(i - 1, 1)
            + lengths[depth, i + 1] * whole * lengths[i - 1, 1]
        )
        for i in range(1, depth + 1)
    ]


def _ties(sigma, tol):
    """Group the indices of nonzero singular values that agree to ``tol`` of the largest."""
    groups = []
    for k in np.flatnonzero(sigma).tolist():
        if groups and sigma[groups[-1][-1]] - sigma[k] <= tol * sigma[0]:
            groups[-1].append(k)
        else:
            groups.append([k])
    return groups


def _check_projector(part, turns):
    """Refuse a learnt part that is no projector."""
    if np.abs(part - turns @ turns.T).max() > CLEAR:
        raise UndecidedRankError(
            "Sigma: expected singular values that are clearly equal or clearly different, but the "
            "weights have learnt a mixture of modes with nearby values: which one cannot be decided"
        )
