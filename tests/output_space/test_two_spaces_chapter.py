"""The numbers of the chapter output_space/two_spaces, by other means than the chapter's."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp


def opening_network(theta):
    """Outputs and Jacobian of the opening example, written out by hand."""
    inputs = np.array([-0.5, 1.0])
    w, b, a, c = theta[:4], theta[4:8], theta[8:12], theta[12]
    hidden = np.tanh(np.outer(inputs, w) + b)
    slope = a * (1 - hidden**2)
    jacobian = np.hstack([slope * inputs[:, None], slope, hidden, np.ones((2, 1))])
    return hidden @ a + c, jacobian


def test_the_paths_of_the_opening_figure_straighten():
    labels, start = np.array([-1.0, 1.5]), 0.7 * np.random.default_rng(8).normal(size=13)
    bends = []
    for tau in (0, 0.25, 0.5, 0.75, 0.9, 1):

        def field(s, theta, tau=tau):
            outputs, J = opening_network(theta)
            return -J.T @ np.linalg.solve(
                tau * J @ J.T + (1 - tau) * np.eye(2), (outputs - labels) / 2
            )

        run = solve_ivp(field, (0, 40), start, t_eval=np.linspace(0, 40, 241), rtol=1e-8)
        path = np.array([opening_network(theta)[0] for theta in run.y.T])
        way, walked = labels - path[0], path - path[0]
        bends.append(np.abs(walked @ [-way[1], way[0]]).max() / (way @ way))
    assert np.all(np.diff(bends) < 0)
    assert bends[0] == pytest.approx(0.245, abs=5e-3) and bends[-1] < 1e-5


def frozen_error(width, seed):
    """Error of the prediction from the first kernel, in the scaling with outputs over a root."""
    angles, labels = np.array([0, 1.3, 2.9, 4.4]), np.array([1.0, -1, 1, -1])
    X = 1.5 * np.array([np.cos(angles), np.sin(angles)])
    start = np.random.default_rng(seed).normal(size=4 * width + 1)
    root = np.sqrt(width)

    def network(theta):
        W, b = theta[: 2 * width].reshape(width, 2), theta[2 * width : 3 * width]
        a, c = theta[3 * width : -1], theta[-1]
        hidden = np.tanh(W @ X + b[:, None])
        slope = a[:, None] * (1 - hidden**2)
        parts = [slope * X[0], slope * X[1], slope, hidden]
        weights = np.stack(parts[:2], 1).reshape(2 * width, 4)
        return (a @ hidden + c) / root, np.vstack([weights, *parts[2:], np.ones((1, 4))]) / root

    def field(s, theta):
        outputs, slopes = network(theta)
        return -slopes @ (outputs - labels) / 4

    times = np.r_[0, np.geomspace(0.2, 20, 30)]
    run = solve_ivp(field, (0, 20), start, t_eval=times, rtol=1e-8, atol=1e-10, method="DOP853")
    residual = np.array([network(theta)[0] for theta in run.y.T]) - labels
    rates, frame = np.linalg.eigh(network(start)[1].T @ network(start)[1])
    frozen = residual[0] @ frame * np.exp(-np.outer(times, rates) / 4) @ frame.T
    return np.linalg.norm(residual - frozen, axis=1).max() / np.linalg.norm(residual[0])


@pytest.mark.parametrize(("width", "expected"), [(10, 0.177), (1000, 0.0027)])
def test_wide_networks_follow_their_first_kernel(width, expected):
    errors = [frozen_error(width, seed) for seed in range(5)]
    assert np.median(errors) == pytest.approx(expected, rel=0.05)


@given(
    values=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6),
    tau=st.floats(0, 1),
    seed=st.integers(0),
)
@settings(max_examples=200, deadline=None)
def test_a_piece_of_path_uses_up_residual_for_every_tau(values, tau, seed):
    """The inequality at the heart of `two-spaces-reach`."""
    mu, r = np.array(values), np.random.default_rng(seed).normal(size=len(values))
    costs = tau * mu + 1 - tau
    falls, speed = np.sum(mu / costs * r**2), np.sqrt(np.sum(mu / costs**2 * r**2))
    assert falls >= np.sqrt(mu.min()) * np.linalg.norm(r) * speed * (1 - 1e-9)


@pytest.mark.parametrize(("tau", "expected"), [(0.0, 6.91), (0.5, 3.80), (1.0, 0.69)])
def test_the_waits_at_the_saddle(tau, expected):
    wait = quad(lambda u: (2 * tau * u**2 + 1 - tau) / (u * (1 - u**2)), 1e-3, 0.5**0.5)[0]
    assert wait == pytest.approx(expected, abs=0.006)


def test_a_sample_with_its_own_clock_of_sums():
    """Softmax regression: the sum of the logits of a sample feels nothing of the others' errors."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2))
    blocks = [np.kron(sample, np.eye(3)) for sample in (first, second)]
    np.testing.assert_allclose(
        np.ones(3) @ blocks[0] @ blocks[1].T, (first @ second) * np.ones(3), atol=1e-12
    )


def test_the_law_of_the_cubic_model():
    u, v = sp.symbols("u v")
    slopes = [sp.Matrix([f]).jacobian([u, v]) for f in (u * v**2, 2 * u**2 - v**2)]
    assert sp.expand((slopes[0] * slopes[1].T)[0]) == 0


def test_the_blow_ups_of_the_last_field():
    theta, s = sp.symbols("theta s", positive=True)
    path = sp.sqrt(2 * sp.exp(-s) - 1)
    field = -(theta**2 + 1) / (2 * theta)
    assert sp.simplify(path.diff(s) - field.subs(theta, path)) == 0
    escape = sp.tan(2 * (1 - sp.exp(-s)))
    x, J = sp.atan(theta), 1 / (1 + theta**2)
    moved = (escape.diff(s) - ((2 - x) / J).subs(theta, escape)).subs(s, 0.5)
    assert abs(float(moved)) < 1e-12
    assert -np.log(1 - np.pi / 4) == pytest.approx(1.54, abs=5e-3)
