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
    "AtlasRecord",
    "Certificate",
    "LieDimension",
    "atlas_certificate",
    "atlas_networks",
    "atlas_record",
    "canonical_widths",
    "certify",
    "certify_map",
    "extra_law_count",
    "kernel_mod",
    "known_law_count",
    "known_law_rank",
    "lie_dimension",
    "lie_dimension_of",
    "lie_vectors",
    "load_atlas",
    "local_pool",
    "rank_mod",
    "run_atlas",
    "scalar_chains",
    "so_dimension",
]
