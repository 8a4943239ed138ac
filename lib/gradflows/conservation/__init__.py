"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "kernel_mod",
    "rank_mod",
]
