import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from gradflows import DeepLinear, Problem, SquaredLoss, gradient_flow
from gradflows.deep_linear import mode_depth2, mode_depth2_unbalanced_time, mode_time


def flow(chain, sigma, t_end, **options):
    problem = Problem(
        DeepLinear((1,) * (len(chain) + 1)), [[1.0]], SquaredLoss([[sigma]], mean=False)
    )
    options = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14} | options
    return gradient_flow(problem, chain, t_end, **options)


@pytest.mark.parametrize(("u0", "sigma"), [(0.01, 1.0), (0.3, 2.5), (2.0, 1.0), (0.7, 0.0)])
def test_logistic_curve_is_the_balanced_network(u0, sigma):
    times = np.linspace(0, 6, 25)
    path = flow([u0, u0], sigma, 6.0, times=times)
    exact = mode_depth2(times, u0**2, sigma)
    assert np.prod(path.theta, axis=1) == pytest.approx(exact, abs=1e-10)


def test_logistic_curve_needs_equal_layers():
    exact = mode_depth2(0.5, 0.36, 1.0)
    end = np.prod(flow([1.2, 0.3], 1.0, 0.5).theta[-1])
    assert end == pytest.approx(0.736009, abs=1e-6)
    assert abs(end - exact) > 0.1


def test_logistic_curve_at_the_ends_of_time():
    with np.errstate(all="raise", under="ignore"):
        assert mode_depth2([0.0, 1e6], 1e-12, 3.0) == pytest.approx([1e-12, 3.0], rel=1e-12)
    assert mode_depth2(5.0, 0.0, 1.0) == 0
    half = np.log(1.7 / 1e-3 - 1) / (2 * 1.7)
    assert mode_depth2(half, 1e-3, 1.7) == pytest.approx(0.85, rel=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize(("u0", "share"), [(0.05, 0.9), (2.0, 1.1)])
def test_mode_time_agrees_with_the_network(depth, u0, share):
    sigma = 1.3
    u0 = max(u0, 0.3) if depth == 10 else u0
    u1 = share * sigma ** (1 / depth)
    time = mode_time(u0, u1, sigma, depth)
    path = flow([u0] * depth, sigma, float(time), times=[float(time)])
    assert path.theta[-1] == pytest.approx(u1, rel=1e-9)


@pytest.mark.parametrize("depth", [3, 4, 6, 7, 10, 25])
@pytest.mark.parametrize("gap", [0.6, 0.2, 0.05, 1e-3, 1e-6, 1e-9, -1e-9, -1e-3, -0.3, -5.0])
def test_mode_time_on_all_scales_against_high_precision(depth, gap):
    """Near the target the hypergeometric function of scipy loses its digits."""
    sigma, u1 = 0.7, 0.7 ** (1 / depth) * (1 - gap)
    u0 = 0.1 * u1 if gap > 0 else 3 * u1
    with mpmath.workdps(40):
        s, a, b = (mpmath.mpf(float(x)) for x in (sigma, u0, u1))
        roots = [mpmath.expjpi(mpmath.mpf(2 * k) / depth) for k in range(depth)]
        scale = s ** (mpmath.mpf(1) / depth)
        logs = mpmath.re(
            sum(-r * r / depth * (mpmath.log((r - b / scale) / (r - a / scale))) for r in roots)
        )
        lead = (b ** (2 - depth) - a ** (2 - depth)) / (2 - depth)
        exact = float((lead + scale ** (2 - depth) * logs) / s)
    # The distance to the target itself is known to 1e-16 / gap only.
    tolerance = 1e-12 + 1e-15 / abs(gap)
    assert float(mode_time(u0, u1, sigma, depth)) == pytest.approx(exact, rel=tolerance)


def test_leading_order_of_the_half_time():
    ratio = [
        float(mode_time(0.01, 0.5 ** (1 / h), 1.0, h)) * (h - 2) * 0.01 ** (h - 2) for h in (3, 4)
    ]
    assert ratio == pytest.approx([0.99150, 0.99995], abs=1e-5)


def test_mode_time_without_target_is_algebraic():
    assert mode_time(1.0, 0.1, 0.0, 3) == pytest.approx((0.1**-4 - 1) / 4)
    assert mode_time(1.0, 0.1, 0.0, 1) == pytest.approx(np.log(10))


@settings(max_examples=80, deadline=None)
@given(
    depth=st.integers(1, 12),
    sigma=st.floats(0.05, 20),
    share=st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3, unique=True),
    above=st.booleans(),
)
def test_mode_times_add_up(depth, sigma, share, above):
    target = sigma ** (1 / depth)
    u = np.sort(share) * target
    u = target**2 / u if above else u
    first, whole = mode_time(u[0], u[1:], sigma, depth)
    second = mode_time(u[1], u[2], sigma, depth)
    assert first >= 0 and second >= 0
    assert first + second == pytest.approx(whole, rel=1e-8, abs=1e-12 * abs(whole) + 1e-13)


@pytest.mark.parametrize("imbalance", [-1.35, -0.4, 0.0, 1e-9, 0.4, 3.0])
@pytest.mark.parametrize(("s0", "s1"), [(0.05, 0.9), (3.0, 1.2)])
def test_unbalanced_time_agrees_with_the_network(imbalance, s0, s1):
    root = np.hypot(2 * s0, imbalance)
    chain = np.sqrt([(root - imbalance) / 2, (root + imbalance) / 2])
    assert chain[1] ** 2 - chain[0] ** 2 == pytest.approx(imbalance, abs=1e-12)
    time = float(mode_depth2_unbalanced_time(s0, s1, 1.0, imbalance))
    assert np.prod(flow(chain, 1.0, time).theta[-1]) == pytest.approx(s1, abs=1e-10)


def test_unbalanced_time_from_a_negative_strength():
    """The printed sign of the theta equation would fall to -0.292 here."""
    chain = np.array([1.2, -0.3])
    time = float(mode_depth2_unbalanced_time(-0.36, 0.5, 1.0, 0.09 - 1.44))
    assert np.prod(flow(chain, 1.0, time).theta[-1]) == pytest.approx(0.5, abs=1e-10)
    back = mode_depth2_unbalanced_time(0.36, 0.736009, 1.0, 0.09 - 1.44)
    assert back == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("imbalance", [2.0, -2.0, 1e-3])
def test_unbalanced_time_is_the_artanh_form_and_the_integral(imbalance):
    sigma, kappa = 0.8, np.hypot(imbalance, 1.6)
    s = np.array([-0.2, 0.1, 0.5, 0.79])
    argument = (4 * sigma * s + imbalance**2) / (kappa * np.hypot(2 * s, imbalance))
    artanh = np.arctanh(argument) / kappa
    ours = mode_depth2_unbalanced_time(s[0], s, sigma, imbalance)
    assert ours == pytest.approx(artanh - artanh[0], abs=1e-5 if abs(imbalance) < 1 else 1e-11)
    for end, time in zip(s[1:], ours[1:], strict=True):

        def slowness(x):
            return 1 / (np.hypot(2 * x, imbalance) * (sigma - x))

        exact = quad(slowness, s[0], end, epsrel=1e-12, points=[0.0], limit=400)[0]
        assert time == pytest.approx(exact, rel=1e-9)


def test_unbalanced_time_from_far_below_zero():
    """With little imbalance the two terms of the logarithm all but cancel."""
    s0, imbalance = -5.0, 1e-5
    below = quad(
        lambda x: 1 / (2 - imbalance * np.sinh(x)),
        np.arcsinh(2 * s0 / imbalance),
        np.arcsinh(1 / imbalance),
        epsrel=1e-12,
        limit=400,
    )[0]
    assert mode_depth2_unbalanced_time(s0, 0.5, 1.0, imbalance) == pytest.approx(below, rel=1e-9)


def test_unbalanced_time_without_imbalance_is_logistic():
    time = mode_depth2_unbalanced_time(1e-4, 0.6, 1.0, 0.0)
    assert mode_depth2(time, 1e-4, 1.0) == pytest.approx(0.6, rel=1e-12)


def test_tail_rate_of_an_unbalanced_mode():
    kappa = np.hypot(1.3, 4.0)
    times = mode_depth2_unbalanced_time(0.1, 2 - np.array([1e-6, 1e-7]), 2.0, 1.3)
    assert np.log(10) / np.diff(times)[0] == pytest.approx(kappa, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: mode_depth2(-1.0, 1.0, 1.0), "t:"),
        (lambda: mode_depth2(1.0, -1.0, 1.0), "s0"),
        (lambda: mode_depth2(1.0, 1.0, np.nan), "sigma"),
        (lambda: mode_time(0.0, 0.5, 1.0, 3), "u0"),
        (lambda: mode_time(0.5, 0.4, 1.0, 3), "u1"),
        (lambda: mode_time(0.5, 1.0, 1.0, 3), "u1"),
        (lambda: mode_time(0.5, [0.6, np.nan], 1.0, 3), "u1"),
        (lambda: mode_time(0.5, 0.6, 1.0, 2.5), "depth"),
        (lambda: mode_time(1.0, 1.0, 1.0, 3), "u1"),
        (lambda: mode_depth2_unbalanced_time(0.0, 0.5, 1.0, 0.0), "balanced"),
        (lambda: mode_depth2_unbalanced_time(0.2, 0.1, 1.0, 0.5), "s1"),
        (lambda: mode_depth2_unbalanced_time(0.2, 1.0, 1.0, 0.5), "s1"),
        (lambda: mode_depth2_unbalanced_time(0.2, 0.5, -1.0, 0.5), "sigma"),
        (lambda: mode_depth2_unbalanced_time(0.2, 0.5, 1.0, np.inf), "imbalance"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=name):
        call()
