import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.conservation import (
    metric_neurons,
    metric_parallel,
    metric_product,
    metric_rank_one,
    riemannian_flow,
)

SEEDS = settings(max_examples=40, deadline=None)


@SEEDS
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 5), scale=st.floats(1e-3, 1e3))
def test_metric_of_one_neuron(seed, d, scale):
    rng = np.random.default_rng(seed)
    u, v = scale * rng.standard_normal(), rng.standard_normal(d)
    truth = u * u * np.eye(d) + np.outer(v, v)
    ours = metric_rank_one(u * u - v @ v)(u * v)
    assert np.abs(ours - truth).max() < 1e-7 * np.abs(truth).max()


def test_metric_of_one_neuron_without_cancellation():
    """With u = 1e-6 the larger root of the quadratic is 1e-12 next to lam = -1."""
    M = metric_rank_one(1e-12 - 1.0)([1e-6, 0.0])
    np.testing.assert_allclose(M, np.diag([1.0 + 1e-12, 1e-12]), rtol=1e-12)


def test_metric_of_one_neuron_at_zero():
    assert metric_rank_one(2.0)([0.0, 0.0]).tolist() == [[2.0, 0.0], [0.0, 2.0]]
    for lam in (0.0, -1.0):
        with pytest.raises(ValueError, match="not determined"):
            metric_rank_one(lam)([0.0, 0.0])


@SEEDS
@given(seed=st.integers(0, 2**32 - 1), h=st.integers(1, 6))
def test_metric_of_a_product(seed, h):
    theta = np.random.default_rng(seed).standard_normal(h) + 0.05
    z = theta.prod()
    truth = np.sum((z / theta) ** 2)
    ours = metric_product(theta**2 - theta[0] ** 2)([z])[0, 0]
    assert ours == pytest.approx(truth, rel=1e-6)


def test_metric_of_two_weights_is_the_root():
    for lam in (-2.0, 0.0, 1.5):
        for z in (1e-8, 0.3, -4.0):
            expected = np.sqrt(lam**2 + 4 * z * z)
            assert metric_product([0.0, lam])([z])[0, 0] == pytest.approx(expected, rel=1e-12)


@SEEDS
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 6))
def test_metric_with_one_input_and_one_output(seed, width):
    a, b = np.random.default_rng(seed).standard_normal((2, width))
    C = np.outer(a, a) - np.outer(b, b)
    assert metric_parallel(C)([a @ b])[0, 0] == pytest.approx(a @ a + b @ b, rel=1e-9)


def test_metric_of_neurons_is_the_jacobian_times_its_transpose():
    rng = np.random.default_rng(3)
    u, v = rng.standard_normal((3, 2)), rng.standard_normal((3, 4))
    z = np.einsum("ko,ki->koi", u, v)
    lam = np.sum(u**2, axis=1) - np.sum(v**2, axis=1)
    M = metric_neurons(lam, (2, 4))(z.ravel())
    blocks = []
    for p, q in zip(u, v, strict=True):
        J = np.hstack([np.kron(np.eye(2), q[:, None]), np.kron(p[:, None], np.eye(4))])
        blocks.append(J @ J.T)
    for k, block in enumerate(blocks):
        place = slice(8 * k, 8 * k + 8)
        assert np.abs(M[place, place] - block).max() < 1e-12
        M[place, place] = 0
    assert not M.any()


def test_riemannian_flow_is_the_flow_upstairs():
    theta = np.array([0.5, -0.7, 0.9])
    goal = SquaredLoss([[-2.0]], mean=False)
    times = np.linspace(0, 3, 7)
    up = gradient_flow(
        Problem(DeepLinear((1, 1, 1, 1)), [[1.0]], goal), theta, 3.0, times=times, rtol=1e-11
    )
    down = riemannian_flow(
        metric_product(theta**2 - theta[0] ** 2),
        lambda z: 0.5 * (z[0] + 2) ** 2,
        lambda z: z + 2,
        [theta.prod()],
        3.0,
        times=times,
        rtol=1e-11,
    )
    assert np.abs(up.theta.prod(axis=1) - down.theta[:, 0]).max() < 1e-8
    assert np.abs(up.loss - down.loss).max() < 1e-8
    assert down.accuracy().falls


def test_euclidean_metric_is_gradient_flow():
    run = riemannian_flow(
        lambda z: np.eye(2), lambda z: 0.5 * z @ z, lambda z: z, [1.0, -2.0], 1.0, times=[1.0]
    )
    assert run.theta[-1] == pytest.approx(np.exp(-1) * np.array([1.0, -2.0]), rel=1e-8)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: metric_rank_one(np.nan), "lam"),
        (lambda: metric_rank_one([1.0, 2.0]), "lam"),
        (lambda: metric_rank_one(1.0)([[1.0]]), "z:"),
        (lambda: metric_neurons([1.0], (2,)), "shape"),
        (lambda: metric_neurons([1.0], (2, 0)), "shape"),
        (lambda: metric_neurons([1.0], (2, 2))(np.zeros(4)), "number 0 is zero"),
        (lambda: metric_neurons([1.0], (2, 2))(np.ones(3)), "z:"),
        (lambda: metric_product([]), "lam"),
        (lambda: metric_product([0.0, 1.0])([0.0]), "other than 0"),
        (lambda: metric_parallel(np.ones((2, 3))), "C:"),
        (lambda: metric_parallel(np.eye(3)), "one eigenvalue of each sign"),
        (lambda: metric_parallel([[0.0, 1.0], [0.0, 0.0]]), "symmetric"),
        (lambda: riemannian_flow(1.0, abs, abs, [1.0], 1.0), "metric"),
        (lambda: riemannian_flow(abs, 1.0, abs, [1.0], 1.0), "loss"),
        (lambda: riemannian_flow(abs, abs, None, [1.0], 1.0), "gradient"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
