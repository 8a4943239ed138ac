"""Gradient, invariants and balance of the layers of a deep linear network."""

import numpy as np
import sympy as sp

from gradflows.grading.answers import Array, Function, Listing, Polynomial, Record
from gradflows.grading.properties import (
    close,
    conserved_along,
    gradient_mistake,
    is_constant,
    jacobian_rank,
)
from gradflows.grading.questions import Part, Question, question

NAMES = ("W1", "W2", "W3")
SYMBOLS = ("p", "q", "r", "s", "v", "w")


def layers_of(*shapes):
    """Return the kind of an answer that consists of layers with these shapes."""
    return Record(**{f"W{i}": Array(shape) for i, shape in enumerate(shapes, 1)})


def flat(answer):
    """Return the entries of all layers in one vector."""
    return np.concatenate([answer[name].ravel() for name in NAMES])


@question
class Gradient(Question):
    """The gradient of a weighted loss of three layers, judged by Taylor's formula."""

    label, points = "deep-linear-gradient", 4
    shapes = ((2, 3), (2, 2), (2, 2))

    def draw(self, rng):
        """Draw samples and their weights."""
        X, Y = rng.normal(size=(3, 5)), rng.normal(size=(2, 5))
        return {"X": X.round(2), "Y": Y.round(2), "omega": rng.uniform(0.3, 3.0, size=5).round(2)}

    def kind(self, data):
        """Return a function of three layers."""
        return Function(layers_of(*self.shapes))

    def probes(self, data, rng):
        """Draw four networks."""
        return [tuple(rng.normal(size=shape) for shape in self.shapes) for _ in range(4)]

    def judge(self, answer, data, rng):
        """Try the loss without weights and transposed gradients before signs and factors."""
        points = [np.concatenate([W.ravel() for W in p]) for p in self.probes(data, rng)]
        values = [flat(value) for value in answer]
        forgotten = self._loss(data | {"omega": np.ones(5)})
        squared = self._loss(data | {"omega": data["omega"] ** 2})
        repairs = {
            "the gradient of W2 is transposed": lambda g: self._transposed(g, 1),
            "the gradient of W3 is transposed": lambda g: self._transposed(g, 2),
        }
        names = [f"W{i}[{r},{c}]" for i, (m, n) in enumerate(self.shapes, 1)
                 for r in range(m) for c in range(n)]  # fmt: skip
        mistake = gradient_mistake(self._loss(data), points, values, repairs, names)
        if mistake and gradient_mistake(forgotten, points, values) is None:
            mistake = "the weights omega of the samples are missing"
        elif mistake and gradient_mistake(squared, points, values) is None:
            mistake = "the weights omega count twice"
        yield Part(4, "gradient", mistake)

    def _split(self, theta):
        """Return the layers of a vector."""
        ends = np.cumsum([m * n for m, n in self.shapes])[:-1]
        return [
            part.reshape(shape)
            for part, shape in zip(np.split(theta, ends), self.shapes, strict=True)
        ]

    def _loss(self, data):
        """Return the weighted loss as a function of a vector."""

        def loss(theta):
            W1, W2, W3 = self._split(theta)
            residual = W3 @ W2 @ W1 @ data["X"] - data["Y"]
            return 0.5 * np.sum(data["omega"] * residual**2)

        return loss

    def _transposed(self, gradient, layer):
        """Transpose the part of one square layer."""
        parts = self._split(gradient)
        parts[layer] = parts[layer].T
        return np.concatenate([part.ravel() for part in parts])


@question
class TwoSpeeds(Question):
    """Invariants of two layers with different rates: exact derivative, exact rank."""

    label, points = "deep-linear-two-speeds", 5

    def draw(self, rng):
        """Draw two different rates."""
        a, b = rng.choice(np.arange(1, 8), size=2, replace=False)
        return {"a": int(a), "b": int(b)}

    def kind(self, data):
        """Return a list of polynomials in six symbols."""
        return Listing(Polynomial(SYMBOLS))

    def judge(self, answer, data, rng):
        """Differentiate along the two directions that data can give; then count."""
        a, b = data["a"], data["b"]
        mistake = None if answer else "no polynomial was given"
        for poly in answer:
            if is_constant(poly):
                mistake = mistake or "a constant is conserved by every flow"
            elif not self._conserved(poly, a, b):
                mistake = mistake or self._named(poly, a, b)
        yield Part(2, "each is conserved", mistake)
        good = [p for p in answer if self._conserved(p, a, b)]
        rank = jacobian_rank(good, rng) if good else 0
        for number in (1, 2, 3):
            text = f"{rank} of your conserved polynomials are independent; there are more"
            yield Part(1, f"number {number} of 3", None if rank >= number else text)

    def _conserved(self, poly, a, b):
        """Whether a polynomial is constant whatever the loss."""
        return all(conserved_along(poly, field) for field in self._fields(a, b))

    def _fields(self, a, b):
        """Return the directions in which the loss can push: one for each input."""
        p, q, r, s, v, w = sp.symbols(SYMBOLS)
        return [a * v, 0, a * w, 0, b * p, b * r], [0, a * v, 0, a * w, b * q, b * s]

    def _named(self, poly, a, b):
        """Name the mistake in a polynomial that is not conserved."""
        if self._conserved(poly, b, a):
            return f"the rates a and b are exchanged in {_short(poly)}"
        if self._conserved(poly, 1, 1):
            return f"{_short(poly)} is conserved if both layers have the same speed"
        if self._conserved(poly, a, -b):
            return f"a sign is wrong in {_short(poly)}: one square is subtracted from the other"
        if self._conserved(poly, a * a, b * b):
            return f"the rates count twice in {_short(poly)}"
        return f"the derivative of {_short(poly)} along the flow is not zero"


@question
class Balance(Question):
    """A balanced network with a given product: the product, then both imbalances."""

    label, points = "deep-linear-balance", 5
    shapes = ((3, 2), (2, 3), (2, 2))

    def draw(self, rng):
        """Draw layers whose product is well conditioned."""
        while True:
            layers = [rng.normal(size=shape).round(2) for shape in self.shapes]
            singular = np.linalg.svd(layers[2] @ layers[1] @ layers[0], compute_uv=False)
            if singular[-1] > 0.2 and singular[0] - singular[1] > 0.2:
                return dict(zip(NAMES, layers, strict=True))

    def kind(self, data):
        """Return three layers."""
        return layers_of(*self.shapes)

    def judge(self, answer, data, rng):
        """Compare products; then the two imbalances, in size and direction."""
        wanted = data["W3"] @ data["W2"] @ data["W1"]
        product = answer["W3"] @ answer["W2"] @ answer["W1"]
        mistake = None if close(product, wanted) else "the product W3 W2 W1 has changed"
        if mistake and close(np.abs(np.linalg.det(product)), np.abs(np.linalg.det(wanted))):
            mistake += "; its determinant has not, so a rotation or a sign is in the wrong place"
        yield Part(2, "product", mistake)
        left = answer["W2"].T @ answer["W2"] - answer["W1"] @ answer["W1"].T
        right = answer["W3"].T @ answer["W3"] - answer["W2"] @ answer["W2"].T
        size = max(np.linalg.norm(answer[name]) for name in NAMES)
        for number, (lower, upper, imbalance) in enumerate(
            [("W1", "W2", left), ("W2", "W3", right)], 1
        ):
            yield Part(1.5, f"imbalance {number}", self._wrong(imbalance, lower, upper, size))

    def _wrong(self, imbalance, lower, upper, size):
        """Say what an imbalance that is not zero tells."""
        if size < 1e-6:
            return "all layers are zero"
        if np.linalg.norm(imbalance) < 1e-6 * size**2:
            return None
        if abs(np.trace(imbalance)) < 1e-6 * size**2:
            return f"{lower} and {upper} have the same norm, but that is only the trace of balance"
        if np.linalg.norm(imbalance - np.diag(np.diag(imbalance))) < 1e-6 * size**2:
            return f"{lower} and {upper} agree in their directions in between, not in their sizes"
        return f"{lower} and {upper} are not balanced"


def _short(poly):
    """Write a polynomial in at most sixty characters."""
    text = str(poly.as_expr())
    return text if len(text) <= 60 else text[:57] + "..."
