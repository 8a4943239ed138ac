"""The numbers of the chapter deep_linear/solvable, by other means than the chapter's."""

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from scipy.integrate import solve_ivp

from gradflows.deep_linear import imbalance_gap, learning_times, mode_time


def test_the_half_times_of_the_terrain_come_from_its_spectrum():
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        height = file["elevation"] / 100
    west, east = (part - part.mean(axis=0) for part in (height[:, 0:200:20], height[:, 200:400:20]))
    # The singular values of whitened data are those of the part of Y that X explains.
    frame = np.linalg.qr(west)[0]
    sigma = np.linalg.svd(frame.T @ east, compute_uv=False)[:5] / np.sqrt(len(height))
    seed = 400 * 1e-10 / 2
    times = np.log(sigma / seed - 1) / (2 * sigma)
    assert times == pytest.approx([3.86, 4.91, 12.06, 18.38, 22.42], abs=0.005)
    assert learning_times(sigma, seed, 2) == pytest.approx(times, rel=1e-10)


def test_the_limit_of_infinite_depth():
    """Strength s, time multiplied by the depth: s' = s^2 (sigma - s)."""
    run = solve_ivp(lambda t, s: s**2 * (2 - s), (0, 10.416), [0.05], rtol=1e-10, atol=1e-12)
    assert run.y[0, -1] == pytest.approx(1.0, abs=2e-3)
    deep = [h * mode_time(0.05 ** (1 / h), 1.0, 2.0, h) for h in (100, 1000, 10000)]
    errors = np.abs(np.array(deep) - 10.416)
    assert np.all(np.diff(errors) < 0) and errors[-1] < 1e-2


def test_the_two_starts_of_the_exercise_on_signs():
    def field(t, w):
        return w[::-1] * (1 - w.prod())

    run = solve_ivp(field, (0, 0.5), [1.2, 0.3], rtol=1e-11, atol=1e-13)
    assert run.y[:, -1].prod() == pytest.approx(0.736009, abs=1e-6)


@pytest.mark.parametrize(("inner", "outer", "share"), [(0.0, 2.0, -1.0), (1e3, 1e3, 0.5)])
def test_the_constants_of_the_gap_are_sharp(inner, outer, share):
    inner = np.hypot(inner, 1.0) if inner else inner
    delta = abs(outer**2 - inner**2)
    assert imbalance_gap([[[inner]], [[outer]]])[0, 0] / delta == pytest.approx(share, rel=1e-3)
