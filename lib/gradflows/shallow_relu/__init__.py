"""Shallow ReLU networks on orthogonal inputs: alignment, staircase, variation norm."""

from gradflows.shallow_relu.alignment import EarlyNeuron, active_sets, early_neuron
from gradflows.shallow_relu.events import event_flow
from gradflows.shallow_relu.orthogonal_data import OrthogonalData, balanced_init
from gradflows.shallow_relu.relu_trajectory import Jump, Neurons, ReLUTrajectory, Switch

__all__ = [
    "EarlyNeuron",
    "Jump",
    "Neurons",
    "OrthogonalData",
    "ReLUTrajectory",
    "Switch",
    "active_sets",
    "early_neuron",
    "event_flow",
    "balanced_init",
]
