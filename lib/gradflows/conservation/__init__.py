"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.bottleneck_laws import bottleneck_laws
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
from gradflows.conservation.law_basis import LawBasis
from gradflows.conservation.laws import known_laws, law_drift, observed_rank
from gradflows.conservation.polynomial_search import (
    SearchError,
    polynomial_laws,
)
from gradflows.conservation.search_matrix import SearchMatrix, search_matrix
from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "Certificate",
    "LawBasis",
    "LieDimension",
    "SearchError",
    "SearchMatrix",
    "bottleneck_laws",
    "certify",
    "certify_map",
    "extra_law_count",
    "kernel_mod",
    "known_law_count",
    "known_law_rank",
    "known_laws",
    "law_drift",
    "lie_dimension",
    "lie_dimension_of",
    "lie_vectors",
    "observed_rank",
    "polynomial_laws",
    "rank_mod",
    "scalar_chains",
    "search_matrix",
    "so_dimension",
]
