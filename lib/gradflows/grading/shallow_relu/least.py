"""The least norm without right angles, with its proof."""

import numpy as np

from gradflows.grading.answers import Array, Record
from gradflows.grading.properties import close
from gradflows.grading.questions import Part, Question, question


@question
class Least(Question):
    """A network and multipliers: it interpolates, they bound from below, and both meet."""

    label, points = "shallow-relu-least", 6

    def draw(self, rng):
        """Draw two inputs at an acute angle with labels of opposite signs."""
        turn, angle = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(25, 70))
        norms, sign = rng.uniform(0.7, 1.6, size=2), rng.choice([-1, 1])
        turns = [turn, turn + angle * rng.choice([-1, 1])]
        X = np.stack([np.cos(turns), np.sin(turns)], axis=1) * norms[:, None]
        y = rng.uniform(0.5, 1.8, size=2) * [sign, -sign]
        return {"X": np.round(X, 3), "y": np.round(y, 2)}

    def kind(self, data):
        """Return a network and multipliers."""
        return Record(W=Array((None, 2)), a=Array((None,)), mu=Array((2,)))

    def judge(self, answer, data, rng):
        """Fit, bound, and whether the norm is the bound; nothing else is known here."""
        W, a, mu = answer["W"], answer["a"], answer["mu"]
        X, y = data["X"], data["y"]
        fits = len(W) == len(a) and close(a @ np.maximum(W @ X.T, 0), y)
        yield Part(2, "network", None if fits else self._unfit(W, a, X, y))
        largest = self._largest(mu, X)
        bounds = largest <= 1 + 1e-6 and np.abs(mu).max() > 1e-9
        yield Part(2, "multipliers", None if bounds else self._loose(mu, largest))
        yield Part(2, "they meet", self._gap(fits, bounds, answer, y))

    def _unfit(self, W, a, X, y):
        """Say why a network does not interpolate."""
        if len(W) != len(a):
            return "W needs one row for each entry of a"
        outputs = a @ np.maximum(W @ X.T, 0)
        alone = (y / np.sum(X**2, axis=1))[:, None] * X  # what would fit orthogonal inputs
        wrong = np.sign(y) @ np.maximum((np.sign(y)[:, None] * alone) @ X.T, 0)
        if close(outputs, wrong):
            return "at an acute angle a neuron along one input sees the other one too"
        if close(outputs, -y):
            return "the outputs have the wrong sign"
        return f"the outputs are {np.round(outputs, 4)}"

    def _loose(self, mu, largest):
        """Say why multipliers prove nothing."""
        if np.abs(mu).max() <= 1e-9:
            return "multipliers zero prove nothing"
        return (
            f"for some unit vector the correlation reaches {largest:.4f}; a network with one "
            "neuron in that direction would be undercounted"
        )

    def _gap(self, fits, bounds, answer, y):
        """Compare the norm of the network with the bound of the multipliers."""
        if not (fits and bounds):
            return "without a network that fits and multipliers that bound there is nothing to meet"
        norm = np.abs(answer["a"]) @ np.linalg.norm(answer["W"], axis=1)
        bound = float(answer["mu"] @ y)
        if norm <= bound + 1e-5 * norm:
            return None
        if norm <= -bound + 1e-5 * norm:
            return "the multipliers have the wrong sign: their sum with the labels is negative"
        return f"the network has the norm {norm:.5f}, but the multipliers prove {bound:.5f} only"

    def _largest(self, mu, X):
        """Largest |correlation| over unit vectors; between walls it is one arc of a sine."""
        walls = np.stack([-X[:, 1], X[:, 0]], axis=1)
        sums = [mu[0] * X[0], mu[1] * X[1], mu @ X]
        directions = np.array([*walls, *X, *sums])
        directions = directions[np.linalg.norm(directions, axis=1) > 1e-12]
        units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return np.abs(np.maximum(np.vstack([units, -units]) @ X.T, 0) @ mu).max()
