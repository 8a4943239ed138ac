"""The numbers of the chapter deep_linear/escape, by other means than the chapter's."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from gradflows.deep_linear import (
    chain_fate,
    critical_point,
    escape_direction,
    escape_time,
    measured_order,
    mode_time,
)


def follow_chain(chain, sigma, times, **options):
    """Products of the others by deleting rows, not by the network of the library."""

    def field(t, w):
        return [np.prod(np.delete(w, i)) * (sigma - np.prod(w)) for i in range(len(w))]

    options = {"method": "Radau", "rtol": 1e-9, "atol": 1e-13} | options
    return solve_ivp(field, (0, times[-1]), chain, t_eval=times, **options).y


def follow_network(layers, Sigma, times):
    """Velocities of the layers, written out."""
    shapes = [layer.shape for layer in layers]
    cuts = np.cumsum([layer.size for layer in layers])[:-1]

    def split(theta):
        return [part.reshape(s) for part, s in zip(np.split(theta, cuts), shapes, strict=True)]

    def field(t, theta):
        W = split(theta)
        residual = Sigma - np.linalg.multi_dot(W[::-1])
        return np.concatenate([
            (chain(W[i + 1 :], len(Sigma)).T @ residual @ chain(W[:i], len(Sigma.T)).T).ravel()
            for i in range(len(W))
        ])  # fmt: skip

    def chain(factors, size):
        product = np.eye(size if not factors else factors[0].shape[1])
        for factor in factors:
            product = factor @ product
        return product

    start = np.concatenate([layer.ravel() for layer in layers])
    run = solve_ivp(
        field, (0, times[-1]), start, t_eval=times, method="LSODA", rtol=1e-9, atol=1e-12
    )
    return [0.5 * np.sum((Sigma - np.linalg.multi_dot(split(y)[::-1])) ** 2) for y in run.y.T]


@pytest.mark.parametrize(
    ("push", "leaves"),
    [((0.10, 0.11, 0.12), (3, 5)), ((-0.10, 0.11, 0.12), (22, 25)), ((-0.10, 0.10, 0.10), None)],
)
def test_the_three_pushes_of_the_opening_figure(push, leaves):
    """Mode 1 rests, so mode 2 is a chain of its own with the target 2."""
    times = np.linspace(0, 40, 401)
    loss = 0.5 + 0.5 * (2 - follow_chain(push, 2.0, times).prod(axis=0)) ** 2
    if leaves is None:
        assert loss.min() > 2.5 - 1e-9
    else:
        assert leaves[0] < times[np.argmax(loss < 1.5)] < leaves[1]
        assert loss[-1] == pytest.approx(0.5, abs=1e-6)


def test_a_tied_chain_stays_trapped_where_the_integrator_leaves():
    """Reduced to one equation the tie cannot break: the product stays negative far beyond 28."""
    times = np.linspace(0, 60, 121)

    def field(t, log_u):
        u = np.exp(log_u)
        w = np.sqrt(u**2 + 0.44)
        return -w * (1 + u**2 * w)

    log_u = solve_ivp(field, (0, 60), [0.0], t_eval=times, rtol=1e-10).y[0]
    slope = (log_u[-1] - log_u[60]) / 30
    assert slope == pytest.approx(-np.sqrt(0.44), rel=1e-6)
    assert np.log(1e16) / (2 * np.sqrt(0.44)) == pytest.approx(27.8, abs=0.05)
    assert chain_fate([1.2, -1, 1], 1.0).weights[0] == pytest.approx(np.sqrt(0.44))


def test_every_odd_octant_contains_starts_that_learn_and_the_smallest_weight_turns():
    rng = np.random.default_rng(8)
    for signs in itertools.product((-1, 1), repeat=3):
        if np.prod(signs) > 0:
            continue
        start = np.array(signs) * rng.permutation([0.5, 0.7, 1.0])
        end = follow_chain(start, 1.0, [0, 60.0])[:, -1]
        assert np.prod(end) == pytest.approx(1, abs=1e-6)
        assert np.flatnonzero(end * start < 0).tolist() == [np.argmin(np.abs(start))]


def test_the_waits_of_the_counter_example():
    for chain, printed in (([0.01, 0.01, 1, 1.3], 3.22), ([0.01, -0.011, 1, 1.3], 5.52)):
        times = np.array([0, printed - 0.01, printed + 0.01])
        products = follow_chain(chain, 1.0, times).prod(axis=0)
        assert products[1] < 0.5 < products[2]


@pytest.mark.parametrize("m", [3, 4])
def test_slopes_of_the_escape_times(m):
    """Against the hypergeometric clock for all layers small, and the reduced integral for one."""
    for eps in (1e-2, 1e-3):
        exact = float(mode_time(eps, 0.5 ** (1 / m), 1.0, m))
        assert escape_time([eps] * m, 1.0) == pytest.approx(exact, rel=1e-8)
        assert eps ** (m - 2) * exact * (m - 2) == pytest.approx(1, abs=0.02)
    mixed = escape_time([1e-4] * m + [1.0], 1.0) / escape_time([1e-3] * m + [1.0], 1.0)
    assert np.log10(mixed) == pytest.approx(m - 2, abs=0.005)


def test_a_layer_that_is_far_too_small_costs_half_of_pi():
    limit = quad(lambda y: 1 / (1 + y * y), 0, np.inf)[0]
    assert 1e-5 * escape_time([0, 1e-5, 1e-5], 1.0) == pytest.approx(limit, rel=1e-4)


@pytest.mark.parametrize(("p", "extra"), [(3, []), (3, [2.5]), (4, []), (5, [])])
def test_exponents_of_the_approach(p, extra):
    """The equation of the tied weight alone."""
    c = np.prod(np.sqrt(np.square(extra) - 0.25))

    def field(t, u):
        Q = np.prod(np.sqrt(u[0] ** 2 + np.square(extra) - 0.25))
        return -(u ** (p - 1)) * Q * (1 + u**p * Q)

    u = solve_ivp(field, (0, 1e4), [0.5], t_eval=[1e3, 1e4], rtol=1e-10, atol=1e-14).y[0]
    excess = c * u**p
    assert np.log10(excess[1] / excess[0]) == pytest.approx(-p / (p - 2), abs=0.02)


def test_the_saddles_visited_are_those_of_the_chains():
    """At the origin the direction has weights of modulus 1/sqrt 3 on the path of mode 1."""
    direction = escape_direction([np.zeros((3, 3))] * 3, np.diag([3.0, 2.0, 1.0]))
    for block in direction:
        assert abs(block[0, 0]) == pytest.approx(3**-0.5)
        assert np.sum(np.abs(block)) == pytest.approx(3**-0.5)
    assert np.prod([block[0, 0] for block in direction]) > 0


def test_stairs_are_wider_in_deeper_networks():
    rng, times = np.random.default_rng(4), np.geomspace(0.1, 2000, 300)
    layers = [0.05 * rng.standard_normal((3, 3)) for _ in range(4)]
    ends = []
    for depth in (2, 3, 4):
        loss = np.array(follow_network(layers[:depth], np.diag([3.0, 2.0, 1.0]), times))
        ends.append(times[np.argmax(loss < 0.3)])
    assert ends == pytest.approx([5, 40, 1300], rel=0.15)


STUBS = [
    ([], 5),
    ([(0, 2, 1)], 3),
    ([(1, 4, None)], 2),
    ([(0, 1, 1), (4, 5, 1)], 3),
    ([(0, 1, 1), (2, 3, None), (4, 5, 1)], 2),
]


@pytest.mark.parametrize(("stubs", "order"), STUBS)
def test_orders_of_the_exercise_are_measured(stubs, order):
    """On spheres, which knows neither ranks nor paths."""
    weights, rng = critical_point((2,) * 6, [2, 1], [0], stubs=stubs), np.random.default_rng(0)
    radii = (0.2, 0.1) if order == 5 else (0.02, 0.01)
    found = measured_order(weights, np.diag([2.0, 1.0]), rng=rng, radii=radii, starts=6)
    assert found == pytest.approx(order, abs=0.05)
