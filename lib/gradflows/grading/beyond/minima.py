"""Minima that are hit, minima of given sharpness, their null spaces, and laws of a chain."""

from fractions import Fraction

import numpy as np
import sympy as sp

from gradflows.grading.answers import Array, Function, Listing, Polynomial, Record, Text
from gradflows.grading.properties import close, conserved_along, is_constant, jacobian_rank
from gradflows.grading.questions import Part, Question, question
from gradflows.losses import SquaredLoss
from gradflows.modular import PRIME, rank_mod
from gradflows.networks import DeepLinear
from gradflows.problems import Problem

CHAIN = ("a1", "a2", "a3")


@question
class Landing(Question):
    """An exact hit of a minimum by one large step, in fractions."""

    label, points = "beyond-landing", 4

    def draw(self, rng):
        """Draw an interval for the start."""
        low = int(rng.integers(10, 70))
        return {"low": f"{low}/100", "high": f"{low + 3}/100"}

    def kind(self, data):
        """Return two fractions, as texts."""
        return Record(start=Text(60), step=Text(120))

    def judge(self, answer, data, rng):
        """Take the step in fractions."""
        try:
            x, eta = Fraction(answer["start"].strip()), Fraction(answer["step"].strip())
        except (ValueError, ZeroDivisionError):
            yield Part(1, "start", "both numbers are texts of fractions, such as '2/5'")
            yield Part(3, "landing", "without numbers there is no step")
            return
        inside = Fraction(data["low"]) < x < Fraction(data["high"])
        yield Part(1, "start", None if inside else "the start is not between low and high")
        end = x + eta * (1 - x**3) * x**2
        mistake = None
        if eta <= Fraction(2, 3):
            mistake = "the step is not larger than 2/3"
        elif end != 1:
            mistake = f"after one step the weights are {float(end):.12g}, not 1"
            if end == Fraction(float(end)) or abs(end - 1) < Fraction(1, 10**6):
                mistake += "; close is not exact: rounded numbers do not land"
            if x + eta * (1 - x**3) * 3 * x**2 == 1:
                mistake = "each weight moves by its own derivative; the factor 3 does not belong"
        yield Part(3, "landing", mistake)


@question
class Sharpness(Question):
    """Two minima of a two-layer network: the flattest, and one of given sharpness."""

    label, points = "beyond-sharpness", 5

    def draw(self, rng):
        """Draw a matrix and a sharpness above the least one."""
        while True:
            Y = rng.normal(size=(2, 2)).round(2)
            singular = np.linalg.svd(Y, compute_uv=False)
            if singular[1] > 0.2 and singular[0] > 1.2 * singular[1]:
                factor = rng.uniform(1.5, 3.0)
                return {"Y": Y, "sharpness": round(float(2 * singular[0] * factor), 2)}

    def kind(self, data):
        """Return two networks."""
        layers = {"W1": Array((2, 2)), "W2": Array((2, 2))}
        return Record(flattest=Record(**layers), sharp=Record(**layers))

    def judge(self, answer, data, rng):
        """Check the products, then the largest eigenvalues."""
        problem = Problem(DeepLinear((2, 2, 2)), np.eye(2), SquaredLoss(data["Y"], mean=False))
        largest, fits = {}, {}
        for name, layers in answer.items():
            fits[name] = close(layers["W2"] @ layers["W1"], data["Y"], 1e-8)
            theta = np.concatenate([layers["W1"].ravel(), layers["W2"].ravel()])
            largest[name] = np.linalg.eigvalsh(problem.hessian(theta))[-1]
        swapped = all(close(v["W1"] @ v["W2"], data["Y"], 1e-8) for v in answer.values())
        text = "the product W2 W1 is not Y" + ("; W1 W2 is" if swapped else "")
        yield Part(1, "both are minima", None if all(fits.values()) else text)
        least = 2 * np.linalg.norm(data["Y"], 2)
        flat = fits["flattest"] and close(largest["flattest"], least, 1e-6)
        text = f"there are minima flatter than {largest['flattest']:.6g}; balance the layers"
        yield Part(2, "flattest", None if flat else text if fits["flattest"] else "see above")
        sharp = fits["sharp"] and close(largest["sharp"], data["sharpness"], 1e-6)
        text = f"its largest eigenvalue is {largest['sharp']:.6g}"
        if close(largest["sharp"] ** 2 - least**2, data["sharpness"] - least, 1e-6):
            text += "; it is the sum of two squares, not their product"
        yield Part(2, "sharp", None if sharp else text if fits["sharp"] else "see above")


@question
class Quadratic(Question):
    """The null space of quadratic networks, by exact ranks at random points."""

    label, points = "beyond-quadratic", 5

    def draw(self, rng):
        """Draw nothing: the answer is a function."""
        return {}

    def kind(self, data):
        """Return a function of two integers."""
        return Function(Array(()))

    def probes(self, data, rng):
        """Return narrow and wide networks; the narrow ones come first."""
        narrow = [(4, 1), (3, 2), (5, 3), (4, 4), (6, 2)]
        return narrow + [(2, 3), (2, 7), (3, 5), (1, 4), (4, 6)]

    def judge(self, answer, data, rng):
        """Judge narrow and wide networks apart."""
        probes = self.probes(data, rng)
        true = np.array([self._nullity(d, h, rng) for d, h in probes])
        given = np.array([float(value) for value in answer])
        for points, title, chosen in ((3, "h <= d", slice(0, 5)), (2, "h > d", slice(5, None))):
            pair = given[chosen], true[chosen]
            yield Part(points, title, self._mistake(*pair, probes[chosen]))

    def _mistake(self, given, true, probes):
        """Name frequent wrong counts."""
        if np.array_equal(given, true):
            return None
        d, h = np.array(probes).T
        if np.array_equal(given, h):
            return "these are the rescalings only; the neurons can also be mixed"
        if np.array_equal(given, h * (d + 1) - true):
            return "this is the rank of the Jacobian, not the dimension of its null space"
        if np.array_equal(given, h + h * (h - 1)):
            return "mixing neurons by all matrices is too much: squares allow rotations only"
        wrong = next(i for i in range(len(true)) if given[i] != true[i])
        return f"for d = {d[wrong]} and h = {h[wrong]} the null space has another dimension"

    def _nullity(self, d, h, rng):
        """Return the number of parameters minus the rank of the map to quadratic forms."""
        v, W = rng.integers(1, 10**6, size=h), rng.integers(1, 10**6, size=(h, d))
        rows = []
        for j in range(h):
            w = [int(x) for x in W[j]]
            rows.append([w[a] * w[b] * (2 - (a == b)) for a in range(d) for b in range(a, d)])
            for i in range(d):
                rows.append([int(v[j]) * ((a == i) * w[b] + (b == i) * w[a]) * (2 - (a == b))
                             for a in range(d) for b in range(a, d)])  # fmt: skip
        matrix = np.array([[x % PRIME for x in row] for row in rows], dtype=object)
        return h * (d + 1) - rank_mod(matrix.astype(np.int64))


@question
class Chain(Question):
    """Laws of a residual chain, by exact derivatives and an exact rank."""

    label, points = "beyond-chain", 4

    def draw(self, rng):
        """Draw three different sizes."""
        sizes = rng.choice(np.arange(1, 8), size=3, replace=False)
        return {"delta": [f"{int(n)}/8" for n in sizes]}

    def kind(self, data):
        """Return a list of polynomials."""
        return Listing(Polynomial(CHAIN))

    def judge(self, answer, data, rng):
        """Differentiate along the gradient of the product."""
        delta = [sp.Rational(text) for text in data["delta"]]
        mistake = None if answer else "no polynomial was given"
        for poly in answer:
            if is_constant(poly):
                mistake = mistake or "a constant is conserved by every flow"
            elif not conserved_along(poly, self._field(delta)):
                mistake = mistake or self._named(poly, delta)
        yield Part(2, "each is conserved", mistake)
        good = [p for p in answer if conserved_along(p, self._field(delta))]
        rank = jacobian_rank(good, rng) if good else 0
        text = f"{rank} of your laws are independent; there are more"
        yield Part(2, "all", None if rank == 2 else text)

    def _field(self, delta):
        """Return the gradient of the product of the blocks."""
        symbols = sp.symbols(CHAIN)
        product = sp.prod([1 + d * a for d, a in zip(delta, symbols, strict=True)])
        return [sp.diff(product, a) for a in symbols]

    def _named(self, poly, delta):
        """Name the chain that the polynomial would belong to."""
        if conserved_along(poly, self._field([sp.Integer(1)] * 3)):
            return "this is a law if all blocks have the size 1"
        symbols = sp.symbols(CHAIN)
        if conserved_along(poly, [sp.prod([a for a in symbols if a != b]) for b in symbols]):
            return "the skip connections are missing: the factors are 1 + delta a"
        speeds = [f / d**2 for f, d in zip(self._field(delta), delta, strict=True)]
        if conserved_along(poly, speeds):
            return "the sizes are missing: divide each square by delta^2"
        return "its derivative along the flow is not zero"
