"""Speed of the search for polynomial laws."""

from gradflows.conservation import polynomial_laws


def test_quadratic_search(benchmark):
    laws = benchmark(polynomial_laws, (4, 4, 4, 4), 2)
    assert (laws.kernel_dimension, laws.independent) == (20, 20)
    seconds = benchmark.stats["median"]
    print(f"\nquadratic laws, widths (4, 4, 4, 4): {seconds:.3f} s (goal: 1 s)")
    assert seconds < 1


def test_search_of_degree_six(benchmark):
    laws = benchmark(polynomial_laws, (1, 2, 2, 1), 6)
    assert (laws.kernel_dimension, laws.independent) == (56, 6)
    print(f"\ndegree 6, widths (1, 2, 2, 1): {benchmark.stats['median']:.3f} s")
