"""Points of a fibre: critical ones, shortest ones, and what the Hessian sees of it."""

import itertools

import numpy as np

from gradflows import DeepLinear
from gradflows.checks.deep_linear.critical_networks import (
    build,
    critical,
    draw_points,
    draw_stubs,
    gauged,
    rank,
)
from gradflows.checks.deep_linear.fibre_networks import (
    flat,
    tangent_rank,
)
from gradflows.deep_linear import (
    balance,
    balanced_factors,
    end_to_end,
    gauge_act,
    hessian,
    imbalances,
    kernel_dimension,
    moment_map_flow,
    random_gauge,
    schatten_cost,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


def _images(weights):
    """Products of the first i layers for all i."""
    return [end_to_end(weights[: i + 1]) for i in range(len(weights))]


@statement(
    "fibres-critical",
    says="Over every product of a critical point all networks without stubs are critical; all "
    "networks are iff as many modes are learnt as possible.",
    **BOOK,
    **EXACT,
)
def critical_fibres(rng):
    """Look at gradients of integer networks over Sigma_S; the falsehood expects no exception."""
    error = control = 0
    cases = [
        ((2, 2, 2), (2,), (1,)),
        ((3, 3, 3, 3), (1,), (3, 2)),
        ((3, 2, 3, 3), (2, 1), (3,)),
        ((2, 1, 1, 2), (1,), (2,)),
        ((3, 3, 2, 3), (2, 1), (0,)),
        ((3, 3, 3), (3, 2), (0,)),
    ]
    for widths, learnt, idle in cases * 3:
        bare, Sigma = build(widths, learnt, idle)
        error += not critical(gauged(rng, bare), Sigma)
        r, depth = len(learnt), len(widths) - 1
        if r == min(*widths, r + np.count_nonzero(idle)):
            stubs = draw_stubs(rng, widths, r) if r < max(widths[0], widths[-1]) else []
            error += not critical(gauged(rng, build(widths, learnt, idle, stubs)[0]), Sigma)
        else:
            stub = [(0, depth - 1, np.eye(widths[0] - r)[0])]
            almost = critical(gauged(rng, build(widths, learnt, idle, stub)[0]), Sigma)
            error += almost
            control += not almost
    return Evidence(float(error), float(control))


@statement(
    "fibres-balanced",
    says="The least sum of squares over all networks with a given product is h times the sum of "
    "the 2/h-th powers of its singular values, attained exactly at balanced networks.",
    status="literature",
    source="lindsey2025regularization",
    evidence="numeric",
    bound=1e-8,
)
def balanced(rng):
    """Compare random points of the fibre with balanced ones; the falsehood takes any point."""
    error = control = 0.0
    for widths, r in (((3, 4, 3), 3), ((3, 3, 4, 2), 2), ((4, 2, 3, 2, 3), 2), ((3, 3, 3, 3), 1)):
        W = end_to_end([rng.standard_normal((r, widths[0])), rng.standard_normal((widths[-1], r))])
        depth = len(widths) - 1
        least = schatten_cost(W, depth, rank=r)
        start = gauge_act(
            random_gauge(widths, rng=rng, condition=4), balanced_factors(W, widths, r, rng=rng)
        )
        found = balance(start)
        others = balanced_factors(W, widths, r, rng=rng)
        error = max(error, least - np.sum(flat(start) ** 2))
        error = max(error, *(np.abs(C).max() for C in imbalances(found)))
        error = max(error, np.abs(end_to_end(found) - W).max())
        # Gram matrices of all images agree, so that an orthogonal gauge joins the two.
        for one, two in zip(_images(found), _images(others), strict=True):
            error = max(error, np.abs(one.T @ one - two.T @ two).max())
        error = max(error, abs(np.sum(flat(found) ** 2) - least))
        control = max(control, abs(np.sum(flat(start) ** 2) - least))
    return Evidence(float(error), float(control))


@statement(
    "fibres-shrinking",
    says="The moment map flow keeps the product and tends to a balanced network; on an orbit "
    "without stubs exponentially, and with stubs never faster than 1/t.",
    **BOOK,
    evidence="numeric",
    bound=1e-6,
)
def shrinking(rng):
    """Measure the distance of the norm from its least value; the falsehood adds a stub.

    Two weights follow the formulas 2 p coth(4 p t) and, with a stub, 1 / (2 t).
    """
    widths, times = (3, 3, 4, 3), [5.0, 10.0, 20.0]
    W = np.diag([2.0, 1.0, 0.0])
    start = balanced_factors(W, widths, 2)
    least = schatten_cost(W, 3, rank=2)
    gaps, error = [], 0.0
    for stub in (0.0, 1.0):
        wired = [w.copy() for w in start]
        wired[1][2, 2] = stub  # from hidden node 3 to hidden node 3
        moved = gauge_act(random_gauge(widths, rng=rng, condition=3), wired)
        run = moment_map_flow(moved, times[-1], times=times)
        ends = end_to_end(DeepLinear(widths).split(run.theta))
        error = max(error, np.abs(ends - W).max())
        gaps.append(2 * run.loss[-1] - least)
        first, second = rng.uniform(0.5, 2), (1 - stub) * rng.uniform(0.2, 0.4)
        run = moment_map_flow([[[first]], [[second]]], 5.0, times=[0.0, 1.0, 5.0])
        norm, p = first**2 + second**2, first * second
        late = run.t + (1 / (2 * norm) if stub else np.arctanh(2 * p / norm) / (4 * p))
        exact = 1 / (2 * late) if stub else 2 * p / np.tanh(4 * p * late)
        error = max(error, np.abs(2 * run.loss - exact).max())
    return Evidence(max(error, abs(gaps[0])), float(gaps[1]))


@statement(
    "fibres-kernel",
    says="At a critical point without stubs, h >= 3, the Hessian kernel is the tangent space of "
    "the orbit plus (d_i - r)(d_(i-1) - r) dimensions for each layer, plus one for each tie.",
    **BOOK,
    **EXACT,
)
def kernel(rng):
    """Count ranks of integer Hessians; the falsehood takes the orbit for the kernel."""
    error = control = 0
    cases = [
        ((2, 2, 2, 2), (2,), (1,)),
        ((3, 2, 3, 3), (2, 1), (3,)),
        ((3, 1, 1, 3), (2,), (3, 1)),
        ((2, 1, 2, 2, 2), (1,), (2,)),
        ((2, 2, 2, 2), (2,), (2,)),
        ((2, 1, 3, 1, 2), (1,), (2,)),
        ((3, 3, 2, 2), (), (2, 0)),
    ]
    for widths, learnt, idle in cases:
        weights, Sigma = build(widths, learnt, idle)
        moved, r = gauged(rng, weights), len(learnt)
        found = len(flat(moved)) - rank(hessian(moved, Sigma))
        order = sorted([*learnt, *idle], reverse=True)
        learned, ties = [], sum(k == s for k, s in itertools.product(idle, learnt))
        for s in learnt:
            learned.append(next(k for k, v in enumerate(order) if v == s and k not in learned))
        error += found != kernel_dimension(widths, order, learned)
        tangent = tangent_rank(moved)
        narrow = all(min(a, b) == r for a, b in itertools.pairwise(widths)) and not ties
        error += (found == tangent) != narrow
        control += found != tangent
    return Evidence(float(error), float(control))


@statement(
    "fibres-morse-bott",
    says="With distinct positive singular values the loss is Morse-Bott at a critical point "
    "without stubs iff r = r_max or, for h = 2, the target has full rank.",
    **BOOK,
    **EXACT,
)
def morse_bott(rng):
    """Compare kernels with dimensions of critical sets; the falsehood ignores the depth.

    Where the loss is not Morse-Bott, a direction of the kernel leaves the critical points.
    """
    error = control = 0
    full = [((3, 2, 2), (2,), (1,)), ((2, 3, 3), (1,), (2,)), ((3, 2, 3), (), (3, 2, 1))]
    narrow = [((3, 2, 3), (2, 1), (3,)), ((3, 1, 2, 3), (2,), (3, 1)), ((2, 1, 2), (2,), (0,))]
    for widths, learnt, idle, weights, Sigma in draw_points(rng, full + narrow, 16):
        moved, r = gauged(rng, weights), len(learnt)
        found = len(flat(moved)) - rank(hessian(moved, Sigma))
        size = 2 * r * widths[1] - r**2 + (widths[1] - r) * abs(widths[0] - widths[-1])
        if (widths, learnt, idle) in narrow:
            size = len(flat(moved)) - r * (widths[0] + widths[-1] - r)
        error += found != size
    wide = [((2, 2, 2, 2), (2,), (1,)), ((3, 2, 3), (2,), (0, 0)), ((3, 3, 3, 4), (2, 1), (0,))]
    for widths, learnt, idle in full + wide:
        weights, Sigma = build(widths, learnt, idle)
        r = len(learnt)
        V = [np.zeros_like(w) for w in weights]
        for block in V:
            block[r:, r:] = 2
        if len(widths) == 3:  # modes have no room in the kernel, null inputs and outputs do
            V[0][:, : r + np.count_nonzero(idle)] = 0
            V[1][: r + np.count_nonzero(idle)] = 0
        leaves = not critical([w + v for w, v in zip(weights, V, strict=True)], Sigma)
        error += bool(np.any(hessian(weights, Sigma) @ flat(V)))
        error += leaves != ((widths, learnt, idle) in wide)
        control += leaves
    return Evidence(float(error), float(control))
