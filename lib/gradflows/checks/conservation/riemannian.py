"""Checks of the chapter conservation/riemannian: metrics of the flow downstairs."""

import numpy as np
import sympy as sp

from gradflows.checks.conservation.small_networks import (
    gradients_at,
    integers,
    known_laws,
)
from gradflows.conservation import (
    lie_dimension_symbolic,
    metric_relaxed_balanced,
    model_map,
    relaxed_balanced_weights,
)
from gradflows.statements import Evidence, statement

EXACT = dict(evidence="exact", bound=0)
BOOK = dict(status="this book", source="this book")


def rational(rng, *shape):
    """Draw a matrix of fractions without zeros."""
    return sp.Matrix(*shape, [sp.Rational(a, 7) for a in integers(rng, int(np.prod(shape)))])


def larger_root(lam, square):
    """(lam + sqrt(lam^2 + 4 square))/2, exact if the root is rational."""
    return (lam + sp.sqrt(lam**2 + 4 * square)) / 2


@statement(
    "riemannian-closes",
    says="With a complete family of laws q, the parameters are locally a function of (phi, q) if "
    "and only if the trace of W_phi holds all brackets.",
    status="paper",
    source="marcotte2023abide",
    **EXACT,
)
def closes(rng):
    """Compare both conditions; the falsehood claims the first one for every network."""
    error = control = 0
    cases = [((2, 2, 2), "linear"), ((2, 1, 2), "linear"), ((1, 2, 1), "linear")]
    cases += [((2, 2, 2), "relu"), ((3, 2, 1), "relu")]
    for widths, kind in cases:
        phi, symbols = model_map(widths, kind)
        growth = lie_dimension_symbolic(phi, symbols, rng=rng).growth
        point = integers(rng, len(symbols))
        functions = [*phi, *known_laws(widths, symbols, kind)]
        immersed = gradients_at(functions, symbols, point).rank() == len(symbols)
        error += immersed != (growth[0] == growth[-1])
        control += not immersed
    return Evidence(error, control)


@statement(
    "riemannian-rank-one",
    says="For z = uv with a number u, z != 0 or lam = u^2 - |v|^2 > 0, the metric is "
    "delta I + z z^T/delta with delta the larger root of x^2 - lam x - |z|^2.",
    status="paper",
    source="marcotte2023abide",
    **EXACT,
)
def rank_one(rng):
    """Compare with the Jacobian, in fractions; the falsehood has the opposite sign of lam."""

    def wrong(sign, u, v):
        z, jacobian = u * v, v.row_join(u * sp.eye(3))
        delta = larger_root(sign * (u**2 - v.dot(v)), z.dot(z))
        difference = jacobian * jacobian.T - delta * sp.eye(3) - z * z.T / delta
        return difference.applyfunc(sp.nsimplify) != sp.zeros(3)

    points = [(rational(rng, 1, 1)[0], rational(rng, 3, 1)) for _ in range(4)]
    points.append((sp.Rational(5, 3), sp.zeros(3, 1)))  # z = 0 and lam > 0
    return Evidence(*(sum(wrong(sign, *point) for point in points) for sign in (1, -1)))


@statement(
    "riemannian-neurons",
    says="For a ReLU neuron z = u v^T != 0, G -> u u^T G + G v v^T is a function of z and "
    "|u|^2 - |v|^2.",
    **BOOK,
    **EXACT,
)
def neurons(rng):
    """Compare both sides, in fractions; the falsehood exchanges alpha and beta."""
    error = control = 0
    for _ in range(4):
        u, v, G = rational(rng, 2, 1), rational(rng, 3, 1), rational(rng, 2, 3)
        z, lam = u * v.T, u.dot(u) - v.dot(v)
        square = (z * z.T).trace()
        alpha = larger_root(lam, square)
        beta = alpha - lam
        truth = u * u.T * G + G * v * v.T
        error += truth != (alpha * z * z.T * G + beta * G * z.T * z) / square
        control += truth != (beta * z * z.T * G + alpha * G * z.T * z) / square
    return Evidence(error, control)


@statement(
    "riemannian-product",
    says="For a product of h nonzero numbers with theta_i^2 = s + lam_i, s is the largest real "
    "root of prod(s + lam_i) = z^2.",
    **BOOK,
    **EXACT,
)
def product(rng):
    """Count real roots from theta_1^2 on; the falsehood takes the smallest one."""
    s, error, control = sp.Symbol("s"), 0, 0
    for h in (2, 3, 4, 5):
        squares = [sp.Integer(a) ** 2 for a in integers(rng, h)]
        polynomial = sp.Poly(sp.prod([s + a - squares[0] for a in squares]) - sp.prod(squares), s)
        error += polynomial.count_roots(inf=squares[0]) != 1
        error += polynomial.eval(squares[0]) != 0
        control += polynomial.count_roots(sup=squares[0]) != 1
    return Evidence(error, control)


@statement(
    "riemannian-parallel",
    says="With one input and one output |W_1|^2 + |W_2|^2 is the root of 4z^2 + 2 tr C^2 - "
    "(tr C)^2, at every point.",
    **BOOK,
    **EXACT,
)
def parallel(rng):
    """Compare the squares, in fractions; the falsehood drops the factor 2."""
    error = control = 0
    for width in (1, 2, 3, 4):
        first, second = rational(rng, width, 1), rational(rng, 1, width)
        C = second.T * second - first * first.T
        square = (first.dot(first) + second.dot(second)) ** 2 - 4 * (second * first)[0] ** 2
        error += square != 2 * (C * C).trace() - C.trace() ** 2
        control += square != (C * C).trace() - C.trace() ** 2
    return Evidence(error, control)


@statement(
    "riemannian-relaxed",
    says="For C = lam I the Gram matrices are functions of W: the outer one if lam <= 0, rank W "
    "= d_1 or d_1 = d_2, the inner one if lam >= 0, rank W = d_1 or d_1 = d_0.",
    evidence="numeric",
    bound=1e-10,
    **BOOK,
)
def relaxed(rng):
    """Compare with the flow's metric; the falsehood uses the formula for a rank too small."""
    cases = [((3, 2, 4), 1.0, 2), ((3, 2, 4), -1.0, 2), ((3, 2, 4), 0.0, 1)]
    cases += [((3, 3, 3), 0.7, 1), ((4, 2, 2), 2.0, 1), ((2, 2, 4), -0.5, 1)]
    error = 0.0
    for widths, lam, rank in cases:
        W1, W2 = relaxed_balanced_weights(widths, lam, rank, rng=rng)
        G = rng.standard_normal((widths[2], widths[0]))
        ours = metric_relaxed_balanced(lam, widths)((W2 @ W1).ravel()) @ G.ravel()
        truth = W2 @ W2.T @ G + G @ W1.T @ W1
        error = max(error, np.abs(ours.reshape(G.shape) - truth).max())
    W1, W2 = relaxed_balanced_weights((3, 2, 4), 1.0, 1, rng=rng)
    values, frame = np.linalg.eigh(W2 @ W1 @ W1.T @ W2.T)
    formula = (frame[:, -1:] * (0.5 + np.sqrt(0.25 + values[-1]))) @ frame[:, -1:].T
    return Evidence(error, np.linalg.norm(formula - W2 @ W2.T, 2))


@statement(
    "riemannian-general",
    says="If W_1 and W_2 have rank d_1, the metric of two linear layers is near theta a function "
    "of W and C if and only if C is a multiple of the identity.",
    **BOOK,
    **EXACT,
)
def general(rng):
    """Move the Gram matrices with W and C fixed; the falsehood does so at a general imbalance."""
    turn = sp.Matrix([[3, -4], [4, 3]]) / 5
    error = 0
    for lam in (
        1,
        3,
    ):  # Pythagorean triples: (lam + k^2)/(2k) squared is lam + ((lam - k^2)/(2k))^2
        inner, outer = (
            sp.diag(*[(lam + sign * k**2) / sp.Rational(2 * k) for k in (5, 7)]) for sign in (-1, 1)
        )
        error += moves([turn * inner, outer * turn.T])
    error += not moves([rational(rng, 2, 3), rational(rng, 3, 2)])
    control = sum(moves([rational(rng, 2, 2), rational(rng, 2, 2)]) for _ in range(2))
    return Evidence(error, control)


def moves(weights):
    """Tell whether some change of the weights moves a Gram matrix, but not W and C."""
    first = sp.Matrix(*weights[0].shape, sp.symbols(f"a:{len(weights[0])}"))
    second = sp.Matrix(*weights[1].shape, sp.symbols(f"b:{len(weights[1])}"))
    symbols = [*first, *second]
    point = [*weights[0], *weights[1]]
    fixed = [*(second * first), *(second.T * second - first * first.T)]
    grams = [*(second * second.T), *(first.T * first)]
    rank = gradients_at(fixed, symbols, point).rank()
    return gradients_at(fixed + grams, symbols, point).rank() > rank
