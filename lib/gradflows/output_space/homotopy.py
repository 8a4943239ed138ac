r"""Flows of the homotopy, with their outputs: standard, adapted and in between, on two clocks.

The clock ``"s"`` is the time of the loss. The clock ``"t"`` is the share of the way,
:math:`t = 1 - e^{-cs}` with :math:`c = 1/n` for a mean over samples and 1 for a sum.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradflows.integrators import integrate_field
from gradflows.losses import SquaredLoss
from gradflows.options import Options, check_start
from gradflows.output_space.rank_deficiency import RankDeficiencyError, projection
from gradflows.output_space.two_spaces import OutputFrame, as_share
from gradflows.trajectories import IntegrationError, Trajectory
from gradflows.validation import as_count, as_positive

__all__ = ["OutputTrajectory", "output_flow"]

GUARD = 1e-6
"""The adapted flow stops where the last singular value that counts falls below this part of what
the largest one was at the start."""


@dataclass(frozen=True, eq=False)
class OutputTrajectory(Trajectory):
    """A trajectory together with its outputs.

    Attributes
    ----------
    outputs : numpy.ndarray, (n_times, d_h, n)
    singular_values : numpy.ndarray, (n_times, min(n*d_h, size))
        Of the Jacobian of the outputs, in falling order.
    tau : float
        Place in the homotopy.
    clock : str
        "s" or "t", the clock of ``t``.
    share : numpy.ndarray, (n_times,)
        Share of the way, the times on the clock "t".
    rank : int
        Number of singular values that count.
    labels : numpy.ndarray, (d_h, n), or None
        Where the outputs go, for a squared loss.
    """

    outputs: np.ndarray = field(kw_only=True)
    singular_values: np.ndarray = field(kw_only=True)
    tau: float = field(kw_only=True)
    clock: str = field(kw_only=True)
    share: np.ndarray = field(kw_only=True)
    rank: int = field(kw_only=True)
    problem: Any = field(kw_only=True, repr=False)

    @property
    def labels(self):
        """Labels of a squared loss; None for another loss."""
        loss = self.problem.loss_function
        return loss.labels if isinstance(loss, SquaredLoss) else None

    @property
    def smallest_singular_value(self):
        """The last singular value that counts, at each saved time, ``(n_times,)``."""
        return self.singular_values[:, self.rank - 1]

    def projection(self, k, outputs):
        """Project outputs ``(d_h, n)`` on what the parameters can move at saved time k."""
        jacobian = self.problem.network.jacobian(self.theta[k], self.problem.inputs)
        return projection(jacobian, self.rank, outputs)


def output_flow(
    problem,
    theta0,
    tau,
    *,
    clock="s",
    t_end,
    times=None,
    rank=None,
    guard=GUARD,
    method="auto",
    rtol=1e-9,
    atol=1e-12,
):
    r"""Follow :math:`\theta' = -(\tau J^T J + (1-\tau)I)^+ \nabla L(\theta)` and its outputs.

    Parameters
    ----------
    problem : Problem
        With a squared loss or cross-entropy.
    theta0 : array_like, (size,)
    tau : float
        0 is the standard flow, 1 the adapted or Gauss-Newton flow.
    clock : {"s", "t"}
        Time of the loss, or share of the way. On the clock "t" the adapted flow of a squared loss
        at full rank is :math:`\theta' = J^+(Y - x_0)` and reaches the labels at ``t_end = 1``;
        all other flows need ``t_end < 1``.
    t_end : float
        Positive, on the clock chosen.
    times : array_like, (n_times,), optional
        As for :func:`gradflows.flows.gradient_flow`.
    rank : int, optional
        Number of singular values of the Jacobian that count for ``tau = 1``; the rest count as
        zero. It is the largest possible one, ``min(n*d_h, size)``, unless you know better:
        repeated inputs, for instance, lower the rank for good.
    guard : float
        For ``tau = 1`` the flow stops where the last of these values falls below `guard` times
        the largest singular value at the start.
    method, rtol, atol
        As for :func:`gradflows.flows.gradient_flow`; "auto" is DOP853.

    Returns
    -------
    OutputTrajectory

    Raises
    ------
    RankDeficiencyError
        If the guard fires, or the integrator gives up close to a loss of rank. The error holds
        the time and the singular value.
    IntegrationError
        If the flow cannot reach ``t_end`` for another reason.
    ValueError
        If an argument is not as described.

    Notes
    -----
    Source: [chen2024equivalence]_.
    """
    flow = _OutputFlow(problem, check_start(problem, theta0, stack=False), tau, clock, rank, guard)
    given = dict(dense=False, t_end=t_end, times=times, method=method, rtol=rtol, atol=atol)
    options = Options.check(flow.start, events=flow.events(), **given)
    if clock == "t" and options.t_end > 1 - (not flow.direct) * 1e-12:
        raise ValueError(
            f"t_end: expected {'at most 1' if flow.direct else 'less than 1'} on the clock 't', "
            f"got {options.t_end:g}"
        )
    solution = flow.integrate(options)

    def again(times, rtol, atol):
        given = dict(clock=clock, t_end=times[-1], times=times, rank=rank, guard=guard)
        return output_flow(
            problem, theta0, tau, **given, method=options.method, rtol=rtol, atol=atol
        )

    return flow.trajectory(solution, options, again)


class _OutputFlow:
    """One flow of the homotopy: its field, its guard, what it leaves behind."""

    def __init__(self, problem, start, tau, clock, rank, guard):
        self.problem, self.start, self.tau = problem, start, as_share(tau)
        if clock not in ("s", "t"):
            raise ValueError(f"clock: expected 's' or 't', got {clock!r}")
        loss = problem.loss_function
        squared = isinstance(loss, SquaredLoss)
        # c of the module's docstring; a loss from outside is taken to be a mean.
        self.speed = 1.0 if squared and not loss.mean else 1.0 / problem.inputs.shape[1]
        self.clock, self.state = clock, (np.inf, start)
        sizes = (loss.labels.size, problem.size)
        self.rank = min(sizes) if rank is None else as_count("rank", rank)
        if self.rank > min(sizes):
            raise ValueError(f"rank: expected at most {min(sizes)}, got {self.rank}")
        self.direct = clock == "t" and squared and self.tau == 1 and self.rank == sizes[0]
        first = problem.outputs(start)
        self.way = (loss.labels - first).T.ravel() if self.direct else None
        self.level = as_positive("guard", guard) * self.values(start)[0]

    def jacobian(self, theta):
        return self.problem.network.jacobian(theta, self.problem.inputs)

    def values(self, theta):
        return OutputFrame(self.jacobian(theta)).values

    def field(self, t, theta):
        if not np.isfinite(theta).all():  # a trial step went too far; NaN makes it shorter
            return np.full_like(theta, np.nan)
        velocity = -self.problem.gradient(theta) if self.tau == 0 else self._steer(theta)
        if self.clock == "t" and not self.direct:
            velocity = velocity / (self.speed * (1 - t))
        return velocity

    def _steer(self, theta):
        """Solve in output space, with the singular values that count."""
        aim = self.way
        if aim is None:
            outputs = self.problem.outputs(theta)
            aim = -self.problem.loss_function.gradient(outputs).T.ravel()
        rank = self.rank if self.tau == 1 else None
        return OutputFrame(self.jacobian(theta)).steer(aim, self.tau, rank)

    def events(self):
        """Return the rank guard of the adapted flow; the others of the homotopy need none."""
        if self.tau < 1:
            return None

        def guard(t, theta):
            value = self.values(theta)[self.rank - 1]
            self.state = value, theta.copy()
            return value - self.level

        guard.terminal = True
        return [guard]

    def integrate(self, options):
        if self.tau == 1:
            value = self.values(self.start)[self.rank - 1]
            if value <= self.level:
                raise RankDeficiencyError(0.0, float(value), self.start)
        try:
            solution = integrate_field(self.field, self.start, options)
        except IntegrationError as error:
            # A square root singularity stalls the integrator before the guard is reached.
            if self.tau == 1 and self.state[0] < np.sqrt(self.level * self.values(self.start)[0]):
                value, theta = self.state
                raise RankDeficiencyError(error.time_reached, float(value), theta) from error
            raise
        if solution.status == 1:
            theta = solution.y[:, -1]
            value = float(self.values(theta)[self.rank - 1])
            raise RankDeficiencyError(float(solution.t[-1]), value, theta)
        return solution

    def trajectory(self, solution, options, again):
        theta = np.ascontiguousarray(solution.y.T)
        share = solution.t if self.clock == "t" else -np.expm1(-self.speed * solution.t)
        return OutputTrajectory(
            t=solution.t,
            theta=theta,
            loss=self.problem.loss(theta),
            evaluations=int(solution.nfev),
            method=options.method,
            rtol=options.rtol,
            atol=options.atol,
            again=again,
            outputs=self.problem.outputs(theta),
            singular_values=np.array([self.values(point) for point in theta]),
            tau=self.tau,
            clock=self.clock,
            share=share,
            rank=self.rank,
            problem=self.problem,
        )
