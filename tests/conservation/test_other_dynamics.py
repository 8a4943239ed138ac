import numpy as np
import pytest
import sympy as sp

from gradflows import DeepLinear, IntegrationError, gradient_descent, momentum_flow
from gradflows.conservation import (
    crossed_charge,
    heavy_ball,
    momentum_generators,
    momentum_law_count,
    momentum_leaf_dimension,
    momentum_rank,
    orbit_dimension,
)
from gradflows.deep_linear import whitened_problem


@pytest.mark.parametrize(
    ("widths", "count"),
    [
        ((2, 3, 2), 3),
        ((1, 7, 2), 21),
        ((1, 8, 2), 27),
        ((1, 6, 2), 15),
        ((1, 1, 1), 0),
        *[((1, r, 1), 4 * r - 6) for r in range(2, 7)],
        ((3, 1, 4), 0),
        ((3, 11, 2), 55),
        ((3, 12, 2), 65),
    ],
)
def test_counts(widths, count):
    assert momentum_law_count(widths) == count
    leaf = momentum_leaf_dimension(widths, rng=np.random.default_rng(1))
    assert 2 * (widths[0] + widths[2]) * widths[1] - leaf == count


@pytest.mark.parametrize("widths", [(2, 2, 1), (1, 3, 1), (1, 2, 1), (2, 1, 1)])
def test_count_by_brackets_of_symbolic_fields(widths):
    """Fields on position and velocity, brackets by sympy, rank at a rational point."""
    n, r, m = widths
    W1, W2 = sp.Matrix(r, n, sp.symbols(f"a:{r * n}")), sp.Matrix(m, r, sp.symbols(f"b:{m * r}"))
    place = [*W1, *W2]
    speed = sp.symbols(f"w:{len(place)}")
    state = [*place, *speed]
    fields = [sp.Matrix([*speed, *[0] * len(place)])]
    fields += [sp.Matrix([0] * len(place) + [sp.diff(phi, x) for x in place]) for phi in W2 * W1]
    rng = np.random.default_rng(0)
    point = dict(zip(state, (int(k) for k in rng.integers(1, 99, len(state))), strict=True))
    layer, span, rank = fields, list(fields), 0
    while (now := sp.Matrix.hstack(*span).subs(point).rank()) > rank:
        rank = now
        layer = [g.jacobian(state) * f - f.jacobian(state) * g for f in fields for g in layer]
        layer = [g for g in layer if any(g)]
        span += layer
    assert len(state) - rank == momentum_law_count(widths)


@pytest.mark.parametrize(
    ("widths", "order", "laws"),
    [((2, 3, 2), 6, 3), ((1, 3, 1), 7, 6), ((2, 2, 2, 2), 6, 2), ((2, 3, 3, 2), 9, 6),
     ((1, 2, 2, 1), 14, 2)],
)  # fmt: skip
def test_ranks_from_series(widths, order, laws):
    rank = momentum_rank(widths, order, rng=np.random.default_rng(3))
    assert 2 * DeepLinear(widths).size - rank == laws
    lower = momentum_rank(widths, 1, rng=np.random.default_rng(3))
    assert lower < rank


def test_orbits_of_rotations_and_of_scalings():
    rng = np.random.default_rng(0)
    turns = [[[0, -1, 0], [1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, -1], [0, 1, 0]]]
    assert orbit_dimension(turns, columns=1, rng=rng) == 2
    assert orbit_dimension(turns, columns=2, rng=rng) == 3
    assert orbit_dimension([np.eye(3, dtype=int)], columns=4, rng=rng) == 1


def test_generators_are_the_motion():
    rng = np.random.default_rng(2)
    W1, W2, V1, V2 = (rng.integers(-3, 4, s) for s in ((3, 2), (2, 3), (3, 2), (2, 3)))
    stack = np.vstack([W2, W1.T, V2, V1.T])
    free, *forces = momentum_generators(2, 2)
    assert np.array_equal(free @ stack, np.vstack([V2, V1.T, np.zeros((4, 3))]))
    pushed = forces[1] @ stack  # output 0, input 1
    assert np.array_equal(pushed[:4], np.zeros((4, 3)))
    assert np.array_equal(pushed[4], W1[:, 1]) and np.array_equal(pushed[7], W2[0])


def test_crossed_charge_along_a_flow():
    rng = np.random.default_rng(0)
    start = [rng.standard_normal((4, 1)), rng.standard_normal((1, 4))]
    problem, theta = whitened_problem(start, [[1.5]])
    times = np.linspace(0, 3, 7)
    run = momentum_flow(
        problem, theta, 0.5, 3.0, velocity0=rng.standard_normal(8), times=times, rtol=1e-11
    )
    values = [
        np.exp(0.5 * t)
        * crossed_charge(problem.network.split(x), problem.network.split(w))
        for t, x, w in zip(times, run.theta, run.velocity, strict=True)
    ]  # fmt: skip
    assert np.abs(np.array(values) - values[0]).max() < 1e-8 and np.abs(values[0]).max() > 0.1


@pytest.fixture
def task():
    rng = np.random.default_rng(1)
    start = [0.5 * rng.standard_normal((3, 2)), 0.5 * rng.standard_normal((2, 3))]
    return whitened_problem(start, np.diag([2.0, 1.0]))


def test_heavy_ball_without_momentum_is_descent(task):
    problem, theta = task
    ours, theirs = (
        heavy_ball(problem, theta, 0.1, 0.0, 20),
        gradient_descent(problem, theta, 0.1, 20),
    )
    assert np.abs(ours.theta - theirs.theta).max() < 1e-14
    assert ours.loss == pytest.approx(theirs.loss)


def test_heavy_ball_by_hand_and_towards_the_flow(task):
    problem, theta = task
    before = theta - 0.1
    run = heavy_ball(problem, theta, 0.05, 0.5, 2, before=before)
    first = theta - 0.05 * problem.gradient(theta) + 0.5 * (theta - before)
    second = first - 0.05 * problem.gradient(first) + 0.5 * (first - theta)
    assert np.allclose(run.theta, [theta, first, second])
    errors = []
    for dt in (0.02, 0.01):
        run = heavy_ball(problem, theta, dt**2, 1 - 0.7 * dt, round(1 / dt))
        errors.append(
            np.abs(run.theta[-1] - momentum_flow(problem, theta, 0.7, 1.0).theta[-1]).max()
        )
    assert errors[1] < 0.6 * errors[0] < 0.05


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda p, x: momentum_law_count((2, 3)), "widths"),
        (lambda p, x: momentum_law_count((2, 0, 2)), r"widths\[1\]"),
        (lambda p, x: momentum_leaf_dimension((2, 3), rng=np.random.default_rng(0)), "widths"),
        (lambda p, x: momentum_rank((2, 3), 3, rng=np.random.default_rng(0)), "widths"),
        (lambda p, x: momentum_rank((2, 3, 2), 0, rng=np.random.default_rng(0)), "order"),
        (lambda p, x: momentum_generators(0, 2), "inputs"),
        (lambda p, x: orbit_dimension(np.eye(2), columns=1, rng=None), "generators"),
        (lambda p, x: orbit_dimension(np.ones((1, 2, 3), int), columns=1, rng=None), "generators"),
        (lambda p, x: crossed_charge([np.ones((2, 2)), np.ones((1, 2))], [x, x]), "W_1"),
        (lambda p, x: crossed_charge([np.ones((2, 1)), np.ones((2, 2))], [x, x]), "W_2"),
        (lambda p, x: heavy_ball(p, x[:-1], 0.1, 0.9, 3), "theta0"),
        (lambda p, x: heavy_ball(p, x, 0.1, -0.9, 3), "momentum"),
        (lambda p, x: heavy_ball(p, x, 0.1, 0.9, 3, before=x[:2]), "before"),
    ],
)  # fmt: skip
def test_bad_input(task, call, name):
    with pytest.raises(ValueError, match=name):
        call(*task)


def test_overflow_is_an_error(task):
    problem, theta = task
    with pytest.raises(IntegrationError, match="heavy ball overflows"):
        heavy_ball(problem, 100 * theta, 10.0, 0.9, 50)
