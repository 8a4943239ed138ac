"""The flow of a balanced ReLU network, from starts of any scale, with its switches as events."""

import numpy as np

from gradflows.shallow_relu.alignment import early_paths
from gradflows.shallow_relu.orthogonal_data import as_neurons
from gradflows.shallow_relu.polar_flow import PolarField, integrate
from gradflows.shallow_relu.relu_trajectory import ReLUTrajectory, Switch
from gradflows.validation import as_array, as_positive

__all__ = ["event_flow"]


def event_flow(data, directions, signs, log_scale, t_max, *, rtol=1e-12):
    r"""Follow the gradient flow from :math:`w_j = \lambda g_j`, :math:`a_j = s_j|w_j|`.

    The unknowns are :math:`\ln\rho_j` and the directions, so no scale is too small. As long as
    the outputs are negligible the neurons are followed in closed form, see
    :func:`~gradflows.shallow_relu.alignment.early_neuron`; then by DOP853, started anew wherever a
    neuron switches off on a sample.

    Parameters
    ----------
    data : OrthogonalData
    directions : array_like, (m, d)
        The vectors :math:`g_j`, none of them zero.
    signs : array_like, (m,)
        The signs :math:`s_j`, 1 or -1.
    log_scale : float
        :math:`\ln\lambda`.
    t_max : float
        Positive; time of the mean loss :math:`\frac1{2n}\sum_k r_k^2`.
    rtol : float
        Local tolerance, relative for the norms of the neurons and absolute for their
        directions, at least 1e-13.

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
    At 0 the ReLU has the derivative 0, and a neuron that is off on a sample stays off. A neuron
    orthogonal to all inputs, or off on all of them, does not move. Coordinates that fade below the
    tolerance without being pushed, as on samples already fitted, stay active.
    Integrator: [hairer1993solving]_.
    """
    directions, signs = as_neurons(data, directions, signs)
    log_scale = float(as_array("log_scale", log_scale, ()))
    t_max, rtol = as_positive("t_max", t_max), as_positive("rtol", rtol)
    if rtol < 1e-13:
        raise ValueError(f"rtol: expected at least 1e-13, got {rtol:g}")
    early = early_paths(data, directions, signs, log_scale)
    start = early_end(data, early, t_max, rtol)
    log_norms, units, active, _ = early.at(start)
    field = PolarField(data, signs, active)
    state = field.pack(log_norms, units)
    segments, switches, evaluations = integrate(field, state, start, t_max, rtol)
    switches = [*(switch for switch in early.switches if switch[0] <= start), *switches]
    return ReLUTrajectory(
        data=data,
        signs=signs,
        t=np.array([*sorted({0.0, start}), *(segment.end for segment in segments)]),
        switches=tuple(Switch(*switch) for switch in switches),
        evaluations=evaluations,
        rtol=rtol,
        early=early,
        segments=segments,
        again=lambda rtol: event_flow(data, directions, signs, log_scale, t_max, rtol=rtol),
    )


def early_end(data, early, t_max, rtol):
    r"""Last time until which the outputs change no neuron by a hundredth of the tolerance.

    The forces change by at most :math:`q^2\sum_j\rho_j^2/n`. The sum is a convex function of time,
    so that it is largest at one of the two ends.
    """
    most = 0.01 * rtol * data.n / data.norms.max() ** 2

    def small(time):
        with np.errstate(over="ignore"):
            return np.exp(2 * early.at(time)[0]).sum() * max(1.0, time) <= most

    if not small(0.0):
        return 0.0
    if small(t_max):
        return t_max
    low, high = 0.0, t_max
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if small(middle) else (low, middle)
    return low
