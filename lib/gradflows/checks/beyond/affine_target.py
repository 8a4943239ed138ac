"""Checks of the chapter beyond/affine_target: critical points of a loss that is an integral."""

import itertools
from fractions import Fraction

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import least_squares

from gradflows.beyond import (
    AffineTarget,
    critical_level,
    curvature_ratios,
    exact_inertia,
    leaky_zigzag,
    zigzag_saddle,
)
from gradflows.checks.beyond.affine_networks import (
    crowded_saddle,
    inactive_network,
    random_fractions,
    samples_of,
    way_down,
)
from gradflows.statements import Evidence, proved, statement

BOOK = dict(status="this book", source="this book")
PAPER = dict(status="literature", source="cheridito2022landscape")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "affine-target-derivatives",
    says="The gradient and, with a term for the moving kinks, the Hessian of the loss are sums of "
    "integrals of products of affine functions over the pieces.",
    **BOOK,
    evidence="numeric",
    bound=1e-8,
)
def derivatives(rng):
    """Take differences without rounding; the falsehood leaves out the motion of the kinks."""
    error = control = 0.0
    step = Fraction(1, 10**7)
    for leak in (Fraction(0), Fraction(1, 4)):
        problem = AffineTarget(2, *random_fractions(rng, 2), leak=leak)
        w, kinks = (
            rng.choice([-2, -1, 1, 2], 2),
            [Fraction(int(k), 23) for k in rng.choice(22, 2, replace=False)],
        )
        v = 1 + rng.integers(1, 4, 2)
        b = [-int(slope) * (kink + Fraction(1, 46)) for slope, kink in zip(w, kinks, strict=True)]
        theta = np.array([Fraction(int(z)) for z in w] + b + [*map(int, v), 1], dtype=object)
        gradient, hessian = problem.gradient(theta), problem.hessian(theta)
        for k in range(problem.size):
            move = np.array([step * (i == k) for i in range(problem.size)], dtype=object)
            rise = (problem.loss(theta + move) - problem.loss(theta - move)) / (2 * step)
            turn = (problem.gradient(theta + move) - problem.gradient(theta - move)) / (2 * step)
            error = max(error, abs(rise - gradient[k]), np.abs(turn - hessian[k]).max())
            fixed = problem.hessian(theta, moving_kinks=False)[k]
            control = max(control, np.abs(turn - fixed).max())
    return Evidence(error, control)


@statement(
    "affine-target-levels",
    says="A critical point has the loss 0 or alpha^2 / (12 (m + 1)^4) with an even number m of "
    "kinks, at j / (m + 1), facing right, left, ..., left; and all of these occur.",
    **PAPER,
    **EXACT,
)
def levels(rng):
    """Go through all facings of six kinks or fewer, and build all; the falsehood is a cube."""
    error = control = 0
    for n in range(7):
        # Moments of the residual on the pieces, for total 1, from the equations of the kinks.
        for facing in itertools.product((1, 0), repeat=n):
            moments = np.diff([0, *facing, 1])
            alternate = np.all(moments != 0) and np.all(moments[1:] * moments[:-1] < 0)
            allowed = n % 2 == 0 and facing == (1, 0) * (n // 2)
            error += alternate != allowed
        if n % 2 == 0:
            alpha, beta = random_fractions(rng, 2)
            neurons = max(1, n + int(rng.integers(3)))
            problem = AffineTarget(neurons, alpha, beta)
            theta = zigzag_saddle(n, neurons, alpha, beta)
            error += np.count_nonzero(problem.gradient(theta))
            error += problem.loss(theta) != critical_level(n, alpha)
            control += problem.loss(theta) != alpha**2 / (12 * (n + 1) ** 3)
    return Evidence(error, control)


@statement(
    "affine-target-threshold",
    says="A critical point of a network with d neurons whose loss is below "
    "alpha^2 / (12 (2 floor(d/2) + 1)^4) is a global minimum.",
    **BOOK,
    evidence="numeric",
    bound=1e-7,
)
def threshold(rng):
    """Solve for zeros of the gradient from many starts; the falsehood forgets two kinks."""
    problem, found = AffineTarget(3), []
    starts = [rng.normal(size=problem.size) for _ in range(8)]
    starts += [zigzag_saddle(2, 3).astype(float) + 0.03 * rng.normal(size=10) for _ in range(2)]
    for start in starts:
        solution = least_squares(
            problem.gradient,
            start,
            problem.hessian,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
            max_nfev=80,
        )
        if np.abs(solution.fun).max() < 1e-11:
            found.append(problem.loss(solution.x))

    def distance(allowed):
        return max(min(abs(loss - level) for level in allowed) for loss in found)

    allowed = [0.0, float(critical_level(0)), float(critical_level(2))]
    return Evidence(distance(allowed), distance(allowed[:2]))


@statement(
    "affine-target-index",
    says="The zigzag with m kinks and m neurons has m negative, m + 1 positive and m zero "
    "eigenvalues; relative to the change of the function the negative curvatures are "
    "-2 cos^2(pi l / (2 m + 2)).",
    **BOOK,
    **EXACT,
)
def index(rng):
    """Count over the rational numbers; the falsehood holds the kinks fixed."""
    error = control = 0
    for n in (2, 4, 6):
        alpha, beta = random_fractions(rng, 2)
        problem, theta = AffineTarget(n, alpha, beta), zigzag_saddle(n, n, alpha, beta)
        hessian, fixed = (problem.hessian(theta, kinks) for kinks in (True, False))
        error += exact_inertia(hessian) != (n, n, n + 1)
        control += exact_inertia(fixed) != (n, n, n + 1)
        # In w, b and c: the neurons' rescalings are left out.
        place = np.ix_(*[[*range(2 * n), 3 * n]] * 2)
        ratios = eigh(*(matrix[place].astype(float) for matrix in (hessian, fixed)))[0]
        error += not np.allclose(ratios, np.append(curvature_ratios(n), np.ones(n + 1)))
    return Evidence(error, control)


@statement(
    "affine-target-strict",
    says="At every critical point with m >= 2 kinks there are m directions, in the parameters of "
    "the neurons with kinks, along which the second derivative of the loss is negative.",
    **BOOK,
    **EXACT,
)
def strict(rng):
    """Share kinks among neurons and add idle ones; the falsehood holds the kinks fixed."""
    error = control = 0
    for n in (2, 4):
        alpha, beta = random_fractions(rng, 2)
        theta, kinked = crowded_saddle(n, alpha, beta, rng)
        problem = AffineTarget(len(theta) // 3, alpha, beta)
        error += np.count_nonzero(problem.gradient(theta))
        error += problem.loss(theta) != critical_level(n, alpha)
        place = np.ix_(kinked, kinked)
        error += exact_inertia(problem.hessian(theta)[place])[0] < n
        control += exact_inertia(problem.hessian(theta, False)[place])[0] < n
    return Evidence(error, control)


@statement(
    "affine-target-top",
    says="A critical point at the level alpha^2 / 12 is a local minimum iff every neuron is dead, "
    "or touches an end of the interval with an output weight of the right sign.",
    **BOOK,
    **EXACT,
)
def top(rng):
    """Perturb minima, and go down elsewhere; the falsehood: idle networks are local minima."""
    error = control = 0
    alpha, beta = Fraction(int(rng.choice([-2, -1, 1, 2]))), random_fractions(rng, 1)[0]
    problem, height = AffineTarget(3, alpha, beta), critical_level(0, alpha)
    minimum = inactive_network(["dead", "touches 0", "touches 1"], 1, alpha, beta)
    error += problem.loss(minimum) != height or np.any(problem.gradient(minimum) != 0)
    for size in (10**3, 10**5):
        for _ in range(20):
            moved = minimum + random_fractions(rng, problem.size) / size
            error += problem.loss(moved) < height
    for kind in ("touches 0", "touches 1", "zero", "flat"):
        for sign in (-1, 0):
            theta = inactive_network(["dead", kind, "touches 1"], sign, alpha, beta)
            error += np.any(problem.gradient(theta) != 0)
            lower = problem.loss(theta + way_down(kind, sign, alpha)) < height
            error += not lower
            control += lower and kind != "flat"
    return Evidence(error, control)


@statement(
    "affine-target-samples",
    says="Sampled at (m + 1) k midpoints, the loss has the zigzag as a local minimum, for every k, "
    "at 1 - 1/k^2 times the level of the integral.",
    **BOOK,
    **EXACT,
)
def samples(rng):
    """Move as long as no sample changes sides; the falsehood asks the same of the integral."""
    error = control = 0
    for n, k in itertools.product((2, 4), (1, 2, 5)):
        alpha, beta = random_fractions(rng, 2)
        problem, theta = AffineTarget(n, alpha, beta), zigzag_saddle(n, n, alpha, beta)
        x = samples_of((n + 1) * k)
        loss = np.mean(problem.residual(theta, x) ** 2)
        error += loss != critical_level(n, alpha) * (1 - Fraction(1, k * k))
        for _ in range(5):
            move = random_fractions(rng, theta.size)
            move = move / (np.abs(move).max() * 8 * x.size)
            gap = problem.outputs(theta + move, x) - problem.outputs(theta, x)
            rise = np.mean(problem.residual(theta + move, x) ** 2) - loss
            error += rise != np.mean(gap**2)
        down = np.linalg.eigh(problem.hessian(theta).astype(float))[1][:, 0]
        down = np.array([Fraction(float(z)) for z in down], dtype=object) / (100 * x.size)
        control += problem.loss(theta + down) < problem.loss(theta)
    return Evidence(error, control)


@statement(
    "affine-target-leaky",
    says="Leaky networks have critical points with any number of kinks of alternate facing, with "
    "widths proportional to square roots of 1 + 2 kappa, 1 + kappa and kappa.",
    **BOOK,
    evidence="numeric",
    bound=1e-11,
)
def leaky(rng):
    """Evaluate gradient and loss there; the falsehood moves the kinks to equal distances."""
    error, control = 0.0, np.inf
    for n, first in itertools.product(range(1, 6), (1, -1)):
        leak, alpha, beta = rng.uniform(0.05, 0.6), *rng.uniform(0.5, 2, 2)
        problem = AffineTarget(n, alpha, beta, leak)
        found = leaky_zigzag(n, leak, first=first, alpha=alpha, beta=beta)
        error = max(error, np.abs(problem.gradient(found.theta)).max())
        error = max(error, abs(problem.loss(found.theta) - found.level))
        moved = found.theta.copy()
        moved[n : 2 * n] = -moved[:n] * np.arange(1, n + 1) / (n + 1)
        control = min(control, np.abs(problem.gradient(moved)).max())
    return Evidence(error, control)


proved(
    "affine-target-almost-every",
    says="The starts from which the gradient flow, on a path where it is smooth, converges to a "
    "saddle with kinks form a null set.",
    **BOOK,
    module=__name__,
)
