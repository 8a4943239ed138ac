"""Small neurons by brute force, for the checks of the chapter shallow_relu/alignment."""

import numpy as np
from scipy.integrate import solve_ivp

from gradflows.shallow_relu import OrthogonalData, active_sets, balanced_init


def brute_path(start, force, sign, end, points=2):
    """Integrate w' = |w| D(w), stopped wherever a coordinate vanishes; rows of w at equal times."""
    w, t, active = np.array(start, float), 0.0, np.array(start[: force.size]) > 0
    times = np.linspace(0, end, points)
    rows = np.empty((points, w.size))
    while True:
        pull = np.zeros(w.size)
        pull[: force.size] = sign * force * active
        falling = np.flatnonzero(active & (pull[: force.size] < 0))

        def least(t, w, falling=falling):
            return w[falling].min() if falling.size else 1.0

        least.terminal, least.direction = True, -1
        run = solve_ivp(
            lambda t, w, pull=pull: np.linalg.norm(w) * pull,
            (t, end),
            w,
            method="DOP853",
            rtol=1e-12,
            atol=1e-14,
            events=least,
            dense_output=True,
        )
        inside = (times >= t) & (times <= run.t[-1])
        if inside.any():
            rows[inside] = run.sol(times[inside]).T
        if run.status != 1:
            return rows
        w, t = run.y[:, -1], run.t[-1]
        active[falling[w[falling] <= 1e-12]] = False
        w[: force.size][~active & (np.array(start[: force.size]) > 0)] = 0.0


def draw(rng, width=6):
    """Draw data with three positive and two negative labels, and neurons in seven dimensions."""
    labels = rng.uniform(0.5, 1.5, 5) * [1, -1, 1, -1, 1]
    data = OrthogonalData.from_inputs(np.eye(7)[:, :5] * rng.uniform(0.8, 1.2, 5), labels)
    directions, signs = balanced_init(width, 7, rng=rng)
    # Each neuron is given a sample that it can fit and one that it cannot.
    directions[:, :2] = np.abs(directions[:, :2]) + 0.1
    return data, directions, signs, active_sets(data, directions, signs)


def stable_directions(X, labels, points=4001):
    """Count the directions in the plane in which the early field of a positive neuron ends."""
    angle = np.linspace(0, 2 * np.pi, points)[:-1] + 1e-4
    u = np.stack([np.cos(angle), np.sin(angle)])
    tangent = np.stack([-u[1], u[0]])
    seen = X.T @ u > 0
    speed = np.sum((X * labels) @ seen * tangent, axis=0)
    return int(np.sum((speed > 0) & (np.roll(speed, -1) < 0)))
