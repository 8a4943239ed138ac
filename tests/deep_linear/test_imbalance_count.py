"""Independent imbalances: the exact count against the formula."""

import numpy as np
import pytest

from gradflows.deep_linear import independent_imbalances


def formula(d0, d1, d2):
    m = min(d1, d0 + d2)
    return m * d1 - m * (m - 1) // 2


@pytest.mark.parametrize("seed", range(20))
def test_two_layers(seed):
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 6, 3).tolist()
    assert independent_imbalances(widths, rng=rng) == formula(*widths)


@pytest.mark.parametrize(
    ("widths", "count"),
    [
        ((3, 2, 3), 3),
        ((1, 3, 1), 5),
        ((2, 4, 1), 9),
        ((2, 3, 2, 2), 9),
        ((4, 3, 5, 3), 21),
        ((1, 3, 1, 3, 1), 11),
        ((1, 4, 2, 1), 12),
        ((3, 3), 0),
    ],
)
def test_golden_counts(widths, count, rng):
    assert independent_imbalances(widths, rng=rng) == count


def test_wide_hidden_layers_have_fewer_laws_than_entries(rng):
    """The five entries of six that are independent for widths (1, 3, 1)."""
    assert independent_imbalances((1, 3, 1), rng=rng) < 3 * 4 // 2
