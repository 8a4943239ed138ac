"""The field of the homotopy, in output space, against the definition in parameter space."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflows.output_space import homotopy_field, mode_rates


def drawn(rows, columns, rank, seed):
    rng = np.random.default_rng(seed)
    rank = min(rank, rows, columns)
    left, right = rng.normal(size=(rows, rank)), rng.normal(size=(rank, columns))
    return left @ right, rng.normal(size=rows)


SHAPES = dict(
    rows=st.integers(1, 7), columns=st.integers(1, 7), rank=st.integers(0, 7), seed=st.integers(0)
)


@given(**SHAPES, tau=st.floats(0, 0.99))
@settings(max_examples=60, deadline=None)
def test_the_push_through_identity(rows, columns, rank, seed, tau):
    D, g = drawn(rows, columns, rank, seed)
    metric = tau * D.T @ D + (1 - tau) * np.eye(columns)
    expected = -np.linalg.solve(metric, D.T @ g)
    found = homotopy_field(D, g, tau).velocity
    np.testing.assert_allclose(found, expected, atol=1e-9 * (1 + np.abs(expected).max()))


@given(**SHAPES)
@settings(max_examples=60, deadline=None)
def test_the_adapted_field_is_the_pseudoinverse(rows, columns, rank, seed):
    D, g = drawn(rows, columns, rank, seed)
    field = homotopy_field(D, g, 1.0, cutoff=1e-9)
    np.testing.assert_allclose(field.velocity, -np.linalg.pinv(D, rcond=1e-9) @ g, atol=1e-6)
    assert field.rank == np.linalg.matrix_rank(D, tol=1e-9)


@given(**SHAPES, tau=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_loss_never_rises_to_first_order(rows, columns, rank, seed, tau):
    D, g = drawn(rows, columns, rank, seed)
    field = homotopy_field(D, g, tau)
    assert g @ D @ field.velocity <= 1e-9
    if tau < 1:
        rests = np.linalg.norm(field.velocity) < 1e-9
        assert rests == (np.linalg.norm(D.T @ g) < 1e-9) or np.linalg.norm(D.T @ g) < 1e-7


def test_ill_conditioned_jacobians_keep_their_digits():
    """Through D D^T, whose condition is 1e20 here, nothing would be left."""
    rng = np.random.default_rng(0)
    frame, _ = np.linalg.qr(rng.normal(size=(40, 3)))
    D = np.diag([1.0, 1e-5, 1e-10]) @ frame.T
    velocity = homotopy_field(D, [1.0, 1.0, 1.0], 1.0).velocity
    np.testing.assert_allclose(D @ velocity, [-1, -1, -1], rtol=1e-5)


def test_outputs_are_stacked_sample_by_sample():
    D, g = drawn(6, 9, 6, 1)
    matrix = g.reshape(3, 2).T
    np.testing.assert_array_equal(
        homotopy_field(D, matrix, 0.5).velocity, homotopy_field(D, g, 0.5).velocity
    )


def test_the_cutoff_decides_and_is_told():
    D = np.diag([1.0, 1e-3])
    exact, cut = (homotopy_field(D, [1.0, 1.0], 1.0, cutoff=c) for c in (None, 1e-2))
    assert exact.rank == 2 and exact.cutoff < 1e-15
    assert cut.rank == 1 and cut.cutoff == 1e-2
    np.testing.assert_allclose(exact.velocity, [-1, -1000])
    np.testing.assert_allclose(cut.velocity, [-1, 0])


@pytest.mark.parametrize("tau", [0.0, 0.3, 0.9, 1.0])
def test_the_rates_of_the_linear_model_are_those_of_its_matrix(tau):
    A = drawn(5, 7, 3, 2)[0]
    n = 5
    frame, values, _ = np.linalg.svd(A)
    rates = mode_rates(A, tau, n)
    assert len(rates) == 3
    for k, rate in enumerate(rates):
        moved = A @ homotopy_field(A, frame[:, k] / n, tau).velocity
        np.testing.assert_allclose(moved, -rate * frame[:, k], atol=1e-12)
        assert rate == pytest.approx(values[k] ** 2 / (n * (tau * values[k] ** 2 + 1 - tau)))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([[1.0]], [1.0], 1.5), "tau"),
        (([[1.0]], [1.0], True), "tau"),
        (([[1.0]], [1.0, 2.0], 0.5), "g"),
        (([[np.nan]], [1.0], 0.5), "D"),
        (([1.0], [1.0], 0.5), "D"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        homotopy_field(*arguments)


def test_bad_cutoffs_and_counts_are_named():
    with pytest.raises(ValueError, match="cutoff"):
        homotopy_field([[1.0]], [1.0], 1.0, cutoff=-1.0)
    with pytest.raises(ValueError, match="n: expected"):
        mode_rates([[1.0]], 0.5, 0)
