"""Levels at which the loss can rest, and networks that rest there."""

from itertools import chain, combinations

import numpy as np

from gradflows.grading.answers import Array, Listing, Record
from gradflows.grading.properties import close
from gradflows.grading.questions import Part, Question, question


@question
class Levels(Question):
    """All critical levels of a single neuron: each realisable, none missing, none twice."""

    label, points = "shallow-relu-levels", 5

    def draw(self, rng):
        """Draw labels in which sums of squares coincide, within a sign and across signs."""
        unit = round(rng.uniform(0.2, 1.5), 1)
        one, other = [3, 4, 5], [-5, -int(rng.choice([1, 2, 6, 7]))]
        y = rng.permutation(np.array(one + other)) * unit * rng.choice([-1, 1])
        return {"y": np.round(y, 2)}

    def kind(self, data):
        """Return a list of numbers."""
        return Listing(Array(()))

    def judge(self, answer, data, rng):
        """Look for a set of samples behind each level, then for levels that are missing."""
        y, n = data["y"], data["y"].size
        given = np.array([float(x) for x in answer])
        one = _sums(y[y > 0], y, n) + _sums(y[y < 0], y, n)
        yield Part(3, "each is a level", self._unreal(given, one, y, n))
        distinct = np.unique(np.round(one, 9))
        found = [bool(given.size) and np.abs(given - level).min() < 1e-6 for level in distinct]
        twice = np.diff(np.sort(given)).min(initial=1.0) < 1e-6
        missing = None
        if not all(found):
            missing = f"{len(found) - sum(found)} of the levels are missing"
        elif twice:
            missing = "a level is given twice: different sets can leave the same sum of squares"
        yield Part(2, "none missing, none twice", missing)

    def _unreal(self, given, one, y, n):
        """Name what is wrong with the first value that is no level."""
        if not given.size:
            return "no level was given"
        if _within(given, one):
            return None
        left = [sum(y**2) / (2 * n) - level for level in one]
        if _within(given, left):
            return "these are sums over the fitted samples; they add nothing to the loss"
        everything = _sums(y, y, n)
        if _within(given, everything):
            return (
                "some of these levels need neurons of both signs; a single neuron fits labels "
                "of one sign only"
            )
        if _within(given / 2, one) or _within(given / 2, everything):
            return "the factor 1/2 of the loss is missing"
        if _within(given / n, one) or _within(given / n, everything):
            return "the factor 1/n of the mean loss is missing"
        bad = next(x for x in given if not _within(np.array([x]), one))
        return f"no set of samples leaves the loss {bad:.6g}"


@question
class Rest(Question):
    """A network at rest on a given level, away from all kinks, by its gradient and loss."""

    label, points = "shallow-relu-rest", 5

    def draw(self, rng):
        """Draw a rotated orthogonal system, labels, and the level of a mixed set."""
        while True:
            Q = np.linalg.qr(rng.normal(size=(5, 5)))[0][:4]
            X = Q * rng.uniform(0.6, 1.8, size=(4, 1))
            signs = rng.permutation([1, 1, -1, -1])
            y = np.round(rng.uniform(0.5, 2.0, size=4) * signs, 2)
            every = np.sort(_sums(y, y, 4))
            fitted = [np.flatnonzero(signs == s)[rng.integers(2)] for s in (1, -1)]
            if rng.random() < 0.5:
                fitted.append(next(k for k in range(4) if k not in fitted))
            if np.diff(every).min() > 5e-3:
                rest = np.delete(y, fitted)
                return {"X": X, "y": y, "level": float(rest @ rest / 8)}

    def kind(self, data):
        """Return the weights."""
        return Record(W=Array((None, 5)), a=Array((None,)))

    def judge(self, answer, data, rng):
        """Kinks first, then residuals of seen samples, the loss, and balance."""
        W, a = answer["W"], answer["a"]
        X, y = data["X"], data["y"]
        if not len(W) or len(W) != len(a):
            for points, what in ((1, "away from kinks"), (3, "at rest on the level"),
                                 (1, "balanced")):  # fmt: skip
                yield Part(points, what, "W needs one row for each entry of a, and at least one")
            return
        Z = W @ X.T
        smooth = np.abs(Z).min() > 1e-7
        kink = "a neuron is at the kink of a sample, where the loss has no gradient"
        yield Part(1, "away from kinks", None if smooth else kink)
        text = self._moving(Z, a, y, data) if smooth else f"not judged: {kink}"
        yield Part(3, "at rest on the level", text)
        norms = np.linalg.norm(W, axis=1)
        balanced = close(np.abs(a), norms, 1e-7) and norms.min() > 1e-9 and (Z > 0).any()
        text = "some |a_j| is not the norm of w_j, or no neuron sees a sample"
        yield Part(1, "balanced", None if balanced else text)

    def _moving(self, Z, a, y, data):
        """Say which samples move the network, or which level it rests on."""
        outputs = a @ np.maximum(Z, 0)
        seen = ((Z > 0) & (np.abs(a) > 0)[:, None]).any(axis=0)
        wrong = seen & (np.abs(outputs - y) > 1e-6)
        level = np.sum((outputs - y) ** 2) / 8
        if not wrong.any():
            return None if close(level, data["level"]) else (
                f"this network is at rest, but on the level {level:.5g}"
            )  # fmt: skip
        q = np.linalg.norm(data["X"], axis=1)
        if close(outputs[wrong], -y[wrong]):
            return "the outputs have the wrong sign: a positive label needs a positive a_j"
        for power in (1, 2):
            if close(outputs[wrong], (y * q**power)[wrong]):
                return "the norms of the inputs: an output w.x on x = q e is q times a coordinate"
        where = ", ".join(str(k) for k in np.flatnonzero(wrong))
        return f"not at rest: seen, but not fitted are the samples {where} (counted from 0)"


def _sums(chosen, y, n):
    """Levels of all sets of fitted samples among the chosen labels."""
    sets = chain.from_iterable(combinations(chosen, size) for size in range(len(chosen) + 1))
    return [(np.sum(y**2) - sum(v * v for v in some)) / (2 * n) for some in sets]


def _within(values, levels):
    """Whether each value is one of the levels."""
    return all(np.abs(np.array(levels) - x).min() < 1e-6 for x in values)
