"""Speed of flows, as ratios of times measured in one run and at equal error reached.

The problem is the deep linear network 10-10-10-10 (300 unknowns) up to time 50. The error of a run
is the largest difference of its end to a run at tolerance 1e-13. One side runs at tolerance 1e-8,
the other gets from a fine ladder the loosest that makes its error no larger. Times are medians of
5 alternating runs, in processor time, which a busy machine lengthens least.
"""

import time

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow

T, RTOL = 50.0, 1e-8
LADDER = 10.0 ** np.arange(-5, -10.1, -0.25)
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
    """Loosest tolerance at which ``run`` reaches an error of at most ``error``, and its error."""
    for rtol in LADDER:
        reached = np.abs(run(rtol) - ends).max()
        if reached <= error:
            return rtol, reached
    raise AssertionError(f"no tolerance of the ladder reaches the error {error:.1e}")


def medians(first, second, rounds=5):
    """Run both in turn, so that whatever disturbs one disturbs both; return both medians."""
    times = np.empty((rounds, 2))
    for row in times:
        for column, call in enumerate((first, second)):
            start = time.process_time()
            call()
            row[column] = time.process_time() - start
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

    def loop():
        return np.stack([ours(start, RTOL, "DOP853").theta[-1] for start in starts])

    def bare_loop():
        return np.stack([bare(start, RTOL) for start in starts])

    def stack(rtol):
        return np.stack([flow.theta[-1] for flow in ours(starts, rtol, "DOP853")])

    error = np.abs(loop() - ends).max()
    rtol, reached = equal(error, stack, ends)
    for name, other in (("bare scipy loop", bare_loop), ("loop", loop)):
        times = medians(lambda: stack(rtol), other)
        report(benchmark, f"{scale}: 64 starts, stack / {name}", times, (reached, error))
    benchmark.pedantic(stack, args=(rtol,), rounds=3)
