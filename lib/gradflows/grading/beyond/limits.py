"""Where training ends: margins, games and entropies."""

import numpy as np
import sympy as sp
from scipy.optimize import linprog

from gradflows.grading.answers import Array, Polynomial, Record
from gradflows.grading.properties import close
from gradflows.grading.questions import Part, Question, question


@question
class Margin(Question):
    """The largest margin of a diagonal network, certified by linear programming."""

    label, points = "beyond-margin", 5

    def draw(self, rng):
        """Draw separable data for which the two norms choose different directions."""
        while True:
            direction = np.array([3.0, 1.0, 0.5, 0.2]) * rng.choice([-1, 1], size=4)
            X = rng.normal(size=(4, 5)).round(2)
            y = np.sign(direction @ X)
            best, beta = self._best(X, y)
            if best > 0.3 and np.sum(np.abs(beta) > 1e-6) in (2, 3):
                return {"X": X, "y": y}

    def kind(self, data):
        """Return two arrays."""
        return Record(u=Array((4,)), v=Array((4,)))

    def judge(self, answer, data, rng):
        """Check the norm; compare the margin with the optimum of the linear program."""
        u, v = answer["u"], answer["v"]
        unit = close(u @ u + v @ v, 1, 1e-7)
        yield Part(1, "norm", None if unit else "the squares of all weights do not add up to 1")
        size = max(u @ u + v @ v, 1e-300)
        margin = np.min(data["y"] * ((u**2 - v**2) @ data["X"])) / size
        best, _ = self._best(data["X"], data["y"])
        mistake = None
        if margin < best - 1e-6:
            mistake = f"the margin is {margin:.6g} for weights of norm 1; it can be {best:.6g}"
            if np.any(np.minimum(np.abs(u), np.abs(v)) > 1e-6):
                mistake += "; where u_i and v_i are both not zero, norm is wasted"
            elif margin <= 0:
                mistake += "; not all samples are on their side"
            else:
                mistake += "; in terms of u^2 - v^2 the norm of the weights is an l1 norm"
        yield Part(4, "margin", mistake)

    def _best(self, X, y):
        """Return the largest margin of a linear function of l1 norm 1, and the function."""
        n = X.shape[1]
        rows = np.hstack([-(y * X).T, (y * X).T, np.ones((n, 1))])
        total = np.append(np.ones(8), 0.0)[None]
        found = linprog(np.append(np.zeros(8), -1.0), A_ub=rows, b_ub=np.zeros(n), A_eq=total,
                        b_eq=[1.0], bounds=[(0, None)] * 8 + [(None, None)])  # fmt: skip
        return -found.fun, found.x[:4] - found.x[4:8]


@question
class Lyapunov(Question):
    """A function with a prescribed derivative along a game, as a polynomial identity."""

    label, points = "beyond-lyapunov", 5

    def draw(self, rng):
        """Draw the numbers of the game."""
        names = ("s", "b", "lam", "mu", "p", "q")
        while True:
            data = {name: int(rng.integers(1, 6)) for name in names}
            if data["p"] != data["q"] and data["lam"] != data["mu"]:
                return data

    def kind(self, data):
        """Return a polynomial in f and g."""
        return Polynomial(("f", "g"))

    def judge(self, answer, data, rng):
        """Compute dV/dt; try other speeds and other centres if it is wrong."""
        f, g = sp.symbols("f g")
        s, b, lam, mu, p, q = (sp.Integer(n) for n in data.values())
        first, second = b * s / (s**2 + lam * mu), -lam * b / (s**2 + lam * mu)
        wanted = -((f - first) ** 2) - (g - second) ** 2
        rate = self._rate(answer, data, p, q)
        mistake = None
        if sp.expand(rate - wanted) != 0:
            mistake = "its derivative along the flow is not the one that was asked for"
            moved = self._moved(answer, first, second)
            friction = -lam * (f - first) ** 2 - mu * (g - second) ** 2
            if sp.expand(self._rate(answer, data, 1, 1) - wanted) == 0:
                mistake = "this is right if both players have the speed 1"
            elif sp.expand(rate - friction) == 0:
                mistake = "this falls by the gap of the game, lambda and mu; asked for are ones"
            elif sp.expand(rate - 2 * wanted) == 0:
                mistake = "it falls twice as fast"
            elif sp.expand(self._rate(moved, data, p, q) - wanted) == 0:
                mistake = "it is centred at the origin, not at the saddle point"
        yield Part(4, "derivative", mistake)
        zero = answer.eval({f: first, g: second}) == 0
        yield Part(1, "value", None if zero else "it is not zero at the saddle point")

    def _rate(self, V, data, p, q):
        """Return dV/dt for the speeds p and q."""
        f, g = V.gens
        s, b, lam, mu = (data[n] for n in ("s", "b", "lam", "mu"))
        field = (-p * (s * g + lam * f), q * (s * f - b - mu * g))
        return sum(V.diff(x).as_expr() * v for x, v in zip((f, g), field, strict=True))

    def _moved(self, V, first, second):
        """Centre a polynomial at a point."""
        f, g = V.gens
        moved = V.as_expr().subs({f: f - first, g: g - second}, simultaneous=True)
        return sp.Poly(moved, f, g)


@question
class Entropy(Question):
    """The limit of a diagonal network: it interpolates, and its potential has no free slope."""

    label, points = "beyond-entropy", 5

    def draw(self, rng):
        """Draw two equations for four unknowns, and the start."""
        A = rng.normal(size=(2, 4)).round(2)
        y = (A @ (rng.normal(size=4) * [2.0, 1.0, 0.3, 0.1])).round(2)
        return {"A": A, "y": y, "alpha": round(rng.uniform(0.2, 0.6), 2)}

    def kind(self, data):
        """Return four numbers."""
        return Array((4,))

    def judge(self, answer, data, rng):
        """Check the equations; then that the gradient of the potential is in the row space."""
        fits = close(data["A"] @ answer, data["y"], 1e-6)
        yield Part(1, "equations", None if fits else "A beta = y does not hold")
        alpha = data["alpha"]
        mistake = "without the equations there is no limit"
        if fits and not self._slope(answer, data, 2 * alpha**2):
            mistake = None
        elif fits:
            mistake = self._named(answer, data)
        yield Part(4, "which solution", mistake)

    def _slope(self, beta, data, scale):
        """Whether the gradient of the potential at this scale has a part outside the row space."""
        gradient = np.arcsinh(beta / scale)
        kernel = np.linalg.svd(data["A"])[2][2:]
        return np.abs(kernel @ gradient).max() > 2e-6

    def _named(self, beta, data):
        """Name the solution that was given."""
        kernel, alpha = np.linalg.svd(data["A"])[2][2:], data["alpha"]
        if np.abs(kernel @ beta).max() < 1e-6:
            return "this is the solution of least Euclidean norm, the limit of large alpha"
        if np.sum(np.abs(beta) < 1e-9) >= 2:
            return "this is a sparse solution, the limit of small alpha"
        for scale, text in (
            (alpha**2, "the scale of the potential is 2 alpha^2, not alpha^2"),
            (2 * alpha, "the scale of the potential is 2 alpha^2, not 2 alpha"),
            (alpha, "the scale of the potential is 2 alpha^2, not alpha"),
        ):
            if not self._slope(beta, data, scale):
                return text
        return "the gradient of the potential is not in the row space of A"
