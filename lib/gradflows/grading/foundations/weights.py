"""Gradient, invariant and output of a few weights."""

import numpy as np
import sympy as sp

from gradflows.flows import gradient_flow
from gradflows.grading.answers import Array, Function, Polynomial
from gradflows.grading.properties import close, conserved_along, gradient_mistake, is_constant
from gradflows.grading.questions import Part, Question, question
from gradflows.losses import SquaredLoss
from gradflows.networks import DeepLinear
from gradflows.problems import Problem

U, V = sp.symbols("u v")


@question
class Gradient(Question):
    """The gradient of the squared error of u (v x + w z), judged by Taylor's formula."""

    label, points = "foundations-gradient", 3

    def draw(self, rng):
        """Draw six samples (x, z, y)."""
        return {name: np.round(rng.normal(size=6), 2) for name in "xzy"}

    def kind(self, data):
        """Return a function of (u, v, w)."""
        return Function(Array((3,)))

    def probes(self, data, rng):
        """Draw four points."""
        return [(rng.normal(size=3),) for _ in range(4)]

    def judge(self, answer, data, rng):
        """Try signs, factors, the mean, and the order in which the library stores weights."""

        def loss(theta):
            u, v, w = theta
            return 0.5 * np.sum((u * (v * data["x"] + w * data["z"]) - data["y"]) ** 2)

        repairs = {
            "it is divided by the number of samples, but the loss is a sum": lambda g: 6 * g,
            "the order is (v, w, u), asked for is (u, v, w)": lambda g: np.roll(g, 1),
        }
        points = [probe[0] for probe in self.probes(data, rng)]
        mistake = gradient_mistake(loss, points, answer, repairs, ["u", "v", "w"])
        yield Part(3, "gradient", mistake)


@question
class Invariant(Question):
    """A polynomial conserved by all flows of losses of u^p v^q; any correct one counts."""

    label, points = "foundations-invariant", 4

    def draw(self, rng):
        """Draw two different powers."""
        p, q = rng.choice(np.arange(1, 6), size=2, replace=False)
        return {"p": int(p), "q": int(q)}

    def kind(self, data):
        """Return a polynomial in u and v."""
        return Polynomial(("u", "v"))

    def judge(self, answer, data, rng):
        """Differentiate along (p v, q u), the common direction of all these flows."""
        p, q = data["p"], data["q"]
        mistake = None
        if is_constant(answer):
            mistake = "a constant is conserved by every flow"
        elif not conserved_along(answer, [p * V, q * U]):
            fields = {
                "the powers p and q are exchanged": [q * V, p * U],
                "the coupling term has the wrong sign: one square must be subtracted": [
                    p * V,
                    -q * U,
                ],
                "this is conserved for p = q only": [V, U],
                "p and q must not be squared": [p**2 * V, q**2 * U],
            }
            named = (text for text, field in fields.items() if conserved_along(answer, field))
            mistake = next(named, "its derivative along the flow is not zero")
        yield Part(4, "conserved and not constant", mistake)


@question
class Output(Question):
    """The output of two equal weights in closed form, judged against integration."""

    label, points = "foundations-output", 5

    def draw(self, rng):
        """Draw input, label, and the common start of the weights."""
        x, y, start = rng.uniform(1.3, 2.5), rng.uniform(1.5, 3.0), rng.uniform(0.05, 0.3)
        return {"x": round(x, 2), "y": round(y, 2), "start": round(start, 3)}

    def kind(self, data):
        """Return a function of t."""
        return Function(Array(()))

    def probes(self, data, rng):
        """Draw times from the wait, the rise and the end."""
        unit = 1 / (2 * data["x"] * data["y"])
        return [(0.0,), *((float(t),) for t in np.sort(rng.uniform(0.5, 12, size=6)) * unit)]

    def judge(self, answer, data, rng):
        """Look at the start, then at the rest; a wrong clock is recognised by its factor."""
        times = np.array([probe[0] for probe in self.probes(data, rng)])
        given = np.array(answer)
        begins = close(given[0], data["start"] ** 2)
        yield Part(1, "value at t = 0", None if begins else "the weights start at `start`, "
                   "so the product starts at its square")  # fmt: skip
        x, y = data["x"], data["y"]
        yield Part(4, "values at later times", self._later(given, times, data, x, y))

    def _later(self, given, times, data, x, y):
        """Compare with the flow, and with the flow on wrong clocks or of wrong targets."""
        if close(given, _products(x, y, data["start"], times)):
            return None
        if close(given, x * _products(x, y, data["start"], times)):
            return "this is the output x u v, asked for is the product u v"
        clocks = {"twice": 2.0, "half": 0.5, "x times": x, "1/x times": 1 / x,
                  "x^2 times": x * x, "1/x^2 times": 1 / x**2}  # fmt: skip
        for name, factor in clocks.items():
            if close(given, _products(x, y, data["start"], factor * times)):
                return f"the curve is right, but time runs {name} as fast as it should"
        if close(given, _products(1.0, y, data["start"], times)):
            return "this is the curve for the input 1; the input x is missing"
        return "the values are not those of the flow"


def _products(x, y, start, times):
    """Integrate the flow of two equal weights; return u v at the times."""
    problem = Problem(DeepLinear((1, 1, 1)), [[x]], SquaredLoss([[y]]))
    grid = np.unique(np.concatenate([[0.0], times]))
    run = gradient_flow(problem, [start, start], grid[-1], times=grid, rtol=1e-10, atol=1e-13)
    return run.theta[np.searchsorted(grid, times)].prod(axis=1)
