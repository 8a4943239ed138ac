"""Activation functions of hidden layers, with first and second derivative.

Derivatives are given as functions of the pre-activation ``z`` and of the value ``a`` already
computed from it. At its kink the ReLU has derivative 0, and its second derivative is 0 everywhere:
the field of a ReLU network is the one that this choice selects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class Activation:
    """A function of one variable with two derivatives, applied entry by entry."""

    value: Callable
    slope: Callable
    curvature: Callable


ACTIVATIONS = {
    "identity": Activation(
        value=lambda z: z,
        slope=lambda z, a: np.ones_like(z),
        curvature=lambda z, a: np.zeros_like(z),
    ),
    "relu": Activation(
        value=lambda z: np.maximum(z, 0.0),
        slope=lambda z, a: (z > 0).astype(float),
        curvature=lambda z, a: np.zeros_like(z),
    ),
    "tanh": Activation(
        value=np.tanh,
        slope=lambda z, a: 1 - a * a,
        curvature=lambda z, a: -2 * a * (1 - a * a),
    ),
    "sigmoid": Activation(
        value=expit,
        slope=lambda z, a: a * (1 - a),
        curvature=lambda z, a: a * (1 - a) * (1 - 2 * a),
    ),
    "softplus": Activation(
        value=lambda z: np.logaddexp(0.0, z),
        slope=lambda z, a: expit(z),
        curvature=lambda z, a: expit(z) * expit(-z),
    ),
}
