"""The cover of paths spans what all paths span."""

import itertools

import numpy as np
import pytest

from gradflows.conservation.complete_lists import parameter_count, split_layers
from gradflows.conservation.path_cover import covering_paths, path_vectors
from gradflows.modular import PRIME, rank_mod


def all_paths(widths, bias):
    """Every path from an input or a hidden bias to an output."""
    places, at = split_layers(np.arange(parameter_count(widths, bias)), widths, bias)
    result = [
        [int(w[b, a]) for w, a, b in zip(places, nodes, nodes[1:], strict=False)]
        for nodes in itertools.product(*map(range, widths))
    ]
    for i, biases in enumerate(at):
        for nodes in itertools.product(*map(range, widths[i + 1 :])):
            rest = zip(places[i + 1 :], nodes, nodes[1:], strict=False)
            result.append([int(biases[nodes[0]]), *(int(w[b, a]) for w, a, b in rest)])
    return result


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("widths", [(2, 2), (3, 4, 2), (2, 3, 3, 2), (1, 2, 1, 3, 2)])
def test_the_cover_spans_all_paths(widths, bias, rng):
    size, every, cover = (
        parameter_count(widths, bias),
        all_paths(widths, bias),
        covering_paths(widths, bias),
    )
    assert len(cover) == size and all(path in every for path in cover)
    assert all(e in path for e, path in enumerate(cover))
    theta = rng.integers(1, PRIME, size)
    rows = [path_vectors(theta, paths) for paths in (cover, every)]
    ranks = [rank_mod(rows[0]), rank_mod(rows[1]), rank_mod(np.concatenate(rows))]
    assert ranks == [size - sum(widths[1:-1])] * 3
