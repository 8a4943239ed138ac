import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.deep_linear import chain_fate, escape_time, null_tail, saddle_tail, slow_layers


def chain_problem(depth, sigma):
    return Problem(DeepLinear((1,) * (depth + 1)), [[1.0]], SquaredLoss([[sigma]], mean=False))


def flow(chain, sigma, t_end, **options):
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14} | options
    return gradient_flow(chain_problem(len(chain), sigma), chain, t_end, **options)


@pytest.mark.parametrize("depth", [2, 3, 4, 5])
def test_fate_agrees_with_the_flow(depth):
    rng = np.random.default_rng(depth)
    for _ in range(6):
        chain, sigma = rng.standard_normal(depth), rng.uniform(0.5, 2)
        fate = chain_fate(chain, sigma)
        assert fate.kind == "minimum" and fate.order is None and fate.loss == 0
        assert fate.product == pytest.approx(sigma, rel=1e-12)
        rate = np.sum((sigma / fate.weights) ** 2)
        end = flow(
            chain,
            sigma,
            escape_time(chain, sigma, 0.5) + 30 / rate
            if np.prod(chain) < 0.5 * sigma
            else 30 / rate + 5,
        ).theta[-1]
        assert np.abs(end - fate.weights).max() < 1e-8


def test_gaussian_starts_all_reach_the_target():
    rng = np.random.default_rng(0)
    fates = [chain_fate(rng.standard_normal(3), 1.0) for _ in range(300)]
    assert {fate.kind for fate in fates} == {"minimum"}


def test_tied_smallest_moduli_trap_a_negative_product():
    """Not only equal moduli are trapped: (-1, 1, 1.2) is, and stays below zero."""
    fate = chain_fate([-1, 1, 1.2], 1.0)
    assert fate.kind == "trapped" and fate.order == 2 and fate.loss == 0.5
    assert fate.weights == pytest.approx([0, 0, np.sqrt(0.44)])
    path = flow([-1, 1, 1.2], 1.0, 20.0)
    assert np.prod(path.theta, axis=1).max() < 0
    assert path.theta[-1] == pytest.approx(fate.weights, abs=1e-4)
    assert np.isinf(escape_time([-1, 1, 1.2], 1.0))


@pytest.mark.parametrize(
    ("chain", "kind"),
    [
        ([-1, 1, 1], "trapped"),
        ([-1, 1.2, 1.2], "minimum"),
        ([-1.2, 1, 1], "trapped"),
        ([1, 1, 1], "minimum"),
        ([-1, -1, 1], "minimum"),
        ([-1, -1, -1], "trapped"),
        ([0.01, -0.01], "trapped"),
        ([0, 1, 1], "minimum"),
        ([0, -1, 1], "minimum"),
        ([0, 0, 5], "saddle"),
        ([-0.5, 0.5, 0.5, 0.7], "trapped"),
        ([-0.5, 0.6, 0.6, 0.6], "minimum"),
    ],
)
def test_kinds(chain, kind):
    assert chain_fate(chain, 1.0).kind == kind


def test_breaking_a_tie_frees_the_chain():
    chain = [-1, 1 + 1e-6, 1.2]
    assert chain_fate(chain, 1.0).kind == "minimum"
    assert np.prod(flow(chain, 1.0, 60.0).theta[-1]) == pytest.approx(1.0, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    moduli=st.lists(st.floats(1e-3, 3), min_size=2, max_size=6),
    signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=6, max_size=6),
    sigma=st.floats(1e-2, 10),
    tie=st.booleans(),
)
def test_the_limit_keeps_the_conserved_numbers(moduli, signs, sigma, tie):
    chain = np.array(moduli) * signs[: len(moduli)]
    if tie:
        smallest, other = np.argsort(np.abs(chain))[:2]
        chain[other] = np.copysign(chain[smallest], chain[other])
    fate = chain_fate(chain, sigma)
    change = fate.weights**2 - chain**2
    assert np.ptp(change) < 1e-9 * (1 + np.max(chain**2 + fate.weights**2))
    assert fate.product == pytest.approx(sigma if fate.kind == "minimum" else 0, rel=1e-9)
    moved = np.sign(fate.weights) * np.sign(chain)
    assert np.sum(moved < 0) == (1 if fate.kind == "minimum" and np.prod(chain) < 0 else 0)


@pytest.mark.parametrize(
    ("chain", "sigma"),
    [
        ([0.1, 0.1], 1.0),
        ([0.1, -0.2], 1.0),
        ([2.0, -1.0], 1.0),
        ([0.05, 0.05, 0.05], 2.0),
        ([0.1, -0.2, 0.3], 1.0),
        ([0.1, 0.1, 0.7], 0.5),
        ([0.0, 1.0, 1.0], 1.0),
        ([-0.1, 1.0, 1.2, 0.9], 0.7),
        ([0.1, 0.1 + 1e-9, 0.5, 0.8], 1.0),
    ],
)
def test_escape_time_agrees_with_the_flow(chain, sigma):
    time = escape_time(chain, sigma, 0.9)
    events = flow(chain, sigma, 1.2 * time, events=lambda t, w: np.prod(w) - 0.9 * sigma).events
    assert events[0] == pytest.approx([time], rel=1e-9)


def test_balanced_escape_time_has_the_exponent_of_the_depth():
    for depth in (3, 4, 5):
        time = escape_time([1e-3] * depth, 1.7)
        assert time * (depth - 2) * 1.7 * 1e-3 ** (depth - 2) == pytest.approx(1, abs=2e-3)


def test_only_the_small_layers_set_the_exponent():
    """Depth 4 with m small layers: logarithm for m = 2, power m - 2 beyond."""
    slopes = []
    for m in (2, 3, 4):
        fast, slow = (escape_time([e] * m + [1.0] * (4 - m), 1.0) for e in (1e-3, 1e-4))
        slopes.append(np.log10(slow / fast))
    assert slopes[0] < 0.2
    assert slopes[1:] == pytest.approx([1, 2], abs=0.01)


def test_two_small_layers_of_opposite_sign_never_escape():
    assert np.isinf(escape_time([1e-2, -1e-2, 1.0, 1.3], 1.0))


@pytest.mark.parametrize(
    ("chain", "sigma"), [([-0.5, 0.5, 0.5], 1.3), ([-0.5, 0.5, 0.5, 1.2], 1.7)]
)
def test_saddle_tail_against_the_flow(chain, sigma):
    """The flow is reduced to the tied weight u, since rounding would break the tie."""
    squares = np.square(chain) - 0.25
    rest = squares[squares > 0]

    def others(u):
        return np.sqrt(np.prod(u * u + rest))

    def slowness(u):
        return 1 / (u * u * others(u) * (sigma + u**3 * others(u)))

    u = 5e-4
    time = quad(slowness, u, 0.5, epsrel=1e-11, limit=500, points=[2 * u, 10 * u])[0]
    excess = 0.5 * (sigma + u**3 * others(u)) ** 2 - 0.5 * sigma**2
    tail = saddle_tail(chain, sigma)
    assert tail.exponent == 3
    assert excess == pytest.approx(tail(time), rel=5e-3)


def test_balanced_saddle_tails_have_the_exponents_of_the_depth():
    exponents = [saddle_tail([-0.3] + [0.3] * (h - 1), 1.0).exponent for h in (3, 4, 5)]
    assert exponents == pytest.approx([3, 2, 5 / 3])


def test_null_tail_against_the_flow():
    tail = null_tail([0.5, 0.5, 1.2])
    loss = flow([0.5, 0.5, 1.2], 0.0, 2000.0).loss[-1]
    assert loss == pytest.approx(2.616e-8, rel=1e-3)
    assert tail(2000.0) == pytest.approx(2.626e-8, rel=1e-3)
    balanced = null_tail([1.0, 1.0, 1.0])
    assert balanced(2000.0) == pytest.approx(6.988e-7, rel=1e-3)
    assert flow([0.5, 0.5, 0.5], 0.0, 2000.0).loss[-1] == pytest.approx(6.967e-7, rel=1e-3)


def test_a_unique_smallest_modulus_decays_exponentially():
    with pytest.raises(ValueError, match="exponential"):
        null_tail([0.3, 0.7, 1.2])
    assert flow([0.3, 0.7, 1.2], 0.0, 60.0, atol=1e-18).loss[-1] < 1e-25
    with pytest.raises(ValueError, match="exponential"):
        saddle_tail([-0.5, 0.5, 1.0], 1.0)


def test_slow_layers():
    count, product = slow_layers([0.5, -0.5, 1.3])
    assert count == 2 and product == pytest.approx(1.2)
    assert slow_layers([2, 2, 2]) == (3, 1.0)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: chain_fate([1.0], 1.0), "chain"),
        (lambda: chain_fate([1.0, np.nan], 1.0), "chain"),
        (lambda: chain_fate([1.0, 1.0], 0.0), "sigma"),
        (lambda: chain_fate([[1.0, 1.0]], 1.0), "chain"),
        (lambda: escape_time([1.0, 1.0], 1.0), "product"),
        (lambda: escape_time([0.1, 0.1], 1.0, 1.0), "fraction"),
        (lambda: saddle_tail([1.0, 1.0, 1.0], 1.0), "trapped"),
        (lambda: null_tail([0.0, 1.0]), "zero weight"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
