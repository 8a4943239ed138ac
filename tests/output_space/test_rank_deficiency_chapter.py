"""The numbers of the chapter output_space/rank_deficiency, by other means than the chapter's."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad, solve_ivp

from gradflows import MLP, Problem, SquaredLoss
from gradflows.output_space import RankDeficiencyError, output_flow, straight_line_reach
from tests.output_space.models import curve, theta


def random_task(hidden, seed):
    """Return the random data, network and start of the chapter."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(2, 6)), rng.normal(size=(3, 6))
    network = MLP((2, hidden, 3))
    return Problem(network, X, SquaredLoss(Y)), rng.normal(size=network.size)


def stop_of(problem, start, method):
    """Return how the flow ends; it has to."""
    with pytest.raises(RankDeficiencyError) as stop:
        output_flow(problem, start, 1.0, clock="t", t_end=1.0, method=method, rtol=1e-6)
    return stop.value


def test_the_first_figure_by_two_other_integrators():
    problem, start = random_task(3, 2)
    times = [stop_of(problem, start, method).time for method in ("DOP853", "Radau")]
    assert times == pytest.approx([0.2085, 0.2085], abs=1e-4)


def test_a_trial_step_into_saturation_is_no_error_of_the_caller():
    """The explicit integrator tries steps at which all slopes are exactly zero."""
    problem, start = random_task(3, 7)
    assert stop_of(problem, start, "DOP853").time == pytest.approx(0.08196, abs=1e-5)


def test_five_hidden_nodes_by_newton_steps():
    """Follow the line with the pseudoinverse in small steps, each corrected by Newton's method."""
    problem, point = random_task(5, 0)
    network, X, Y = problem.network, problem.inputs, problem.loss_function.labels
    x0, signs = network.outputs(point, X), []
    for t in np.linspace(0, 1, 401)[1:]:
        for _ in range(3):
            gap = (1 - t) * x0 + t * Y - network.outputs(point, X)
            point = point + np.linalg.pinv(network.jacobian(point, X)) @ gap.T.ravel()
        W1, b1, *_ = network.split(point)
        inner = np.tanh(W1 @ X + b1[:, None])
        signs.append(np.sign(np.linalg.det(np.vstack([inner, np.ones(6)]))))
    np.testing.assert_allclose(network.outputs(point, X), Y, atol=1e-10)
    assert {-1.0, 1.0} <= set(signs)


def test_the_deviation_on_the_circle_by_quadrature():
    """From the closed form alone, without the library's flow."""
    radius, start, t = 1.5, 2.5, 0.8

    def outputs(share):
        angle = 2 * np.arctan(np.tan(start / 2) * (1 - share) ** radius)
        return np.array([np.cos(angle), np.sin(angle)])

    def sideways(share, k):
        x = outputs(share)
        return x[k] * (x @ (x - [radius, 0])) / (1 - share) ** 2

    formula = [(1 - t) * quad(sideways, 0, t, args=(k,))[0] for k in (0, 1)]
    line = (1 - t) * outputs(0) + t * np.array([radius, 0])
    np.testing.assert_allclose(outputs(t) - line, formula, atol=1e-9)


def test_the_door_of_the_cube_has_two_orbits():
    problem = curve([theta**3], 1.0)
    with pytest.raises(RankDeficiencyError) as stop:
        output_flow(problem, [-1.0], 1.0, clock="t", t_end=1.0)
    assert stop.value.time == pytest.approx(0.5, abs=1e-6)
    # behind the door the same equation takes the other branch to the label
    behind = solve_ivp(
        lambda t, z: 2 / (3 * z**2), (0.501, 1), [np.cbrt(0.002)], rtol=1e-10, atol=1e-12
    )
    assert behind.y[0, -1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("start", [(1.0, 1.0), (0.3, -0.3), (1.2, 0.8)])
def test_the_reach_of_two_weights(start):
    """It is half the squared norm; for a balanced start of either sign that is |x_0|."""
    reach = straight_line_reach(np.hypot(*start), 1.0)
    assert reach == pytest.approx((start[0] ** 2 + start[1] ** 2) / 2)
    if abs(start[0]) == abs(start[1]):
        assert reach == pytest.approx(abs(start[0] * start[1]))


def test_the_codimension_of_vectors_that_do_not_span():
    """Tangent space of the matrices m^T W = 0 at a random one, by its rank."""
    rng = np.random.default_rng(0)
    for outputs, hidden in ((3, 3), (3, 4), (3, 5), (2, 5)):
        W = sp.Matrix(rng.integers(-9, 10, (outputs, hidden)).tolist())
        W[-1, :] = sum((W[i, :] for i in range(1, outputs - 1)), W[0, :])
        # normal directions: m k^T with m^T W = 0 and W k = 0
        normal = len(W.T.nullspace()) * len(W.nullspace())
        assert normal == hidden - outputs + 1
