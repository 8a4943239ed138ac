"""A question: data drawn for each student, a kind of answer, and a judge of its properties."""

import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from gradflows.grading.answers import AnswerError

__all__ = ["QUESTIONS", "Part", "Question", "Verdict", "question"]

QUESTIONS = {}
"""All questions whose problem sets have been imported, by label."""


@dataclass(frozen=True)
class Part:
    """One thing that a judge looked at.

    Attributes
    ----------
    points : float
    what : str
        What was looked at, in a few words.
    mistake : str or None
        The sentence for the student; None if the part is right.
    """

    points: float
    what: str
    mistake: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Marks for one answer, with a reason for each that was not given."""

    label: str
    parts: tuple

    @property
    def points(self):
        """Points earned."""
        return float(sum(part.points for part in self.parts if part.mistake is None))

    @property
    def out_of(self):
        """Points that could be earned."""
        return float(sum(part.points for part in self.parts))

    @property
    def reasons(self):
        """What is wrong, a sentence each."""
        return tuple(part.mistake for part in self.parts if part.mistake is not None)

    def __str__(self):
        lines = [f"{self.label}: {self.points:g} of {self.out_of:g} points"]
        for part in self.parts:
            state = "right" if part.mistake is None else f"0 of {part.points:g}: {part.mistake}"
            lines.append(f"  {part.what}: {state}")
        return "\n".join(lines)


class Question(ABC):
    """A problem that is judged by properties of the answer, never by comparison with a stored one.

    Attributes
    ----------
    label : str
        Begins with the name of its problem set.
    points : int
        Sum over the parts of its judge.
    """

    label: str
    points: int

    @abstractmethod
    def draw(self, rng):
        """Return the data of one student, a dictionary."""

    @abstractmethod
    def kind(self, data):
        """Return the kind of answer that is expected."""

    @abstractmethod
    def judge(self, answer, data, rng):
        """Yield the parts, the same points for every answer; ``answer`` is what `kind` decodes."""

    def probes(self, data, rng):
        """Return the arguments at which a function is observed, if the answer is one."""
        return None

    def data(self, student, course=""):
        """Draw the data of a student in a course; the same on every machine."""
        return self.draw(_generator("data", course, student, self.label))

    def observe(self, answer, student, course="", salt=""):
        """Return what is seen of an answer, as JSON text; this runs where the submission runs."""
        data = self.data(student, course)
        probes = self.probes(data, _generator("probes", course, student, self.label, salt))
        try:
            return json.dumps({"answer": self.kind(data).encode(answer, probes)})
        except AnswerError as error:
            return json.dumps({"error": str(error)})

    def verdict(self, observed, student, course="", salt=""):
        """Judge what `observe` returned; this runs where marks are given."""
        data = self.data(student, course)
        try:
            payload = json.loads(observed)
            if "error" in payload:
                return self.nothing(str(payload["error"])[:500])
            answer = self.kind(data).decode(payload["answer"])
        except AnswerError as error:
            return self.nothing(str(error))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return self.nothing("what came back is not an answer of this kind")
        rng = _generator("probes", course, student, self.label, salt)
        return Verdict(self.label, tuple(self.judge(answer, data, rng)))

    def nothing(self, reason):
        """Return the verdict without points, for one reason."""
        return Verdict(self.label, (Part(self.points, "form of the answer", reason),))


def question(cls):
    """Register a question under its label."""
    if cls.label in QUESTIONS:
        raise ValueError(f"label: {cls.label!r} is taken")
    QUESTIONS[cls.label] = cls()
    return cls


def _generator(*names):
    """Return a generator that depends on the names only."""
    digest = hashlib.sha256("\0".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
