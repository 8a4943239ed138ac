"""The numbers of the chapter foundations/two_weights, from an integration of its own."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows.checks.foundations.two_weights import adapted, minimum, output, ratio, steer, train

TIGHT = dict(rtol=1e-12, atol=1e-13, method="DOP853")


def field(t, weights):
    u, v = weights
    return np.array([v, u]) * (1 - u * v)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((2, -1), (1.817354, 0.550251)),
        ((1, -2), (-0.550251, -1.817354)),
        ((-1, 2), (0.550251, 1.817354)),
    ],
)
def test_where_the_runs_of_the_first_exercise_end(start, end):
    np.testing.assert_allclose(minimum(*start), end, atol=1e-6)
    np.testing.assert_allclose(solve_ivp(field, (0, 12), start, **TIGHT).y[:, -1], end, atol=1e-6)


def test_the_first_exercise_passes_output_zero_at_root_three():
    def passing(t, weights):
        return weights[1]

    run = solve_ivp(field, (0, 12), (2, -1), events=passing, **TIGHT)
    np.testing.assert_allclose(run.y_events[0], [[np.sqrt(3), 0]], atol=1e-9)


@pytest.mark.parametrize("start", [(2, -1), (0.02, 0.01), (1.5, -1.49), (0.1, -1.5), (-2, 0.3)])
def test_the_closed_form_is_the_flow(start):
    times = np.linspace(0, 5, 11)
    run = solve_ivp(field, (0, 5), start, t_eval=times, **TIGHT)
    np.testing.assert_allclose(output(*start, times), run.y.prod(axis=0), atol=1e-9)
    np.testing.assert_allclose(train(*start, 5.0, times=times).theta.T[::-1], run.y, atol=1e-6)


def test_the_time_of_death():
    def dying(t, weights):
        return weights[1]

    kappa = np.sqrt(8)  # start (-1.5, 0.5): c = 2, (u + v)^2 = 1
    formula = np.log(ratio(1, kappa) / ratio(2, kappa)) / kappa
    run = solve_ivp(field, (0, 1), (-1.5, 0.5), events=dying, **TIGHT)
    assert formula == pytest.approx(0.261275229, abs=1e-9)
    assert run.t_events[0] == pytest.approx(formula, abs=1e-9)
    np.testing.assert_allclose(run.y_events[0], [[-np.sqrt(2), 0]], atol=1e-9)


def test_the_adapted_flow_is_the_shortest_velocity_of_the_output():
    u, v = 0.7, -1.3
    jacobian = np.array([[v, u]])
    np.testing.assert_allclose(
        adapted(0, (u, v)), np.linalg.pinv(jacobian) @ [1 - u * v], atol=1e-14
    )
    assert steer(u, v, 1.0).y[:, -1].prod() == pytest.approx(1 + np.exp(-1) * (u * v - 1), abs=1e-8)


def test_the_shape_of_the_saddle_sets_the_wait():
    assert output(0.01, 0.01, np.log(9999) / 2) == pytest.approx(0.5, abs=1e-12)
    assert output(0.015, 0.005, np.log(9999) / 2) == pytest.approx(0.5, abs=1e-4)
