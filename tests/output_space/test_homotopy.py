"""Flows of the homotopy: straight lines, clocks, conserved quantities, the rank guard."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import solve_ivp

from gradflows import (
    MLP,
    CrossEntropy,
    DeepLinear,
    Problem,
    ShallowReLU,
    SquaredLoss,
    gradient_flow,
)
from gradflows.output_space import (
    RankDeficiencyError,
    SymbolicModel,
    linear_interpolation,
    output_flow,
)
from tests.output_space.models import curve, tanh_problem, theta


def off_line(run):
    return np.abs(run.outputs - linear_interpolation(run.outputs[0], run.labels, run.share)).max()


@pytest.mark.parametrize(("clock", "t_end"), [("t", 1.0), ("s", 30.0)])
def test_the_adapted_flow_moves_outputs_on_a_straight_line(clock, t_end):
    problem, start = tanh_problem()
    run = output_flow(problem, start, 1.0, clock=clock, t_end=t_end, rtol=1e-11)
    assert off_line(run) < 1e-8
    assert run.smallest_singular_value.min() > 0.1
    np.testing.assert_allclose(run.loss, (1 - run.share) ** 2 * run.loss[0], atol=1e-9)


def test_the_sum_has_another_clock():
    problem, start = tanh_problem()
    total = Problem(
        problem.network, problem.inputs, SquaredLoss(problem.loss_function.labels, mean=False)
    )
    run = output_flow(total, start, 1.0, t_end=3.0, rtol=1e-10)
    assert off_line(run) < 1e-8
    np.testing.assert_allclose(run.share, 1 - np.exp(-run.t))


def test_standard_outputs_leave_the_line_and_agree_with_gradient_flow():
    problem, start = tanh_problem()
    times = np.linspace(0, 5, 11)
    run = output_flow(problem, start, 0.0, t_end=5.0, times=times)
    expected = gradient_flow(problem, start, 5.0, times=times)
    np.testing.assert_allclose(run.theta, expected.theta, atol=1e-6)
    assert off_line(run) > 1.0


def test_the_outputs_straighten_as_tau_grows():
    problem, start = tanh_problem()
    far = [off_line(output_flow(problem, start, tau, t_end=20.0)) for tau in (0, 0.5, 0.9, 0.99)]
    assert far == sorted(far, reverse=True) and far[-1] > 1e-3


def test_both_clocks_run_through_the_same_points():
    problem, start = tanh_problem()
    share = np.linspace(0, 0.8, 9)
    times = -4 * np.log1p(-share)
    for tau in (0.0, 0.5, 1.0):
        slow = output_flow(problem, start, tau, t_end=times[-1], times=times)
        fast = output_flow(problem, start, tau, clock="t", t_end=0.8, times=share)
        np.testing.assert_allclose(slow.theta, fast.theta, atol=1e-6)
        np.testing.assert_allclose(slow.share, share)


@pytest.mark.parametrize("tau", [0.0, 0.4, 1.0])
def test_balance_is_conserved_for_every_tau(tau):
    rng = np.random.default_rng(3)
    network = ShallowReLU(3, 12)
    # orthogonal inputs: neurons only switch off, and no integrator has to slide along a kink
    problem = Problem(network, np.diag([1.0, 1.5, 2.0]), SquaredLoss(rng.normal(size=(1, 3))))
    run = output_flow(problem, rng.normal(size=network.size), tau, t_end=2.0, rtol=1e-10)

    def gaps(point):
        first, second = network.split(point)
        return np.sum(first**2, axis=1) - second[0] ** 2

    assert run.accuracy(gaps).drift < 1e-6
    norms = np.sum(network.split(run.theta)[0] ** 2, axis=(1, 2))
    assert np.ptp(norms) > 1e-2


def test_cross_entropy_keeps_the_column_sums_only_under_the_adapted_flow():
    rng = np.random.default_rng(1)
    network, Y = MLP((2, 10, 3)), rng.dirichlet(np.ones(3), 4).T
    problem = Problem(network, rng.normal(size=(2, 4)), CrossEntropy(Y))
    start = rng.normal(size=network.size)
    runs = [output_flow(problem, start, tau, t_end=20.0, rtol=1e-10) for tau in (1.0, 0.0)]
    drifts = [np.abs(run.outputs.sum(axis=1) - run.outputs[0].sum(axis=0)).max() for run in runs]
    assert drifts[0] < 1e-8 and drifts[1] > 0.1
    assert runs[0].labels is None

    def euclidean(s, x):
        return -problem.loss_function.gradient(x.reshape(4, 3).T).T.ravel()

    flat = solve_ivp(euclidean, (0, 20), runs[0].outputs[0].T.ravel(), rtol=1e-11, atol=1e-12).y[
        :, -1
    ]
    np.testing.assert_allclose(runs[0].outputs[-1].T.ravel(), flat, atol=1e-7)


def test_the_guard_fires_where_the_square_loses_rank():
    for clock, expected in (("s", np.log(2)), ("t", 0.5)):
        with pytest.raises(RankDeficiencyError, match="loses rank") as caught:
            output_flow(curve([theta**2], -1.0), [1.0], 1.0, clock=clock, t_end=0.9)
        assert caught.value.time == pytest.approx(expected, abs=1e-8)
        assert caught.value.singular_value < 1e-4
        assert abs(caught.value.theta[0]) < 1e-4


def test_an_escape_to_infinity_is_told_by_the_norm():
    with pytest.raises(RankDeficiencyError) as caught:
        output_flow(curve([sp.atan(theta)], 2.0), [0.0], 1.0, clock="t", t_end=1.0)
    assert caught.value.time == pytest.approx(np.pi / 4, abs=1e-3)
    assert abs(caught.value.theta[0]) > 100


@pytest.mark.parametrize("seed", range(6))
def test_underparametrised_networks_stop_and_do_not_freeze(seed):
    problem, start = tanh_problem(seed, widths=(2, 2, 3), samples=6)
    with pytest.raises(RankDeficiencyError) as caught:
        output_flow(problem, start / 0.7, 1.0, clock="t", t_end=0.95)
    assert 0 < caught.value.time < 0.95 and caught.value.singular_value < 1e-3


def test_a_start_without_the_rank_declared_is_refused():
    problem, start = tanh_problem(repeated=2)
    with pytest.raises(RankDeficiencyError, match="at time 0"):
        output_flow(problem, start, 1.0, t_end=1.0)
    assert output_flow(problem, start, 1.0, t_end=1.0, rank=8).rank == 8


def test_a_circle_is_followed_by_its_closed_form():
    radius = 2.0
    problem = curve([sp.cos(theta), sp.sin(theta)], [radius, 0.0])
    run = output_flow(problem, [2.0], 1.0, clock="t", t_end=0.99, rtol=1e-11)
    expected = 2 * np.arctan(np.tan(1.0) * (1 - run.t) ** radius)
    np.testing.assert_allclose(run.theta[:, 0], expected, atol=1e-9)


def test_linear_models_end_at_the_same_point_for_every_tau():
    rng = np.random.default_rng(5)
    X, Y = rng.normal(size=(6, 4)), rng.normal(size=(1, 4))
    problem, start = Problem(DeepLinear((6, 1)), X, SquaredLoss(Y)), rng.normal(size=6)
    ends = [output_flow(problem, start, tau, t_end=4000.0).theta[-1] for tau in (0.2, 0.8, 1.0)]
    expected = start + np.linalg.pinv(X.T) @ (Y[0] - X.T @ start)
    for end in ends:
        np.testing.assert_allclose(end, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(clock="u"), "clock"),
        (dict(rank=9), "rank"),
        (dict(guard=0.0), "guard"),
        (dict(tau=-0.1), "tau"),
        (dict(clock="t", t_end=1.5), "t_end"),
        (dict(clock="t", t_end=1.0, tau=0.5), "t_end"),
        (dict(theta0=[1.0]), "theta0"),
    ],
)
def test_bad_arguments_are_named(change, message):
    problem, start = tanh_problem()
    given = dict(theta0=start, tau=1.0, t_end=1.0) | change
    with pytest.raises(ValueError, match=f"^{message}: expected"):
        output_flow(problem, given.pop("theta0"), given.pop("tau"), **given)


def test_symbolic_models_have_exact_derivatives():
    u, v = sp.symbols("u v")
    model = SymbolicModel([u * v, u**3], [u, v])
    np.testing.assert_allclose(model.jacobian([2.0, 3.0]), [[3, 2], [12, 0]])
    problem = Problem(model, [[1.0]], SquaredLoss([[1.0], [2.0]]))
    point, step = np.array([0.7, -0.4]), 1e-6
    slopes = [
        (problem.gradient(point + move) - problem.gradient(point - move)) / (2 * step)
        for move in step * np.eye(2)
    ]
    np.testing.assert_allclose(problem.hessian(point), slopes, atol=1e-7)
    stack = np.array([point, 2 * point])
    np.testing.assert_allclose(problem.gradient(stack)[1], problem.gradient(2 * point))
    with pytest.raises(ValueError, match="got also v"):
        SymbolicModel([u * v], [u])
    with pytest.raises(ValueError, match="at least one"):
        SymbolicModel([], [u])
