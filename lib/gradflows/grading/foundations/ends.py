"""Where the flow of two weights ends, and how fast."""

import numpy as np
from scipy.integrate import quad

from gradflows.flows import gradient_flow
from gradflows.grading.answers import Array, Choice, Function, Listing, Record
from gradflows.grading.properties import close, find_mistake
from gradflows.grading.questions import Part, Question, question
from gradflows.losses import SquaredLoss
from gradflows.networks import DeepLinear
from gradflows.problems import Problem


@question
class Penalised(Question):
    """All critical points of the loss with weight decay, judged by residual and Hessian."""

    label, points = "foundations-penalised", 6

    def draw(self, rng):
        """Draw a target of either sign and a weight decay below its size."""
        y, decay = rng.uniform(1, 2) * rng.choice([-1, 1]), rng.uniform(0.2, 0.8)
        return {"y": round(y, 2), "decay": round(decay, 2)}

    def kind(self, data):
        """Return a list of points with their kinds."""
        kinds = Choice(("minimum", "strict saddle", "maximum"))
        return Listing(Record(point=Array((2,)), kind=kinds))

    def judge(self, answer, data, rng):
        """Check each point's gradient, then whether all are there, then their kinds."""
        y, decay = data["y"], data["decay"]
        points = [item["point"] for item in answer]
        yield Part(2, "each is critical", self._not_critical(points, y, decay))
        yield Part(2, "none is missing", self._missing(points, y, decay))
        wrong = None if points else "no point was given"
        for item in answer:
            lowest, highest = np.linalg.eigvalsh(_penalised_hessian(item["point"], y, decay))
            kind = "minimum" if lowest > 0 else "strict saddle" if highest > 0 else "maximum"
            if item["kind"] != kind:
                wrong = wrong or (
                    f"the point {np.round(item['point'], 3)} is called a {item['kind']}, but the "
                    f"Hessian there has the eigenvalues {lowest:.3f} and {highest:.3f}"
                )
        yield Part(2, "kinds", wrong)

    def _not_critical(self, points, y, decay):
        """Name the first point that is not critical, if any."""
        if not points:
            return "no point was given"
        for point in points:
            if np.linalg.norm(_penalised_gradient(point, y, decay)) < 1e-6:
                continue
            if np.linalg.norm(_penalised_gradient(point, y, 0.0)) < 1e-6:
                return "these are critical points of the loss without the weight decay"
            if np.linalg.norm(_penalised_gradient(point * [1, -1], y, decay)) < 1e-6:
                return f"at {np.round(point, 3)} one coordinate has the wrong sign"
            return f"at {np.round(point, 3)} the gradient is not zero"
        return None

    def _missing(self, points, y, decay):
        """Name what is missing: there are three critical points, in a pair and alone."""
        true = [p for p in points if np.linalg.norm(_penalised_gradient(p, y, decay)) < 1e-6]
        different = []
        for point in true:
            if all(np.linalg.norm(point - other) > 1e-4 for other in different):
                different.append(point)
        if len(different) < len(points):
            return "not all of the points are critical and different from each other"
        if not any(np.linalg.norm(point) < 1e-4 for point in different):
            return "the origin is missing"
        if len(different) == 2:
            return "with (u, v) also (-u, -v) is critical"
        return None if len(different) == 3 else "points away from the origin are missing"


@question
class Step(Question):
    """The largest stable step at the end of a flow, from its conserved quantity."""

    label, points = "foundations-step", 4

    def draw(self, rng):
        """Draw a target and a start far from balance."""
        start = np.round([rng.uniform(0.1, 0.4), rng.uniform(1.5, 2.5)], 2)
        return {"y": round(rng.uniform(0.5, 1.5), 2), "start": start}

    def kind(self, data):
        """Return a number."""
        return Array(())

    def judge(self, answer, data, rng):
        """Multiply with the sharpness where the flow ends; the product must be 2."""
        u, v = data["start"]
        problem = Problem(DeepLinear((1, 1, 1)), [[1.0]], SquaredLoss([[data["y"]]]))
        run = gradient_flow(problem, [v, u], 60.0, rtol=1e-10, atol=1e-12)
        end, first = (np.linalg.norm(theta) ** 2 for theta in (run.theta[-1], run.theta[0]))
        factors = {
            "this is 1 over the sharpness; descent is stable up to 2 over it": 2.0,
            "the sharpness was taken at a balanced minimum; the end remembers the imbalance": (
                2 * data["y"] / end
            ),
            "the sharpness was taken at the start of the flow, not at its end": first / end,
            "the sharpness is u^2 + v^2, not its root": np.sqrt(end) / end,
        }
        mistake = find_mistake(
            float(answer),
            lambda step: abs(step * end - 2) < 2e-3,
            {text: lambda step, f=factor: step * f for text, factor in factors.items()},
            "descent with this step is not at the border of stability",
        )
        yield Part(4, "largest stable step", mistake)


@question
class End(Question):
    """The limit of the flow as a function of its start, by the properties that determine it."""

    label, points = "foundations-end", 6

    def draw(self, rng):
        """Draw a positive target."""
        return {"y": round(rng.uniform(0.5, 2.0), 2)}

    def kind(self, data):
        """Return a function of (u, v)."""
        return Function(Array((2,)))

    def probes(self, data, rng):
        """Draw starts on both sides of the line u + v = 0, and one on it."""
        starts = [rng.normal(size=2) * 1.5 for _ in range(7)] + [np.array([-0.3, -1.2])]
        return [(start,) for start in (*starts, np.array([0.75, -0.75]))]

    def judge(self, answer, data, rng):
        """Loss, imbalance and side, one by one; the last probe lies on the stable line."""
        starts = np.array([probe[0] for probe in self.probes(data, rng)])
        ends = np.array(answer)
        s, e = starts[:-1], ends[:-1]
        fits = close(e[:, 0] * e[:, 1], data["y"])
        yield Part(1, "loss", None if fits else "the ends do not all have u v = y")
        before, after = s[:, 0] ** 2 - s[:, 1] ** 2, e[:, 0] ** 2 - e[:, 1] ** 2
        swapped = "u and v are exchanged: the imbalance has the wrong sign"
        forgotten = "the ends are balanced: the flow does not forget u^2 - v^2"
        repairs = {swapped: lambda c: -c, forgotten: lambda c: c + before}
        lost = find_mistake(
            after, lambda c: close(c, before), repairs, "the imbalance u^2 - v^2 is not kept"
        )
        yield Part(2, "imbalance", lost)
        side = np.sign(e.sum(axis=1)) == np.sign(s.sum(axis=1))
        yield Part(2, "side", None if side.all() else "some ends lie on the branch on the other "
                   "side of u + v = 0, which the flow cannot cross")  # fmt: skip
        stays = close(ends[-1], [0, 0])
        yield Part(1, "start with u + v = 0", None if stays else "a start on the stable line of "
                   "the saddle ends in the saddle")  # fmt: skip


@question
class Fastest(Question):
    """The fastest start on a circle: a minimum that integration can confirm."""

    label, points = "foundations-fastest", 6

    def draw(self, rng):
        """Draw the radius and the loss that counts as trained."""
        return {
            "radius": round(rng.uniform(1.05, 1.25), 2),
            "gap": float(10.0 ** -rng.integers(6, 10)),
        }

    def kind(self, data):
        """Return the start and its time."""
        return Record(start=Array((2,)), time=Array(()))

    def judge(self, answer, data, rng):
        """Compare the time of this start with those of all others on the circle."""
        (u, v), r, gap = answer["start"], data["radius"], data["gap"]
        if not close(np.hypot(u, v), r) or u * v <= 0:
            text = "the start must lie on the circle, with u and v of the same sign"
            yield Part(4, "start", text)
            yield Part(2, "time", "without a start there is no time")
            return
        outputs = np.linspace(1e-4, r * r / 2, 400)
        best = min(time_to(s, r, gap) for s in outputs)
        mine = time_to(min(u * v, r * r / 2), r, gap)
        mistake = None
        if mine > best + 1e-4:
            balanced = close(u, v, 1e-3)
            mistake = (
                "the balanced start is ahead at first, but slow near the end, where the speed is "
                "the sharpness"
                if balanced
                else "the least imbalanced starts are too slow at the end, the most imbalanced "
                f"ones begin too far behind; yours takes {mine - best:.2g} longer than the best"
            )
        yield Part(4, "start", mistake)
        right = close(answer["time"], mine, 1e-4)
        yield Part(2, "time", None if right else f"from your start it takes {mine:.4f}")


def _penalised_gradient(point, y, decay):
    """Gradient of (y - u v)^2 / 2 + decay (u^2 + v^2) / 2."""
    u, v = point
    return np.array([(u * v - y) * v + decay * u, (u * v - y) * u + decay * v])


def _penalised_hessian(point, y, decay):
    """Hessian of the same function."""
    u, v = point
    return np.array([[v * v + decay, 2 * u * v - y], [2 * u * v - y, u * u + decay]])


def time_to(output, radius, gap):
    """Time of the flow from a point of the circle with u v = output until u v = 1 - gap."""
    c2 = radius**4 - 4 * output**2
    # with s = 1 - exp(-x) the integrand is smooth up to the end
    integrand = lambda x: 1 / np.sqrt(c2 + 4 * (1 - np.exp(-x)) ** 2)  # noqa: E731
    return quad(integrand, -np.log1p(-output), -np.log(gap), epsabs=1e-10, limit=200)[0]
