import numpy as np
import pytest

from gradflows.conservation import metric_relaxed_balanced, relaxed_balanced_weights


def upstairs(W1, W2, G):
    return W2 @ W2.T @ G + G @ W1.T @ W1


@pytest.mark.parametrize(
    ("widths", "lam", "rank"),
    [
        ((3, 2, 4), 1.0, 2),
        ((3, 2, 4), -1.0, 2),
        ((3, 2, 4), 0.0, 1),
        ((3, 3, 3), 0.7, 1),
        ((3, 3, 3), -0.7, 2),
        ((2, 4, 4), 1.0, 2),
        ((4, 4, 2), -1.0, 1),
        ((5, 1, 2), 3.0, 1),
    ],
)
def test_weights_and_metric(widths, lam, rank):
    rng = np.random.default_rng(5)
    W1, W2 = relaxed_balanced_weights(widths, lam, rank, rng=rng)
    assert W1.shape == (widths[1], widths[0]) and W2.shape == (widths[2], widths[1])
    assert np.abs(W2.T @ W2 - W1 @ W1.T - lam * np.eye(widths[1])).max() < 1e-12
    assert np.linalg.matrix_rank(W2 @ W1) == rank
    G = rng.standard_normal((widths[2], widths[0]))
    M = metric_relaxed_balanced(lam, widths)((W2 @ W1).ravel())
    assert np.abs((M @ G.ravel()).reshape(G.shape) - upstairs(W1, W2, G)).max() < 1e-11
    assert np.abs(M - M.T).max() < 1e-12 and np.linalg.eigvalsh(M).min() > -1e-10


@pytest.mark.parametrize(("lam", "widths"), [(1.0, (3, 2, 4)), (-1.0, (3, 2, 4))])
def test_where_the_metric_is_not_determined(lam, widths):
    """Turning the unused directions keeps W and the imbalance and changes the metric."""
    rng = np.random.default_rng(6)
    W1, W2 = relaxed_balanced_weights(widths, lam, 1, rng=rng)
    W, G = W2 @ W1, rng.standard_normal((4, 3))
    with pytest.raises(ValueError, match="expected rank 2"):
        metric_relaxed_balanced(lam, widths)(W.ravel())
    outer = W if lam > 0 else W.T
    free = np.linalg.svd(outer)[0][:, 1:]
    turn = np.linalg.qr(rng.standard_normal((free.shape[1],) * 2))[0]
    rotation = np.eye(len(outer)) + free @ (turn - np.eye(free.shape[1])) @ free.T
    V1, V2 = (W1, rotation @ W2) if lam > 0 else (W1 @ rotation.T, W2)
    assert np.abs(V2 @ V1 - W).max() < 1e-12
    assert np.abs(V2.T @ V2 - V1 @ V1.T - lam * np.eye(2)).max() < 1e-12
    assert np.abs(upstairs(V1, V2, G) - upstairs(W1, W2, G)).max() > 0.05


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda rng: relaxed_balanced_weights((2, 3, 2), 1.0, 1, rng=rng), "widths"),
        (lambda rng: relaxed_balanced_weights((2, 3, 4), -1.0, 1, rng=rng), "widths"),
        (lambda rng: relaxed_balanced_weights((2, 3, 2), 0.0, 1, rng=rng), "widths"),
        (lambda rng: relaxed_balanced_weights((2, 2), 0.0, 1, rng=rng), "three"),
        (lambda rng: relaxed_balanced_weights((2, 2, 2), 0.0, 3, rng=rng), "rank"),
        (lambda rng: metric_relaxed_balanced(1.0, (2, 3, 2)), "widths"),
        (lambda rng: metric_relaxed_balanced(1.0, (2, 2, 2, 2)), "three"),
        (lambda rng: metric_relaxed_balanced(np.inf, (2, 2, 2)), "lam"),
        (lambda rng: metric_relaxed_balanced(1.0, (2, 2, 2))(np.ones(3)), "z:"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call(np.random.default_rng(0))
