"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.certificates import Certificate, certify, certify_map
from gradflows.conservation.complete_lists import (
    extra_law_count,
    known_law_count,
    known_law_rank,
    scalar_chains,
    so_dimension,
)
from gradflows.conservation.exact_counting import (
    LieDimension,
    lie_dimension,
    lie_dimension_of,
    lie_vectors,
)
from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "Certificate",
    "LieDimension",
    "certify",
    "certify_map",
    "extra_law_count",
    "kernel_mod",
    "known_law_count",
    "known_law_rank",
    "lie_dimension",
    "lie_dimension_of",
    "lie_vectors",
    "rank_mod",
    "scalar_chains",
    "so_dimension",
]
