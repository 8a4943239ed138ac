r"""One cost, two spaces: the fields that lead from the standard to the adapted flow.

With the Jacobian :math:`J` of the outputs and the gradient :math:`g` of the loss in the outputs,

.. math:: V_\tau = -\bigl(\tau J^T J + (1-\tau) I\bigr)^+ J^T g, \qquad 0 \le \tau \le 1,

is the standard flow for :math:`\tau = 0`, the adapted or Gauss-Newton flow for :math:`\tau = 1`,
and a Levenberg-Marquardt flow in between [chen2024equivalence]_.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from gradflows.validation import as_array, as_count

__all__ = ["HomotopyField", "homotopy_field", "mode_rates"]


@dataclass(frozen=True, eq=False)
class HomotopyField:
    """A velocity of the homotopy, and how the rank of the Jacobian was read.

    Attributes
    ----------
    velocity : numpy.ndarray, (size,)
    singular_values : numpy.ndarray, (min(n*d_h, size),)
        Of the Jacobian, in falling order.
    rank : int
        How many of them are above the cut-off.
    cutoff : float
        Singular values up to this one count as zero. For ``tau < 1`` the field is continuous in
        them, and the cut-off only decides `rank`; for ``tau = 1`` it decides the velocity.
    """

    velocity: np.ndarray
    singular_values: np.ndarray
    rank: int
    cutoff: float


def homotopy_field(D, g, tau, *, cutoff=None):
    r"""Velocity :math:`V_\tau = -(\tau D^T D + (1-\tau)I)^+ D^T g` of the parameters.

    It is computed in the space of outputs, from :math:`D = U S V^T`, as
    :math:`-V\,\mathrm{diag}(s_k/(\tau s_k^2 + 1 - \tau))\,U^T g`. No matrix of shape
    ``(size, size)`` is formed, and not :math:`D D^T`, which would lose half of the digits.

    Parameters
    ----------
    D : array_like, (n*d_h, size)
        Jacobian of the outputs, rows sample by sample.
    g : array_like, (d_h, n) or (n*d_h,)
        Gradient of the loss in the outputs: as the outputs are, or stacked sample by sample.
    tau : float
        In [0, 1].
    cutoff : float, optional
        Singular values up to this one count as zero; by default
        ``max(D.shape) * eps * (largest singular value)``.

    Returns
    -------
    HomotopyField

    Raises
    ------
    ValueError
        If a shape does not fit, an entry is not finite, or ``tau`` or ``cutoff`` is out of range.

    Notes
    -----
    Source: [chen2024equivalence]_ for the field; time is that of the loss whose gradient is `g`.

    Examples
    --------
    >>> homotopy_field([[2.0, 0.0]], [4.0], 1.0).velocity
    array([-2., -0.])
    """
    D = as_array("D", D, ("n*d_h", "size"))
    g = stacked("g", g, len(D))
    tau = as_share(tau)
    frame = OutputFrame(D)
    values = frame.values
    if cutoff is None:
        cutoff = max(D.shape) * np.finfo(float).eps * values[0]
    elif not 0 <= cutoff < np.inf:
        raise ValueError(f"cutoff: expected a number >= 0, got {cutoff!r}")
    rank = int(np.sum(values > cutoff))
    kept = rank if tau == 1 else len(values)
    return HomotopyField(frame.steer(-g, tau, kept), values, rank, float(cutoff))


class OutputFrame:
    """Singular value decomposition of a Jacobian, of which right vectors are only applied.

    With more parameters than outputs it is that of the triangular factor of the transpose, whose
    orthogonal factor stays in the form in which LAPACK has it.

    Attributes
    ----------
    left : numpy.ndarray, (n*d_h, k)
        Left singular vectors, k the shorter side of the Jacobian.
    values : numpy.ndarray, (k,)
        Singular values, in falling order.
    """

    def __init__(self, D):
        self._reflectors = None
        if D.shape[1] > len(D):
            self._reflectors, triangle = linalg.qr(D.T, mode="raw", check_finite=False)
            D = triangle[: len(D)].T
        self.left, self.values, self._right = np.linalg.svd(D, full_matrices=False)

    def lift(self, coefficients):
        """Combine the first right singular vectors: ``(size,)`` from at most k coefficients."""
        vector = self._right[: len(coefficients)].T @ coefficients
        if self._reflectors is None:
            return vector
        reflectors, scales = self._reflectors
        column = np.zeros((len(reflectors), 1))
        column[: len(vector), 0] = vector
        size = 32 * len(scales)
        return linalg.lapack.dormqr("L", "N", reflectors, scales, column, size)[0][:, 0]

    def steer(self, aim, tau, rank):
        """Velocity of the parameters that moves the outputs as wanted, by the leading values."""
        values = self.values[:rank]
        gains = values / (tau * values**2 + (1 - tau))
        return self.lift(gains * (self.left[:, :rank].T @ aim))


def mode_rates(A, tau, n):
    r"""Rates :math:`\mu/(n(\tau\mu + 1 - \tau))` of the linear model :math:`x = A\theta`.

    Under the squared mean loss the residual along an eigenvector of :math:`A A^T` with the
    eigenvalue :math:`\mu > 0` decays exponentially with this rate.

    Parameters
    ----------
    A : array_like, (n*d_h, size)
    tau : float
        In [0, 1].
    n : int
        Number of samples; the time is that of the mean loss.

    Returns
    -------
    numpy.ndarray, (rank,)
        In falling order of :math:`\mu`, one for each positive eigenvalue. The residual along the
        kernel of :math:`A^T` does not move.

    Raises
    ------
    ValueError
        If ``A`` is no finite matrix, or ``tau`` or ``n`` is out of range.

    Notes
    -----
    This book's; for ``tau = 0`` these are the rates of the tangent kernel.

    Examples
    --------
    >>> mode_rates([[2.0, 0.0], [0.0, 1.0]], 0.0, 1)
    array([4., 1.])
    """
    A, tau, n = as_array("A", A, ("n*d_h", "size")), as_share(tau), as_count("n", n)
    values = np.linalg.svd(A, compute_uv=False)
    eigenvalues = values[values > max(A.shape) * np.finfo(float).eps * values[0]] ** 2
    return eigenvalues / (n * (tau * eigenvalues + (1 - tau)))


def as_share(tau):
    """Check the parameter of the homotopy."""
    if isinstance(tau, bool) or not np.isscalar(tau) or not 0 <= tau <= 1:
        raise ValueError(f"tau: expected a number in [0, 1], got {tau!r}")
    return float(tau)


def stacked(name, outputs, length):
    """Return outputs as one vector, sample by sample: the columns of a matrix one after another."""
    shape = ("n*d_h",) if np.ndim(outputs) == 1 else ("d_h", "n")
    vector = as_array(name, outputs, shape).T.ravel()
    if len(vector) != length:
        raise ValueError(
            f"{name}: expected {length} entries, one for each row of the Jacobian, got "
            f"{len(vector)}"
        )
    return vector
