"""How long a deep network takes down its staircase of plateaus, and that it gets there.

Depth 3, width 50, 7500 unknowns. Goal: within ten seconds.
"""

import numpy as np
import pytest

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow

WIDTH, EPSILON = 50, 1e-3
CASES = {
    "entries of size 1e-3": (np.arange(10.0, 0.0, -1.0), 250.0),
    "layers of norm 1e-3": (np.array([5.0, 4.0, 3.0, 2.0]), 650.0),
}


def staircase(case, rng):
    """A target with the given singular values in random directions, and a small start."""
    sigma, t_end = CASES[case]
    frames = [np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0] for _ in range(2)]
    Sigma = (frames[0][:, : len(sigma)] * sigma) @ frames[1][:, : len(sigma)].T
    problem = Problem(DeepLinear((WIDTH,) * 4), np.eye(WIDTH), SquaredLoss(Sigma, mean=False))
    if case == "entries of size 1e-3":
        return problem, EPSILON * rng.standard_normal(problem.size), t_end
    # Balanced and aligned: W_3 W_2 W_1 is a multiple of the product of the two frames.
    layers = [EPSILON * frames[1].T, EPSILON * np.eye(WIDTH), EPSILON * frames[0]]
    return problem, problem.network.join(layers), t_end


@pytest.mark.parametrize("case", CASES)
def test_staircase_of_depth_three(benchmark, case):
    problem, theta, t_end = staircase(case, np.random.default_rng(0))
    path = benchmark.pedantic(
        gradient_flow, (problem, theta, t_end), {"method": "DOP853"}, rounds=1, iterations=1
    )
    print(f"\n{case}: {path.evaluations} evaluations, {len(path.t)} steps to t = {t_end}")
    sigma = CASES[case][0]
    plateaus = np.append(np.cumsum(sigma[::-1] ** 2)[::-1] / 2, 0.0)
    for plateau in plateaus:
        assert np.abs(path.loss - plateau).min() < 1e-3 * plateaus[0]
    assert path.loss[-1] < 1e-9
