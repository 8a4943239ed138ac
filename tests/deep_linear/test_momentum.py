import numpy as np
import pytest

from gradflows import CrossEntropy, DeepLinear, Problem, SquaredLoss, gradient_flow, momentum_flow
from gradflows.deep_linear import imbalance_sources, imbalance_velocities, skew_charges

WIDTHS, FRICTION = (3, 4, 3, 3), 0.6
NETWORK = DeepLinear(WIDTHS)


def run(loss):
    rng = np.random.default_rng(0)
    problem = Problem(NETWORK, np.eye(3), loss)
    theta, velocity = 0.6 * rng.standard_normal((2, NETWORK.size))
    return problem, momentum_flow(
        problem,
        theta,
        FRICTION,
        4.0,
        velocity0=velocity,
        times=np.linspace(0, 4, 401),
        rtol=1e-11,
        atol=1e-13,
    )


def states(path):
    return [
        (t, NETWORK.split(theta), NETWORK.split(velocity))
        for t, theta, velocity in zip(path.t, path.theta, path.velocity, strict=True)
    ]


@pytest.mark.parametrize(
    "loss",
    [
        SquaredLoss(np.diag([3.0, 2.0, 1.0]), mean=False),
        CrossEntropy(np.eye(3)),
    ],
)
def test_skew_law(loss):
    _, path = run(loss)
    charges = [
        [np.exp(FRICTION * t) * C for C in skew_charges(W, V)] for t, W, V in states(path)[::40]
    ]
    for i in range(2):
        layer = np.array([C[i] for C in charges])
        assert np.abs(layer - layer[0]).max() < 1e-8
        assert np.abs(layer[0]).max() > 0.05
        # Without the exponential the charge is lost.
        assert np.abs(np.exp(-FRICTION * path.t[-1]) * layer[-1] - layer[0]).max() > 0.04


def test_imbalances_move_and_obey_the_companion_law():
    """e^(gamma t) C' grows by the integral of e^(gamma t) times the source."""
    _, path = run(SquaredLoss(np.diag([3.0, 2.0, 1.0]), mean=False))
    history = states(path)
    grow = np.exp(FRICTION * path.t)[:, None, None]
    for i in range(2):
        change = grow * np.array([imbalance_velocities(W, V)[i] for _, W, V in history])
        source = grow * np.array([imbalance_sources(V)[i] for _, _, V in history])
        h = path.t[1]
        simpson = h / 3 * (source[:-2:2] + 4 * source[1:-1:2] + source[2::2])
        integral = np.cumsum(simpson, axis=0)
        assert np.abs(change[2::2] - change[0] - integral).max() < 1e-5
        assert np.abs(change - change[0]).max() > 0.1
        C = [W[i + 1].T @ W[i + 1] - W[i] @ W[i].T for _, W, _ in history]
        assert np.abs(C[-1] - C[0]).max() > 0.1
        numeric = (C[201] - C[199]) / (path.t[201] - path.t[199])
        assert np.abs(numeric - change[200] / grow[200]).max() < 1e-3


def test_companion_law_is_an_identity():
    """With the acceleration put in, C'' + gamma C' is the source to rounding."""
    problem, path = run(SquaredLoss(np.diag([3.0, 2.0, 1.0]), mean=False))
    theta, velocity = path.theta[123], path.velocity[123]
    acceleration = -FRICTION * velocity - problem.gradient(theta)
    weights, velocities = NETWORK.split(theta), NETWORK.split(velocity)
    bent = imbalance_velocities(weights, NETWORK.split(acceleration))
    first = imbalance_velocities(weights, velocities)
    for C, b, f in zip(imbalance_sources(velocities), bent, first, strict=True):
        assert np.abs((C + b) + FRICTION * f - C).max() < 1e-12


def test_first_order_flow_has_no_charges_and_no_velocity():
    problem = Problem(NETWORK, np.eye(3), SquaredLoss(np.diag([3.0, 2.0, 1.0]), mean=False))
    theta = gradient_flow(
        problem, 0.6 * np.ones(NETWORK.size) + np.arange(NETWORK.size) / 50, 0.3
    ).theta[-1]
    weights, velocities = NETWORK.split(theta), NETWORK.split(-problem.gradient(theta))
    for matrices in (skew_charges(weights, velocities), imbalance_velocities(weights, velocities)):
        assert max(np.abs(M).max() for M in matrices) < 1e-12


def test_the_skew_law_is_void_for_hidden_width_one():
    rng = np.random.default_rng(1)
    weights, velocities = (
        [rng.standard_normal((1, 2)), rng.standard_normal((2, 1))] for _ in range(2)
    )
    assert skew_charges(weights, velocities)[0] == [[0.0]]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: skew_charges([np.eye(2)] * 2, [np.eye(2)]), "velocities"),
        (lambda: skew_charges([np.eye(2)] * 2, [np.eye(3)] * 2), "velocities"),
        (lambda: imbalance_velocities([np.eye(2)] * 2, [np.eye(2), np.ones((3, 2))]), "W_2'"),
        (lambda: imbalance_sources([np.eye(2), np.eye(3)]), "velocities"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
