"""The problem sets, one for each Part, as a student, a lecturer or a reader opens them."""

import importlib
from types import SimpleNamespace

from gradflows.grading.questions import QUESTIONS

__all__ = ["PROBLEM_SETS", "ProblemSet"]

PROBLEM_SETS = (
    "foundations",
    "deep_linear",
    "conservation",
    "output_space",
    "shallow_relu",
    "beyond",
)
"""Names of the problem sets; set 1 belongs to Part I, and so on."""


class ProblemSet:
    """One problem set for one student.

    Parameters
    ----------
    number : int or str
        1 to 6, or a name of `PROBLEM_SETS`.
    student : str
        The name under which answers are handed in; every name has data of its own.
    course : str, optional
        A word chosen by the lecturer; another word makes fresh problems for everyone.

    Raises
    ------
    ValueError
        If there is no such set, or a name is not a text.

    Examples
    --------
    >>> paper = ProblemSet(1, student="reader")
    >>> paper.labels[0]
    'foundations-gradient'
    """

    def __init__(self, number, student, course=""):
        self.name = _name_of(number)
        for argument, value in (("student", student), ("course", course)):
            if not isinstance(value, str) or (argument == "student" and not value.strip()):
                raise ValueError(f"{argument}: expected a text, got {value!r}")
        self.student, self.course = student.strip(), course
        importlib.import_module(f"gradflows.grading.{self.name}")
        prefix = self.name.replace("_", "-") + "-"
        self.questions = {k: q for k, q in QUESTIONS.items() if k.startswith(prefix)}

    @property
    def labels(self):
        """Labels of the questions that are judged by machine, in order."""
        return tuple(self.questions)

    def question(self, label):
        """Return a question; raises ``ValueError`` for a label of another set."""
        if label not in self.questions:
            raise ValueError(f"label: expected one of {', '.join(self.labels)}; got {label!r}")
        return self.questions[label]

    def data(self, label):
        """Return this student's data of a problem, with one attribute for each name."""
        return SimpleNamespace(**self.question(label).data(self.student, self.course))

    def check(self, label, answer, salt=""):
        """Judge an answer; returns a `Verdict`."""
        asked = self.question(label)
        seen = asked.observe(answer, self.student, self.course, salt)
        return asked.verdict(seen, self.student, self.course, salt)

    def grade(self, label, answer):
        """Print marks and reasons for an answer; returns the points."""
        verdict = self.check(label, answer)
        print(verdict)
        return verdict.points


def _name_of(number):
    """Return the name of a set given by number or name."""
    if number in PROBLEM_SETS:
        return number
    if isinstance(number, int) and 1 <= number <= len(PROBLEM_SETS):
        return PROBLEM_SETS[number - 1]
    raise ValueError(
        f"number: expected 1 to {len(PROBLEM_SETS)} or one of {', '.join(PROBLEM_SETS)}; "
        f"got {number!r}"
    )
