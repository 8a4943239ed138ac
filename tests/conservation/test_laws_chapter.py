"""The numbers of the chapter conservation/laws, by other means than the chapter's."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp


def relu_jacobian(first, last, X):
    """Outputs of a shallow ReLU network differentiated in all weights, one block a sample."""
    rows = []
    for x in X.T:
        gates = (first @ x > 0).astype(float)
        in_first = np.einsum("ok,k,i->oki", last, gates, x).reshape(len(last), -1)
        in_last = np.kron(np.eye(len(last)), gates * (first @ x))
        rows.append(np.hstack([in_first, in_last]))
    return np.vstack(rows)


@pytest.mark.parametrize(("second", "rank"), [(None, 12), (2.0, 10), (-2.0, 12)])
def test_neurons_that_share_a_half_plane_lose_rank_and_opposite_ones_do_not(second, rank):
    rng = np.random.default_rng(7)
    first, last = rng.standard_normal((4, 2)), rng.standard_normal((2, 4))
    if second is not None:
        first[1] = second * first[0]
    jacobian = relu_jacobian(first, last, rng.standard_normal((2, 500)))
    assert np.linalg.matrix_rank(jacobian) == rank


def test_three_opposite_pairs_do_lose_rank():
    """So a shared hyperplane is not harmless in general: sums of such pairs are linear maps."""
    rng = np.random.default_rng(0)
    first, last = np.repeat(rng.standard_normal((3, 2)), 2, axis=0), rng.standard_normal((2, 6))
    first[1::2] *= -1
    jacobian = relu_jacobian(first, last, rng.standard_normal((2, 900)))
    assert np.linalg.matrix_rank(jacobian) < 6 * 3


@pytest.mark.parametrize(("signs", "rank"), [((1, 1, -1), 4), ((1, 1, 1), 2), ((1, -1, -1), 4)])
def test_relu_neurons_on_a_line_are_two_linear_networks(signs, rank):
    rng = np.random.default_rng(1)
    first = (np.array(signs) * rng.uniform(0.5, 2, 3))[:, None]
    jacobian = relu_jacobian(first, rng.standard_normal((2, 3)), np.array([[-2.0, -1, 0.5, 3]]))
    assert np.linalg.matrix_rank(jacobian) == rank


def test_the_new_law_on_a_line_needs_equal_signs():
    """u_1 . u_2 - v_1 v_2 along the flow of a network with two neurons, two outputs."""
    x, Y = np.array([-1.0, 0.7, 1.5]), np.array([[1.0, -0.5, 2.0], [0.3, 0.8, -1.0]])

    def field(t, w):
        v, U = w[:2], w[2:].reshape(2, 2)
        active = np.maximum(np.outer(v, x), 0)
        R = U @ active - Y
        dv = [-np.sum((U[:, k] @ R) * (v[k] * x > 0) * x) for k in (0, 1)]
        return np.concatenate([dv, -(R @ active.T).ravel()])

    drifts = []
    for sign in (1, -1):
        start = np.array([0.8, sign * 1.1, 0.5, -0.4, 0.9, 0.2])
        run = solve_ivp(field, (0, 0.3), start, rtol=1e-11, atol=1e-13).y
        law = run[2] * run[3] + run[4] * run[5] - run[0] * run[1]
        drifts.append(np.ptp(law))
    assert drifts[0] < 1e-9 and drifts[1] > 1e-2


@pytest.mark.parametrize("k", [-1.0, 0.5, 2.0, 3.0])
def test_powers_have_the_law_of_their_exponent(k):
    def field(t, w):
        u, v = w
        s = 1.3 * v
        return [-(u * s**k - 2) * s**k, -(u * s**k - 2) * u * k * s ** (k - 1) * 1.3]

    u, v = solve_ivp(field, (0, 0.05), [1.0, 1.5], rtol=1e-11, atol=1e-13).y
    assert np.ptp(u**2 - v**2 / k) < 1e-9
    assert np.ptp(u**2 / 2 - v**2 / k) > 1e-4


def test_one_input_direction_freezes_the_other():
    """Without the library: W_1 moves by multiples of the only input."""
    W1, W2 = np.random.default_rng(2).standard_normal((2, 2, 2))
    x, y = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    gradient = W2.T @ np.outer(W2 @ W1 @ x - y, x)
    assert np.allclose(gradient @ [2.0, -1.0], 0)
