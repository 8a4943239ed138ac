r"""The flow of a balanced ReLU network in logarithms of norms and in directions.

With :math:`w_j = \rho_j u_j` and :math:`a_j = s_j\rho_j` the flow is
:math:`(\ln\rho_j)^\cdot = s_j\langle u_j, D_j\rangle`,
:math:`\dot u_j = s_j(D_j - \langle u_j, D_j\rangle u_j)`, where :math:`D_j` has the coordinates
:math:`-q_k r_k/n` on the samples on which neuron j is active. Only active coordinates are
integrated: the others of :math:`w_j` do not move.
"""

import numpy as np
from scipy.optimize import brentq

from gradflows.integrators import LEAST_RTOL, SOLVERS, Clock
from gradflows.trajectories import IntegrationError

CAP = 100.0
"""Logarithms of squared norms are cut here: trial steps may go far before they are rejected."""

MARGIN = 100.0
"""A coordinate has vanished once it is this many tolerances below zero."""

LOOKS = np.array([0.25, 0.5, 0.75, 1.0])
"""Parts of a step at which coordinates are looked at for a change of sign."""


class PolarField:
    """Right-hand side on the packed state: m logarithms, then the active coordinates, row by row.

    The field is smooth as long as the mask is kept: it depends on the mask, not on signs.
    """

    def __init__(self, data, signs, active):
        self.data, self.signs, self.active = data, signs, active
        self.row, self.col = np.nonzero(active)
        self.m, self.row_signs = len(signs), signs[self.row]
        self.weights = self.row_signs * data.norms[self.col]

    def pack(self, log_norms, units):
        """Put the active coordinates of (m, n or d) behind the logarithms."""
        return np.concatenate([log_norms, units[self.row, self.col]])

    def outputs(self, state):
        """Outputs on the samples, (n,)."""
        squares = np.exp(np.minimum(2 * state[: self.m], CAP))
        terms = self.weights * squares[self.row] * state[self.m :]
        return np.bincount(self.col, terms, self.data.n)

    def pulls(self, state):
        r"""Signed forces on the active coordinates, and their products with the directions (m,)."""
        residual = self.outputs(state) - self.data.labels
        force = residual * (-self.data.norms / self.data.n)
        pull = self.row_signs * force[self.col]
        return pull, np.bincount(self.row, pull * state[self.m :], self.m)

    def __call__(self, t, state):
        pull, radial = self.pulls(state)
        return np.concatenate([radial, pull - radial[self.row] * state[self.m :]])

    def gradient_norm(self, state):
        r"""Norm of the gradient of the loss, :math:`\sqrt{\sum_j\dot a_j^2 + |\dot w_j|^2}`."""
        pull, radial = self.pulls(state)
        squares = radial**2 + np.bincount(self.row, pull**2, self.m)
        return float(np.sqrt(np.exp(2 * state[: self.m]) @ squares))

    def without(self, state, gone):
        """Field and state after some active coordinates (positions in the packing) are dropped."""
        active = self.active.copy()
        active[self.row[gone], self.col[gone]] = False
        field = PolarField(self.data, self.signs, active)
        kept = np.ones(self.row.size, bool)
        kept[gone] = False
        return field, np.concatenate([state[: self.m], state[self.m :][kept]])


class Segment:
    """One step of the integrator: its field, where it ends, and its interpolant."""

    def __init__(self, field, start, end, interpolant):
        self.field, self.start, self.end = field, start, end
        self.interpolant = interpolant

    def log_norms_and_units(self, t):
        """Return (m,) logarithms and (m, n) directions, zero where the neuron is not active."""
        state = self.interpolant(t)
        units = np.zeros(self.field.active.shape)
        units[self.field.row, self.field.col] = state[self.field.m :]
        return state[: self.field.m], units


def integrate(field, state, start, t_max, tolerance):
    """Integrate with DOP853, stopped and started anew wherever a coordinate vanishes.

    Returns
    -------
    segments : list of Segment
    switches : list of (time, neuron, sample)
    evaluations : int

    Raises
    ------
    IntegrationError
        If `t_max` cannot be reached.
    """
    segments, switches, evaluations, step = [], [], 0, None
    t = start
    while t < t_max:
        if step is not None:
            step = min(step, t_max - t)
        given = {"rtol": LEAST_RTOL, "atol": tolerance, "first_step": step}
        solver = SOLVERS["DOP853"](field, t, state, t_max, clock=Clock(t_max, False), **given)
        found = None
        while solver.status == "running" and found is None:
            with np.errstate(all="ignore"):  # trial steps may overflow; they are rejected
                message = solver.step()
            if solver.status == "failed":
                raise IntegrationError(float(solver.t), message)
            interpolant = solver.dense_output()
            found = _first_zero(field, interpolant, MARGIN * tolerance)
            end = solver.t if found is None else found[0]
            segments.append(Segment(field, solver.t_old, end, interpolant))
        evaluations += solver.nfev
        t = segments[-1].end
        if found is not None:
            step = solver.step_size
            switches += [(t, int(field.row[i]), int(field.col[i])) for i in found[1]]
            field, state = field.without(interpolant(t), found[1])
    return segments, switches, evaluations


def _first_zero(field, interpolant, margin):
    """Time of the first active coordinate to vanish in a step, and which vanish then; or None.

    A coordinate of a fitted sample may fade without being pushed below zero, and its sign is then
    rounding. So only what ends below ``-margin`` has vanished, at its last zero.
    """
    m, before = field.m, interpolant.t_old
    times = before + LOOKS * (interpolant.t - before)
    for time, coordinates in zip(times, interpolant(times)[m:].T, strict=True):
        gone = np.flatnonzero(coordinates <= -margin)
        if gone.size:
            break
        before = time
    else:
        return None

    def least(t):
        return interpolant(t)[m + gone].min()

    if least(before) > 0:
        before = brentq(least, before, time, xtol=1e-15, rtol=1e-15)
    return before, gone[interpolant(before)[m + gone] <= max(least(before), 0.0)]
