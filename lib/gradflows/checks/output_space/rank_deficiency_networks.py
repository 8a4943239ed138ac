"""Models of the checks of output_space/rank_deficiency: curves, small nets, layers in integers."""

import numpy as np
import sympy as sp

from gradflows import MLP, DeepLinear, Problem, SquaredLoss
from gradflows.modular import rank_mod
from gradflows.output_space import RankDeficiencyError, SymbolicModel, output_flow

THETA = sp.Symbol("theta")


def curve_problem(outputs, label):
    """Return the problem of one parameter whose outputs run along a curve."""
    model = SymbolicModel(outputs, [THETA])
    return Problem(model, [[1.0]], SquaredLoss(np.reshape(label, (-1, 1))))


def tanh_problem(widths, X, rng, scale=0.7):
    """Return a tanh network with random labels, and a random start."""
    network = MLP(widths)
    labels = rng.normal(size=(widths[-1], X.shape[1]))
    return Problem(network, X, SquaredLoss(labels)), scale * rng.normal(size=network.size)


def product_problem(widths, distance, rng):
    """Return two linear layers, and labels at a distance from the outputs of a random start."""
    network = DeepLinear(widths)
    theta, inputs = rng.normal(size=network.size), np.eye(widths[0])
    way = rng.normal(size=(widths[-1], widths[0]))
    values = np.linalg.svd(network.jacobian(theta, inputs), compute_uv=False)
    labels = network.outputs(theta, inputs) + distance(values[-1]) * way / np.linalg.norm(way)
    return Problem(network, inputs, SquaredLoss(labels)), theta


def run_or_stop(problem, start, **options):
    """Follow the adapted flow on the clock t; return the run, or the error that ended it."""
    try:
        return output_flow(problem, start, 1.0, clock="t", t_end=1.0, rtol=1e-10, **options)
    except RankDeficiencyError as stop:
        return stop


def integer_layer(n, inputs, hidden, outputs, corank, spanning, rng):
    """Return Phi (hidden + 1, n), slopes (hidden, n), X with ones, and V (outputs, hidden).

    Any integers will do in the place of the values and slopes of an activation. `corank` is how
    far the rank of Phi is below n; without `spanning` the last output is the sum of the others.
    """
    rank = n - corank
    Phi = rng.integers(-9, 10, (hidden + 1, rank - 1)) @ rng.integers(-9, 10, (rank - 1, n))
    Phi[-1] = 1
    V = rng.integers(-9, 10, (outputs, hidden))
    if not spanning:
        V[-1] = V[:-1].sum(axis=0)
    slopes = rng.integers(1, 10, (hidden, n))
    X = np.vstack([rng.integers(-9, 10, (inputs, n)), np.ones((1, n), dtype=int)])
    return Phi, slopes, X, V


def layer_jacobian(Phi, slopes, X, V):
    """Put together the transpose of the Jacobian of one hidden layer, in integers."""
    outer = np.kron(np.eye(len(V), dtype=int), Phi)
    inner = [np.kron(v[None], X * s) for s, v in zip(slopes, V.T, strict=True)]
    return np.vstack([outer, *inner])


def is_full(Phi, slopes, X, V):
    """Whether the Jacobian has full row rank, modulo a prime."""
    return rank_mod(layer_jacobian(Phi, slopes, X, V)) == len(V) * X.shape[1]


def steps(inputs):
    """Return Phi of n - 1 steep units ``tanh(c (z - b_j) log 2)`` on integers z, times integers.

    With z and b_j such that c (z - b_j) is an integer k, tanh is (4^k - 1)/(4^k + 1), which is
    rational. The thresholds b_j lie between the sorted values, c = 20.
    """
    ordered = sorted(int(z) for z in inputs)
    rows = []
    for low, high in zip(ordered, ordered[1:], strict=False):
        powers = [sp.Integer(4) ** (10 * (2 * int(z) - low - high)) for z in inputs]
        rows.append([(power - 1) / (power + 1) for power in powers])
    return sp.Matrix([*rows, [1] * len(inputs)])
