"""Checks of the flows: limits, rates, lazy training, conservation, how far a flow goes."""

import numpy as np
import sympy as sp

from gradflows import MLP, DeepLinear, Problem, SquaredLoss
from gradflows.checks.output_space.two_spaces.models import (
    flattened,
    quadratic_problem,
    residuals,
    two_spaces,
)
from gradflows.deep_linear import imbalances
from gradflows.output_space import SymbolicModel, mode_rates, output_flow
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
TAUS = (0.0, 0.3, 0.9, 1.0)


@statement(
    "two-spaces-linear",
    says="If J is constant, the residual along an eigenvector of K with eigenvalue mu decays at "
    "the rate mu/(n (tau mu + 1 - tau)), and the limit theta_0 + J^+ (y - x_0) is the same for "
    "every tau.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def linear(rng):
    """Train linear models; the falsehood is the spectrum of the standard flow for every tau."""
    network, X = DeepLinear((4, 2)), rng.normal(size=(4, 3))
    problem = Problem(network, X, SquaredLoss(rng.normal(size=(2, 3))))
    start = rng.normal(size=network.size)
    J = two_spaces(problem, start)[0]
    frame = np.linalg.svd(J)[0]
    error = control = 0.0
    for tau in TAUS:
        run = output_flow(problem, start, tau, t_end=2.0, times=[0, 1.0, 2.0], rtol=1e-9)
        modes = residuals(run) @ frame
        for place in (tau, 0.0):
            decay = np.exp(-np.outer(run.t, mode_rates(J, place, 3)))
            gap = np.abs(modes - modes[0] * decay).max()
            error, control = (
                (max(error, gap), control) if place == tau else (error, max(control, gap))
            )
        limit = start - np.linalg.pinv(J) @ residuals(run)[0]
        stays = np.linalg.svd(J)[2][6:]
        error = max(error, np.abs(stays @ (run.theta[-1] - limit)).max())
    return Evidence(error, control)


@statement(
    "two-spaces-lazy",
    says="If the kernel of the outputs stays within kappa of its start K_0, they stay within "
    "kappa/lambda_min(K_0) times the first residual of the prediction from K_0.",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def lazy(rng):
    """Compare with the bound in a wide network; the falsehood forgets 1/n in the prediction."""
    network = MLP((2, 400, 1))
    X, Y = rng.normal(size=(2, 3)), rng.normal(size=(1, 3))
    problem = Problem(network, X, SquaredLoss(20 * Y))  # outputs divided by 20 = sqrt(400)
    start = rng.normal(size=network.size)
    error, control = 0.0, np.inf
    for tau in (0.0, 1e-3):
        K = flattened(problem.kernel(start), tau)
        rates, frame = np.linalg.eigh(K)
        times = np.linspace(0, 6 / rates[0], 25)
        run = output_flow(problem, start, tau, t_end=times[-1], times=times, rtol=1e-8)
        moved = [flattened(problem.kernel(theta), tau) - K for theta in run.theta]
        kappa = max(np.linalg.norm(gap, 2) for gap in moved)
        reach = kappa / rates[0] * np.linalg.norm(residuals(run)[0])
        frozen = [
            (residuals(run)[0] @ frame * np.exp(-np.outer(times, rates) / n)) @ frame.T
            for n in (3, 1)
        ]
        excess = [np.linalg.norm(residuals(run) - x, axis=1).max() / reach - 1 for x in frozen]
        error = max(error, excess[0], kappa / rates[0] - 1)
        control = min(control, max(excess[1], 0.0))
    return Evidence(error, control)


@statement(
    "two-spaces-conserved",
    says="A function of the parameters is constant along V_tau for all labels exactly if J kills "
    "its gradient: the laws are the same for every tau.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def conserved(rng):
    """Follow the imbalances of a linear network; the falsehood is the sum of both Gram matrices."""
    network = DeepLinear((2, 3, 2))
    problem = Problem(network, rng.normal(size=(2, 4)), SquaredLoss(rng.normal(size=(2, 4))))
    start = rng.normal(size=network.size)
    error, control = 0.0, np.inf
    for tau in TAUS:
        run = output_flow(problem, start, tau, t_end=1.0, rank=4, times=[0, 1.0], rtol=1e-9)
        layers = [network.split(theta) for theta in run.theta]
        laws = [imbalances(weights)[0] for weights in layers]
        sums = [second.T @ second + first @ first.T for first, second in layers]
        error = max(error, np.abs(laws[1] - laws[0]).max())
        control = min(control, np.abs(sums[1] - sums[0]).max())
    return Evidence(error, control)


@statement(
    "two-spaces-global",
    says="For tau < 1 the flow exists for all times and |theta(s) - theta(0)|^2 is at most "
    "s (L(0) - L(s))/(1 - tau).",
    **BOOK,
    evidence="numeric",
    bound=1e-9,
)
def for_all_times(rng):
    """Measure long runs of a network; the falsehood is the bound of the standard flow."""
    network = DeepLinear((2, 1))
    X = 0.03 * rng.normal(size=(2, 2))  # small inputs, long ways
    problem = Problem(network, X, SquaredLoss(rng.normal(size=(1, 2)), mean=False))
    error = control = 0.0
    for tau in (0.0, 0.9, 0.9999):
        run = output_flow(problem, np.zeros(2), tau, t_end=20.0, times=np.linspace(0, 20, 21))
        way = np.sum((run.theta - run.theta[0]) ** 2, axis=1)[1:]
        allowed = run.t[1:] * (run.loss[0] - run.loss[1:])
        error = max(error, (way * (1 - tau) / allowed).max() - 1)
        control = max(control, (way / allowed).max() - 1)
    return Evidence(max(error, 0.0), control)


@statement(
    "two-spaces-reach",
    says="If |y - x_0| < s^2/(2 b), with s the least singular value of J at the start and b a "
    "Lipschitz constant of J, then for every tau the flow reaches the labels and stays within "
    "(s - sqrt(s^2 - 2 b |y - x_0|))/b of its start.",
    **BOOK,
    evidence="numeric",
    bound=1e-5,
)
def reach(rng):
    """Train quadratic models; the falsehood is labels at three times the reach of the sharp one."""
    error = 0.0
    problem, start, bending = quadratic_problem(rng, 0.9)
    for tau in TAUS:
        run = output_flow(problem, start, tau, t_end=40.0, rtol=1e-8, atol=1e-10)
        radius = (1 - np.sqrt(1 - 0.9)) / bending
        far = np.linalg.norm(run.theta - start, axis=1).max()
        error = max(error, far / radius - 1, np.abs(residuals(run)[-1]).max())
    theta = sp.Symbol("theta")  # largest output 1/2 = 1/(2 b) with b = 1
    sharp = SymbolicModel([theta - theta**2 / 2], [theta])
    problem = Problem(sharp, [[1.0]], SquaredLoss([[1.5]]))
    run = output_flow(problem, [0.0], 0.0, t_end=40.0)
    return Evidence(error, np.abs(residuals(run)[-1]).max())
