"""Gradient flows of neural networks: the library behind the book.

The top level holds the ground floor: networks, losses, problems and their flows.
"""

from gradflows.flows import gradient_descent, gradient_flow, momentum_flow
from gradflows.losses import CrossEntropy, SquaredLoss
from gradflows.networks import MLP, DeepLinear, ShallowReLU
from gradflows.problems import Problem
from gradflows.taylor import check_gradient
from gradflows.trajectories import Accuracy, IntegrationError, Trajectory

__all__ = [
    "MLP",
    "Accuracy",
    "CrossEntropy",
    "DeepLinear",
    "IntegrationError",
    "Problem",
    "ShallowReLU",
    "SquaredLoss",
    "Trajectory",
    "check_gradient",
    "gradient_descent",
    "gradient_flow",
    "momentum_flow",
]
