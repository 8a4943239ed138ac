"""Numbers of the chapter on fibres, found by other means."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import null_space

SIGMA = np.diag([3.0, 2.0, 1.0])


def unpack(theta, widths):
    shapes = [(b, a) for a, b in itertools.pairwise(widths)]
    cuts = np.cumsum([a * b for a, b in shapes])[:-1]
    pieces = np.split(theta, cuts)
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def flatten(weights):
    return np.concatenate([w.ravel() for w in weights])


def product(weights):
    W = weights[0]
    for w in weights[1:]:
        W = w @ W
    return W


def gradient(theta, widths, Sigma):
    """Central differences of the loss, layer by layer, without the library."""

    def loss(x):
        return 0.5 * np.sum((Sigma - product(unpack(x, widths))) ** 2)

    step = 1e-5
    moves = step * np.eye(len(theta))
    return np.array([(loss(theta + m) - loss(theta - m)) / (2 * step) for m in moves])


def imbalances(weights):
    return [b.T @ b - a @ a.T for a, b in itertools.pairwise(weights)]


def moment_flow(weights, t_end):
    widths = [weights[0].shape[1], *map(len, weights)]

    def field(t, theta):
        layers = unpack(theta, widths)
        C = [np.zeros((widths[0],) * 2), *imbalances(layers), np.zeros((widths[-1],) * 2)]
        return flatten([C[i + 1] @ w - w @ C[i] for i, w in enumerate(layers)])

    run = solve_ivp(field, (0, t_end), flatten(weights), method="Radau", rtol=1e-8, atol=1e-11)
    return unpack(run.y[:, -1], widths)


@pytest.mark.parametrize(("angle", "rest"), [(0.0, 2.5), (0.7, 0.5)])
def test_parallel_or_not_decides_where_the_six_networks_rest(angle, rest):
    """Two layers of rank one, with the hidden vectors at an angle."""
    a, d = np.array([1.0, 0, 0]), np.array([np.cos(angle), np.sin(angle), 0])
    b, c = np.array([0.4, 0.3, -0.5]), np.array([0.5, -0.2, 0.3])

    def field(t, theta):
        W1, W2 = unpack(theta, (3, 3, 3))
        R = SIGMA - W2 @ W1
        return flatten([W2.T @ R, R @ W1.T])

    start = flatten([np.outer(a, b), np.outer(c, d)])
    run = solve_ivp(field, (0, 12.0), start, rtol=1e-10, atol=1e-13)
    W1, W2 = unpack(run.y[:, -1], (3, 3, 3))
    assert 0.5 * np.sum((SIGMA - W2 @ W1) ** 2) == pytest.approx(rest, abs=1e-3)


@pytest.mark.parametrize("t", [0.3, 1.0, 4.0])
def test_the_norm_of_two_weights_along_the_moment_map_flow(t):
    """The solutions 2p coth(4p(t + s)) and 1/(2(t + s)) of the example."""
    for w1, w2 in ((2.0, 0.4), (1.5, 0.0)):
        p, n0 = w1 * w2, w1**2 + w2**2
        shift = np.arctanh(2 * p / n0) / (4 * p) if p else 1 / (2 * n0)
        expected = 2 * p / np.tanh(4 * p * (t + shift)) if p else 1 / (2 * (t + shift))
        ends = moment_flow([np.array([[w1]]), np.array([[w2]])], t)
        assert sum(np.sum(w**2) for w in ends) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("edges", [1, 2, 3, 4])
def test_a_stub_at_the_input_dies_like_a_sum_of_squares(edges):
    chain = [np.ones((1, 1))] * edges + [np.zeros((1, 1))]
    ends = moment_flow(chain, 500.0)
    total = 500 * sum(np.sum(w**2) for w in ends)
    assert total == pytest.approx(edges * (edges + 1) * (2 * edges + 1) / 12, rel=0.02)


def test_a_hidden_stub_of_one_edge_dies_twice_as_fast():
    ends = moment_flow([np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1))], 500.0)
    assert 500 * sum(np.sum(w**2) for w in ends) == pytest.approx(0.25, rel=0.01)


def stabiliser(weights):
    """Dimension of the X with X_i W_i = W_i X_(i-1) and nothing at the ends, from the equations."""
    sizes = [len(w) for w in weights[:-1]]
    cuts, columns = np.cumsum([s * s for s in sizes])[:-1], []
    ends = [np.zeros((weights[0].shape[1],) * 2), np.zeros((len(weights[-1]),) * 2)]
    for unit in np.eye(sum(s * s for s in sizes)):
        X = [p.reshape(s, s) for p, s in zip(np.split(unit, cuts), sizes, strict=True)]
        X = [ends[0], *X, ends[1]]
        columns.append(flatten([X[i + 1] @ w - w @ X[i] for i, w in enumerate(weights)]))
    return null_space(np.array(columns).T).shape[1]


def test_the_seven_orbits_and_their_gradients():
    for k in range(3):
        for chain in itertools.combinations((1, 2, 3), k):
            layers = [np.diag([s, 1.0 * (i in chain)]) for i, s in enumerate((1.0, 1, 2), 1)]
            assert 8 - stabiliser(layers) == 6 + k
            size = np.abs(gradient(flatten(layers), (2,) * 4, np.diag([2.0, 1]))).max()
            assert size == pytest.approx(1.0 if k == 2 else 0.0, abs=1e-8)


def test_orbits_and_kernels_of_the_figure():
    """The Hessian by differences of differences, kernels by singular values."""
    for widths, orbits, kernels in (
        ((3, 3, 3), [0, 5, 8, 9], [0, 5, 8, 9]),
        ((3, 3, 3, 3), [0, 10, 16, 18], [27, 22, 19, 18]),
        ((4, 2, 3, 2, 4), [0, 11, 16], [28, 21, 16]),
    ):
        depth, sigma = len(widths) - 1, np.arange(widths[0], 0, -1.0)
        for r in range(min(widths) + 1):
            values = np.zeros(widths[0])
            values[:r] = sigma[:r] ** (1 / depth)
            layers = [np.diag(values)[:b, :a] for a, b in itertools.pairwise(widths)]
            group = sum(d**2 for d in widths[1:-1])
            assert group - stabiliser(layers) == orbits[r]
            theta, step = flatten(layers), 1e-4
            columns = [
                gradient(theta + m, widths, np.diag(sigma))
                - gradient(theta - m, widths, np.diag(sigma))
                for m in step * np.eye(len(theta))
            ]
            curvatures = np.linalg.eigvalsh((np.array(columns) + np.array(columns).T) / (4 * step))
            assert np.sum(np.abs(curvatures) < 1e-3) == kernels[r]


def test_monomials_that_scalings_keep():
    """Nine products of entries of a matrix of rank one, ten of a general one."""
    monomials = [(a, b) for a in ((2, 0), (1, 1), (0, 2)) for b in ((2, 0), (1, 1), (0, 2))]
    pairs = itertools.combinations_with_replacement(itertools.product((0, 1), repeat=2), 2)
    found = {
        tuple(tuple(sum(e[k] == j for e in pair) for j in (0, 1)) for k in (0, 1)) for pair in pairs
    }
    assert found == set(monomials) and len(found) == 9


def test_four_pieces_of_the_minima_of_three_weights():
    signs = itertools.product((-1, 1), repeat=3)
    assert sum(a * b * c > 0 for a, b, c in signs) == 2**2
