r"""When the outputs leave the straight line: rank loss, its guard, and the deviation it causes."""

import numpy as np
from scipy.interpolate import CubicSpline

from gradflows.output_space.two_spaces import OutputFrame
from gradflows.validation import as_array, as_positive

__all__ = ["RankDeficiencyError", "interpolation_deviation", "straight_line_reach"]


class RankDeficiencyError(RuntimeError):
    """The adapted flow came to a point at which the Jacobian of the outputs loses rank.

    Attributes
    ----------
    time : float
        Time reached, on the clock of the flow.
    singular_value : float
        The smallest singular value that counts, at that time.
    theta : numpy.ndarray, (size,)
        Where the flow stood. A large norm tells an escape to infinity from a loss of rank at a
        finite point.
    """

    def __init__(self, time, singular_value, theta):
        super().__init__(time, singular_value, theta)
        self.time, self.singular_value, self.theta = time, singular_value, theta

    def __str__(self):
        return (
            f"the Jacobian of the outputs loses rank at time {self.time:.6g}: its smallest "
            f"singular value that counts is {self.singular_value:.1e}, the parameters have the "
            f"norm {np.linalg.norm(self.theta):.3g}"
        )


def interpolation_deviation(trajectory):
    r"""Compare the outputs of an adapted flow with the straight line, measured and by formula.

    With :math:`t = 1 - e^{-s/n}`, :math:`r = x - y` and the projector :math:`P_\perp` on the
    outputs' directions that no parameter moves,

    .. math:: x(t) - (1-t)x_0 - t y = (1-t)\int_0^t P_\perp(t')\,\frac{r(t')}{(1-t')^2}\,dt' .

    Parameters
    ----------
    trajectory : OutputTrajectory
        Of the adapted flow, ``tau = 1``, of a squared loss, with at least four saved times, the
        first of them 0. The integral is that of a cubic spline through them.

    Returns
    -------
    measured, formula : numpy.ndarray, (n_times, d_h, n)
        Both sides of the equation at the saved times; the formula is zero at full rank.

    Raises
    ------
    ValueError
        If the flow is not the adapted one, has no labels to go to, or too few saved times.

    Notes
    -----
    Announced in [chen2024equivalence]_; the formula and its proof are this book's.
    """
    if trajectory.tau != 1 or trajectory.labels is None:
        raise ValueError(
            "trajectory: expected the adapted flow (tau = 1) of a squared loss, got "
            f"tau = {trajectory.tau:g}"
            + ("" if trajectory.labels is not None else " and another loss")
        )
    if len(trajectory.t) < 4 or trajectory.t[0] != 0:
        raise ValueError("trajectory: expected at least four saved times from 0 on")
    t, x, y = trajectory.share, trajectory.outputs, trajectory.labels
    late = (1 - t)[:, None, None]
    measured = x - late * x[0] - (1 - late) * y
    sideways = np.array([part - trajectory.projection(k, part) for k, part in enumerate(x - y)])
    if trajectory.rank == x[0].size:
        return measured, np.zeros_like(measured)
    # On the clock u = -ln(1 - t) the integrand is smooth: r/(1 - t)^2 dt = r/(1 - t) du.
    u = -np.log1p(-t)
    return measured, late * CubicSpline(u, sideways / late).antiderivative()(u)


def straight_line_reach(singular_value, lipschitz):
    r"""Distance of labels that the adapted flow reaches for certain: :math:`\sigma_0^2/(2\ell)`.

    If the Jacobian has the smallest singular value :math:`\sigma_0 > 0` at the start and is
    :math:`\ell`-Lipschitz on the ball of radius :math:`\sigma_0/\ell` around it, then the flow
    exists up to the end of its clock and its outputs reach all labels closer than this.

    Parameters
    ----------
    singular_value : float
        :math:`\sigma_0`, positive.
    lipschitz : float
        :math:`\ell`, positive, in the spectral norm.

    Returns
    -------
    float
        Bound on the Frobenius norm of labels minus outputs at the start.

    Raises
    ------
    ValueError
        If an argument is not positive.

    Notes
    -----
    This book's.

    Examples
    --------
    >>> straight_line_reach(2.0, 1.0)
    2.0
    """
    sigma = as_positive("singular_value", singular_value)
    return sigma**2 / (2 * as_positive("lipschitz", lipschitz))


def projection(D, rank, outputs):
    """Project outputs (d_h, n) on the directions of the `rank` largest singular values of D."""
    D = as_array("D", D, (outputs.size, "size"))
    frame = OutputFrame(D).left[:, :rank]
    return (frame @ (frame.T @ outputs.T.ravel())).reshape(outputs.shape[::-1]).T
