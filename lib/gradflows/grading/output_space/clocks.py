"""Velocities of parameters, and how long outputs take."""

import math

import numpy as np
from scipy.optimize import brentq

from gradflows.grading.answers import Array, Function
from gradflows.grading.properties import close, find_mistake
from gradflows.grading.questions import Part, Question, question


@question
class Velocity(Question):
    """The shortest velocity whose push is closest: normal equations and orthogonality."""

    label, points = "output-space-velocity", 4

    def draw(self, rng):
        """Draw nothing: the answer is a function of everything."""
        return {}

    def kind(self, data):
        """Return a function of J and r."""
        return Function(Array((None,)))

    def probes(self, data, rng):
        """Draw wide, tall and deficient Jacobians; the deficient ones come last."""
        full = [rng.normal(size=shape) for shape in ((2, 5), (3, 3), (4, 2))]
        low = [rng.normal(size=(4, 2)) @ rng.normal(size=(2, 6)), np.outer([1, 2, 0], [1, 1, 1, 0])]
        return [(J, rng.normal(size=J.shape[0])) for J in (*full, *low, np.zeros((2, 3)))]

    def judge(self, answer, data, rng):
        """Judge full rank and deficient rank apart."""
        probes = self.probes(data, rng)
        for points, title, chosen in (
            (2, "full rank", slice(0, 3)),
            (2, "deficient rank", slice(3, None)),
        ):
            pairs = list(zip(probes[chosen], answer[chosen], strict=True))
            yield Part(points, title, self._mistake(pairs))

    def _mistake(self, pairs):
        """Return what is wrong with the velocities of some probes."""
        for (J, _), v in pairs:
            if v.shape != (J.shape[1],):
                return f"for J of shape {J.shape} the velocity has {J.shape[1]} entries"
        if all(self._right(J, r, v) for (J, r), v in pairs):
            return None
        if all(self._right(J, r, -v) for (J, r), v in pairs):
            return "the sign is the opposite"
        if all(close(v, -J.T @ r) or close(v, J.T @ r) for (J, r), v in pairs):
            return "this is gradient flow, whose push is -J J^T r and not the closest to -r"
        if all(close(J.T @ (J @ v + r), 0) for (J, r), v in pairs):
            return "the push is right, but a shorter velocity gives the same"
        return "some push is not as close to -r as it could be"

    def _right(self, J, r, v):
        """Whether v solves the normal equations and has no part in the kernel of J."""
        kernel = np.eye(J.shape[1]) - np.linalg.pinv(J) @ J
        return close(J.T @ (J @ v + r), 0) and close(kernel @ v, 0)


@question
class Rates(Question):
    """A time for the loss under the homotopy, by inserting it."""

    label, points = "output-space-rates", 4

    def draw(self, rng):
        """Draw singular values, residuals, and where between the two flows."""
        return {
            "n": int(rng.integers(3, 7)),
            "sigma": np.round([rng.uniform(2, 4), rng.uniform(0.7, 1.3), rng.uniform(0.1, 0.4)], 2),
            "residual": np.round(rng.uniform(0.5, 2.0, size=3), 2),
            "tau": round(rng.uniform(0.6, 0.85), 2),
            "share": round(rng.uniform(0.01, 0.1), 3),
        }

    def kind(self, data):
        """Return a number."""
        return Array(())

    def judge(self, answer, data, rng):
        """Insert the time; then with other clocks and other rates."""
        tau, n, sigma = data["tau"], data["n"], data["sigma"]
        rates = sigma**2 / (tau * sigma**2 + 1 - tau) / n
        others = {
            "tau and 1 - tau are exchanged": sigma**2 / ((1 - tau) * sigma**2 + tau) / n,
            "these are the rates of gradient flow": sigma**2 / n,
            "these are the rates of the adapted flow": np.ones(3) / n,
            "the rates are those of sigma, not of sigma^2": sigma / (tau * sigma + 1 - tau) / n,
            "the factor 1/n of the mean loss is missing": rates * n,
            "the residual has fallen to this share; the loss is its square": rates / 2,
        }
        wanted = self._time(rates, data)
        repairs = {
            text: lambda t, r=other: t + wanted - self._time(r, data)
            for text, other in others.items()
        }
        mistake = find_mistake(
            float(answer),
            lambda t: abs(t - wanted) < 2e-6 * wanted,
            repairs,
            "at this time the loss is not at that share",
        )
        yield Part(4, "time", mistake)

    def _time(self, rates, data):
        """Return the time at which the loss with these rates has fallen to the share."""
        start = np.sum(data["residual"] ** 2)

        def excess(t):
            now = np.sum((data["residual"] * np.exp(-rates * t)) ** 2)
            return math.log(now / start / data["share"])

        return brentq(excess, 0.0, 10 / rates.min(), xtol=1e-12, rtol=1e-13)


@question
class Steps(Question):
    """A number of steps: enough, and one less is not."""

    label, points = "output-space-steps", 3

    def draw(self, rng):
        """Draw step, samples and share, away from a tie."""
        while True:
            n, h = int(rng.integers(4, 12)), round(rng.uniform(0.7, 0.9), 2)
            share = float(f"{10.0 ** rng.uniform(-6, -2):.1e}")
            exact = math.log(share) / (2 * math.log(1 - h / n))
            if 0.1 < exact % 1 < 0.9:
                return {"n": n, "h": h, "share": share}

    def kind(self, data):
        """Return a number."""
        return Array(())

    def judge(self, answer, data, rng):
        """Insert the number; then the numbers of frequent mistakes."""
        n, h, share = data["n"], data["h"], data["share"]

        def first(factor, power):
            return math.ceil(math.log(share) / (power * math.log(abs(factor)))) if factor else 1

        given = float(answer)
        mistakes = {
            "in this number of steps the residual falls to the share; the loss is its square": (
                first(1 - h / n, 1)
            ),
            "the mean loss makes a step h/n, not h": first(1 - h, 2) if h != 1 else 1,
            "this is the time of the flow divided by h": math.ceil(-n * math.log(share) / 2 / h),
            "one step more is needed": first(1 - h / n, 2) - 1,
            "one step less is enough": first(1 - h / n, 2) + 1,
        }
        mistake = None
        if given != first(1 - h / n, 2):
            named = (text for text, number in mistakes.items() if given == number)
            mistake = next(named, "after this number of steps the loss is not first at the share")
        yield Part(3, "number of steps", mistake)
