"""Speed of flows, as ratios of times measured in one run and at equal error reached.

The problem is the deep linear network 10-10-10-10 (300 unknowns) up to time 50. The error of a run
is the largest difference of its end to a run at tolerance 1e-13. The other side gets, from a fine
ladder of tolerances, the one whose error is nearest. Times are medians of 5 alternating runs.
"""

import time

import numpy as np
import pytest
from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from scipy.integrate import solve_ivp

T, RTOL = 50.0, 1e-8
LADDER = 10.0 ** np.arange(-6, -11.1, -0.25)
NETWORK = DeepLinear((10, 10, 10, 10))
SIGMA = np.random.default_rng(0).normal(size=(10, 10))
PROBLEM = Problem(NETWORK, np.eye(10), SquaredLoss(SIGMA, mean=False))
SCALES = {"ordinary start": 1 / np.sqrt(10), "small start": 0.1}


def right_hand_side(t, theta):
    """What one writes by hand for speed: six products, no checks."""
    W1, W2, W3 = (theta[i : i + 100].reshape(10, 10) for i in (0, 100, 200))
    W21 = W2.dot(W1)
    G = W3.dot(W21) - SIGMA
    B = W3.T.dot(G)
    return -np.concatenate([W2.T.dot(B).ravel(), B.dot(W1.T).ravel(), G.dot(W21.T).ravel()])


def bare(start, rtol):
    run = solve_ivp(right_hand_side, (0, T), start, method="DOP853", rtol=rtol, atol=1e-3 * rtol)
    return run.y[:, -1]


def ours(start, rtol, method):
    return gradient_flow(PROBLEM, start, T, method=method, rtol=rtol, atol=1e-3 * rtol)


def reference(start):
    run = solve_ivp(right_hand_side, (0, T), start, method="DOP853", rtol=1e-13, atol=1e-16)
    return run.y[:, -1]


def equal(error, run, ends):
    """Tolerance at which ``run`` reaches an error nearest to ``error``, and that error."""
    reached = [np.abs(run(rtol) - ends).max() for rtol in LADDER]
    best = int(np.argmin(np.abs(np.log(np.array(reached) / error))))
    return LADDER[best], reached[best]


def medians(first, second, rounds=5):
    """Run both in turn, so that a busy machine is busy for both; return both medians."""
    times = np.empty((rounds, 2))
    for row in times:
        for column, call in enumerate((first, second)):
            start = time.perf_counter()
            call()
            row[column] = time.perf_counter() - start
    return np.median(times, axis=0)


def report(benchmark, name, times, errors, **more):
    ratio = times[0] / times[1]
    benchmark.extra_info.update(ratio=ratio, errors=list(errors), **more)
    extra = "".join(f"   {key} {value:.0e}" for key, value in more.items())
    print(
        f"\n{name:52s} {1e3 * times[0]:7.1f} ms / {1e3 * times[1]:7.1f} ms = {ratio:.2f}"
        f"   errors {errors[0]:.1e} / {errors[1]:.1e}{extra}"
    )


def drift(path):
    """Largest change of an imbalance along a path."""
    imbalances = []
    for theta in path:
        W1, W2, W3 = NETWORK.split(theta)
        imbalances.append([W2.T @ W2 - W1 @ W1.T, W3.T @ W3 - W2 @ W2.T])
    return np.abs(np.array(imbalances) - imbalances[0]).max()


@pytest.mark.parametrize("method", ["auto", "DOP853"])
@pytest.mark.parametrize("scale", SCALES)
def test_one_flow_against_bare_scipy(benchmark, scale, method):
    start = SCALES[scale] * np.random.default_rng(1).normal(size=NETWORK.size)
    end = reference(start)
    flow = ours(start, RTOL, method)
    error = np.abs(flow.theta[-1] - end).max()
    rtol, other = equal(error, lambda rtol: bare(start, rtol), end)
    times = medians(lambda: ours(start, RTOL, method), lambda: bare(start, rtol))
    name = f"{scale}: {flow.method} / bare scipy DOP853"
    report(benchmark, name, times, (error, other), drift=drift(flow.theta))
    benchmark.pedantic(ours, args=(start, RTOL, method), rounds=5)


@pytest.mark.parametrize("scale", SCALES)
def test_a_stack_against_a_loop(benchmark, scale):
    starts = SCALES[scale] * np.random.default_rng(2).normal(size=(64, NETWORK.size))
    ends = np.stack([reference(start) for start in starts])

    def loop(rtol):
        return np.stack([ours(start, rtol, "DOP853").theta[-1] for start in starts])

    def bare_loop(rtol):
        return np.stack([bare(start, rtol) for start in starts])

    def stack():
        return np.stack([flow.theta[-1] for flow in ours(starts, RTOL, "DOP853")])

    error = np.abs(stack() - ends).max()
    ladder = LADDER[4:13]
    reached = [np.abs(loop(rtol) - ends).max() for rtol in ladder]
    best = int(np.argmin(np.abs(np.log(np.array(reached) / error))))
    times = medians(stack, lambda: loop(ladder[best]))
    report(benchmark, f"{scale}: 64 starts, stack / loop", times, (error, reached[best]))
    times = medians(stack, lambda: bare_loop(ladder[best]))
    other = np.abs(bare_loop(ladder[best]) - ends).max()
    report(benchmark, f"{scale}: 64 starts, stack / bare scipy loop", times, (error, other))
    benchmark.pedantic(stack, rounds=3)
