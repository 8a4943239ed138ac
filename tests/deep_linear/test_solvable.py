import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.cbook import get_sample_data

from gradflows import gradient_flow
from gradflows.deep_linear import (
    balanced_field,
    imbalance_gap,
    learning_times,
    path_weights,
    reduce_data,
    riccati_solution,
    whitened_problem,
)


def flow(weights, Sigma, t_end, **options):
    problem, theta = whitened_problem(weights, Sigma)
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14} | options
    path = gradient_flow(problem, theta, t_end, **options)
    return problem.network.split(path.theta)


def balanced_start(widths, values, rng):
    """Balanced weights whose product has the given singular values, in random directions."""
    depth = len(widths) - 1
    frames = [np.linalg.qr(rng.standard_normal((d, d)))[0] for d in widths]
    chains = np.repeat(np.array(values)[:, None] ** (1 / depth), depth, axis=1)
    weights = path_weights(widths, chains)
    return [frames[i + 1] @ W @ frames[i].T for i, W in enumerate(weights)]


def lambda_balanced_start(widths, imbalance, rng):
    """Depth 2: choose one layer, take a square root for the other."""
    inputs, hidden, outputs = widths
    first = 0.4 * rng.standard_normal((hidden, inputs))
    second = 0.4 * rng.standard_normal((outputs, hidden))
    if imbalance >= 0:
        values, frame = np.linalg.eigh(first @ first.T + imbalance * np.eye(hidden))
        columns = np.linalg.qr(rng.standard_normal((outputs, hidden)))[0]
        return [first, columns @ (np.sqrt(np.maximum(values, 0))[:, None] * frame.T)]
    values, frame = np.linalg.eigh(second.T @ second - imbalance * np.eye(hidden))
    rows = np.linalg.qr(rng.standard_normal((inputs, hidden)))[0].T
    return [frame @ (np.sqrt(values)[:, None] * rows), second]


@pytest.mark.parametrize(
    ("widths", "imbalance"),
    [((3, 2, 2), 0.0), ((3, 2, 2), 0.7), ((3, 2, 4), -0.7), ((2, 2, 5), 1.3), ((4, 1, 1), -0.2)],
)
def test_riccati_solution_is_the_flow(widths, imbalance):
    rng = np.random.default_rng(7)
    weights = lambda_balanced_start(widths, imbalance, rng)
    Sigma = rng.standard_normal((widths[2], widths[0]))
    times = np.array([0.0, 0.3, 1.0, 2.5])
    first, second = flow(weights, Sigma, 2.5, times=times)
    grams = riccati_solution(weights, Sigma, times)
    Q = np.concatenate([second, first.mT], axis=1)
    assert np.abs(grams - Q @ Q.mT).max() < 1e-9
    assert np.abs(grams[:, : widths[2], widths[2] :] - second @ first).max() < 1e-9
    assert np.abs(riccati_solution(weights, Sigma, 1.0) - grams[2]).max() < 1e-13
    assert np.array_equal(riccati_solution(weights, Sigma, times[::-1]), grams[::-1])


def test_riccati_solution_with_a_singular_generator():
    """Rectangular target of low rank, balanced start: the form with the inverse divides by 0."""
    rng = np.random.default_rng(1)
    weights = balanced_start((3, 4, 2), [0.5, 0.2], rng)
    Sigma = np.array([[1.5, 0, 0], [0, 0, 0]])
    F = np.block([[np.zeros((2, 2)), Sigma], [Sigma.T, np.zeros((3, 3))]])
    assert np.linalg.cond(F) > 1e15
    first, second = flow(weights, Sigma, 3.0, times=[3.0])
    gram = riccati_solution(weights, Sigma, 3.0)
    assert np.abs(gram[:2, 2:] - second[0] @ first[0]).max() < 1e-10


def test_riccati_solution_for_long_times_and_tiny_starts():
    """Modes of very different speed are all learnt, and nothing overflows."""
    weights = [1e-8 * np.eye(3), 1e-8 * np.eye(3)]
    Sigma = np.diag([5.0, 1.0, 0.02])
    with np.errstate(over="raise", invalid="raise"):
        grams = riccati_solution(weights, Sigma, [10.0, 30.0, 900.0, 3000.0])
    logistic = [
        [s / (1 + (s / 1e-16 - 1) * np.exp(-2 * s * t)) for s in (5, 1, 0.02)]
        for t in (10.0, 30.0, 900.0, 3000.0)
    ]
    strengths = np.diagonal(grams[:, :3, 3:], axis1=1, axis2=2)
    assert strengths == pytest.approx(np.array(logistic), rel=1e-9)


def test_riccati_solution_needs_equal_imbalances():
    rng = np.random.default_rng(2)
    weights = [rng.standard_normal((3, 2)), rng.standard_normal((2, 3))]
    with pytest.raises(ValueError, match="lambda-balanced"):
        riccati_solution(weights, np.eye(2), 1.0)


@pytest.mark.parametrize("widths", [(3, 3, 3), (2, 3, 4, 3), (4, 2, 5, 3, 2), (3, 2)])
def test_balanced_field_is_the_velocity_of_the_product(widths):
    rng = np.random.default_rng(3)
    weights = balanced_start(widths, [1.3, 0.4], rng)
    Sigma = rng.standard_normal((widths[-1], widths[0]))
    problem, theta = whitened_problem(weights, Sigma)
    velocities = problem.network.split(-problem.gradient(theta))
    product, velocity = np.eye(widths[0]), np.zeros((widths[0], widths[0]))
    for W, V in zip(weights, velocities, strict=True):
        product, velocity = W @ product, V @ product + W @ velocity
    ours = balanced_field(product, Sigma, len(widths) - 1, rank=2)
    assert np.abs(ours - velocity).max() < 1e-12
    U, s, Vt = np.linalg.svd(product)
    depth = len(widths) - 1
    for k in range(2):
        rate = depth * s[k] ** (2 - 2 / depth) * (U[:, k] @ (Sigma - product) @ Vt[k])
        assert U[:, k] @ ours @ Vt[k] == pytest.approx(rate, abs=1e-12)


def test_balanced_field_without_the_rank_takes_roots_of_rounding_errors():
    rng = np.random.default_rng(4)
    weights = balanced_start((3, 3, 3, 3), [1.0], rng)
    product, Sigma = weights[2] @ weights[1] @ weights[0], np.diag([3.0, 2.0, 1.0])
    exact = balanced_field(product, Sigma, 3, rank=1)
    polluted = balanced_field(product, Sigma, 3)
    assert np.linalg.matrix_rank(exact, tol=1e-14) <= 2
    assert 1e-14 < np.abs(exact - polluted).max() < 1e-8


def test_balanced_start_keeps_its_rank_and_ends_in_a_saddle():
    weights = path_weights((3, 3, 3, 3), [[0.1] * 3])
    first, second, third = flow(weights, np.diag([3.0, 2.0, 1.0]), 20.0)
    values = np.linalg.svd(third @ second @ first, compute_uv=False)
    assert values[:, 1].max() < 1e-15
    assert values[-1, 0] == pytest.approx(3, rel=1e-10)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_learning_times_of_an_aligned_start(depth):
    sigma, epsilon = np.array([3.0, 2.0, 1.0]), 0.05
    predicted = learning_times(sigma, epsilon**depth, depth)
    problem, theta = whitened_problem([epsilon * np.eye(3)] * depth, np.diag(sigma))

    def strength(k):
        def event(t, theta):
            product = np.eye(3)
            for W in theta.reshape(depth, 3, 3):
                product = W @ product
            return product[k, k] - 0.5 * sigma[k]

        return event

    path = gradient_flow(
        problem,
        theta,
        1.1 * predicted[-1],
        method="DOP853",
        rtol=1e-11,
        events=[strength(k) for k in range(3)],
    )
    measured = np.concatenate(path.events)
    assert measured == pytest.approx(predicted, rel=1e-8)
    assert np.all(np.diff(measured) > 0)


def test_learning_times_against_their_leading_order():
    shallow = learning_times([3.0, 2.0, 1.0], 1e-8, 2)
    assert shallow == pytest.approx([3.253, 4.778, 9.210], abs=1e-3)
    deep = learning_times([3.0, 2.0, 1.0], 0.01**3, 3)
    assert deep == pytest.approx([33.137, 49.663, 99.150], abs=1e-3)
    leading = 100 / np.array([3.0, 2.0, 1.0])
    assert deep == pytest.approx(leading, rel=0.01)


def elevation_profiles():
    """West (10 points) and east (10 points) of 344 profiles; matplotlib ships the data."""
    with get_sample_data("jacksboro_fault_dem.npz") as data:
        height = data["elevation"].astype(float)
    west, east = height[:, :200:20].T, height[:, 200:400:20].T
    X, Y = (part - part.mean(axis=1, keepdims=True) for part in (west, east))
    return X / np.sqrt(X.shape[1]), Y / np.sqrt(Y.shape[1])


def test_learning_times_of_real_data_from_its_spectrum_alone():
    """A random wide start of depth 2 learns the modes of the data when the spectrum says so."""
    reduced = reduce_data(*elevation_profiles())
    sigma = reduced.sigma / reduced.sigma[0]
    Sigma = np.diag(sigma)
    hidden, epsilon, rng = 200, 1e-4, np.random.default_rng(0)
    weights = [
        epsilon * rng.standard_normal((hidden, 10)),
        epsilon * rng.standard_normal((10, hidden)),
    ]
    predicted = learning_times(sigma, hidden * epsilon**2 / 2, 2)[:5]
    times = np.linspace(0, 1.2 * predicted[-1], 2000)
    first, second = flow(weights, Sigma, times[-1], times=times, rtol=1e-8, atol=1e-11)
    strengths = np.einsum("tkm,tmk->tk", second, first)[:, :5]
    measured = times[np.argmax(strengths >= sigma[:5] / 2, axis=0)]
    assert measured == pytest.approx(predicted, rel=0.05)
    # What the data do not say: with seeds ten times larger the prediction is off.
    assert np.abs(learning_times(sigma, 5 * hidden * epsilon**2, 2)[:5] / measured - 1).min() > 0.08


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.tuples(*[st.integers(1, 5)] * 3),
    ratio=st.floats(0.01, 100),
)
def test_gap_of_depth_two_obeys_the_two_sided_bound(seed, widths, ratio):
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((widths[1], widths[0]))
    second = ratio * rng.standard_normal((widths[2], widths[1]))
    delta = np.linalg.norm(second.T @ second - first @ first.T, 2)
    values = np.linalg.eigvalsh(imbalance_gap([first, second]))
    rounding = 1e-9 * (1 + ratio**2)
    assert values[0] >= -delta - rounding and values[-1] <= 0.5 * delta + rounding


def test_both_sides_of_the_bound_are_sharp():
    assert imbalance_gap([[[0.0]], [[2.0]]])[0, 0] == pytest.approx(-4.0)
    w = 1e3
    assert imbalance_gap([[[np.sqrt(w * w + 1)]], [[w]]])[0, 0] == pytest.approx(0.5, rel=1e-5)


def test_gap_vanishes_under_balance_and_grows_in_proportion():
    rng = np.random.default_rng(5)
    weights = balanced_start((4, 3, 5, 3), [1.5, 0.8, 0.3], rng)
    assert np.abs(imbalance_gap(weights)).max() < 1e-13
    noise = [rng.standard_normal(W.shape) for W in weights]
    gaps = [
        np.linalg.norm(imbalance_gap([W + e * N for W, N in zip(weights, noise, strict=True)]))
        for e in (1e-4, 1e-5)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: riccati_solution([np.eye(2)], np.eye(2), 1.0), "2 matrices"),
        (lambda: riccati_solution([np.eye(2)] * 2, np.eye(3), 1.0), "Sigma"),
        (lambda: riccati_solution([np.eye(2)] * 2, np.eye(2), -1.0), "t:"),
        (lambda: riccati_solution([np.eye(2)] * 2, np.eye(2), np.nan), "t:"),
        (lambda: riccati_solution([np.eye(2)] * 2, np.eye(2), 1e9), "gaps"),
        (lambda: riccati_solution([np.eye(2)] * 2, np.eye(2), [[1.0]]), "t:"),
        (lambda: balanced_field(np.eye(2), np.eye(3), 2), "Sigma"),
        (lambda: balanced_field(np.eye(2), np.eye(2), 2, rank=3), "rank"),
        (lambda: balanced_field(np.eye(2), np.eye(2), 0), "depth"),
        (lambda: learning_times([2.0, 1.0], 0.6, 2), "seeds"),
        (lambda: learning_times([2.0, 0.0], 1e-3, 2), "seeds"),
        (lambda: learning_times([2.0, 1.0], [1e-3], 2), "seeds"),
        (lambda: imbalance_gap([np.eye(2)]), "two layers"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
