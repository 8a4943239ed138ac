"""Shallow ReLU networks on orthogonal inputs: alignment, staircase, variation norm."""

from gradflows.shallow_relu.alignment import EarlyNeuron, active_sets, early_neuron
from gradflows.shallow_relu.budgets import JumpProcess, jump_process
from gradflows.shallow_relu.events import event_flow
from gradflows.shallow_relu.four_views import (
    adapted_flow,
    homotopy_jump_times,
    log_clock,
    metric_flow,
)
from gradflows.shallow_relu.linear_program import VariationProgram, variation_norm_by_lp
from gradflows.shallow_relu.orthogonal_data import OrthogonalData, balanced_init
from gradflows.shallow_relu.relu_trajectory import Jump, Neurons, ReLUTrajectory, Switch
from gradflows.shallow_relu.shadow import Bundle, active_bundles, shadow_flow
from gradflows.shallow_relu.staircase import JumpTimes, jump_times, logistic_loss
from gradflows.shallow_relu.variation_norm import (
    Interpolator,
    bias_gap,
    bias_rate,
    final_kernel,
    minimum_variation_interpolator,
)

__all__ = [
    "Bundle",
    "EarlyNeuron",
    "Interpolator",
    "Jump",
    "JumpProcess",
    "JumpTimes",
    "Neurons",
    "OrthogonalData",
    "ReLUTrajectory",
    "Switch",
    "VariationProgram",
    "active_bundles",
    "active_sets",
    "adapted_flow",
    "balanced_init",
    "bias_gap",
    "bias_rate",
    "early_neuron",
    "event_flow",
    "final_kernel",
    "homotopy_jump_times",
    "jump_process",
    "jump_times",
    "log_clock",
    "logistic_loss",
    "metric_flow",
    "minimum_variation_interpolator",
    "shadow_flow",
    "variation_norm_by_lp",
]
