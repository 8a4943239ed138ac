"""Speed of exact counting, all by computation and none by a closed formula."""

import json
import resource

import numpy as np

from gradflows.conservation import certify
from gradflows.conservation.atlas import main
from gradflows.conservation.atlas_records import DATA
from gradflows.conservation.check_certificate import check
from gradflows.modular import PRIME, product_mod, rank_mod, reduce_mod


def goal(benchmark, name, seconds):
    """Print the median beside the goal, and insist on it."""
    median = benchmark.stats["median"]
    print(f"\n{name}: {median:.2f} s (goal: {seconds} s)")
    assert median < seconds


def certify_all(networks):
    """Certify a list of networks."""
    found = [certify(*network, method="computed") for network in networks]
    assert all(certificate.complete for certificate in found)


def test_three_layers_of_twenty(benchmark):
    found = benchmark.pedantic(certify, [(20, 20, 20, 20)], rounds=3)
    assert found.complete and found.laws == 420
    goal(benchmark, "certify, widths (20, 20, 20, 20)", 3)


def test_two_layers_of_forty(benchmark):
    found = benchmark.pedantic(certify, [(40, 40, 40)], {"method": "computed"}, rounds=1)
    assert found.complete and found.laws == 820
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    goal(benchmark, f"certify, widths (40, 40, 40), without closed formula, {memory:.2f} GiB", 60)
    assert memory < 2


def test_fifty_linear_networks(benchmark):
    rng = np.random.default_rng(0)
    networks = [(rng.integers(2, 6, rng.integers(3, 6)).tolist(),) for _ in range(50)]
    benchmark.pedantic(certify_all, [networks], rounds=3)
    goal(benchmark, "50 linear networks, widths 2 to 5, 2 to 4 weight layers", 1)


def test_fifty_relu_networks(benchmark):
    rng = np.random.default_rng(0)
    networks = [
        (rng.integers(2, 10, rng.integers(3, 6)).tolist(), "relu", bool(rng.integers(2)))
        for _ in range(50)
    ]
    benchmark.pedantic(certify_all, [networks], rounds=3)
    goal(benchmark, "50 ReLU networks, widths 2 to 9, 2 to 4 weight layers", 6)


def test_the_verifier(benchmark):
    content = json.loads(certify((20, 20, 20, 20)).to_json())
    benchmark.pedantic(check, [content], rounds=1)
    goal(benchmark, "verifier, widths (20, 20, 20, 20)", 30)


def test_rank_of_a_large_matrix(benchmark):
    rng = np.random.default_rng(0)
    left, right = (
        reduce_mod(rng.integers(0, PRIME, s) * 1.0) for s in [(2000, 1500), (1500, 2000)]
    )
    assert benchmark.pedantic(rank_mod, [product_mod(left, right)], rounds=3) == 1500
    goal(benchmark, "rank of a matrix 2000 x 2000", 3)


def test_the_whole_atlas(benchmark, tmp_path):
    size = ["--max-width", "5", "--max-depth", "4", "--out", str(tmp_path)]
    assert benchmark.pedantic(main, [size], rounds=1) == 0
    assert (tmp_path / "atlas.jsonl").read_bytes() == (DATA / "atlas.jsonl").read_bytes()
    goal(benchmark, "the atlas, 2025 networks, all cores", 60)
