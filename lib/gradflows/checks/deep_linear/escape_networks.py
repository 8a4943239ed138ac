"""Chains, plateaus and paths for the checks of the chapter deep_linear/escape."""

import itertools

import numpy as np

from gradflows.checks.deep_linear.critical_networks import build, critical, rank
from gradflows.deep_linear import (
    critical_point,
    gauge_act,
    partial_product,
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


def plateau(widths, sigma, learned, stubs, rng):
    """Return a critical point in random orthonormal bases of the hidden layers, and its target."""
    weights = critical_point(widths, sigma, learned, stubs=stubs)
    Sigma = np.zeros((widths[-1], widths[0]))
    np.fill_diagonal(Sigma, sigma)
    return gauge_act(random_gauge(widths, rng=rng, orthogonal=True), weights), Sigma


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
