r"""The flow of a balanced ReLU network under every metric of the homotopy, from any scale.

Between gradient flow, ``tau = 0``, and the adapted flow, ``tau = 1``, a neuron moves by
:math:`\dot w_j = a_jD_j`, :math:`\dot a_j = \langle w_j, D_j\rangle` with the force
:math:`D_j = -\sum_k\psi_kx_k` over the samples on which it is active. The metric only decides the
tensions :math:`\psi = (\tau K + (1-\tau)I)^{-1}r/n`, with the tangent kernel K.
"""

import numpy as np

from gradflows.output_space.two_spaces import as_share
from gradflows.shallow_relu.alignment import early_paths
from gradflows.shallow_relu.events import early_end
from gradflows.shallow_relu.orthogonal_data import as_neurons
from gradflows.shallow_relu.polar_flow import CAP, PolarField, integrate
from gradflows.shallow_relu.relu_trajectory import ReLUTrajectory, Switch
from gradflows.shallow_relu.staircase import JumpTimes, groups, jump_times
from gradflows.validation import as_array, as_positive

__all__ = ["adapted_flow", "homotopy_jump_times", "log_clock", "metric_flow"]


def metric_flow(data, directions, signs, log_scale, tau, t_max, *, rtol=1e-10):
    r"""Follow :math:`\dot\theta = -(\tau J^TJ + (1-\tau)I)^{-1}\nabla L` for :math:`\tau < 1`.

    As for :func:`~gradflows.shallow_relu.events.event_flow`, with closed form as long as the
    outputs are negligible: then it is gradient flow on a clock faster by :math:`1/(1-\tau)`.

    Parameters
    ----------
    data : OrthogonalData
    directions : array_like, (m, d)
        The vectors :math:`g_j` of the start :math:`w_j = \lambda g_j`, :math:`a_j = s_j|w_j|`.
    signs : array_like, (m,)
    log_scale : float
        :math:`\ln\lambda`.
    tau : float
        In [0, 1); for 1 see :func:`adapted_flow`.
    t_max : float
        Positive; time of the mean loss.
    rtol : float
        As for ``event_flow``.

    Returns
    -------
    ReLUTrajectory

    Raises
    ------
    IntegrationError
        If `t_max` cannot be reached.
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: [chen2024equivalence]_ for the homotopy; the flow with switches is this book's.
    """
    tau = as_share(tau)
    if tau == 1:
        raise ValueError("tau: expected a number below 1, got 1; see adapted_flow")
    directions, signs = as_neurons(data, directions, signs)
    log_scale = float(as_array("log_scale", log_scale, ()))
    t_max, rtol = as_positive("t_max", t_max), _as_tolerance(rtol)
    early = early_paths(data, directions, signs, log_scale, speed=1 / (1 - tau))
    # The kernel, at most 2 q^2 sum rho^2, bends the force as well.
    pull = 1 + 2 * data.norms.max() * np.linalg.norm(data.labels)
    start = early_end(data, early, t_max, rtol * (1 - tau) ** 2 / pull)
    again = lambda rtol: metric_flow(  # noqa: E731
        data, directions, signs, log_scale, tau, t_max, rtol=rtol
    )
    return _follow(MetricField, (tau,), data, signs, early, start, t_max, rtol, again)


def adapted_flow(data, directions, signs, log_scale, *, share=1.0, rtol=1e-10):
    r"""Follow the adapted flow :math:`\theta'(\varsigma) = J^+(y - x_0)` on a logarithmic clock.

    At the share of the way :math:`\varsigma = 1 - e^{-t/n}` the outputs are
    :math:`x = x_0 + \varsigma(y-x_0)`. From a small start the neurons turn while
    :math:`\varsigma` is of the order :math:`\lambda^2`. So the time of the trajectory is
    :math:`\chi = \ln(1 + \varsigma/\lambda^2)`, see :func:`log_clock`.

    Parameters
    ----------
    data, directions, signs, log_scale, rtol
        As for :func:`metric_flow`.
    share : float
        The end of the run, positive; at 1 the labels are reached.

    Returns
    -------
    ReLUTrajectory
        Its times are :math:`\chi`.

    Raises
    ------
    IntegrationError
        If the end cannot be reached.
    ValueError
        If an argument is not as described, or no active neuron sees a sample: the rank is then
        not full.

    Notes
    -----
    Source: [chen2024equivalence]_ for the flow; the clock is this book's.
    """
    directions, signs = as_neurons(data, directions, signs)
    log_scale = float(as_array("log_scale", log_scale, ()))
    end, rtol = float(log_clock(as_positive("share", share), log_scale)), _as_tolerance(rtol)
    early = early_paths(data, directions, signs, log_scale)
    seen = early.pieces[0].active.any(axis=0)
    if not seen.all():
        raise ValueError(
            f"directions: expected every sample to be seen, got none on {np.flatnonzero(~seen)[0]}"
        )
    log_norms, units, active, _ = early.at(0.0)
    first = PolarField(data, signs, active)
    way = data.labels - first.outputs(first.pack(log_norms, units))
    again = lambda rtol: adapted_flow(  # noqa: E731
        data, directions, signs, log_scale, share=share, rtol=rtol
    )
    return _follow(AdaptedField, (way, log_scale), data, signs, early, 0.0, end, rtol, again)


def log_clock(share, log_scale):
    r"""Time :math:`\chi = \ln(1 + \varsigma/\lambda^2)` of :func:`adapted_flow`.

    Parameters
    ----------
    share : array_like
        Shares of the way, not negative.
    log_scale : float
        :math:`\ln\lambda`.

    Returns
    -------
    numpy.ndarray, the shape of share

    Raises
    ------
    ValueError
        If a share is negative or not finite.

    Examples
    --------
    >>> round(float(log_clock(1.0, -20.0)), 9)
    40.0
    """
    share = as_array("share", share, ("n_times",) if np.ndim(share) else ())
    if np.any(share < 0):
        raise ValueError(f"share: expected numbers >= 0, got {share.min():g}")
    with np.errstate(divide="ignore"):
        return np.logaddexp(0.0, np.log(share) - 2 * log_scale)


def homotopy_jump_times(data, directions, signs, log_scale, tau):
    r"""Predict the half-drop times of the two groups of labels under the metric tau.

    For equal input norms within each group, up to a term that vanishes with the scale,

    .. math:: t_\pm(\tau) = (1-\tau)\,t_\pm(0) + \tau\,\tfrac n2\ln 2 ,

    with the times :math:`t_\pm(0)` of gradient flow, see
    :func:`~gradflows.shallow_relu.staircase.jump_times`.

    Parameters
    ----------
    data, directions, signs, log_scale
        As for ``jump_times``; with equal norms within each group.
    tau : float
        In [0, 1].

    Returns
    -------
    JumpTimes

    Raises
    ------
    ValueError
        If norms differ within a group, a group has no winner, or an argument is not as described.

    Notes
    -----
    Source: this book.
    """
    tau = as_share(tau)
    for group in groups(data, directions, signs):
        if group is not None:
            group.require_equal_norms()
    straight = data.n / 2 * np.log(2)
    times = jump_times(data, directions, signs, log_scale)
    return JumpTimes(*(float((1 - tau) * time + tau * straight) for time in times))


class MetricField(PolarField):
    """The field of the homotopy below 1."""

    def __init__(self, data, signs, active, tau):
        super().__init__(data, signs, active)
        self.tau, self.settings = tau, (tau,)

    def kernel(self, state, shift=0.0):
        """Tangent kernel (n, n), with all parameters divided by exp(shift)."""
        logs, units = self.unpack(state)
        squares = np.exp(np.minimum(2 * (logs - shift), CAP))
        seen = units * self.data.norms
        kernel = (seen.T * squares) @ seen
        kernel[np.diag_indices(self.data.n)] += self.data.norms**2 * (squares @ self.active)
        return kernel

    def tension(self, t, state):
        """Solve for the tensions in output space."""
        if self.tau == 0:
            return self.residual(state)
        matrix = self.tau * self.kernel(state)
        matrix[np.diag_indices(self.data.n)] += 1 - self.tau
        return np.linalg.solve(matrix, self.residual(state))


class AdaptedField(MetricField):
    """The adapted flow on its logarithmic clock; `way` (n,) are labels minus first outputs."""

    def __init__(self, data, signs, active, way, log_scale):
        super().__init__(data, signs, active, 1.0)
        self.way, self.log_scale = way, log_scale
        self.settings = way, log_scale

    def tension(self, t, state):
        """Solve for the tensions; the kernel has grown like exp(t), which is divided out."""
        shift = self.log_scale + t / 2
        return -self.data.n * np.linalg.solve(self.kernel(state, shift), self.way)


def _follow(kind, settings, data, signs, early, start, end, rtol, again):
    """Integrate one of these fields from the end of the closed form."""
    log_norms, units, active, _ = early.at(start)
    field = kind(data, signs, active, *settings)
    segments, switches, evaluations = integrate(
        field, field.pack(log_norms, units), start, end, rtol
    )
    switches = [*(switch for switch in early.switches if switch[0] <= start), *switches]
    times = [*sorted({0.0, start}), *(segment.end for segment in segments)]
    return ReLUTrajectory(
        data=data, signs=signs, t=np.array(times), evaluations=evaluations, rtol=rtol,
        switches=tuple(Switch(*switch) for switch in switches),
        early=early, segments=segments, again=again,
    )  # fmt: skip


def _as_tolerance(rtol):
    rtol = as_positive("rtol", rtol)
    if rtol < 1e-13:
        raise ValueError(f"rtol: expected at least 1e-13, got {rtol:g}")
    return rtol
