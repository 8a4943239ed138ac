"""Where paths of outputs end, and coordinates that straighten them."""

import numpy as np

from gradflows.grading.answers import Array, Function
from gradflows.grading.properties import close, find_mistake
from gradflows.grading.questions import Part, Question, question


@question
class Square(Question):
    """The end of the adapted flow of a complex square: label, branch, and the wall."""

    label, points = "output-space-square", 6

    def draw(self, rng):
        """Draw a start off the axes."""
        angle, size = rng.uniform(0.3, 1.2) + rng.integers(4) * np.pi / 2, rng.uniform(0.8, 1.6)
        return {"theta0": np.round(size * np.array([np.cos(angle), np.sin(angle)]), 2)}

    def kind(self, data):
        """Return a function of the label."""
        return Function(Array((2,)))

    def probes(self, data, rng):
        """Draw labels all around, and two beyond the origin, seen from the first output."""
        first = complex(*data["theta0"]) ** 2
        turns = np.exp(1j * (np.linspace(0, 2 * np.pi, 9)[:-1] + rng.uniform(0.1, 0.6)))
        labels = [first * turn * rng.uniform(0.3, 2.0) for turn in turns]
        labels = [c for c in labels if abs(np.angle(c / -first)) > 0.02] + [0.5 * first]
        labels += [-0.25 * first, -2.0 * first]
        return [(np.array([c.real, c.imag]),) for c in labels]

    def judge(self, answer, data, rng):
        """Check labels and branches of reachable labels, then the two walls."""
        start = complex(*data["theta0"])
        labels = [complex(*probe[0]) for probe in self.probes(data, rng)]
        ends = [complex(*value) for value in answer]
        reached = all(close(abs(e * e - c), 0) for e, c in zip(ends[:-2], labels[:-2], strict=True))
        yield Part(2, "labels", None if reached else self._unfit(ends, labels))
        # along a segment that misses the origin the root turns by less than a right angle
        kept = all((e * start.conjugate()).real > -1e-9 for e in ends[:-2])
        text = "some ends have the other sign: follow the root along the segment of outputs"
        yield Part(2, "branch", None if kept and reached else text if reached else
                   "without the label there is no branch")  # fmt: skip
        stops = all(abs(e) < 1e-6 for e in ends[-2:])
        text = (
            "when the segment goes through the output 0, the Jacobian vanishes and the flow stops"
        )
        yield Part(2, "labels behind the origin", None if stops else text)

    def _unfit(self, ends, labels):
        """Say why ends do not have their labels."""
        if all(close(abs(e.conjugate() ** 2 - c), 0) for e, c in
               zip(ends[:-2], labels[:-2], strict=True)):  # fmt: skip
            return "the second parameter has the wrong sign"
        return "some ends do not have the label as their square"


@question
class Temperature(Question):
    """The limit of free outputs under a softmax with a temperature."""

    label, points = "output-space-temperature", 5

    def draw(self, rng):
        """Draw a temperature and probabilities."""
        p = rng.dirichlet([4, 3, 2])
        p = np.round(np.maximum(p, 0.05), 2)
        return {"beta": round(rng.uniform(0.4, 0.8) * 4, 2), "p": p / p.sum()}

    def kind(self, data):
        """Return a function of the start."""
        return Function(Array((3,)))

    def probes(self, data, rng):
        """Draw starts."""
        return [(rng.normal(size=3) * 2,) for _ in range(5)]

    def judge(self, answer, data, rng):
        """Check the probabilities, then the sum."""
        starts = np.array([probe[0] for probe in self.probes(data, rng)])
        ends, beta = np.array(answer), data["beta"]
        fit = lambda x: close(_softmax(beta * x), data["p"])  # noqa: E731
        repairs = {
            "the temperature is missing: softmax(beta x) has to be p": lambda x: x / beta,
            "the outputs are multiplied by beta where they should be divided": (
                lambda x: x / beta**2
            ),
            "the sign is the opposite": lambda x: -x,
        }
        mistake = find_mistake(ends, fit, repairs, "softmax(beta x) is not p at the ends")
        yield Part(3, "probabilities", mistake)
        kept = close(ends.sum(axis=1), starts.sum(axis=1))
        text = "the sum of the outputs changes, but every gradient has sum zero"
        if close(np.ptp(ends, axis=0), 0):
            text = "all starts end in one point, but a sum is conserved"
        yield Part(2, "sum", None if kept else text)


@question
class Coordinates(Question):
    """Coordinates in which gradient flow is straight: its kernel is a multiple of the identity."""

    label, points = "output-space-coordinates", 6

    def draw(self, rng):
        """Draw a Jacobian of full rank and a rate."""
        while True:
            J = rng.normal(size=(2, 3)).round(2)
            singular = np.linalg.svd(J, compute_uv=False)
            if singular[1] > 0.3 and singular[0] > 1.5 * singular[1]:
                return {"J": J, "rate": round(rng.uniform(1.5, 4.0), 2)}

    def kind(self, data):
        """Return a matrix."""
        return Array((3, 3))

    def judge(self, answer, data, rng):
        """Look at J D D^T J^T, and at those of frequent mistakes."""
        J, D = data["J"], answer
        invertible = abs(np.linalg.det(D)) > 1e-9 * np.linalg.norm(D) ** 3
        yield Part(1, "invertible", None if invertible else "D is not invertible")
        kernel = J @ D @ D.T @ J.T
        straight = np.trace(kernel) > 1e-9 and close(kernel / np.trace(kernel), np.eye(2) / 2, 1e-7)
        yield Part(3, "straight", None if straight else self._crooked(J, D, invertible))
        right = straight and close(kernel[0, 0], data["rate"], 1e-6)
        text = "where outputs do not move straight there is no single rate"
        if straight:
            text = f"the rate is {kernel[0, 0]:.4g}"
            if close(kernel[0, 0], data["rate"] ** 2, 1e-6):
                text += ", its square: D enters twice"
        yield Part(2, "rate", None if right else text)

    def _crooked(self, J, D, invertible):
        """Say why the kernel is not a multiple of the identity."""
        if invertible:
            inverse = np.linalg.inv(D)
            other = J @ inverse @ inverse.T @ J.T
            if close(other / np.trace(other), np.eye(2) / 2, 1e-7):
                return "this is the inverse of a right D: theta = D eta"
            turned = J @ D.T @ D @ J.T
            if close(turned / np.trace(turned), np.eye(2) / 2, 1e-7):
                return "D is transposed"
        root = J @ D @ J.T
        if close(root / np.trace(root), np.eye(2) / 2, 1e-7):
            return "D enters twice, as D D^T: take a root"
        return "J D D^T J^T is not a multiple of the identity"


def _softmax(x):
    """Softmax along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
