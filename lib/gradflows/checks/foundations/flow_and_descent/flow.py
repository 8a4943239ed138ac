"""The flow: existence, length, limits, rates."""

import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from gradflows import (
    gradient_flow,
)
from gradflows.checks.foundations.flow_and_descent.problems import (
    chain,
    failures_of_the_hat,
    largest_ratio,
)
from gradflows.statements import Evidence, statement

BOOK = dict(status="this book", source="this book")
EXACT = dict(evidence="exact", bound=0)


@statement(
    "flow-and-descent-existence",
    says="The flow of a loss bounded below exists for ever, and moves at most "
    "sqrt(time * loss lost).",
    status="literature",
    source="hirsch1974differential",
    evidence="numeric",
    bound=1e-6,
)
def moves_at_most_as_energy_allows(rng):
    """Measure by how much some distance along a flow exceeds its bound."""
    t = np.linspace(0, 3, 61)
    flow = gradient_flow(chain(3), rng.normal(size=3), 3.0, times=t)
    error = largest_ratio(t, flow.theta, flow.loss) - 1
    # Planted: the field of |theta|^2 / 2 with a rotation added, which is no gradient.
    spiral = np.exp((3j - 1) * t)
    spiral = np.column_stack([spiral.real, spiral.imag])
    control = largest_ratio(t, spiral, np.sum(spiral**2, axis=1) / 2) - 1
    return Evidence(max(error, 0.0), control)


@statement(
    "flow-and-descent-finite-length",
    says="Where the Lojasiewicz inequality holds, a trajectory is no longer than its bound allows.",
    status="literature",
    source="lojasiewicz1963propriete",
    evidence="numeric",
    bound=1e-6,
)
def length_is_bounded(rng):
    """Measure the length of a flow of two weights against its bound."""
    u = rng.uniform(1.2, 2)
    v = rng.uniform(0.3, 0.8) / u
    flow = gradient_flow(chain(2), [u, v], 30.0, times=np.linspace(0, 30, 3001))
    length = np.sum(np.linalg.norm(np.diff(flow.theta, axis=0), axis=1))
    # |grad L| = sqrt(2 L) |theta|, and |theta| grows as long as 0 < u v < 1.
    alpha, mu = 0.5, np.sqrt(2) * np.hypot(u, v)
    allowed = flow.loss[0] ** (1 - alpha) / mu
    # Planted: the factor 1 / (1 - alpha) forgotten.
    return Evidence(max(length / (allowed / (1 - alpha)) - 1, 0.0), length / allowed - 1)


@statement(
    "flow-and-descent-hat",
    says="The curve 2 phi = 1 / (1 - r^2) is a trajectory of the hat and winds round for ever.",
    status="literature",
    source="absil2005convergence",
    **EXACT,
)
def hat_spirals(rng):
    """Differentiate the hat and put the spiral in; plant a flipped sign."""
    return Evidence(failures_of_the_hat(1), failures_of_the_hat(-1))


@statement(
    "flow-and-descent-strict-saddles",
    says="The starts from which the flow converges to some strict saddle form a null set.",
    status="literature",
    source="panageas2017gradient",
    **EXACT,
)
def random_starts_leave_strict_saddles(rng):
    """Count starts that end near a saddle."""
    flows = gradient_flow(chain(2), rng.normal(size=(40, 2)), 30.0, times=[0, 30], rtol=1e-6)
    trapped = sum(np.linalg.norm(flow.theta[-1]) < 0.05 for flow in flows)
    # Planted: the word strict dropped. L = x^3/3 + x^4/4 has a nonstrict saddle at 0.
    starts = rng.uniform(-1, 1, 40)
    run = solve_ivp(lambda t, x: -(x**2) * (1 + x), (0, 100), starts, rtol=1e-6)
    return Evidence(trapped, np.sum(np.abs(run.y[:, -1]) < 0.05))


@statement(
    "flow-and-descent-chain-traps",
    says="A chain of scalar weights is trapped exactly if it starts at a saddle, or its product "
    "is negative and its smallest modulus occurs twice.",
    **BOOK,
    evidence="numeric",
    bound=1e-3,
)
def ties_are_trapped(rng):
    """Run one tied and one untied start with negative product."""
    a, b = rng.uniform(0.8, 1.0), rng.uniform(1.2, 1.5)
    stuck = gradient_flow(chain(3), [-a, a, b], 12.0).loss[-1]
    free = gradient_flow(chain(3), [-a, b, b], 60.0).loss[-1]
    # Planted: only three equal moduli trap, so that the tied start should come to loss 0.
    return Evidence(max(abs(stuck - 0.5), free), stuck)


@statement(
    "flow-and-descent-rates",
    says="Exponent 1/2 gives an exponential rate, exponent a > 1/2 the rate t^(-1/(2a-1)).",
    status="literature",
    source="polyak1963gradient",
    **EXACT,
)
def powers_attain_the_rates(rng):
    """Check that the bound solves the equation of the loss on powers."""
    t, x0 = sp.symbols("t x0", positive=True)

    def failures(power):
        count = 0
        for k in range(2, 6):  # L = x^(2k) / (2k), where the Lojasiewicz inequality is an equality
            a = 1 - sp.Rational(1, 2 * k)
            mu, start = sp.Integer(2 * k) ** a, x0 ** (2 * k) / (2 * k)
            bound = (start ** (1 - 2 * a) + (2 * a - 1) * mu**2 * t) ** (-1 / power(a))
            slant = mu * bound**a
            count += sp.simplify((sp.diff(bound, t) + slant**2).subs({t: 3, x0: 2})) != 0
        return count

    return Evidence(failures(lambda a: 2 * a - 1), failures(lambda a: 1 - a))
