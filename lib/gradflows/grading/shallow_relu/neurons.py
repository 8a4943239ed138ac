"""The gradient of two neurons with bias, and a law of two neurons that share a weight."""

import numpy as np
import sympy as sp

from gradflows.grading.answers import Array, Function, Polynomial
from gradflows.grading.properties import (
    close,
    conserved_along,
    gradient_holds,
    gradient_mistake,
    is_constant,
)
from gradflows.grading.questions import Part, Question, question

NAMES = ("w1", "b1", "a1", "w2", "b2", "a2")
SHARED = ("a", "w1", "b1", "w2", "b2", "c")
PATTERNS = ((1, 1), (1, 0), (0, 1))


@question
class Gradient(Question):
    """The gradient of the mean loss of two neurons on the line, judged by Taylor's formula."""

    label, points = "shallow-relu-gradient", 3

    def draw(self, rng):
        """Draw five inputs that are well apart, and labels."""
        x = np.linspace(-2, 2, 5) + rng.uniform(-0.3, 0.3, size=5)
        return {"x": np.round(x, 2), "y": np.round(rng.normal(size=5), 2)}

    def kind(self, data):
        """Return a function of the six weights."""
        return Function(Array((6,)))

    def probes(self, data, rng):
        """Draw points away from kinks at which each neuron sees some samples and not all."""
        points = []
        while len(points) < 4:
            w, b, a = rng.normal(size=(3, 2))
            z = data["x"][:, None] * w + b
            seen = (z > 0).sum(axis=0)
            if np.abs(z).min() > 0.08 and seen.min() > 0 and seen.max() < 5 and abs(a).min() > 0.2:
                points.append((np.array([w[0], b[0], a[0], w[1], b[1], a[1]]),))
        return points

    def judge(self, answer, data, rng):
        """Try clocks and signs; then the gradients that frequent mistakes lead to."""
        x, y = data["x"], data["y"]

        def loss(theta):
            r = theta[2::3] @ np.maximum(np.outer(theta[::3], x) + theta[1::3, None], 0) - y
            return r @ r / 10

        repairs = {
            "the factor 1/n of the mean loss is missing": lambda g: g / 5,
            "the order is (w1, w2, b1, b2, a1, a2), asked for is (w1, b1, a1, w2, b2, a2)": (
                lambda g: g[[0, 2, 4, 1, 3, 5]]
            ),
        }
        points = [probe[0] for probe in self.probes(data, rng)]
        mistake = None
        if not gradient_holds(loss, points, answer):
            mistake = self._mask(points, answer, x, y)
            mistake = mistake or gradient_mistake(loss, points, answer, repairs, NAMES)
        yield Part(3, "gradient", mistake)

    def _mask(self, points, answer, x, y):
        """Recognise gradients in which the derivative of the ReLU is left out."""
        everywhere = [_gradient(theta, x, y, lambda z: np.ones_like(z)) for theta in points]
        value = [_gradient(theta, x, y, lambda z: np.maximum(z, 0)) for theta in points]
        if close(answer, everywhere):
            return "w and b feel all samples; only those on which the neuron is active move them"
        if close(answer, value):
            return "the derivative of the ReLU is 0 or 1, not its value"
        return None


@question
class Law(Question):
    """A polynomial conserved on each activation pattern, for every input and loss."""

    label, points = "shallow-relu-law", 5

    def draw(self, rng):
        """Draw two different powers of the shared weight."""
        p, q = rng.choice(np.arange(1, 5), size=2, replace=False)
        return {"p": int(p), "q": int(q)}

    def kind(self, data):
        """Return a polynomial in the six weights."""
        return Polynomial(SHARED)

    def judge(self, answer, data, rng):
        """Differentiate on each pattern; then do so in the networks of frequent mistakes."""
        yield Part(5, "conserved and not constant", self._mistake(answer, data["p"], data["q"]))

    def _mistake(self, law, p, q):
        """Name what is wrong with a law."""
        if is_constant(law):
            return "a constant is conserved by every flow"
        if self._kept(law, p, q):
            return None
        if law.degree(sp.Symbol("c")) > 0:
            return "the weight c of the skip is in it: no symmetry moves c"
        flipped = sp.Poly(law.as_expr().subs(sp.Symbol("a"), sp.I * sp.Symbol("a")), *law.gens)
        others = {
            "the powers p and q are exchanged": (law, q, p),
            "this is a law if both powers are 1": (law, 1, 1),
            "p and q must not be squared": (law, p**2, q**2),
            "a sign is wrong: what belongs to a is subtracted from what belongs to w and b": (
                flipped, p, q),
        }  # fmt: skip
        for text, (changed, first, second) in others.items():
            if self._kept(changed, first, second):
                return text
        if all(law.degree(sp.Symbol(b)) <= 0 for b in ("b1", "b2")):
            return "the biases are missing: they are weights of an input 1"
        if any(self._kept(law, p, q, (pattern,)) for pattern in PATTERNS):
            return "it is conserved on some activation patterns, but not on all"
        return "its derivative along the flow is not zero"

    def _kept(self, law, p, q, patterns=PATTERNS):
        """Whether the law is constant along the gradient of the output on each pattern."""
        a, w1, b1, w2, b2, _ = sp.symbols(SHARED)
        x = sp.Symbol("x")
        for on1, on2 in patterns:
            z1, z2 = on1 * (w1 * x + b1), on2 * (w2 * x + b2)
            field = [
                p * a ** (p - 1) * z1 + q * a ** (q - 1) * z2,
                on1 * a**p * x, on1 * a**p, on2 * a**q * x, on2 * a**q, x,
            ]  # fmt: skip
            if not conserved_along(law, field):
                return False
        return True


def _gradient(theta, x, y, slope):
    """Gradient of the mean loss if the ReLU had this derivative."""
    w, b, a = theta.reshape(2, 3).T
    z = np.outer(w, x) + b[:, None]
    r = a @ np.maximum(z, 0) - y
    inner = a[:, None] * slope(z) * r / x.size
    return np.stack([inner @ x, inner.sum(axis=1), np.maximum(z, 0) @ r / x.size], axis=1).ravel()
