"""At minima: where the null space comes from, activation by activation."""

from math import comb

import numpy as np
import sympy as sp

from gradflows import Problem, SquaredLoss
from gradflows.beyond import (
    DenseNetwork,
    gauss_newton,
    nullity,
    predicted_nullity,
    symmetry_dimension,
)
from gradflows.beyond.dense_networks import KINDS
from gradflows.conservation import known_laws, lie_dimension_of
from gradflows.modular import rank_mod
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
WIDTHS = (4, 3, 2)


def integers(rng, shape, size=9):
    """Integers between -size and size, without zeros."""
    return rng.integers(1, size + 1, shape) * rng.choice([-1, 1], shape)


def exact_nullity(rng, widths, activation, n=None, theta=None):
    """Nullity on random integer inputs, modulo a prime."""
    network = DenseNetwork(widths, activation)
    theta = integers(rng, network.size) if theta is None else theta
    X = integers(rng, (widths[0], n or 20 * network.size))
    return nullity(network.jacobian(theta, X), exact=True)


@statement(
    "hessian-null-space-minimum",
    says="Where the residual is zero, the Hessian of the mean loss is J^T J / n: it has the "
    "eigenvalues of the tangent kernel over n, and the null space of J.",
    evidence="numeric",
    bound=1e-10,
    **BOOK,
)
def minimum(rng):
    """Label by the network itself; the falsehood has a residual of a tenth."""
    error, control = 0.0, np.inf
    for activation in ("identity", "tanh", "softplus", "quadratic"):
        network = DenseNetwork(WIDTHS, activation)
        theta, X = rng.standard_normal(network.size), rng.standard_normal((4, 7))
        for shift in (0.0, 0.1):
            problem = Problem(network, X, SquaredLoss(network.outputs(theta, X) + shift))
            hessian, J = problem.hessian(theta), network.jacobian(theta, X)
            gap = np.abs(hessian - J.T @ J / 7).max()
            if shift:
                control = min(control, gap)
                continue
            kernel = np.linalg.eigvalsh(problem.kernel(theta) / 7)
            gap = max(gap, np.abs(hessian - gauss_newton(problem, theta)).max())
            error = max(error, gap, np.abs(np.linalg.eigvalsh(hessian)[-14:] - kernel).max())
    return Evidence(error, control)


@statement(
    "hessian-null-space-laws",
    says="The gradients of conservation laws are null vectors of J, whatever the data: the nullity "
    "at a minimum is at least the number of independent laws.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def laws(rng):
    """Multiply integers; the falsehood is the sum of the squares in place of the difference."""
    violations = control = 0
    for activation, kind in (("identity", "linear"), ("relu", "relu")):
        network, known = DenseNetwork(WIDTHS, activation), known_laws(WIDTHS, kind)
        theta, X = integers(rng, network.size), integers(rng, (4, 300))
        J, gradients = network.jacobian(theta, X), np.rint(known.gradients(theta))
        wrong = gradients.copy()
        wrong[:, :12] *= -1
        violations += np.count_nonzero(J @ gradients.T)
        violations += rank_mod(gradients) > nullity(J, exact=True)
        control += np.count_nonzero(J @ wrong.T)
    return Evidence(int(violations), int(control))


@statement(
    "hessian-null-space-symmetries",
    says="The linear symmetries of a hidden layer of width m have the dimension m^2 for the "
    "identity, m for other positively homogeneous activations, and 0 for all others.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def symmetries(rng):
    """Solve B s(z) + s'(z) Az = 0 on many z; the falsehood takes positive z only."""
    hidden, violations, control = 3, 0, 0
    for name, kind in KINDS.items():
        exact = name in ("identity", "relu", "relu2", "quadratic")
        z = integers(rng, (60, hidden)) if exact else 2 * rng.standard_normal((60, hidden))
        for points in (z, np.abs(z)):
            value = kind.value(points.astype(float))
            slope = kind.slope(points.astype(float), value)
            rows = [
                np.concatenate([np.outer(unit, v), np.outer(unit * s, p)]).ravel()
                for v, s, p in zip(value, slope, points, strict=True)
                for unit in np.eye(hidden)
            ]
            wrong = nullity(rows, exact=exact) != symmetry_dimension(name, hidden)
            violations, control = violations + (points is z) * wrong, control + wrong
    return Evidence(int(violations), int(control - violations))


@statement(
    "hessian-null-space-linear",
    says="The Jacobian of a linear network of two layers has the nullity "
    "d_1 (d_0 + d_2) - d_2 m + (d_2 - rank W_2)(m - rank W_1 X), with the rank m of X; "
    "(d_0 - r_1)(d_1 - r_2) + (d_2 - r_2)(d_1 - r_1) of it are no symmetries, if m = d_0.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def linear(rng):
    """Draw factors and inputs of all ranks; the falsehood counts symmetries only."""
    violations = control = 0
    for _ in range(30):
        d0, d1, d2, n = rng.integers(1, 6, 4)
        network = DenseNetwork((d0, d1, d2), "identity")
        W1, X, W2 = (
            integers(rng, (a, r), 3) @ integers(rng, (r, b), 3)
            for a, b in ((d1, d0), (d0, n), (d2, d1))
            for r in [rng.integers(1, min(a, b) + 1)]
        )
        m, r1, r2 = rank_mod(X), rank_mod(W1 @ X), rank_mod(W2)
        found = nullity(network.jacobian(network.join([W1, W2]), X), exact=True)
        violations += found != network.size - d2 * m + (d2 - r2) * (m - r1)
        gauges = [network.join([A @ W1, -W2 @ A]) for A in np.eye(d1**2).reshape(-1, d1, d1)]
        symmetric = rank_mod(gauges)
        if m == d0:
            violations += found != symmetric + (d0 - r1) * (d1 - r2) + (d2 - r2) * (d1 - r1)
        control += found != symmetric
    return Evidence(violations, control)


def drawn_neurons(rng, widths, off, on):
    """Integer weights whose neurons are off, on, or neither, for inputs with x_1 = 7..9."""
    network = DenseNetwork(widths, "identity")
    W1, W2 = integers(rng, (widths[1], widths[0]), 5), integers(rng, (widths[2], widths[1]))
    W1[:, 0] = rng.integers(-1, 2, widths[1])
    W1[:off, 0], W1[off : off + on, 0] = -30, 30
    return network.join([W1, W2])


@statement(
    "hessian-null-space-relu",
    says="A ReLU neuron that is off costs d_0 + d_2 flat directions, one that crosses a kink costs "
    "one, and those that are always on cost what a linear network of their number does.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def relu(rng):
    """Count in integers; the falsehood is one flat direction for each neuron."""
    violations = control = 0
    cases = [("relu", off, on) for off in range(3) for on in range(3)]
    for activation, off, on in [*cases, ("relu2", 0, 0), ("relu2", 1, 0)]:
        widths = (4, 5, 3)
        network = DenseNetwork(widths, activation)
        theta = drawn_neurons(rng, widths, off, on)
        X = np.vstack([rng.integers(7, 10, 2000), integers(rng, (3, 2000))])
        found = nullity(network.jacobian(theta, X), exact=True)
        violations += found != predicted_nullity(widths, activation, off=off, on=on)
        control += found != widths[1]
    return Evidence(violations, control)


@statement(
    "hessian-null-space-independent",
    says="With tanh, sigmoid or softplus, weights w_i other than 0 and +-w_j, and v_j not 0, J has "
    "no null vectors on enough samples.",
    evidence="numeric",
    bound=0.05,
    **BOOK,
)
def independent(rng):
    """Count null vectors; the falsehood has two neurons with opposite input weights."""
    found = {True: [], False: []}
    for activation in ("tanh", "sigmoid", "softplus"):
        for twin in (True, False):
            network = DenseNetwork((4, 3, 1), activation)
            W1, W2 = network.split(rng.standard_normal(network.size))
            W1 += 2 * np.eye(3, 4)
            W2 += np.sign(W2)
            W1[2] = -W1[1] if twin else W1[2]
            J = network.jacobian(network.join([W1, W2]), 1.5 * rng.standard_normal((4, 300)))
            found[twin].append(nullity(J, tol=1e-12))
    return Evidence(float(max(found[False])), float(min(found[True])))


@statement(
    "hessian-null-space-polynomial",
    says="A polynomial activation of degree k gives at least n_theta - d_2 binom(d_0 + k, k) null "
    "vectors at every width; z + z^2 with widths 2, 3, 1 has four, no symmetry and no law.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def polynomial(rng):
    """Count in integers; the falsehood infers nullity 0 from the missing symmetry."""
    violations = control = 0
    for d0, d1, d2 in ((2, 3, 1), (1, 4, 2), (2, 7, 2), (3, 11, 1)):
        found = exact_nullity(rng, (d0, d1, d2), "quadratic")
        violations += found != d1 * (d0 + d2) - d2 * (comb(d0 + 2, 2) - 1)
        control += found != symmetry_dimension("quadratic", d1)
    x = sp.symbols("x:2")
    theta = sp.symbols("t:9")
    pre = [theta[2 * j] * x[0] + theta[2 * j + 1] * x[1] for j in range(3)]
    output = sum(v * (z + z**2) for v, z in zip(theta[6:], pre, strict=True))
    coefficients = sp.Poly(sp.expand(output), *x).coeffs()
    violations += lie_dimension_of(coefficients, theta, rng).dimension != 9
    return Evidence(violations, control)


@statement(
    "hessian-null-space-samples",
    says="The null space on all inputs is that on finitely many: for a polynomial activation on "
    "almost any n inputs with n at least the rank.",
    evidence="exact",
    bound=0,
    **BOOK,
)
def samples(rng):
    """Compare r samples with many; the falsehood has one sample less than r / d_2."""
    violations = control = 0
    for widths in ((2, 3, 1), (2, 5, 2), (3, 4, 2)):
        for activation in ("identity", "quadratic"):
            network = DenseNetwork(widths, activation)
            theta = integers(rng, network.size)
            least = exact_nullity(rng, widths, activation, theta=theta)
            rank = network.size - least
            found = exact_nullity(rng, widths, activation, n=rank, theta=theta)
            violations += found != least
            few = max(-(-rank // widths[2]) - 1, 1)
            control += exact_nullity(rng, widths, activation, n=few, theta=theta) != least
    return Evidence(violations, control)
