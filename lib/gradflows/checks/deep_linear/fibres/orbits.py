"""Gauges and their orbits: what they keep, what separates them, how large they are."""

import itertools

import numpy as np

from gradflows.checks.deep_linear.critical_networks import (
    build,
    critical,
    draw_gauge,
    draw_points,
    draw_stubs,
    gauged,
    integer_act,
)
from gradflows.checks.deep_linear.fibre_networks import (
    bridge,
    carries,
    flat,
    invariant_count,
    product_count,
    shrinking_gauge,
    tangent_rank,
    units,
)
from gradflows.checks.deep_linear.integer_networks import integer_network
from gradflows.deep_linear import (
    end_to_end,
    gauge_act,
    gauge_direction,
    hessian,
    hessian_form,
    orbit_dimension,
    path_counts,
)
from gradflows.deep_linear.matrix_flow import layer_velocities
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


def framed(gauge, weights):
    """Put identities at the input and the output of a gauge."""
    return [np.eye(weights[0].shape[1]), *gauge, np.eye(len(weights[-1]))]


@statement(
    "fibres-gauge",
    says="A gauge keeps the product; gradients move by P_i^-T on the left and P_(i-1)^T on the "
    "right, Hessian forms are carried along, and orbits lie in Hessian kernels.",
    **BOOK,
    **EXACT,
)
def gauge(rng):
    """Compute in integers; the falsehood lets gradients move as the weights do."""
    cases = [((3, 3, 4, 3), (2, 1), (3,)), ((2, 3, 2), (), (2, 1)), ((2, 2, 2, 2), (1,), (2,))]
    error = control = 0
    for widths, _, _, weights, Sigma in draw_points(rng, cases, 12):
        change = draw_gauge(rng, weights)
        moved = integer_act(change, weights)
        V = integer_network(rng, widths)
        error += not np.array_equal(end_to_end(moved), end_to_end(weights)) or not critical(
            moved, Sigma
        )
        along = hessian_form(moved, Sigma, integer_act(change, V))
        error += along != hessian_form(weights, Sigma, V)
        second = hessian(weights, Sigma)
        error += any(np.any(second @ flat(gauge_direction(u, weights))) for u in units(weights))
        ends = layer_velocities(integer_act(change, V), Sigma)
        frames = framed(change, V)
        for i, velocity in enumerate(layer_velocities(V, Sigma)):
            after, before = frames[i + 1], frames[i]
            error += not np.array_equal(after.T @ ends[i], velocity @ before.T)
            control += not np.array_equal(ends[i] @ before, after @ velocity)
    return Evidence(float(error), float(control))


@statement(
    "fibres-equivariance",
    says="A gauge carries the gradient flow to itself iff it is orthogonal.",
    **BOOK,
    **EXACT,
)
def equivariance(rng):
    """Carry velocities by reflections with entries 1/2; the falsehood takes other gauges.

    For every gauge that is not orthogonal the proof names weights that tell; they are tried too.
    """
    widths, Sigma = (3, 4, 4, 3), np.diag([3.0, 2, 1])

    def moved_wrongly(change, weights):
        frames = framed(change, weights)
        ends = layer_velocities(gauge_act(change, weights), Sigma)
        start = layer_velocities(weights, Sigma)
        return any(
            not np.array_equal(end @ frames[i], frames[i + 1] @ v)
            for i, (end, v) in enumerate(zip(ends, start, strict=True))
        )

    error = control = 0
    for _ in range(10):
        weights = integer_network(rng, widths)
        signs = rng.choice([-1.0, 1.0], (2, 4))
        error += moved_wrongly([np.eye(4) - np.outer(v, v) / 2 for v in signs], weights)
        change = draw_gauge(rng, weights)
        if all(np.array_equal(P.T @ P, np.eye(len(P))) for P in change):
            continue
        control += moved_wrongly(change, weights)
        layer = next(i for i, P in enumerate(change) if not np.array_equal(P.T @ P, np.eye(4)))
        told = False
        for node in range(4):  # W_i = 0 for the first such layer, all others of rank one
            probe = [np.outer(np.eye(b)[0], np.eye(a)[0]) for a, b in itertools.pairwise(widths)]
            probe[layer] *= 0
            after = np.eye(4)[node]
            probe[layer + 1] = np.outer(np.eye(widths[layer + 2])[0], after)
            told |= moved_wrongly(change, probe)
        error += not told
    return Evidence(float(error), float(control))


@statement(
    "fibres-invariants",
    says="Every polynomial of the weights that no gauge changes is a polynomial of the entries of "
    "the end-to-end matrix.",
    status="literature",
    source="weyl1946classical",
    **EXACT,
)
def invariants(rng):
    """Count both kinds of polynomials; the falsehood asks for orthogonal gauges only."""
    error = control = 0
    for widths, degree in (((2, 1, 2), 2), ((2, 2, 2), 2), ((3, 1, 3), 2), ((2, 2, 1, 2), 2)):
        products = product_count(widths, degree, rng)
        error += invariant_count(widths, degree) != products
        control += invariant_count(widths, degree, orthogonal=True) != products
    return Evidence(float(error), float(control))


@statement(
    "fibres-closed",
    says="An orbit is closed iff the network has no stubs, and the networks with a given product "
    "that have no stubs form one orbit, which lies in the closure of all others.",
    **BOOK,
    **EXACT,
)
def closed(rng):
    """Shrink stubs by powers of 2, and build the gauge between two networks without stubs.

    The falsehood looks for such a gauge although one of them has stubs.
    """
    cases = [((3, 3, 4, 3), (2, 1)), ((2, 3, 3, 2), ()), ((2, 2, 3, 2, 2), (1,))]
    error = control = 0
    for widths, learnt in cases * 3:
        idle = [0] * (min(widths[0], widths[-1]) - len(learnt))
        bare, _ = build(widths, learnt, idle)
        first, second = gauged(rng, bare), gauged(rng, bare)
        error += not carries(bridge(first, second), first, second)
        stubs = draw_stubs(rng, widths, len(learnt))
        wired, _ = build(widths, learnt, idle, stubs)
        shrunk = gauge_act(shrinking_gauge(widths, len(learnt), stubs, 2.0**-9), wired)
        for old, new, end in zip(wired, shrunk, bare, strict=True):
            error += not np.array_equal(new - end, (old - end) / 2**9)
        if any(np.any(a != b) for a, b in zip(wired, bare, strict=True)):
            third = gauged(rng, wired)
            control += not carries(bridge(first, third), first, third)
    return Evidence(float(error), float(control))


@statement(
    "fibres-dimension",
    says="The dimension of an orbit is the sum of d_i^2 over hidden layers minus the sum of "
    "m_ab m_cd over c <= a <= d <= b with a >= 1, d <= h - 1, m_ab the numbers of paths.",
    **BOOK,
    **EXACT,
)
def dimension(rng):
    """Compare with ranks of tangent spaces; the falsehood forgets the stubs."""
    error = control = 0
    for _ in range(25):
        widths = rng.integers(1, 5, rng.integers(3, 6)).tolist()
        weights = [w * (rng.random(w.shape) < 0.5) for w in integer_network(rng, widths)]
        truth, r = tangent_rank(weights), path_counts(weights).get((0, len(weights)), 0)
        error += orbit_dimension(weights) != truth
        control += sum(d**2 - (d - r) ** 2 for d in widths[1:-1]) != truth
    return Evidence(float(error), float(control))
