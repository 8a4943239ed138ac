"""The numbers of the chapter conservation/lie_brackets, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

S_A, S_B = np.zeros((4, 4)), np.zeros((4, 4))
S_A[0, 2] = S_A[2, 0] = S_B[1, 2] = S_B[2, 1] = 1
START = np.vstack([np.diag([1.5, 0.6]), np.diag([1.2, 0.9])])


def follow(S, Q, t):
    """Integrate, instead of taking exponentials."""
    run = solve_ivp(
        lambda _, q: np.sign(t) * (S @ q.reshape(4, 2)).ravel(),
        (0, abs(t)),
        Q.ravel(),
        rtol=1e-12,
        atol=1e-14,
    )
    return run.y[:, -1].reshape(4, 2)


def one_round(Q, t):
    for S, s in ((S_A, t), (S_B, t), (S_A, -t), (S_B, -t)):
        Q = follow(S, Q, s)
    return Q


def test_a_round_turns_the_outputs_by_the_square_of_its_time():
    angles = []
    for t in (0.1, 0.05, 0.025):
        a, b = ((Q[:2] @ Q[2:].T)[:, 1] for Q in (START, one_round(START, t)))
        angles.append(np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b) / t**2)
    assert angles == pytest.approx([1.0034, 1.0008, 1.0002], abs=1e-4)


def test_many_rounds_end_at_minus_the_start():
    once = np.array([one_round(np.outer(e, [1, 0]), 0.05)[:, 0] for e in np.eye(4)]).T
    Q = np.linalg.matrix_power(once, 1257) @ START
    W, end = START[:2] @ START[2:].T, Q[:2] @ Q[2:].T
    assert np.abs(W + end).max() == pytest.approx(0.196, abs=2e-3)
    J = np.diag([1, 1, -1, -1])
    assert np.abs(Q.T @ J @ Q - START.T @ J @ START).max() < 1e-8


def test_the_path_beside_the_axis_climbs():
    """Follow (2xy, x^2) from (1, 1) to the height 1.7, as in the counter-example to stopping."""
    run = solve_ivp(lambda _, p: [2 * p[0] * p[1], p[0] ** 2], (0, 0.4), [1, 1], rtol=1e-10)
    x, y = run.y
    assert y[-1] > 1.7 and np.abs(x**2 - 2 * y**2 + 1).max() < 2e-6
