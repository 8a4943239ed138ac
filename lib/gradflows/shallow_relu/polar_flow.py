r"""The flow of a balanced ReLU network in logarithms of norms and in directions.

With :math:`w_j = \rho_j u_j` and :math:`a_j = s_j\rho_j` the flow is
:math:`(\ln\rho_j)^\cdot = s_j\langle u_j, D_j\rangle`,
:math:`\dot u_j = s_j(D_j - \langle u_j, D_j\rangle u_j)`, where :math:`D_j` has the coordinates
:math:`-q_k r_k/n` on the samples on which neuron j is active. Only active coordinates are
integrated: the others of :math:`w_j` do not move.
"""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from gradflows.integrators import LEAST_RTOL, SOLVERS, Clock
from gradflows.trajectories import IntegrationError

CAP = 100.0
"""Logarithms of squared norms are cut here: trial steps may go far before they are rejected."""

MARGIN = 100.0
"""A coordinate has vanished once it is this many tolerances below zero."""


class PolarField:
    """Right-hand side on the packed state: m logarithms, then the active coordinates, row by row.

    The field is smooth as long as the mask is kept: it depends on the mask, not on signs.
    Children have another `tension`, what pulls at each sample, and name their `settings`.
    """

    settings = ()

    def __init__(self, data, signs, active):
        self.data, self.signs, self.active = data, signs, active
        self.row, self.col = np.nonzero(active)
        self.m, self.row_signs = len(signs), signs[self.row]
        self.weights = self.row_signs * data.norms[self.col]

    def pack(self, log_norms, units):
        """Put the active coordinates of (m, n or d) behind the logarithms."""
        return np.concatenate([log_norms, units[self.row, self.col]])

    def outputs(self, state):
        """Return the outputs on the samples, (n,)."""
        squares = np.exp(np.minimum(2 * state[: self.m], CAP))
        terms = self.weights * squares[self.row] * state[self.m :]
        return np.bincount(self.col, terms, self.data.n)

    def unpack(self, state):
        """Return (m,) logarithms and (m, n) directions, zero where a neuron is not active."""
        units = np.zeros(self.active.shape)
        units[self.row, self.col] = state[self.m :]
        return state[: self.m], units

    def residual(self, state):
        """Return outputs minus labels, (n,)."""
        return self.outputs(state) - self.data.labels

    def tension(self, t, state):
        """Return what pulls at each sample in place of the residual, (n,): n times its tension."""
        return self.residual(state)

    def pulls(self, state, tension):
        r"""Signed forces on the active coordinates, and their products with the directions (m,)."""
        force = tension * (-self.data.norms / self.data.n)
        pull = self.row_signs * force[self.col]
        return pull, np.bincount(self.row, pull * state[self.m :], self.m)

    def __call__(self, t, state):
        """Velocity of the packed state."""
        pull, radial = self.pulls(state, self.tension(t, state))
        return np.concatenate([radial, pull - radial[self.row] * state[self.m :]])

    def gradient_norm(self, state):
        r"""Norm of the gradient of the loss, :math:`\sqrt{\sum_j\dot a_j^2 + |\dot w_j|^2}`."""
        pull, radial = self.pulls(state, self.residual(state))
        squares = radial**2 + np.bincount(self.row, pull**2, self.m)
        return float(np.sqrt(np.exp(2 * state[: self.m]) @ squares))

    def without(self, state, gone):
        """Field and state after some active coordinates (positions in the packing) are dropped."""
        active = self.active.copy()
        active[self.row[gone], self.col[gone]] = False
        field = type(self)(self.data, self.signs, active, *self.settings)
        kept = np.ones(self.row.size, bool)
        kept[gone] = False
        return field, np.concatenate([state[: self.m], state[self.m :][kept]])


class Segment:
    """One step of the integrator, as a function of time.

    A step cut short by a switch keeps its start and makes its way anew: there may be thousands of
    them, and an interpolant takes eight times the memory.

    Attributes: ``start`` and ``end``, and ``outputs`` (n,) at the end.
    """

    def __init__(self, field, start, end, interpolant, tolerance):
        self.start, self.end, self._tolerance = start, end, tolerance
        self.outputs = field.outputs(interpolant(end))
        if end < interpolant.t:
            self._field = self._interpolant = None
            parts = field.data, field.signs, field.active, *field.settings
            self._origin = type(field), parts, interpolant(start)
        else:
            self._field, self._interpolant = field, interpolant

    def at(self, t):
        """Return the field and the packed state."""
        if self._interpolant is not None:
            return self._field, self._interpolant(t)
        kind, parts, state = self._origin
        field = kind(*parts)
        if t <= self.start:
            return field, state
        given = {"rtol": LEAST_RTOL, "atol": self._tolerance, "first_step": t - self.start}
        run = solve_ivp(field, (self.start, t), state, method="DOP853", **given)
        return field, run.y[:, -1]


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
            found = _first_zero(field, solver.y, interpolant, MARGIN * tolerance)
            end = solver.t if found is None else found[0]
            segments.append(Segment(field, solver.t_old, end, interpolant, tolerance))
        evaluations += solver.nfev
        t = segments[-1].end
        if found is not None:
            step = solver.step_size
            switches += [(t, int(field.row[i]), int(field.col[i])) for i in found[1]]
            field, state = field.without(interpolant(t), found[1])
    return segments, switches, evaluations


def _first_zero(field, state, interpolant, margin):
    """Time of the first active coordinate to vanish in a step, and which vanish then; or None.

    A coordinate of a fitted sample may fade without being pushed below zero, and its sign is then
    rounding. So only what ends below ``-margin`` has vanished, at its last zero.
    """
    gone = np.flatnonzero(state[field.m :] <= -margin)
    if gone.size == 0:
        return None

    def least(t):
        return interpolant(t)[field.m + gone].min()

    time = interpolant.t_old
    if least(time) > 0:
        time = brentq(least, time, interpolant.t, xtol=1e-15, rtol=1e-15)
    return time, gone[interpolant(time)[field.m + gone] <= max(least(time), 0.0)]
