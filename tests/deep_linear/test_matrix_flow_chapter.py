"""The numbers of the chapter deep_linear/matrix_flow, by other means than the chapter's."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gradflows.checks.deep_linear.matrix_flow.networks import laws
from gradflows.deep_linear import critical_point, end_to_end, imbalances, independent_imbalances


def generic(widths, scale, rng):
    return [scale * rng.standard_normal((b, a)) for a, b in itertools.pairwise(widths)]


@pytest.mark.parametrize(
    ("widths", "count"),
    [((1, 3, 1), 5), ((2, 4, 1), 9), ((1, 3, 1, 3, 1), 11), ((1, 4, 2, 1), 12), ((2, 9, 2), 30)],
)
def test_the_count_of_laws_is_the_rank_of_differences(widths, count):
    """The differential is taken by central differences, exact for quadratic functions."""
    rng = np.random.default_rng(0)
    weights = generic(widths, 1.0, rng)
    hidden, columns = widths[1:-1], []
    for i, weight in enumerate(weights):
        for place in np.ndindex(weight.shape):
            step = [np.zeros_like(w) for w in weights]
            step[i][place] = 0.5
            ends = [
                np.concatenate([C.ravel() for C in imbalances([w + s * v for w, v in pairs])])
                for s in (1, -1)
                for pairs in [list(zip(weights, step, strict=True))]
            ]
            columns.append(ends[0] - ends[1])
    assert np.linalg.matrix_rank(np.array(columns), tol=1e-9) == count
    least = [min(b, a + c) for a, b, c in zip(widths, hidden, widths[2:], strict=False)]
    assert sum(map(laws, hidden, least)) == count
    assert independent_imbalances(widths, rng=rng) == count


@pytest.mark.parametrize("widths", [(2, 2), (1, 1, 1), (3, 2, 4, 2), (2, 1, 3, 3, 2)])
def test_first_and_last_layer_obey_the_bound(widths):
    rng, depth = np.random.default_rng(1), len(widths) - 1
    for scales in 10 ** rng.uniform(-3, 1, (200, depth)):
        weights = [s * w for s, w in zip(scales, generic(widths, 1.0, rng), strict=True)]
        kappa = sum(np.linalg.norm(C, 2) for C in imbalances(weights))
        reach = np.linalg.norm(end_to_end(weights), 2) ** (2 / depth)
        squares = [np.linalg.norm(w, 2) ** 2 for w in weights]
        assert max(squares[0], squares[-1]) <= (reach + kappa) * (1 + 1e-9)
        assert max(squares) <= (reach + 2 * kappa) * (1 + 1e-9)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_curvature_of_the_rotation(depth):
    """The loss is 2 s (s - tau) / 2 * angle^2 + ... along the rotation of the proof."""
    sigma, s, tau = np.array([3.0, 1.0]), 1, 0
    weights = critical_point((2,) * (depth + 1), sigma, [s])

    def loss(angle):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        W = turn @ end_to_end(weights) @ turn.T
        return 0.5 * np.sum((np.diag(sigma) - W) ** 2)

    second = (loss(1e-3) + loss(-1e-3) - 2 * loss(0)) / 1e-6
    assert second == pytest.approx(2 * sigma[s] * (sigma[s] - sigma[tau]), rel=1e-4)


def test_free_weights_grow_like_the_root_of_the_logarithm():
    """From w1 = w2 the flow of exp(-w1 w2) has u^2 ~ log t: it is bounded by no constant."""
    run = solve_ivp(
        lambda t, u: u * np.exp(-(u**2)), (0, 1e8), [1.0], method="LSODA", rtol=1e-10, atol=1e-12
    )
    assert run.y[0, -1] == pytest.approx(np.sqrt(np.log(1e8)), rel=0.1)
