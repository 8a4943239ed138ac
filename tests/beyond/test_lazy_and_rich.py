import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.beyond import (
    DiagonalProblem,
    MaskedSquaredLoss,
    effective_rank,
    entropy_minimiser,
    hyperbolic_entropy,
    least_l1,
    neuron_imbalance,
    neuron_limit,
    neuron_metric,
    prior_seeds,
)
from gradflows.conservation import Preconditioned
from gradflows.deep_linear import balanced_factors, riccati_solution


def data(rng, d, n):
    return rng.standard_normal((d, n)), rng.standard_normal(n)


def sparse_data(seed=0):
    rng, truth = np.random.default_rng(seed), np.zeros(20)
    truth[[2, 7, 11]] = 1.0, -0.7, 0.5
    X = rng.standard_normal((20, 8)) / np.sqrt(8)
    return X, X.T @ truth, truth


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 5),
    rates=st.tuples(st.floats(0.05, 20), st.floats(0.05, 20)),
    size=st.floats(0.01, 5),
)
def test_metric_and_imbalance_of_the_neuron(seed, d, rates, size):
    rng = np.random.default_rng(seed)
    w, a = size * rng.standard_normal(d), rng.standard_normal()
    delta = neuron_imbalance(a, w, rates)
    M = neuron_metric(a * w, delta, rates)
    expected = rates[1] * a * a * np.eye(d) + rates[0] * np.outer(w, w)
    assert np.abs(M - expected).max() < 1e-7 * (1 + np.abs(expected).max())
    kappa = np.sqrt(delta**2 + 4 * np.prod(rates) * (a * a * (w @ w)))
    assert np.trace(M) == pytest.approx(kappa + (d - 1) * (kappa + delta) / 2, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("rates", [(1.0, 1.0), (0.5, 2.0), (2.0, 0.3)])
def test_drift_of_delta_along_a_trained_neuron(rates):
    rng = np.random.default_rng(1)
    X, w = rng.standard_normal((4, 2)), rng.standard_normal(4)
    labels = SquaredLoss((1.5 * X.T @ w)[None], mean=False)
    problem = Problem(DeepLinear((4, 1, 1)), X, labels)
    speeds = np.array([rates[1]] * 4 + [rates[0]])
    flow = Preconditioned(problem, lambda theta: speeds)
    run = gradient_flow(flow, [*w, 1.0], 100.0, rtol=1e-12, atol=1e-14)
    deltas = [neuron_imbalance(theta[4], theta[:4], rates) for theta in run.theta]
    assert np.ptp(deltas) < 1e-11
    end = run.theta[-1, :4] * run.theta[-1, 4]
    assert neuron_limit(X, 1.5 * X.T @ w, 1.0, w, rates).beta == pytest.approx(end, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 6), a=st.floats(0.3, 3))
def test_limit_of_the_neuron_interpolates_and_is_stationary(seed, d, a):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, d + 1))
    X, w = np.linalg.qr(rng.standard_normal((d, n)))[0], rng.standard_normal(d)
    y = 1.4 * a * X.T @ w
    found = neuron_limit(X, y, a, w)
    assert X.T @ found.beta == pytest.approx(y, abs=1e-8 * (1 + np.abs(y).max()))
    # at the end a^2 = delta + |w|^2 and beta = a w with w = w_0 + X nu
    w_end = w + X @ found.multiplier
    square = a * a + w_end @ w_end - w @ w
    assert np.sqrt(square) * w_end == pytest.approx(found.beta, abs=1e-8 * (1 + a))
    mirrored = neuron_limit(X, y, -a, -w)
    assert mirrored.beta == pytest.approx(found.beta, abs=1e-8 * (1 + a))


def test_limit_of_the_neuron_minimises_its_potential():
    rng = np.random.default_rng(2)
    X, w, a = rng.standard_normal((3, 1)), rng.standard_normal(3), 0.8
    y, delta = 1.5 * a * X.T @ w, 0.64 - w @ w
    basis = np.linalg.svd(X)[0][:, 1:]
    begin = X @ np.linalg.solve(X.T @ X, y)

    def potential(c):
        beta = begin + basis @ c
        root = lambda s: np.sqrt((np.hypot(delta, 2 * s) - delta) / 2)  # noqa: E731
        return quad(root, 0, np.linalg.norm(beta))[0] - w @ beta

    best = minimize(potential, np.zeros(2), method="BFGS", options={"gtol": 1e-9})
    found = neuron_limit(X, y, a, w).beta
    assert begin + basis @ best.x == pytest.approx(found, abs=1e-5)


def test_order_of_the_lazy_limit_of_the_neuron():
    """The distance to the nearest interpolant falls like 1/delta."""
    X, beta = np.array([[0.9], [0.6]]), np.array([0.1, 0.8])
    nearest = beta + X[:, 0] * (1.6 - X[:, 0] @ beta) / (X[:, 0] @ X[:, 0])
    deltas, gaps = 10.0 ** np.arange(2, 6), []
    for delta in deltas:
        a = np.sqrt((delta + np.hypot(delta, 2 * np.linalg.norm(beta))) / 2)
        gaps.append(np.linalg.norm(neuron_limit(X, [1.6], a, beta / a).beta - nearest))
    assert np.polyfit(np.log(deltas), np.log(gaps), 1)[0] < -0.95


def test_hyperbolic_entropy_and_its_two_limits():
    beta = np.array([0.5, -2.0, 0.0])
    for alpha in (0.01, 0.7, 3.0):
        pieces = [
            quad(lambda b, scale: np.arcsinh(b / (2 * scale**2)) / 4, 0, x, alpha)[0] for x in beta
        ]
        assert hyperbolic_entropy(beta, alpha) == pytest.approx(sum(pieces), rel=1e-8)
    assert hyperbolic_entropy(beta, 1e3) * 16e6 == pytest.approx(beta @ beta, rel=1e-6)
    ratio = hyperbolic_entropy(beta, 1e-140) / (0.5 * np.log(1e140))
    assert ratio == pytest.approx(2.5, rel=0.01)
    assert hyperbolic_entropy([1e-9], 1.0) == pytest.approx(1e-18 / 16, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 6), power=st.floats(-4, 1.5))
def test_entropy_minimiser_satisfies_its_condition(seed, d, power):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, d + 1))
    X, y = np.linalg.qr(rng.standard_normal((d, n)))[0], rng.standard_normal(n)
    alpha, start = 10**power * rng.uniform(0.5, 2, d), rng.standard_normal(d)
    found = entropy_minimiser(X, y, alpha, start)
    assert X.T @ found.beta == pytest.approx(y, abs=1e-8 * (1 + np.abs(y).max()))
    turned = np.arcsinh(found.beta / (2 * alpha**2)) - np.arcsinh(start / (2 * alpha**2))
    assert turned == pytest.approx(X @ found.multiplier, abs=1e-6 * (1 + np.abs(turned).max()))
    flipped = entropy_minimiser(X, -y, alpha, -start)
    assert flipped.beta == pytest.approx(-found.beta, abs=1e-7 * (1 + np.abs(found.beta).max()))


def test_trained_diagonal_networks_of_the_chapter():
    X, y, truth = sparse_data()
    problem, norms = DiagonalProblem(X, y), []
    for alpha in (2.0, 0.1, 1e-3):
        run = gradient_flow(problem, np.full(40, alpha), 1e6)
        beta = problem.coefficients(run.theta[-1])
        assert beta == pytest.approx(entropy_minimiser(X, y, alpha).beta, abs=1e-6)
        norms.append(np.abs(beta).sum())
    assert norms == pytest.approx([3.355, 2.536, 2.2014], abs=1e-3)
    found = least_l1(X, y)
    assert found.beta == pytest.approx(truth, abs=1e-8) and found.value == pytest.approx(2.2)
    assert 2 * found.slack == pytest.approx(1.1482, abs=1e-4)
    products = X @ found.certificate
    assert products[found.support] == pytest.approx(np.sign(truth[found.support]))
    assert np.abs(np.delete(products, found.support)).max() == pytest.approx(1 - found.slack)


def test_derivatives_of_the_diagonal_problem():
    rng = np.random.default_rng(3)
    problem, theta = DiagonalProblem(*data(rng, 3, 2)), rng.standard_normal(6)
    step, gradient, hessian = 1e-6, problem.gradient(theta), problem.hessian(theta)
    for k in range(6):
        e = step * np.eye(6)[k]
        slope = (problem.loss(theta + e) - problem.loss(theta - e)) / (2 * step)
        assert gradient[k] == pytest.approx(slope, abs=1e-7)
        bend = (problem.gradient(theta + e) - problem.gradient(theta - e)) / (2 * step)
        assert hessian[k] == pytest.approx(bend, abs=1e-6)
    stack = problem.coefficients(np.stack([theta, -theta]))
    assert stack[0] == pytest.approx(stack[1])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_effective_rank_lies_between_one_and_the_rank(seed, rows, columns):
    W = np.random.default_rng(seed).standard_normal((rows, columns))
    assert 1 - 1e-12 <= effective_rank(W) <= min(rows, columns) + 1e-9
    assert effective_rank(-3 * W.T) == pytest.approx(effective_rank(W))
    assert effective_rank(np.outer(W[0], W[:, 0])) == pytest.approx(1)


def test_masked_loss_sees_only_what_is_shown():
    rng = np.random.default_rng(4)
    Y, shown = rng.standard_normal((3, 3)), np.eye(3, dtype=bool)
    loss = MaskedSquaredLoss(Y, shown)
    assert loss.value(Y + 1 - np.eye(3)) == 0
    assert loss.value(Y + 2 * np.eye(3)) == pytest.approx(6)
    problem = Problem(DeepLinear((3, 2, 3)), np.eye(3), loss)
    theta, step = rng.standard_normal(12), 1e-6
    for k in range(12):
        e = step * np.eye(12)[k]
        bend = (problem.gradient(theta + e) - problem.gradient(theta - e)) / (2 * step)
        assert problem.hessian(theta)[k] == pytest.approx(bend, abs=1e-6)


def test_seeds_decide_what_a_network_with_a_past_learns():
    old, rng = np.diag([3.0, 1.0]), np.random.default_rng(5)
    perfect = balanced_factors(old, (2, 3, 2), 2, rng=rng)
    assert np.abs(prior_seeds(perfect, -old)).max() < 1e-12
    assert np.linalg.matrix_rank(prior_seeds(perfect, old)) == 2
    turned = balanced_factors(old + [[0, 0.1], [-0.1, 0]], (2, 3, 2), 2, rng=rng)
    values = np.linalg.svd(prior_seeds(turned, -old), compute_uv=False)
    assert values == pytest.approx([0.0612, 0.0354], abs=1e-4)
    product = riccati_solution(turned, -old, 14.0)[:2, 2:]
    assert product == pytest.approx(-old, abs=1e-6)
    crossing = prior_seeds(turned, np.diag([-3.0, 1.0]))
    assert np.linalg.svd(crossing, compute_uv=False)[1] < 1e-7


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: neuron_imbalance([1.0], [1.0]), "a:"),
        (lambda: neuron_imbalance(1.0, [1.0], (0.0, 1.0)), "rates"),
        (lambda: neuron_metric([0.0, 0.0], -1.0), "z:"),
        (lambda: neuron_metric([1.0], np.nan), "delta"),
        (lambda: neuron_limit([[1.0], [1.0]], [1.0], 0.0, [1.0, 1.0]), "a:"),
        (lambda: neuron_limit([[1.0], [1.0]], [1.0], 1.0, [1.0]), "w:"),
        (lambda: neuron_limit([[1.0], [1.0]], [1.0], 0.5, [-2.0, 0.0]), "a, w:"),
        (lambda: neuron_limit([[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0], 1.0, [0, 0]), "X:"),
        (lambda: hyperbolic_entropy([1.0], 0.0), "alpha"),
        (lambda: hyperbolic_entropy([1.0], [1.0, 1.0]), "alpha"),
        (lambda: hyperbolic_entropy([1.0], 1e-200), "alpha"),
        (lambda: hyperbolic_entropy([1.0, 1.0], [1.0, -1.0]), "alpha"),
        (lambda: entropy_minimiser([[1.0, 1.0]], [1.0, 1.0], 1.0), "X:"),
        (lambda: entropy_minimiser([[1.0]], [1.0], 1.0, [1.0, 2.0]), "start"),
        (lambda: least_l1([[1.0], [2.0]], [0.0]), "y:"),
        (lambda: least_l1([[1.0], [2.0]], [1.0, 2.0]), "y:"),
        (lambda: DiagonalProblem([[1.0]], [np.nan]), "y:"),
        (lambda: DiagonalProblem([[1.0]], [1.0]).coefficients([1.0]), "theta"),
        (lambda: MaskedSquaredLoss(np.eye(2), np.eye(2)), "observed"),
        (lambda: MaskedSquaredLoss(np.eye(2), np.zeros((2, 2), bool)), "observed"),
        (lambda: effective_rank(np.zeros((2, 2))), "W:"),
        (lambda: prior_seeds([np.eye(2)] * 2, np.diag([1.0, 0.0])), "Sigma"),
        (lambda: prior_seeds([np.ones((2, 3)), np.ones((2, 2))], np.ones((2, 3))), "Sigma"),
        (lambda: prior_seeds([np.eye(2)], np.eye(2)), "2 matrices"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()


def test_newton_says_when_it_does_not_arrive():
    nearly = np.array([[1.0, 1.0 + 1e-13], [1.0, 1.0]])
    with pytest.raises((ArithmeticError, ValueError)):
        entropy_minimiser(nearly, [1.0, -1.0], 1e-5)
