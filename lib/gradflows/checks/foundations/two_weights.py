"""Checks of the chapter foundations/two_weights: the network ``u v x`` with target 1.

The library stores the first layer first, so a parameter vector is ``theta = (v, u)``.
"""

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp
from sympy.polys.matrices import DomainMatrix

from gradflows import DeepLinear, Problem, ShallowReLU, SquaredLoss, gradient_flow
from gradflows.statements import Evidence, statement

ONE = np.ones((1, 1))
LINEAR = Problem(DeepLinear((1, 1, 1)), ONE, SquaredLoss(ONE))
RELU = Problem(ShallowReLU(1, 1), ONE, SquaredLoss(ONE))
BOOK = dict(status="this book", source="this book", evidence="numeric", bound=1e-6)


def train(u, v, t_end, *, problem=LINEAR, **options):
    """Return the gradient flow from weights ``(u, v)``."""
    return gradient_flow(problem, np.array([v, u]), t_end, **options)


def minimum(u, v):
    """Return the minimum that gradient flow reaches from a start with ``u + v != 0``."""
    c = u**2 - v**2
    end = np.sign(u + v) * np.sqrt((c + np.hypot(c, 2)) / 2)
    return np.array([end, 1 / end])


def ratio(square, kappa):
    """Return ``(P - 2 - kappa) / (P - 2 + kappa)``, which decays like ``exp(-kappa t)``."""
    return (square - 2 - kappa) / (square - 2 + kappa)


def output(u, v, t, *, rate=None):
    """Return the output ``uv`` at times ``t`` along gradient flow, from the logistic equation."""
    c, square = u**2 - v**2, (u + v) ** 2
    kappa = np.hypot(c, 2)
    decay = ratio(square, kappa) * np.exp(-(kappa if rate is None else rate) * t)
    square = (2 + kappa - (2 - kappa) * decay) / (1 - decay)
    return (square - c**2 / square) / 4


def start(rng, low=0.3, high=2.0):
    """Return random weights ``(u, v)`` away from the lines ``u + v = 0`` and ``u = v``."""
    while True:
        u, v = rng.uniform(low, high, 2) * rng.choice([-1, 1], 2)
        if abs(u + v) > low and abs(u - v) > low:
            return u, v


def adapted(t, weights):
    """Return the adapted velocity ``(u', v')``: pseudoinverse of ``(v, u)`` times ``1 - uv``."""
    u, v = weights
    return np.array([v, u]) * (1 - u * v) / (u**2 + v**2)


def steer(u, v, t_end, **options):
    """Return the adapted flow from weights ``(u, v)`` as scipy gives it."""
    return solve_ivp(
        adapted, (0, t_end), [u, v], method="DOP853", rtol=1e-11, atol=1e-13, **options
    )


@statement(
    "two-weights-critical-points",
    says="The critical points are the origin, a strict saddle with Hessian eigenvalues -1 and 1, "
    "and the minima uv = 1, with eigenvalues 0 and u^2 + v^2; there are no others.",
    status="literature",
    source="baldi1989neural",
    evidence="exact",
    bound=0,
)
def critical_points(rng):
    """Solve the critical equations, and read the Hessians, in exact arithmetic."""
    u, v = sp.symbols("u v", real=True)
    a = sp.Rational(int(rng.integers(1, 9)), int(rng.integers(1, 9)))

    def violations(loss):
        gradient, hessian = sp.Matrix([loss.diff(u), loss.diff(v)]), sp.hessian(loss, (u, v))
        found = sp.solve(list(gradient), [u, v], dict=True)
        points = [(u.subs(point), v.subs(point)) for point in found]
        strange = [x for x, y in points if (x, y) != (0, 0) and sp.simplify(x * y) != 1]
        saddle = hessian.subs({u: 0, v: 0}).eigenvals()
        bottom = hessian.subs({u: a, v: 1 / a}).eigenvals()
        return len(strange) + (saddle != {-1: 1, 1: 1}) + (bottom != {0: 1, a**2 + 1 / a**2: 1})

    return Evidence(violations((1 - u * v) ** 2 / 2), violations((1 + u * v) ** 2 / 2))


@statement(
    "two-weights-hyperbolas",
    says="Along gradient flow u^2 - v^2 stays what it was, for every data set and every "
    "differentiable loss of the outputs.",
    status="literature",
    source="arora2018optimization",
    evidence="exact",
    bound=0,
)
def hyperbolas(rng):
    """Differentiate along the flow of an unspecified loss F(uv), and of a random quartic one."""
    u, v, s = sp.symbols("u v s")
    x, y = rng.integers(-5, 6, (2, 4)).tolist()
    losses = [
        sp.Function("F")(u * v),
        sum((b - s * a) ** 4 for a, b in zip(x, y, strict=True)).subs(s, u * v),
    ]

    def violations(law):
        rates = [-law.diff(u) * loss.diff(u) - law.diff(v) * loss.diff(v) for loss in losses]
        return sum(sp.simplify(rate.doit()) != 0 for rate in rates)

    return Evidence(violations(u**2 - v**2), violations(u**2 + v**2))


@statement(
    "two-weights-one-law",
    says="Away from the origin every function that is conserved for every data set is, locally, a "
    "function of u^2 - v^2.",
    status="paper",
    source="marcotte2023abide",
    result="Cor. 4.4",
    evidence="exact",
    bound=0,
)
def one_law(rng, degree=6):
    """Count the conserved polynomials up to degree 6: only 1, c, c^2, c^3 are expected.

    At a point, conservation times uv is one linear equation for the coefficients. Random points
    can only overlook equations, so no law is missed. The falsehood drops "for every data set":
    with the single input 0 nothing moves, and every polynomial is conserved.
    """
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    points = [[int(k) for k in rng.integers(1, 50, 2)] for _ in range(2 * len(powers))]

    def surplus(x):
        rows = [[x * (i * v**2 + j * u**2) * u**i * v**j for i, j in powers] for u, v in points]
        rank = DomainMatrix(rows, (len(points), len(powers)), sp.ZZ).convert_to(sp.QQ).rank()
        return len(powers) - rank - (degree // 2 + 1)

    return Evidence(surplus(1), surplus(0))


@statement(
    "two-weights-limit",
    says="From u + v != 0 gradient flow converges to the minimum on its own branch of its "
    "hyperbola; from u + v = 0 it converges to the saddle.",
    **BOOK,
)
def limit(rng):
    """Compare ends of the flow with the formula; the falsehood exchanges the two weights in it."""
    error = control = 0.0
    for u, v in [start(rng) for _ in range(8)]:
        end = train(u, v, 15.0).theta[-1, ::-1]
        error = max(error, np.abs(end - minimum(u, v)).max())
        control = max(control, np.abs(end - minimum(v, u)).max())
    a = rng.uniform(0.3, 2)
    falling = train(a, -a, 10.0)
    allowed = np.abs(falling.theta[0]).max() * np.exp(-falling.t)
    return Evidence(max(error, (np.abs(falling.theta).max(axis=1) - allowed).max()), control)


@statement(
    "two-weights-logistic",
    says="From u = v the output follows the logistic curve with rate 2 and is half learnt at time "
    "log(1/s - 1)/2, s the output at the start.",
    status="literature",
    source="saxe2014exact",
    evidence="numeric",
    bound=1e-6,
)
def logistic(rng):
    """Compare the trained network with the curve; the falsehood is the rate 1."""
    error = control = 0.0
    for s in 10 ** rng.uniform(-4, -0.5, 4):
        half = np.log(1 / s - 1) / 2
        run = train(np.sqrt(s), np.sqrt(s), 2 * half, times=np.linspace(0, 2 * half, 21))
        learnt = run.theta.prod(axis=1)
        error = max(error, np.abs(learnt - 1 / (1 + (1 / s - 1) * np.exp(-2 * run.t))).max())
        error = max(error, abs(learnt[10] - 0.5))
        control = max(control, np.abs(learnt - 1 / (1 + (1 / s - 1) * np.exp(-run.t))).max())
    return Evidence(error, control)


@statement(
    "two-weights-imbalance",
    says="(u + v)^2 solves a logistic equation; its rate sqrt(c^2 + 4), c = u^2 - v^2, is the "
    "curvature of the minimum reached, and the larger |c|, the more is learnt at every time.",
    **BOOK,
)
def imbalance(rng):
    """Compare trained outputs with the closed form; the falsehood keeps the rate 2 of balance."""
    times, error, control = np.linspace(0, 4, 21), 0.0, 0.0
    for u, v in [start(rng) for _ in range(6)]:
        learnt = train(u, v, 4.0, times=times).theta.prod(axis=1)
        error = max(error, np.abs(learnt - output(u, v, times)).max())
        control = max(control, np.abs(learnt - output(u, v, times, rate=2.0)).max())
        curvature = np.linalg.eigvalsh(LINEAR.hessian(minimum(u, v)[::-1]))
        error = max(error, np.abs(curvature - [0, np.hypot(u**2 - v**2, 2)]).max())
    s, stretch = rng.uniform(0.05, 0.9), np.exp(np.sort(rng.uniform(0.1, 1, 3)))
    runs = [train(np.sqrt(s) * k, np.sqrt(s) / k, 4.0, times=times) for k in stretch]
    learnt = np.array([run.theta.prod(axis=1) for run in runs])
    return Evidence(max(error, -np.diff(learnt, axis=0).min()), control)


@statement(
    "two-weights-rich-lazy",
    says="A small start waits log(2/|u + v|) and ends near the minimum of least norm; a start of "
    "large imbalance learns at a rate between |c| and sqrt(c^2 + 4).",
    **BOOK | {"bound": 1e-3},
)
def rich_lazy(rng):
    """Measure plateau, norm and rate; the falsehood forgets that only half of u + v is a weight."""
    u, v = 0.01 * np.array(start(rng))
    run = train(u, v, 12.0, events=lambda t, theta: theta[0] * theta[1] - 0.5)
    waited, norm = run.events[0][0], np.sum(run.theta[-1] ** 2)
    error = max(abs(waited - np.log(2 / abs(u + v))), abs(norm - np.hypot(u**2 - v**2, 2)))
    c = rng.uniform(4, 9)
    lazy = train(np.sqrt(c), 0.0, 1.0, times=np.linspace(0, 1, 11))
    left, times = 1 - lazy.theta.prod(axis=1), lazy.t
    outside = max(np.max(left - np.exp(-c * times)), np.max(np.exp(-np.hypot(c, 2) * times) - left))
    return Evidence(max(error, norm - 2, outside), abs(waited - np.log(1 / abs(u + v))))


@statement(
    "two-weights-adapted",
    says="The adapted flow moves the output on a straight line at constant speed on the clock "
    "1 - exp(-t), along the curve that gradient flow follows, to the same minimum.",
    **BOOK,
)
def adapted_flow(rng):
    """Compare the adapted flow with its line, hyperbola and end; the falsehood is gradient flow."""
    times, error, control = np.linspace(0, 20, 21), 0.0, 0.0
    for u, v in [start(rng) for _ in range(4)]:
        run = steer(u, v, 20.0, t_eval=times)
        line = 1 + np.exp(-times) * (u * v - 1)
        error = max(error, np.abs(run.y.prod(axis=0) - line).max())
        error = max(error, np.abs(run.y[0] ** 2 - run.y[1] ** 2 - u**2 + v**2).max())
        error = max(error, np.abs(run.y[:, -1] - minimum(u, v)).max())
        standard = train(u, v, 20.0, times=times)
        control = max(control, np.abs(standard.theta.prod(axis=1) - line).max())
    return Evidence(error, control)


@statement(
    "two-weights-rank-loss",
    says="From u = -v the adapted flow reaches the origin at time log(1 - s), s the output at the "
    "start, with unbounded speed; all other starts with s < 0 pass output 0 sqrt|c| away from it.",
    **BOOK,
)
def rank_loss(rng):
    """Stop near the origin; the falsehood claims that starts beside the line reach it too."""
    a, near = rng.uniform(0.5, 2), 1e-3

    def distance(t, weights):
        return np.dot(weights, weights) - near**2

    distance.terminal = True
    run = steer(a, -a, 5.0, events=distance)
    s, left = -(a**2), -(near**2) / 2
    error = abs(run.t[-1] - np.log((1 - s) / (1 - left)))
    error = max(error, abs(near * np.linalg.norm(adapted(0, run.y[:, -1])) - (1 - left)))
    u = a + rng.uniform(0.1, 1)
    v = s / u
    beside = steer(u, v, np.log(1 - s)).y[:, -1]
    error = max(error, np.abs(beside - [np.sqrt(u**2 - v**2), 0]).max())
    return Evidence(error, np.linalg.norm(beside))


@statement(
    "two-weights-relu",
    says="With a ReLU: from v <= 0 nothing moves; from v > 0 the flow ends in the minimum, in the "
    "saddle or, in finite time, dead at (-sqrt(c), 0), according to the sign of u + v.",
    **BOOK,
)
def relu(rng):
    """Compare ends and times of death with the formulas; the falsehood forgets the ReLU."""
    error = control = 0.0
    for u, v in [(1.0, -0.5), (-0.5, 1.2), (-1.5, 0.5), (-0.8, 0.8), start(rng), start(rng)]:
        c, kappa, expected = u**2 - v**2, np.hypot(u**2 - v**2, 2), np.zeros(2)
        run = train(u, v, 15.0, problem=RELU, method="DOP853", events=lambda t, theta: theta[0])
        end = run.theta[-1, ::-1]
        if v <= 0:
            expected = np.array([u, v])
        elif u + v > 0:
            expected = minimum(u, v)
        elif u + v < 0:
            expected = np.array([-np.sqrt(c), 0])
            death = np.log(ratio((u + v) ** 2, kappa) / ratio(c, kappa)) / kappa
            error = max(error, abs(run.events[0][0] - death))
        error = max(error, np.abs(end - expected).max())
        if u + v != 0:
            control = max(control, np.abs(end - minimum(u, v)).max())
    return Evidence(error, control)
