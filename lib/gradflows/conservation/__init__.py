"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.attention import AttentionHead
from gradflows.conservation.mirror import Preconditioned, node_balances
from gradflows.conservation.other_dynamics import (
    crossed_charge,
    heavy_ball,
    momentum_generators,
    momentum_law_count,
    momentum_leaf_dimension,
    orbit_dimension,
)
from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "AttentionHead",
    "Preconditioned",
    "crossed_charge",
    "heavy_ball",
    "kernel_mod",
    "momentum_generators",
    "momentum_law_count",
    "momentum_leaf_dimension",
    "node_balances",
    "orbit_dimension",
    "rank_mod",
]
