"""Speed of exact counting against brackets formed in sympy, as a ratio in one run.

Both sides find the dimension of the Lie algebra of the same linear network and agree. Times are
medians of alternating runs, in processor time, which a busy machine lengthens least. The brackets
are formed with sparse polynomials, much faster than with sympy expressions. The ratio grows with
the size of the network.
"""

import time

import numpy as np
import pytest

from gradflows.conservation import (
    known_law_count,
    lie_dimension,
    lie_dimension_symbolic,
    model_map,
)


def timed(call):
    start = time.process_time()
    return call(), time.process_time() - start


@pytest.mark.parametrize("widths", [(3, 3, 3), (4, 4, 4)])
def test_exact_counting_against_brackets_in_sympy(widths):
    phi, symbols = model_map(widths)
    lie_dimension(widths)  # what is loaded once is not counted
    times, known = np.empty((5, 2)), known_law_count(widths)
    for row in times:
        slow, row[0] = timed(lambda: lie_dimension_symbolic(phi, symbols))
        fast, row[1] = timed(lambda: [lie_dimension(widths) for _ in range(50)][-1])
        assert slow.dimension == fast.dimension == len(symbols) - known
    sympy, modular = np.median(times, axis=0) / [1, 50]
    print(
        f"\nwidths {widths}: {1e3 * sympy:.0f} ms in sympy, {1e3 * modular:.2f} ms modulo a prime, "
        f"{sympy / modular:.0f} times faster (goal: 100)"
    )
