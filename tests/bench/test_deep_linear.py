"""Speed of the deep linear landscape: the classification, and the Hessian against two loops."""

import time

import numpy as np
import pytest

from gradflows.deep_linear import classify, hessian, hessian_form, random_critical_point

SIGMA = np.linspace(3, 1, 20)


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return random_critical_point((20,) * 4, SIGMA, [3, 5], rng=rng, stubs=20)


def looped_hessian(weights, Sigma):
    """Entry by entry, from the form on pairs of unit directions."""
    size = sum(w.size for w in weights)
    result = np.empty((size, size))
    units = [split(unit, weights) for unit in np.eye(size)]
    diagonal = [hessian_form(weights, Sigma, unit) for unit in units]
    for i in range(size):
        for j in range(i + 1):
            both = [a + b for a, b in zip(units[i], units[j], strict=True)]
            mixed = hessian_form(weights, Sigma, both) - diagonal[i] - diagonal[j]
            result[i, j] = result[j, i] = mixed / 2
    return result


def split(vector, weights):
    """Cut a vector of all weights into layers."""
    parts = np.split(vector, np.cumsum([w.size for w in weights])[:-1])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]


def test_classify(benchmark, weights):
    point = benchmark(classify, weights, np.diag(SIGMA))
    assert point.index_from == "Hessian"
    print(f"\nclassify, widths (20, 20, 20, 20): {benchmark.stats['median']:.2f} s (goal: 1 s)")


def test_hessian_form(benchmark, weights):
    benchmark(hessian_form, weights, np.diag(SIGMA), weights)
    print(f"\nHessian form, 1200 weights: {1e6 * benchmark.stats['median']:.0f} us")


def test_hessian(benchmark):
    """The loop runs on widths (5, 5, 5, 5), where it is done in seconds."""
    rng, sigma = np.random.default_rng(0), np.linspace(3, 1, 5)
    weights = random_critical_point((5,) * 4, sigma, [1], rng=rng)
    start = time.perf_counter()
    slow = looped_hessian(weights, np.diag(sigma))
    loop = time.perf_counter() - start
    fast = benchmark(hessian, weights, np.diag(sigma))
    np.testing.assert_allclose(fast, slow, atol=1e-9)
    ratio = loop / benchmark.stats["median"]
    print(f"\nHessian of 75 weights: {ratio:.0f} times faster than two loops (goal: 50)")
