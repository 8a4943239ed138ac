"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

from gradflows.conservation.atlas_records import (
    AtlasRecord,
    atlas_certificate,
    atlas_networks,
    atlas_record,
    canonical_widths,
    load_atlas,
)
from gradflows.conservation.atlas_run import local_pool, run_atlas
from gradflows.conservation.attention import AttentionHead
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
from gradflows.conservation.lie_brackets import (
    BracketGrowth,
    lie_bracket,
    lie_dimension_symbolic,
    model_map,
)
from gradflows.conservation.mirror import Preconditioned, node_balances
from gradflows.conservation.momentum_jets import momentum_rank
from gradflows.conservation.other_dynamics import (
    crossed_charge,
    heavy_ball,
    momentum_generators,
    momentum_law_count,
    momentum_leaf_dimension,
    orbit_dimension,
)
from gradflows.conservation.polynomial_search import SearchError, polynomial_laws
from gradflows.conservation.relaxed_balance import metric_relaxed_balanced, relaxed_balanced_weights
from gradflows.conservation.riemannian import (
    metric_neurons,
    metric_parallel,
    metric_product,
    metric_rank_one,
    riemannian_flow,
)
from gradflows.conservation.search_matrix import SearchMatrix, search_matrix
from gradflows.modular import kernel_mod, rank_mod

__all__ = [
    "AtlasRecord",
    "AttentionHead",
    "BracketGrowth",
    "Certificate",
    "LawBasis",
    "LieDimension",
    "Preconditioned",
    "SearchError",
    "SearchMatrix",
    "atlas_certificate",
    "atlas_networks",
    "atlas_record",
    "bottleneck_laws",
    "canonical_widths",
    "certify",
    "certify_map",
    "crossed_charge",
    "extra_law_count",
    "heavy_ball",
    "kernel_mod",
    "known_law_count",
    "known_law_rank",
    "known_laws",
    "law_drift",
    "lie_bracket",
    "lie_dimension",
    "lie_dimension_of",
    "lie_dimension_symbolic",
    "lie_vectors",
    "load_atlas",
    "local_pool",
    "metric_neurons",
    "metric_parallel",
    "metric_product",
    "metric_rank_one",
    "metric_relaxed_balanced",
    "model_map",
    "momentum_generators",
    "momentum_law_count",
    "momentum_leaf_dimension",
    "momentum_rank",
    "node_balances",
    "observed_rank",
    "orbit_dimension",
    "polynomial_laws",
    "rank_mod",
    "relaxed_balanced_weights",
    "riemannian_flow",
    "run_atlas",
    "scalar_chains",
    "search_matrix",
    "so_dimension",
]
