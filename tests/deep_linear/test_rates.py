import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import gradient_flow
from gradflows.deep_linear import (
    balanced_condition,
    balanced_hessian_spectrum,
    imbalance_rate,
    margin_rate,
    path_weights,
    whitened_problem,
)
from tests.deep_linear.targets import diagonal


def balanced_factors_of(W, widths):
    """Balanced weights with product W, whose rank is full."""
    U, s, Vt = np.linalg.svd(W)
    depth = len(widths) - 1
    weights = path_weights(widths, np.repeat(s[:, None] ** (1 / depth), depth, axis=1))
    weights[0] = weights[0] @ Vt
    weights[-1] = U @ weights[-1]
    return weights


@pytest.mark.parametrize(
    ("widths", "sigma"),
    [
        ((3, 3, 3), [3.0, 2.0, 1.0]),
        ((2, 4, 3, 3), [2.0, 0.5]),
        ((4, 5, 4, 2), [1.5, 1.5]),
        ((3, 3, 3, 3, 3), [2.0, 1.0, 0.1]),
        ((3, 2), [2.0, 1.0]),
    ],
)
def test_spectrum_at_a_balanced_minimum(widths, sigma):
    Sigma = diagonal(widths, sigma)
    problem, theta = whitened_problem(balanced_factors_of(Sigma, widths), Sigma)
    values = np.linalg.eigvalsh(problem.hessian(theta))
    ours = np.sort(balanced_hessian_spectrum(sigma, widths).ravel())
    assert values[-len(ours) :] == pytest.approx(ours, rel=1e-11)
    assert np.abs(values[: -len(ours)]).max(initial=0) < 1e-12


def test_extremes_and_condition_of_a_square_spectrum():
    sigma = [3.0, 2.0, 1.0]
    for depth, condition in ((1, 1.0), (2, 3.0), (3, 4.327), (6, 6.240)):
        spectrum = balanced_hessian_spectrum(sigma, (3,) * (depth + 1))
        assert spectrum.max() == pytest.approx(depth * 3 ** (2 - 2 / depth))
        assert spectrum.min() == pytest.approx(depth)
        assert balanced_condition(sigma, depth) == pytest.approx(condition, abs=1e-3)
        assert spectrum.max() / spectrum.min() == pytest.approx(balanced_condition(sigma, depth))


def test_tail_of_a_balanced_run_decays_with_the_smallest_eigenvalue():
    sigma, rng = np.array([3.0, 2.0, 1.0]), np.random.default_rng(0)
    start = balanced_factors_of(np.diag(sigma) + 0.2 * rng.standard_normal((3, 3)), (3, 3, 3, 3))
    problem, theta = whitened_problem(start, np.diag(sigma))
    path = gradient_flow(problem, theta, 3.0, times=[2.0, 3.0], rtol=1e-12, atol=1e-15)
    assert np.diff(np.log(path.loss))[0] == pytest.approx(-6, abs=0.02)


def test_margin_bound_holds_with_the_factor_for_square_products():
    rng = np.random.default_rng(1)
    for depth in (1, 2, 3, 4):
        Sigma = rng.standard_normal((3, 3))
        Sigma += 2 * np.linalg.qr(Sigma)[0]
        noise = rng.standard_normal((3, 3))
        margin = np.linalg.svd(Sigma, compute_uv=False).min()
        start = Sigma + 0.5 * margin * noise / np.linalg.norm(noise)
        weights = balanced_factors_of(start, (3,) * (depth + 1))
        rate = margin_rate(weights, Sigma)
        assert rate == pytest.approx(depth * (0.5 * margin) ** (2 - 2 / depth), rel=1e-8)
        problem, theta = whitened_problem(weights, Sigma)
        path = gradient_flow(problem, theta, 1.0)
        assert np.all(path.loss <= path.loss[0] * np.exp(-2 * rate * path.t) * (1 + 1e-7) + 1e-14)


def test_margin_bound_loses_the_factor_for_rectangular_products():
    """A residual in an input direction that the product misses is corrected by W_1 alone."""
    widths, angle = (5, 4, 4, 2), 0.05
    Sigma = diagonal(widths, [1.0, 1.0])
    turn = np.eye(5)
    turn[np.ix_([0, 4], [0, 4])] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    weights = balanced_factors_of(Sigma @ turn, widths)
    rate = margin_rate(weights, Sigma)
    problem, theta = whitened_problem(weights, Sigma)
    path = gradient_flow(problem, theta, 3.0, times=[0.0, 1.0, 2.0, 3.0], rtol=1e-11, atol=1e-14)
    bound = path.loss[0] * np.exp(-2 * rate * path.t)
    assert np.all(path.loss <= bound * (1 + 1e-9))
    with_factor = path.loss[0] * np.exp(-2 * 3 * rate * path.t)
    assert path.loss[-1] > 1e4 * with_factor[-1]


def test_no_margin_no_rate():
    Sigma = np.diag([2.0, 1.0])
    bottleneck = [np.sqrt(2) * np.eye(2)[:1], np.sqrt(2) * np.eye(2)[:, :1]]
    assert margin_rate(bottleneck, Sigma) == 0
    assert margin_rate([np.eye(2), np.eye(2)], np.diag([2.0, 0.0])) == 0
    with pytest.raises(ValueError, match="imbalance of hidden layer 1"):
        margin_rate([2 * np.eye(2), np.eye(2)], Sigma)


def test_imbalance_bound_along_the_flow():
    rng, rates = np.random.default_rng(2), []
    for _ in range(10):
        weights = [rng.standard_normal((6, 2)), rng.standard_normal((3, 6))]
        Sigma = rng.standard_normal((3, 2))
        problem, theta = whitened_problem(weights, Sigma)
        rates.append(imbalance_rate(weights))
        path = gradient_flow(problem, theta, 2.0)
        bound = path.loss[0] * np.exp(-2 * rates[-1] * path.t)
        assert np.all(path.loss <= bound * (1 + 1e-7) + 1e-14)
    assert min(rates) > 0


def test_imbalance_rate_is_not_void_for_narrow_hidden_layers():
    assert imbalance_rate([[[0.1]], [[1.0]]]) == pytest.approx(0.99)
    rng = np.random.default_rng(3)
    first = 0.3 * rng.standard_normal((3, 3))
    second = 2 * np.linalg.qr(rng.standard_normal((3, 3)))[0]
    rate = imbalance_rate([first, second])
    assert rate == pytest.approx(4 - np.linalg.norm(first, 2) ** 2) and rate > 2


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), widths=st.tuples(*[st.integers(1, 4)] * 3))
def test_at_most_one_term_below_the_threshold_width(seed, widths):
    rng = np.random.default_rng(seed)
    inputs, hidden, outputs = widths
    first = rng.standard_normal((hidden, inputs))
    second = 3 * rng.uniform() * rng.standard_normal((outputs, hidden))
    rate = imbalance_rate([first, second])
    smallest = [
        np.linalg.eigvalsh(s * (second.T @ second - first @ first.T))[-d] if d <= hidden else 0
        for s, d in ((1, outputs), (-1, inputs))
    ]
    assert rate == pytest.approx(sum(max(0.0, x) for x in smallest), abs=1e-12)
    if hidden < inputs + outputs:
        assert min(smallest) <= 1e-9


def test_imbalance_of_mixed_sign_is_sharper_and_slower():
    """Only definite imbalance accelerates: balanced is flattest, but not slowest."""
    slowest, sharpest, losses = [], [], []
    for delta in (1.0, 0.5, 0.2):
        weights = [np.diag([1 / delta, delta]), np.diag([delta, 1 / delta])]
        problem, theta = whitened_problem(weights, np.eye(2))
        values = np.linalg.eigvalsh(problem.kernel(theta))
        slowest.append(values[0])
        sharpest.append(values[-1])
        assert imbalance_rate(weights) == 0
        noise = 1e-2 * np.random.default_rng(4).standard_normal(theta.size)
        losses.append(gradient_flow(problem, theta + noise, 5.0, rtol=1e-11).loss[-1])
    assert slowest == pytest.approx([2, 0.5, 0.08])
    assert sharpest == pytest.approx([2, 8, 50])
    assert losses[2] > 1e3 * losses[0]


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: balanced_hessian_spectrum([1.0], (2, 2)), "sigma"),
        (lambda: balanced_hessian_spectrum([1.0, 0.0], (2, 2)), "sigma"),
        (lambda: balanced_hessian_spectrum([2.0, 1.0], (2, 1, 2)), "bottleneck"),
        (lambda: balanced_hessian_spectrum([1.0], (1,)), "widths"),
        (lambda: balanced_condition([1.0, -1.0], 2), "sigma"),
        (lambda: balanced_condition([1.0], 0), "depth"),
        (lambda: margin_rate([np.eye(2)], np.eye(3)), "Sigma"),
        (lambda: imbalance_rate([np.eye(2)] * 3), "2 matrices"),
        (lambda: imbalance_rate([np.eye(2), np.full((2, 2), np.nan)]), "NaN"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
