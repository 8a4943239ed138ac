"""Saddles of three layers, and how long they hold."""

import numpy as np
from scipy.integrate import quad

from gradflows.grading.answers import Array, Record
from gradflows.grading.deep_linear.layers import NAMES, flat, layers_of
from gradflows.grading.properties import close, find_mistake
from gradflows.grading.questions import Part, Question, question
from gradflows.losses import SquaredLoss
from gradflows.networks import DeepLinear
from gradflows.problems import Problem

CUBE = ((3, 3),) * 3


def draw_target(rng):
    """Draw a target of shape (3, 3) with separate singular values and no zero entries."""
    left, right = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
    values = np.array([rng.uniform(3, 4), rng.uniform(1.6, 2.4), rng.uniform(0.6, 1.1)])
    return (left * values @ right.T).round(3)


@question
class Twins(Question):
    """Two critical points with one product: residual, product, and the sign of the Hessian."""

    label, points = "deep-linear-twins", 7

    def draw(self, rng):
        """Draw the target."""
        return {"Sigma": draw_target(rng)}

    def kind(self, data):
        """Return two networks."""
        return Record(strict=layers_of(*CUBE), nonstrict=layers_of(*CUBE))

    def judge(self, answer, data, rng):
        """Check gradients, then the common product, then the curvatures."""
        problem = Problem(
            DeepLinear((3, 3, 3, 3)), np.eye(3), SquaredLoss(data["Sigma"], mean=False)
        )
        critical = {name: self._critical(problem, answer[name]) for name in answer}
        for name, is_critical in critical.items():
            text = f"the gradient at the {name} one is not zero"
            yield Part(1, f"{name} one is critical", None if is_critical else text)
        products = [_product(answer[name]) for name in ("strict", "nonstrict")]
        yield Part(2, "product", self._wrong_product(*products))
        lowest = {
            name: np.linalg.eigvalsh(problem.hessian(flat(answer[name])))[0] for name in answer
        }
        curved = lowest["strict"] < -1e-6
        text = "at the strict one the Hessian has no negative eigenvalue"
        yield Part(1.5, "strict", self._unless(critical["strict"], None if curved else text))
        bent = self._bent(products[1], data["Sigma"], lowest["nonstrict"])
        yield Part(1.5, "nonstrict", self._unless(critical["nonstrict"], bent))

    def _unless(self, critical, mistake):
        """Return the mistake, or that there is no saddle at all."""
        return mistake if critical else "where the gradient is not zero there is no saddle"

    def _bent(self, product, Sigma, lowest):
        """Say why the Hessian has a negative eigenvalue, if it has one."""
        if lowest > -1e-6:
            return None
        text = f"at the nonstrict one the Hessian has the eigenvalue {lowest:.3g}"
        if np.linalg.norm(product, 2) < np.linalg.norm(Sigma, 2) - 1e-3:
            text += (
                "; its mode is not the largest singular value, and exchanging modes is a way down "
                "that second derivatives see"
            )
        return text

    def _critical(self, problem, layers):
        """Whether the gradient vanishes, to rounding."""
        return np.linalg.norm(problem.gradient(flat(layers))) < 1e-6

    def _wrong_product(self, first, second):
        """Say what is wrong with the products, if anything."""
        if not close(first, second):
            return "the two products differ"
        ranks = np.linalg.svd(first, compute_uv=False) > 1e-6
        return None if ranks.sum() == 1 else f"the product has rank {ranks.sum()}, not 1"


@question
class Wait(Question):
    """The waiting time of a balanced chain, judged by its integral."""

    label, points = "deep-linear-wait", 4

    def draw(self, rng):
        """Draw depth, target and start."""
        depth = int(rng.integers(3, 6))
        return {
            "depth": depth,
            "s": round(rng.uniform(1.5, 3.0), 2),
            "start": round(rng.uniform(0.15, 0.4), 3),
        }

    def kind(self, data):
        """Return a number."""
        return Array(())

    def judge(self, answer, data, rng):
        """Compare with the time of the flow, and with the times of frequent mistakes."""
        depth, s, start = data["depth"], data["s"], data["start"]
        time = self._time(depth, s, start**depth)
        near = lambda value: close(value, time, 2e-6)  # noqa: E731
        repairs = {
            "the factor of the depth is missing: every layer moves the product": (
                lambda value: value / depth
            ),
            "the start of the product is start^depth, not start": (
                lambda value: value + time - self._time(depth, s, start)
            ),
            "this is the time of two layers with the same product": (
                lambda value: value + time - self._time(2, s, start**depth)
            ),
            "this is the time until the target would be reached at the first speed": (
                lambda value: value + time - self._straight(depth, s, start)
            ),
        }
        mistake = find_mistake(float(answer), near, repairs, "the flow takes another time")
        yield Part(4, "time", mistake)

    def _time(self, depth, s, first):
        """Integrate d product / (depth product^(2 - 2/depth) (s - product))."""
        # the variable x = log(product) keeps the integrand smooth for small starts
        rate = lambda x: 1 / (depth * np.exp(x * (1 - 2 / depth)) * (s - np.exp(x)))  # noqa: E731
        return quad(rate, np.log(first), np.log(s / 2), epsabs=1e-12, epsrel=1e-11, limit=200)[0]

    def _straight(self, depth, s, start):
        """Time to s/2 at the speed of the start."""
        first = start**depth
        return (s / 2 - first) / (depth * first ** (2 - 2 / depth) * (s - first))


@question
class Launch(Question):
    """The steepest way off the origin: the largest cubic on a sphere."""

    label, points = "deep-linear-launch", 6

    def draw(self, rng):
        """Draw target and radius."""
        return {"Sigma": draw_target(rng), "rho": round(rng.uniform(0.1, 0.3), 3)}

    def kind(self, data):
        """Return three layers."""
        return layers_of(*CUBE)

    def judge(self, answer, data, rng):
        """Check the sphere, then the direction (the product) and the shares of the layers."""
        norms = np.array([np.linalg.norm(answer[name]) for name in NAMES])
        on = close(np.sum(norms**2), data["rho"] ** 2, 1e-9)
        yield Part(1, "sphere", None if on else "the squared norms do not add up to rho^2")
        size = np.prod(norms)
        cosine = np.sum(data["Sigma"] * _product(answer)) / size if size > 0 else 0.0
        largest = np.linalg.svd(data["Sigma"], compute_uv=False)
        yield Part(3, "direction", self._wrong_direction(answer, data, cosine, largest))
        equal = size > 0 and np.ptp(norms) < 1e-5 * norms.max()
        yield Part(2, "shares", None if equal else "the three layers do not share the radius "
                   "equally; the product of their norms can be larger")  # fmt: skip

    def _wrong_direction(self, answer, data, gain, largest):
        """Compare the gain of unit layers with its largest value, the largest singular value."""
        if gain > (1 - 1e-7) * largest[0]:
            return None
        turned = np.sum(data["Sigma"] * _product(answer).T)
        if close(-gain, largest[0], 1e-6):
            return "the loss rises fastest in this direction: a sign is wrong"
        size = np.prod([np.linalg.norm(answer[name]) for name in NAMES])
        if size > 0 and turned > (1 - 1e-6) * largest[0] * size:
            return "the layers are transposed: W1 takes in the right singular vector"
        if close(gain, largest[1], 1e-4) or close(gain, largest[2], 1e-4):
            return "this singular vector does not belong to the largest singular value"
        return (
            "another direction is better: a layer of rank one between the leading singular "
            "vectors gains most for its norm"
        )


def _product(layers):
    """Return W3 W2 W1."""
    return layers["W3"] @ layers["W2"] @ layers["W1"]
