"""Every listed wrong answer is named, every listed right answer earns full marks."""

import importlib.util
from types import SimpleNamespace

import pytest

from gradflows.grading import PROBLEM_SETS, ProblemSet
from tools.common import ROOT

SOURCES = [name for name in PROBLEM_SETS if (ROOT / "coursework" / name / "answers.py").exists()]
STUDENTS = ("ada", "emmy", "sofia")


def listed(name):
    """Import the listed answers of a problem set."""
    path = ROOT / "coursework" / name / "answers.py"
    spec = importlib.util.spec_from_file_location(f"answers_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(kind):
    """Return all listed answers of one kind."""
    return [
        pytest.param(name, label, title, make, id=f"{label}: {title}")
        for name in SOURCES
        for label, answers in getattr(listed(name), kind).items()
        for title, make in answers.items()
    ]


def verdicts(name, label, make):
    """Judge an answer for each student."""
    for student in STUDENTS:
        paper = ProblemSet(name, student)
        yield paper.check(label, make(SimpleNamespace(**vars(paper.data(label)))), salt="a salt")


@pytest.mark.parametrize(("name", "label", "title", "make"), cases("RIGHT"))
def test_every_convention_earns_full_marks(name, label, title, make):
    for verdict in verdicts(name, label, make):
        assert verdict.points == verdict.out_of == ProblemSet(name, "x").question(label).points
        assert verdict.reasons == ()


@pytest.mark.parametrize(("name", "label", "title", "make"), cases("WRONG"))
def test_every_mistake_is_named(name, label, title, make):
    for verdict in verdicts(name, label, make):
        assert verdict.points < verdict.out_of == ProblemSet(name, "x").question(label).points
        assert title in " / ".join(verdict.reasons)


@pytest.mark.parametrize("name", SOURCES)
def test_enough_answers_are_listed(name):
    module, labels = listed(name), ProblemSet(name, "x").labels
    assert set(module.RIGHT) == set(module.WRONG) == set(labels)
    assert all(len(module.RIGHT[label]) >= 2 and len(module.WRONG[label]) >= 3 for label in labels)


@pytest.mark.parametrize("name", SOURCES)
def test_no_answer_earns_nothing(name):
    paper = ProblemSet(name, "ada")
    for label in paper.labels:
        for nothing in (..., None, "x", 0, [], {}, lambda *_: None, [None], {"x": 1}):
            verdict = paper.check(label, nothing)
            assert verdict.points < verdict.out_of and verdict.reasons
