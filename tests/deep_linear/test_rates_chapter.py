"""The numbers of the chapter deep_linear/rates, by other means than the chapter's."""

import numpy as np
import pytest
from matplotlib.cbook import get_sample_data
from scipy.integrate import quad, solve_ivp

from gradflows.deep_linear import balanced_hessian_spectrum, imbalance_rate, null_tail


def two_layers(first, second, Sigma, t_end):
    """Integrate the flow of two layers with scipy alone, and return the last residual."""
    shapes, cut = (first.shape, second.shape), first.size

    def unpack(y):
        return y[:cut].reshape(shapes[0]), y[cut:].reshape(shapes[1])

    def field(t, y):
        W1, W2 = unpack(y)
        R = Sigma - W2 @ W1
        return np.concatenate([(W2.T @ R).ravel(), (R @ W1.T).ravel()])

    start = np.concatenate([first.ravel(), second.ravel()])
    run = solve_ivp(field, (0, t_end), start, method="Radau", rtol=1e-10, atol=1e-13)
    W1, W2 = unpack(run.y[:, -1])
    return Sigma - W2 @ W1


def test_the_singular_values_and_the_margin_of_the_terrain():
    with get_sample_data("jacksboro_fault_dem.npz") as file:
        height = file["elevation"] / 100
    west, east = (
        part - part.mean(axis=0) for part in (height[:, [30, 100, 170]], height[:, [230, 370]])
    )
    # Least squares on all and on every eighth profile, compared as predictions of all profiles.
    whole = west @ np.linalg.lstsq(west, east, rcond=None)[0] / np.sqrt(344)
    part = west @ np.linalg.lstsq(west[::8], east[::8], rcond=None)[0] / np.sqrt(344)
    sigma = np.linalg.svd(whole, compute_uv=False)[:2]
    assert sigma == pytest.approx([0.946, 0.223], abs=5e-4)
    assert np.linalg.norm(whole - part) == pytest.approx(0.131, abs=5e-4)


def test_the_table_of_pairs_is_an_integral():
    """mu_jk is h times the integral of the power h - 1 from sigma_k^(2/h) to sigma_j^(2/h)."""
    mu = balanced_hessian_spectrum([3.0, 2.0, 1.0], (5, 5, 5, 5, 3))
    for j, k in np.ndindex(3, 3):
        x, y = (np.array([3.0, 2.0, 1.0]) ** 0.5)[[j, k]]
        mean = quad(lambda s, x=x, y=y: 4 * (s * x + (1 - s) * y) ** 3, 0, 1)[0]
        assert mu[j, k] == pytest.approx(mean)
    assert mu[:, 3] == pytest.approx([3**1.5, 2**1.5, 1])
    assert mu.max() == pytest.approx(20.8, abs=0.02)


def test_the_promise_with_the_factor_h_fails_for_five_inputs():
    """Only the first of three layers corrects an input that the product does not reach."""
    angle = 0.05

    # The unused input feeds output 1 only: a chain u, u with the row (p, z) of the first layer.
    def field(t, y):
        u, p, z = y
        r = 1 - u * u * p
        return [u * (p * r - u * u * z * z), u * u * r, -(u**4) * z]

    run = solve_ivp(field, (0, 3), [1, np.cos(angle), -np.sin(angle)], rtol=1e-10, atol=1e-12)
    u, p, z = run.y[:, -1]
    loss = ((1 - u * u * p) ** 2 + (u * u * z) ** 2) / 2
    start = 1 - np.cos(angle)
    margin = 1 - np.sqrt(2 * start)
    wrong = start * np.exp(-2 * 3 * margin ** (4 / 3) * 3)
    assert np.log10(loss / wrong) == pytest.approx(4.7, abs=0.1)


def test_imbalance_rates_of_the_narrow_examples():
    assert imbalance_rate([[[0.1]], [[1.0]]]) == pytest.approx(1 - 0.01)
    rng = np.random.default_rng(2)
    for _ in range(5):
        rng.standard_normal((6, 2)), rng.standard_normal((3, 6))
    first = 0.1 * rng.standard_normal((3, 3))
    largest = np.linalg.svd(first, compute_uv=False)[0]
    assert 4 - largest**2 == pytest.approx(3.97, abs=0.005)


@pytest.mark.parametrize("a", [1.0, 0.5, 0.2])
def test_mixed_imbalance_leaves_the_slow_pair(a):
    """In the linearised flow entry (1, 2) of the residual decays like exp(-2 a^2 t)."""
    shift = 1e-4
    first, second = np.diag([1 / a, a]), np.diag([a, 1 / a])
    first = first + np.array([[0, shift], [0, 0]])
    R = two_layers(first, second, np.eye(2), 5.0)
    assert R[0, 1] == pytest.approx(-a * shift * np.exp(-2 * a**2 * 5), rel=1e-2, abs=1e-10)


def test_tied_weights_by_their_clock():
    """Time from u = 0.5 to u, both by quadrature: the loss at 2000 is that of the exercise."""

    def clock(u):
        return quad(lambda v: 1 / (v**3 * (v * v + 1.19)), u, 0.5, limit=200)[0]

    low, high = 1e-3, 0.4
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if clock(middle) > 2000 else (low, middle)
    loss = low**4 * (low**2 + 1.19) / 2
    assert loss == pytest.approx(2.616e-8, rel=1e-3)
    assert null_tail([0.5, 0.5, 1.2])(2000.0) == pytest.approx(2.626e-8, rel=1e-3)


@pytest.mark.parametrize(("lam", "count"), [(0, 20), (2, 13), (10, 4)])
def test_steps_of_gradient_descent_under_scalar_imbalance(lam, count):
    kappa, Sigma = np.sqrt(lam**2 + 4 * np.array([16.0, 1.0])), np.diag([4.0, 1.0])
    noise = 1e-3 * np.random.default_rng(0).standard_normal(8).reshape(2, 2, 2)
    first = np.diag(np.sqrt((kappa - lam) / 2)) + noise[0]
    second = np.diag(np.sqrt((kappa + lam) / 2)) + noise[1]
    losses = []
    for _ in range(60):
        R = Sigma - second @ first
        losses.append(np.sum(R**2))
        first, second = first + second.T @ R / kappa[0], second + R @ first.T / kappa[0]
    assert np.argmax(np.array(losses) < 1e-6 * losses[0]) == count
