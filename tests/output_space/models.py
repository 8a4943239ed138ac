"""Problems that several tests of output space share."""

import numpy as np
import sympy as sp

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import SymbolicModel

theta = sp.Symbol("theta")


def curve(outputs, label):
    """Return the problem of one parameter whose outputs run along a curve."""
    model = SymbolicModel(outputs, [theta])
    return Problem(model, [[1.0]], SquaredLoss(np.reshape(label, (-1, 1))))


def tanh_problem(seed=0, widths=(2, 8, 2), samples=4, repeated=0):
    """Return a tanh problem and a start; the last samples repeat the first inputs."""
    rng = np.random.default_rng(seed)
    network = MLP(widths)
    X = rng.normal(size=(widths[0], samples))
    X = np.concatenate([X, X[:, :repeated]], axis=1)
    Y = rng.normal(size=(widths[-1], samples + repeated))
    return Problem(network, X, SquaredLoss(Y)), 0.7 * rng.normal(size=network.size)
