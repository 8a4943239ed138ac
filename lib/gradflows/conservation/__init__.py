"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.law_basis import LawBasis
from gradflows.conservation.laws import known_laws, law_drift, observed_rank
from gradflows.conservation.polynomial_search import SearchError, polynomial_laws
from gradflows.conservation.search_matrix import SearchMatrix, search_matrix
from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "LawBasis",
    "SearchError",
    "SearchMatrix",
    "kernel_mod",
    "known_laws",
    "law_drift",
    "observed_rank",
    "polynomial_laws",
    "rank_mod",
    "search_matrix",
]
