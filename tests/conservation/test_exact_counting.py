"""Dimensions of Lie algebras: golden values, symmetric brackets, properties, bad input."""

import itertools

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.conservation import known_law_count, lie_dimension, lie_dimension_of
from gradflows.conservation.complete_lists import extra_law_count, parameter_count

LINEAR = {
    # widths: rank of the differential of the product, dimension
    (1, 1, 1): (1, 1),
    (2, 2, 2): (4, 5),
    (3, 2, 3): (8, 9),
    (2, 3, 2): (4, 6),
    (2, 6, 2): (4, 6),
    (1, 4, 1): (1, 1),
    (2, 2, 2, 2): (4, 6),
    (2, 3, 3, 2): (4, 9),
    (3, 3, 3, 3): (9, 15),
    (2, 5, 5, 2): (4, 15),
    (2, 4, 5, 2, 3): (6, 16),
    (3, 4, 4, 4, 3): (9, 26),
    (2, 2, 2, 2, 2): (4, 7),
    (1, 2, 2, 1): (1, 1),
    (1, 3, 3, 1): (1, 1),
    (1, 2, 2, 2, 1): (1, 1),
    (2, 1, 2, 2, 1, 2): (3, 3),
    (3, 2, 4, 2, 3): (8, 12),
    (2, 1, 2, 2): (3, 4),
    (2, 10, 10, 10, 2): (4, 75),
}


def symbolic_product(widths):
    """The entries of W_h ... W_1 and their symbols."""
    x = sp.symbols(f"x0:{parameter_count(widths)}")
    product, start = sp.eye(widths[0]), 0
    for a, b in itertools.pairwise(widths):
        product = sp.Matrix(b, a, x[start : start + a * b]) * product
        start += a * b
    return list(product.expand()), x


@pytest.mark.parametrize("widths", LINEAR)
def test_linear_networks(widths):
    found = lie_dimension(widths)
    assert (found.growth[0], found.dimension) == LINEAR[widths]
    assert found.growth[found.order] == found.dimension == found.growth[-1]


@pytest.mark.parametrize(
    ("widths", "bias", "dimension"),
    [
        ((3, 4, 2), False, 16),
        ((3, 4, 2), True, 20),
        ((2, 3, 3, 2), False, 15),
        ((6, 7, 6, 5), True, 114),
    ],
)
def test_relu_networks(widths, bias, dimension):
    assert lie_dimension(widths, "relu", bias).dimension == dimension
    assert lie_dimension(widths, "relu", bias, method="computed").dimension == dimension


def test_a_large_relu_network_by_its_formula():
    assert lie_dimension((784, 512, 256, 10), "relu", True).dimension == 535040


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 2**30))
def test_a_network_and_its_mirror_image(widths, seed):
    rng = np.random.default_rng(seed)
    found, mirrored = lie_dimension(widths, rng=rng), lie_dimension(widths[::-1], rng=rng)
    assert found.dimension == mirrored.dimension
    assert found.growth == mirrored.growth
    assert list(found.growth) == sorted(set(found.growth))
    room = parameter_count(widths) - known_law_count(widths) - extra_law_count(widths)
    assert found.growth[0] <= found.dimension <= room


@pytest.mark.parametrize("widths", [(1, 1, 1), (2, 2, 2), (1, 2, 2, 1), (2, 1, 2, 2), (2, 2, 2, 2)])
def test_networks_written_as_polynomials(widths):
    found = lie_dimension_of(*symbolic_product(widths))
    assert (found.growth[0], found.dimension) == LINEAR[widths]


def test_biases_are_a_constant_unit():
    """Widths (1, 2, 1): W_2 W_1 and W_2 b, the gradients of a polynomial map."""
    a, b, c = (sp.symbols(f"{name}:2") for name in "abc")
    phi = [sum(p * q for p, q in zip(c, v, strict=True)) for v in (a, b)]
    expected = lie_dimension_of(phi, [*a, *b, *c])
    assert lie_dimension((1, 2, 1), "linear", True).growth == expected.growth


def bracket_dimension(phi, x, rounds, at):
    """Rank over the rationals of iterated brackets at a point."""
    fields = [sp.Matrix([f.diff(s) for s in x]) for f in phi]
    layer, every = fields, list(fields)
    for _ in range(rounds):
        layer = [(Y.jacobian(x) * X - X.jacobian(x) * Y).expand() for X in fields for Y in layer]
        every += layer
    return sp.Matrix.hstack(*[Y.subs(at) for Y in every]).rank()


@pytest.mark.parametrize("seed", range(4))
def test_random_polynomials_against_symbolic_brackets(seed):
    rng = np.random.default_rng(seed)
    x = sp.symbols("x0:4")
    monomials = [
        sp.Mul(*c) for d in (1, 2, 3) for c in itertools.combinations_with_replacement(x, d)
    ]
    phi = [
        sum(
            int(c) * monomials[k]
            for c, k in zip(rng.integers(-3, 4, 3), rng.integers(0, 34, 3), strict=True)
        )
        for _ in range(2)
    ]
    phi = [f for f in phi if f != 0] or [x[0]]
    theta = rng.integers(1, 30, 4)
    at = dict(zip(x, theta.tolist(), strict=True))
    assert lie_dimension_of(phi, x, theta=theta).dimension == bracket_dimension(phi, x, 3, at)


def test_rational_coefficients_and_special_points():
    u, v, w = sp.symbols("u v w")
    assert lie_dimension_of([u * v / 3, u * w / 7], [u, v, w]).growth == (2,)
    # At u = 0 the gradients are parallel, and the first bracket turns out of their line.
    assert lie_dimension_of([u * v, u * w], [u, v, w], theta=[0, 1, 2]).growth == (1, 2)
    # An unlucky prime: the second gradient is lost, and the dimension with it.
    assert lie_dimension_of([u**2, 2097143 * v**2], [u, v]).dimension == 1


def test_results_repeat():
    assert lie_dimension((2, 3, 2)) == lie_dimension((2, 3, 2), rng=np.random.default_rng(5))


x, y = sp.symbols("x y")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lie_dimension((2, 2), method="float"), 'method: expected "auto" or "computed"'),
        (lambda: lie_dimension((2, 2), "linear", 0), "bias: expected True or False"),
        (
            lambda: lie_dimension((2, 1, 1), theta=[1, 2]),
            r"theta: expected integers of shape \(3,\)",
        ),
        (lambda: lie_dimension((1, 1), "relu", theta=[0]), "theta: expected no zero"),
        (lambda: lie_dimension_of([sp.sin(x)], [x]), r"phi\[0\]: expected a polynomial"),
        (lambda: lie_dimension_of([x, y], [x]), r"phi\[1\]: expected a polynomial"),
        (lambda: lie_dimension_of([sp.sqrt(2) * x], [x]), "rational coefficients"),
        (lambda: lie_dimension_of([], [x]), "phi, symbols: expected at least one"),
        (
            lambda: lie_dimension_of([x], [x], theta=[1, 2]),
            r"theta: expected integers of shape \(1,\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
