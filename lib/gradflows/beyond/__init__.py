"""Beyond the four papers: related results, one module a chapter."""

from gradflows.beyond.game_particles import game_flow
from gradflows.beyond.games import (
    GamePath,
    QuadraticGame,
    conditional_game,
    kernel_flow,
    lyapunov,
    saddle,
)
from gradflows.beyond.mean_field import (
    MeanFieldProblem,
    neuron_gradients,
    neuron_values,
    particle_kernel,
    sign_pairs,
    w2_exact,
)

__all__ = [
    "GamePath",
    "MeanFieldProblem",
    "QuadraticGame",
    "conditional_game",
    "game_flow",
    "kernel_flow",
    "lyapunov",
    "neuron_gradients",
    "neuron_values",
    "particle_kernel",
    "saddle",
    "sign_pairs",
    "w2_exact",
]
