"""Chains, plateaus and paths for the checks of the chapter deep_linear/escape."""

import itertools

import numpy as np
import sympy as sp
from scipy.integrate import quad

from gradflows.checks.deep_linear.critical_networks import build, critical, rank
from gradflows.deep_linear import (
    critical_point,
    gauge_act,
    partial_product,
    path_weights,
    random_gauge,
    whitened_problem,
)
from gradflows.flows import gradient_flow


def chain_flow(chain, sigma, t_end):
    """Follow a scalar chain as a network of widths one; return its states."""
    problem, theta = whitened_problem([[[w]] for w in chain], [[sigma]])
    return gradient_flow(problem, theta, t_end, method="DOP853", rtol=1e-11, atol=1e-14).theta


def time_to(chain, sigma, fraction):
    """Return state and time at which the product of a chain reaches a fraction of sigma."""

    def reached(t, theta):
        return np.prod(theta) - fraction * sigma

    reached.terminal = True
    problem, theta = whitened_problem([[[w]] for w in chain], [[sigma]])
    run = gradient_flow(problem, theta, 1e6, events=reached, rtol=1e-11, atol=1e-14)
    return run.theta[-1], run.t[-1]


def clock_integral(start, stop, c, sigma):
    """Integrate 1/(q (sigma - x q)) with q the product of the square roots of x^2 + c_j."""

    def slowness(x):
        q = np.sqrt(np.prod(x * x + c))
        return 1 / (q * (sigma - x * q))

    return quad(slowness, start, stop, epsrel=1e-11)[0]


def doublings(weights, Sigma, t_end):
    """List how a flow near the origin doubles its distance: ``(distance, time, loss above)``.

    Distances are interpolated between the steps of the integrator; the loss is that at the
    beginning, in excess of the loss of the origin.
    """
    problem, theta = whitened_problem(weights, Sigma)
    run = gradient_flow(problem, theta, t_end, times=np.linspace(0, t_end, 20001))
    distance, found = np.maximum.accumulate(np.linalg.norm(run.theta, axis=1)), []
    s = distance[0]
    while 2 * s < distance[-1]:
        first, last = np.interp([s, 2 * s], distance, run.t)
        loss = np.interp(first, run.t, run.loss) - problem.loss(0 * theta)
        found.append((s, last - first, loss))
        s *= 2
    return found


def path_network(rng, exchange):
    """Draw integer weights on three disjoint paths: weights, target, paths, chains.

    With ``exchange`` two paths end at each other's output.
    """
    widths, values = (4, 5, 4, 5), rng.integers(1, 4, (3, 3)).astype(float)
    paths = np.array([rng.permutation(4)[:3] for _ in widths]).T
    paths[:, -1] = paths[:, 0]
    weights = path_weights(widths, values, paths)
    if exchange:
        pair = paths[:2, -1]
        weights[-1][pair] = weights[-1][pair[::-1]]
        paths[:2, -1] = pair[::-1]
    return weights, np.eye(5, 4) * rng.integers(10, 40, 4), paths, values


def plateau(widths, sigma, learned, stubs, rng):
    """Return a critical point in random orthonormal bases of the hidden layers, and its target."""
    weights = critical_point(widths, sigma, learned, stubs=stubs)
    Sigma = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(Sigma, sigma)
    return gauge_act(random_gauge(widths, rng=rng, orthogonal=True), weights), Sigma


def full_rank_saddles(rng):
    """List saddles of full-rank targets with their orders; one with tied singular values."""
    return [
        (plateau((2,) * 4, (2, 1), [0], [(0, 1, 1)], rng), 2),
        (plateau((2,) * 5, (2, 1), [0], [(3, 4, 1)], rng), 3),
        (plateau((3, 2, 2, 2), (2, 1), [], [(0, 1, 2)], rng), 3),
        (plateau((2,) * 4, (1, 1), [0], [], rng), 3),
        (plateau((2,) * 6, (2, 1), [0], [(0, 1, 1)], rng), 4),
    ]


def deficient_saddles(rng):
    """List saddles of the target diag(1, 0) with their orders; the first two are exceptional."""
    narrow = path_weights((2, 1, 1, 2), [[0, 0, 0]])
    narrow[0][0, 1] = narrow[2][1, 0] = rng.uniform(0.8, 1.2)
    return [
        ((narrow, np.diag([1.0, 0])), 4),
        (plateau((2,) * 4, (1, 0), [], [(0, 1, 1), (2, 3, 1)], rng), 3),
        (plateau((2,) * 5, (1, 0), [], [(0, 1, 1), (3, 4, 1)], rng), 4),
    ]


def straight_stubs(rng, widths, learnt, idle, tries=6):
    """Draw stubs along single nodes that leave the point critical."""
    depth, r, chosen = len(widths) - 1, len(learnt), []
    for _ in range(tries):
        start, stop = sorted(rng.choice(depth + 1, 2, replace=False).tolist())
        size = widths[0 if start == 0 else -1] - r
        stub = (start, stop, np.eye(size)[rng.integers(size)])
        try:
            if critical(*build(widths, learnt, idle, [*chosen, stub])):
                chosen.append(stub)
        except ValueError:
            continue
    return chosen


def shaken(rng, widths, learnt, idle):
    """Draw rational weights close to a critical point in block form."""
    stubs = straight_stubs(rng, widths, learnt, idle)
    return [
        sp.Matrix(w.astype(int)) + sp.Matrix(rng.integers(-2, 3, w.shape)) / 10
        for w in build(widths, learnt, idle, stubs)[0]
    ]


def fewest_cuts(weights, Sigma, r):
    """Search all sets of layers for the least admissible one, by exact ranks."""
    depth = len(weights)
    for k in range(1, depth + 1):
        for cuts in itertools.combinations(range(depth, 0, -1), k):
            inner = [
                partial_product(weights, upper - 1, lower + 1)
                for upper, lower in itertools.pairwise(cuts)
            ]
            ends = (
                partial_product(weights, cuts[-1] - 1, 1)
                @ Sigma.T
                @ partial_product(weights, depth, cuts[0] + 1)
            )
            if all(rank(matrix) > r for matrix in [*inner, ends]):
                return k
    raise ValueError("weights: no admissible cuts, expected a saddle")


def fewest_edges(weights, r, *, any_output):
    """Count the missing edges on a cheapest path of an unlearnt mode through unlearnt nodes."""
    modes = range(r, min(len(weights[-1]), len(weights[0].T)))
    best = np.inf
    for mode in modes:
        lengths = np.full(len(weights[0].T), np.inf)
        lengths[mode] = 0
        for weight in weights:
            cost = np.where(weight == 0, 1.0, 0.0)
            cost[:r] = cost[:, :r] = np.inf
            lengths = np.min(cost + lengths, axis=1)
        best = min(best, np.min(lengths) if any_output else lengths[mode])
    return int(best)
