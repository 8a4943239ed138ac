import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import DeepLinear
from gradflows.conservation import lie_bracket, lie_dimension_symbolic, model_map

X, Y, Z = symbols = sp.symbols("x y z")


@pytest.mark.parametrize("widths", [(2, 3), (2, 3, 2), (1, 2, 2, 1), (2, 1, 2)])
def test_the_model_map_of_a_linear_network_is_its_matrix(widths):
    phi, names = model_map(widths)
    theta = np.random.default_rng(0).integers(-5, 6, len(names))
    network = DeepLinear(widths)
    assert network.size == len(names)
    W = network.outputs(theta.astype(float), np.eye(widths[0]))
    place = dict(zip(names, theta, strict=True))
    assert [int(f.subs(place)) for f in phi] == W.T.ravel().round().astype(int).tolist()


def test_the_path_lifting_lists_all_paths():
    phi, names = model_map((2, 3, 2), "relu")
    assert len(phi) == 12 and len(set(phi)) == 12 and len(names) == 12
    assert all(len(f.free_symbols) == 2 for f in phi)
    biased, names = model_map((2, 2, 2, 1), "relu", bias=True)
    assert len(names) == 4 + 2 + 4 + 2 + 2
    assert [str(s) for s in names[4:6]] == ["b1_1", "b1_2"]
    lengths = [len(f.free_symbols) for f in biased]
    assert (lengths.count(3), lengths.count(2)) == (8 + 4, 2)


def test_linear_outputs_are_sums_over_paths():
    outputs, _ = model_map((2, 3, 2))
    paths, _ = model_map((2, 3, 2), "relu")
    assert sp.expand(sum(outputs) - sum(paths)) == 0


def test_bracket_of_linear_fields_is_the_commutator():
    rng = np.random.default_rng(1)
    A, B = (sp.Matrix(3, 3, rng.integers(-4, 5, 9).tolist()) for _ in range(2))
    theta = sp.Matrix(symbols)
    bracket = lie_bracket(A * theta, B * theta, symbols)
    assert (bracket - (B * A - A * B) * theta).expand() == sp.zeros(3, 1)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_antisymmetry_jacobi_and_the_rule_for_multiples(seed):
    rng = np.random.default_rng(seed)

    def field():
        return [
            sum(
                int(a) * m for a, m in zip(rng.integers(-3, 4, 5), (1, X, Y, Z, X * Y), strict=True)
            )
            for _ in range(3)
        ]

    def br(a, b):
        return lie_bracket(a, b, symbols)

    a, b, c = field(), field(), field()
    assert br(a, b) + br(b, a) == sp.zeros(3, 1)
    jacobi = br(a, br(b, c)) + br(b, br(c, a)) + br(c, br(a, b))
    assert jacobi.expand() == sp.zeros(3, 1)
    f = X * Z + 2 * Y
    multiple = br([f * entry for entry in a], b)
    slope = sum(f.diff(s) * entry for s, entry in zip(symbols, b, strict=True))
    assert (multiple - f * br(a, b) + slope * sp.Matrix(a)).expand() == sp.zeros(3, 1)


@pytest.mark.parametrize(
    ("widths", "kind", "growth"),
    [
        ((1, 1, 1), "linear", (1, 1)),
        ((2, 2, 2), "linear", (4, 5, 5)),
        ((3, 2, 3), "linear", (8, 9, 9)),
        ((2, 3, 2), "linear", (4, 6, 6)),
        ((3, 3, 3), "linear", (9, 12, 12)),
        ((2, 2, 2, 2), "linear", (4, 6, 6)),
        ((2, 3, 3, 2), "linear", (4, 8, 9, 9)),
        ((1, 2, 2, 1), "linear", (1, 1)),
        ((2, 2, 2), "relu", (6, 6)),
        ((2, 3, 3, 2), "relu", (15, 15)),
    ],
)
def test_dimensions_of_networks(widths, kind, growth):
    assert lie_dimension_symbolic(*model_map(widths, kind)).growth == growth


@pytest.mark.parametrize("width", [1, 2, 3])
def test_dimension_of_two_layers_is_that_of_the_pseudo_orthogonal_orbit(width):
    for inputs, outputs in ((1, 1), (2, 1), (2, 2), (3, 1)):
        total = inputs + outputs
        rank = min(width, total)
        found = lie_dimension_symbolic(*model_map((inputs, width, outputs))).dimension
        assert found == total * rank - rank * (rank + 1) // 2


def test_pruning_agrees_with_keeping_everything():
    for widths in ((2, 2, 2), (1, 2, 1, 2), (2, 2, 1, 2)):
        phi, names = model_map(widths)
        pruned = lie_dimension_symbolic(phi, names, rng=np.random.default_rng(3))
        assert lie_dimension_symbolic(phi, names, theta=pruned.theta).growth == pruned.growth


def test_known_laws_end_the_search_and_rounds_extend_it():
    model = model_map((2, 2, 2))
    assert lie_dimension_symbolic(*model, known_laws=3).growth == (4, 5)
    assert lie_dimension_symbolic(*model, rounds=3).growth == (4, 5, 5, 5)
    assert lie_dimension_symbolic(*model, rounds=0).growth == (4,)


def test_a_stop_at_a_special_point_is_wrong():
    phi, names = model_map((2, 2, 1, 2))
    stuck = [0, 1, 0, -1, 0, -1, 0, 0]
    assert lie_dimension_symbolic(phi, names, theta=stuck).dimension == 3
    assert lie_dimension_symbolic(phi, names, theta=stuck, rounds=3).dimension == 4
    growth = lie_dimension_symbolic([X, X**2 * Y], [X, Y], theta=[0, 1], rounds=2).growth
    assert growth == (1, 1, 2)


def test_fractions_are_points_too():
    model = model_map((2, 2, 2))
    halves = [sp.Rational(k, 2) for k in range(1, 9)]
    assert lie_dimension_symbolic(*model, theta=halves).dimension == 5
    assert lie_dimension_symbolic(*model, theta=[0] * 8).growth == (0, 0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: model_map((2,)), "widths"),
        (lambda: model_map((2, 2), "tanh"), "kind"),
        (lambda: model_map((2, 2), "linear", bias=1), "bias"),
        (lambda: lie_bracket([X, Y], [X, Y, Z], symbols), "X: expected 3"),
        (lambda: lie_bracket([X, Y, Z], [X], symbols), "Y: expected 3"),
        (lambda: lie_dimension_symbolic([sp.sin(X)], [X]), "phi"),
        (lambda: lie_dimension_symbolic([], [X]), "phi"),
        (lambda: lie_dimension_symbolic([X * Y], [X, Y], theta=[1]), "theta"),
        (lambda: lie_dimension_symbolic([X * Y], [X, Y], theta=[1, sp.sqrt(2)]), "theta"),
        (lambda: lie_dimension_symbolic([X * Y], [X, Y], rounds=-1), "rounds"),
        (lambda: lie_dimension_symbolic([X * Y], [X, Y], known_laws=-1), "known_laws"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
