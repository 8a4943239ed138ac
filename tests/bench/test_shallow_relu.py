"""Speed of Part V: flows from starts of any scale, against the same variables without events.

One hundred neurons on five samples. The goals: a loss below 1e-20 from 1e-30 within a second and
from 1e-100 within two, a fifth of the evaluations that scipy's DOP853 needs in the same variables
without events at the same error, and 1000 neurons on 20 samples within 30 seconds.
"""

import time

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows.shallow_relu import OrthogonalData, balanced_init, event_flow

TEN = np.log(10)
LABELS = np.array([1.0, -0.6, 0.8, -0.9, 1.2])
DATA = {
    "equal norms": OrthogonalData(np.ones(5), LABELS),
    "unequal norms": OrthogonalData([1.0, 0.8, 1.5, 1.2, 0.7], LABELS),
}
GOALS = {30: (450.0, 1), 100: (1300.0, 2)}
LADDER = 10.0 ** np.arange(-4, -12.1, -0.5)


def neurons():
    directions, signs = balanced_init(100, 5, rng=np.random.default_rng(3))
    return directions / np.sqrt(500), signs


def without_events(data, directions, signs, log_scale, t_end, times, tolerance):
    """Integrate logarithms and directions at once, each ReLU switched by the sign alone."""
    lengths = np.linalg.norm(directions, axis=1)
    m, q, y = len(signs), data.norms, data.labels

    def field(t, state):
        log_norms, units = state[:m], state[m:].reshape(m, -1)
        active = units > 0
        squares = np.exp(np.minimum(2 * log_norms, 50.0))
        residual = q * ((signs * squares) @ (units * active)) - y
        pull = signs[:, None] * active * (-residual * q / data.n)
        radial = np.einsum("jk,jk->j", units, pull)
        return np.concatenate([radial, (pull - radial[:, None] * units).ravel()])

    start = np.concatenate([np.log(lengths) + log_scale, (directions / lengths[:, None]).ravel()])
    with np.errstate(all="ignore"):
        run = solve_ivp(field, (0, t_end), start, "DOP853", times, rtol=tolerance, atol=tolerance)
    return run.y[:m].T, run.nfev


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("decades", GOALS)
def test_a_loss_of_1e_20(benchmark, case, decades):
    t_max, goal = GOALS[decades]
    run = benchmark(event_flow, DATA[case], *neurons(), -decades * TEN, t_max)
    assert run.loss(t_max) < 1e-20
    seconds = benchmark.stats["median"]
    print(
        f"\n{case}, scale 1e-{decades}: {seconds:.2f} s (goal: {goal} s), "
        f"{run.evaluations} evaluations, {len(run.switches)} switches, loss {run.loss(t_max):.0e}"
    )
    assert seconds < goal


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("decades", [6, 30])
def test_evaluations_against_the_same_variables_without_events(benchmark, case, decades):
    """The error is that of ln(norm) at ten times, against a run at tolerance 1e-13."""
    t_max = 15.0 * decades
    start = (DATA[case], *neurons(), -decades * TEN, t_max)
    times = np.linspace(0, t_max, 11)[1:]

    def log_norms(run):
        return np.array([run.neurons(t).log_norms for t in times])

    exact = log_norms(event_flow(*start, rtol=1e-13))
    run = benchmark.pedantic(event_flow, start, {"rtol": 1e-10}, rounds=3)
    error = np.abs(log_norms(run) - exact).max()
    for tolerance in LADDER:
        begin = time.perf_counter()
        found, evaluations = without_events(*start, times, tolerance)
        seconds = time.perf_counter() - begin
        other = np.abs(found - exact).max()
        if other <= error:
            break
    assert other <= error, "no tolerance of the ladder reaches the error"
    ratio = evaluations / run.evaluations
    print(
        f"\n{case}, scale 1e-{decades}: {evaluations} / {run.evaluations} = {ratio:.1f} times "
        f"fewer evaluations (goal: 5), {seconds / benchmark.stats['median']:.0f} times "
        f"faster, errors {other:.0e} / {error:.0e}"
    )
    assert ratio > 5


def test_a_thousand_neurons_on_twenty_samples(benchmark):
    rng = np.random.default_rng(0)
    labels = rng.choice([-1, 1], 20) * rng.uniform(0.5, 1.5, 20)
    data = OrthogonalData(rng.uniform(1.4, 2.8, 20), labels)
    directions, signs = balanced_init(1000, 20, rng=rng)
    run = benchmark.pedantic(event_flow, (data, directions, signs, -30 * TEN, 450.0), rounds=3)
    assert run.loss(450.0) < 1e-20
    print(
        f"\n1000 neurons, 20 samples, scale 1e-30: {benchmark.stats['median']:.2f} s (goal: 30 s), "
        f"{len(run.switches)} switches"
    )
    assert benchmark.stats["median"] < 30
