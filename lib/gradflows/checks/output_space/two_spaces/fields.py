"""Checks of the fields: the tangent kernel, the adapted field, the homotopy at one point."""

from functools import partial

import numpy as np
import sympy as sp

from gradflows import MLP, Problem, SquaredLoss
from gradflows.checks.output_space.two_spaces.models import (
    derivative,
    ill_conditioned,
    tanh_problem,
    two_spaces,
    velocity,
)
from gradflows.deep_linear import critical_point, whitened_problem
from gradflows.output_space import homotopy_field
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
PAPER = dict(status="paper", source="chen2024equivalence")
TAUS = (0.0, 0.3, 0.9, 1.0)


@statement(
    "two-spaces-kernel",
    says="Along the standard flow the outputs move by x' = -K g, and the loss falls at the rate "
    "g^T K g.",
    status="literature",
    source="jacot2018neural",
    evidence="numeric",
    bound=1e-6,
)
def kernel(rng):
    """Differentiate along -gradient; the falsehood is the descent of the outputs themselves."""
    problem, theta = tanh_problem(rng)
    g = two_spaces(problem, theta)[1]
    K, down = problem.kernel(theta), -problem.gradient(theta)
    moved = derivative(lambda s: problem.outputs(theta + s[0] * down).T.ravel(), [0.0])[:, 0]
    fall = derivative(lambda s: np.array([problem.loss(theta + s[0] * down)]), [0.0])[0, 0]
    error = max(np.abs(moved + K @ g).max(), abs(fall + g @ K @ g))
    return Evidence(error, np.abs(moved + g).max())


@statement(
    "two-spaces-adapted",
    says="The adapted flow has the velocity -J^+ g = -J^T psi for every psi with K psi = P g, and "
    "its outputs move by -P g, by -g at full rank.",
    **PAPER,
    result="Lemma 2.2",
    evidence="numeric",
    bound=1e-7,
)
def adapted(rng):
    """Compare with the definition; the falsehood is x' = -g although an input is repeated."""
    error = 0.0
    for repeated in (0, 1):
        problem, theta = tanh_problem(rng, repeated=repeated)
        J, g = two_spaces(problem, theta)
        V = -np.linalg.pinv(J.T @ J, rcond=1e-11, hermitian=True) @ problem.gradient(theta)
        frame = np.linalg.svd(J)[0][:, :6]
        aim, unseen = frame @ (frame.T @ g), rng.normal(size=len(g))
        psi = np.linalg.lstsq(J @ J.T, aim, rcond=1e-11)[0]
        psi += unseen - frame @ (frame.T @ unseen)
        scale = 1 + np.abs(V).max()
        ours = homotopy_field(J, g, 1.0, cutoff=1e-9).velocity
        gaps = [V + J.T @ psi, V - ours, J @ V + aim]
        error = max(error, *(np.abs(gap).max() / scale for gap in gaps))
    return Evidence(error, np.abs(J @ V + g).max())


@statement(
    "two-spaces-prices",
    says="V_tau minimises (tau |J v|^2 + (1 - tau) |v|^2)/2 + <grad L, v>, and the loss falls at "
    "the rate tau |x'|^2 + (1 - tau) |theta'|^2.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def prices(rng):
    """Look at the gradient of the functional and at the rate; the falsehood swaps the prices."""
    error, control = 0.0, np.inf
    for tau in TAUS:
        J, g = rng.normal(size=(4, 7)), rng.normal(size=4)
        V = homotopy_field(J, g, tau).velocity
        for a, b in ((tau, 1 - tau), (1 - tau, tau)):
            slope = np.abs(a * J.T @ (J @ V) + b * V + J.T @ g).max()
            rate = abs(g @ J @ V + a * (J @ V) @ (J @ V) + b * V @ V)
            if a == tau:
                error = max(error, slope, rate)
            else:
                control = min(control, max(slope, rate))
    # At tau = 1 the minimisers differ by the kernel of J, and V is the shortest of them.
    inside = np.linalg.svd(J)[2][4:]
    return Evidence(max(error, np.abs(inside @ V).max()), control)


@statement(
    "two-spaces-push-through",
    says="(tau J^T J + (1 - tau) I)^+ J^T = J^T (tau K + (1 - tau) I)^+, for every rank of J and "
    "0 <= tau <= 1.",
    **BOOK,
    evidence="exact",
    bound=0,
)
def push_through(rng):
    """Count wrong entries in rational arithmetic; the falsehood swaps tau and 1 - tau."""

    def inverse(A, B, tau):
        metric = tau * A * B + (1 - tau) * sp.eye(A.rows)
        return metric.pinv() if tau == 1 else metric.inv()

    error, control = 0, 0
    for tau in (sp.Integer(0), sp.Rational(1, 3), sp.Rational(3, 4), sp.Integer(1)):
        left, right = (sp.Matrix(rng.integers(1, 5, shape).tolist()) for shape in ((3, 2), (2, 4)))
        J = left * right  # rank at most 2
        inner = inverse(J.T, J, tau) * J.T
        error += sum(entry != 0 for entry in inner - J.T * inverse(J, J.T, tau))
        control += sum(entry != 0 for entry in inner - J.T * inverse(J, J.T, 1 - tau))
    return Evidence(error, control)


@statement(
    "two-spaces-equivalence",
    says="Every field V_tau, 0 <= tau <= 1, has the same zeros as the gradient of the loss; the "
    "outputs move by -K (tau K + (1 - tau) I)^+ g.",
    **PAPER,
    result="Theorem 2.3",
    evidence="numeric",
    bound=1e-9,
)
def equivalence(rng):
    """Stand on a critical point that is no minimum; the falsehood is a point next to it."""
    network, Y = MLP((2, 4, 2)), rng.normal(size=(2, 5))
    problem = Problem(network, rng.normal(size=(2, 5)), SquaredLoss(Y))
    rest = [np.zeros((4, 2)), np.zeros(4), np.zeros((2, 4)), Y.mean(axis=1)]
    theta = network.join(rest)
    nearby = network.join([*rest[:3], rest[3] + [0.1, 0]])
    error = max(np.linalg.norm(velocity(problem, theta, tau)) for tau in TAUS)
    control = min(np.linalg.norm(velocity(problem, nearby, tau)) for tau in TAUS)
    problem, theta = tanh_problem(rng)
    J, g = two_spaces(problem, theta)
    K = J @ J.T
    for tau in TAUS:
        expected = -K @ np.linalg.solve(tau * K + (1 - tau) * np.eye(len(K)), g)
        error = max(error, np.abs(J @ velocity(problem, theta, tau) - expected).max())
    return Evidence(error, control)


@statement(
    "two-spaces-jump",
    says="|V_tau - V_1| is at most (1 - tau) |P g| times the largest of "
    "|1 - s^2|/(s (tau s^2 + 1 - tau)) over the positive singular values s of J; |V_tau| is at "
    "most |P g|/(2 sqrt(tau (1 - tau))), and V_1 is not bounded.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def jump(rng):
    """Measure both bounds near a loss of rank; the falsehood drops the largest."""
    error, control = 0.0, 0.0
    for small in 10.0 ** -np.arange(1, 6):
        J, values = ill_conditioned(small, rng)
        g = rng.normal(size=len(J))
        for tau in (0.5, 0.99, 0.9999):
            first, last = (homotopy_field(J, g, place).velocity for place in (tau, 1.0))
            shares = np.abs(1 - values**2) / (values * (tau * values**2 + 1 - tau))
            size, gap = np.linalg.norm(g), np.linalg.norm(first - last)
            error = max(error, gap / ((1 - tau) * size * shares.max()) - 1)
            error = max(error, 2 * np.linalg.norm(first) * np.sqrt(tau * (1 - tau)) / size - 1)
            control = max(control, gap / ((1 - tau) * size) - 1)
    grown = np.linalg.norm(last) / size  # about one over the last singular value
    return Evidence(error + (grown < 10), control)


@statement(
    "two-spaces-inertia",
    says="At a critical point V_tau, tau < 1, has the derivative -M^(-1) H with the metric M and "
    "the Hessian H, which has as many negative, zero and positive eigenvalues as -H; so has V_1 "
    "where the rank of J is constant.",
    **BOOK,
    evidence="numeric",
    bound=1e-5,
)
def inertia(rng):
    """Differentiate at saddles of linear networks; the falsehood is -H itself."""
    error, control = 0.0, np.inf
    places = [(learned, tau) for learned in ((), (1,), (0,)) for tau in (0.3, 0.9)]
    for learned, tau in [*places, ((0, 1), 1.0)]:  # at the last one the rank is full
        point = critical_point((2, 2, 2), [2, 1], learned)
        problem, theta = whitened_problem(point, np.diag([2.0, 1.0]))
        H, J = problem.hessian(theta), two_spaces(problem, theta)[0]
        M = tau * J.T @ J + (1 - tau) * np.eye(len(H))
        found = derivative(partial(velocity, problem, tau=tau), theta)
        signs = np.sort(np.sign(np.round(np.linalg.eigvals(found).real, 4)))
        error = max(error, np.abs(found + np.linalg.pinv(M, rcond=1e-9) @ H).max())
        error += np.abs(signs - np.sign(np.round(np.linalg.eigvalsh(-H), 4))).sum()
        control = min(control, np.abs(found + H).max())
    return Evidence(error, control)
