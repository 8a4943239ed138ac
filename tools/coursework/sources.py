"""Problem sets as notebooks: the statements of a page and the model answers of its source."""

import re

import jupytext
import nbformat

from gradflows.grading import PROBLEM_SETS, ProblemSet
from tools.common import ROOT

SOURCES = ROOT / "coursework"
PAGES = ROOT / "book" / "coursework"
SECTION = re.compile(r"^\(problem-([a-z0-9-]+)\)=\n(## .+?)(?=^\(problem-|\Z)", re.M | re.S)
POINTS = re.compile(r"\((\d+) points?\)$")
TITLE = re.compile(r"^# (.+)$", re.M)

INTRODUCTION = """# {title}

Write your name into the next cell: it is the name under which you hand in, and the data are drawn
for it. Write answers into the cells that say so; other cells may be added, and the cells that grade
may be run as often as you like. Words, formulas and code of others carry a source."""
NAME_CELL = 'STUDENT = ""  # your name, as in the course list'
SETUP = """import numpy as np
import scipy as sc
import sympy as sp
import matplotlib.pyplot as plt

from gradflows.grading import ProblemSet

paper = ProblemSet({number}, student=STUDENT, course={course!r})
data, grade = paper.data, paper.grade"""


def name_of(number):
    """Return the name of a set given as ``2``, ``"2"`` or ``"deep_linear"``, or stop."""
    names = dict(zip("123456", PROBLEM_SETS, strict=True))
    name = names.get(str(number), str(number))
    if name not in PROBLEM_SETS:
        raise SystemExit(f"SET: expected 1 to 6 or one of {', '.join(PROBLEM_SETS)}; got {number}")
    return name


def statements(name):
    """Return the title of a page and its problems: label -> (text, points), in order."""
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    problems = {}
    for label, text in SECTION.findall(page):
        heading = text.splitlines()[0]
        problems[label] = (text.strip(), int(POINTS.search(heading).group(1)))
    return TITLE.search(page).group(1), problems


def source_notebook(name, course=""):
    """Return the notebook with model answers, with nbgrader's metadata on each cell."""
    path = SOURCES / name / f"{name}.md"
    if not path.exists():
        raise SystemExit(
            f"{path.relative_to(ROOT)} is missing: model answers are needed to release"
        )
    title, problems = statements(name)
    number = PROBLEM_SETS.index(name) + 1
    cells = [
        _read_only("introduction", INTRODUCTION.format(title=title)),
        _code("name", NAME_CELL, solution=True),
        _code("setup", SETUP.format(number=number, course=course), locked=True),
    ]
    answers = _model_answers(path)
    if set(answers) != set(problems):
        different = ", ".join(sorted(set(answers) ^ set(problems)))
        raise SystemExit(f"{path.relative_to(ROOT)} and the page {name} differ in: {different}")
    for label, (text, points) in problems.items():
        cells.append(_read_only(f"statement-{label}", text))
        cells += _answer_cells(label, answers[label], points)
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {
        "name": "python3", "display_name": "Python 3", "language": "python"}  # fmt: skip
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{name.replace('_', '-')}-{number}"
    _check_points(name, problems)
    return notebook


def answer_variable(source):
    """Return the name that a model answer's first unindented ``name = ...`` line defines."""
    found = re.search(r"^([A-Za-z_]\w*) = \.\.\.$", source, re.M)
    if not found:
        raise SystemExit(f"no line `name = ...` in the cell:\n{source}")
    return found.group(1)


def _model_answers(path):
    """Read label -> cell of the source with the model answers."""
    found = {}
    for cell in jupytext.read(path, fmt="md:myst").cells:
        label = cell.metadata.get("answers") or cell.metadata.get("written")
        if label:
            found[label] = cell
        elif cell.source.strip():
            raise SystemExit(f"{path.name}: a cell without `answers` or `written`:\n{cell.source}")
    return found


def _answer_cells(label, cell, points):
    """Return the cells for one answer: code and its grading, or text marked by hand."""
    if cell.cell_type == "markdown":
        marks = {"grade": True, "solution": True, "points": points}
        return [_with(nbformat.v4.new_markdown_cell(cell.source), f"answer-{label}", **marks)]
    call = f'grade("{label}", {answer_variable(cell.source)})'
    return [
        _code(f"answer-{label}", cell.source, solution=True),
        _code(f"grade-{label}", call, grade=True, locked=True, points=points),
    ]


def _check_points(name, problems):
    """Stop if the page promises other points than the grader gives."""
    for label, asked in ProblemSet(name, "reader").questions.items():
        if label not in problems or problems[label][1] != asked.points:
            raise SystemExit(f"the page {name} and the grader differ in the points of {label}")


def _read_only(identity, text):
    return _with(nbformat.v4.new_markdown_cell(text), identity, locked=True)


def _code(identity, text, **roles):
    return _with(nbformat.v4.new_code_cell(text), identity, **roles)


def _with(cell, identity, **roles):
    """Add nbgrader's metadata, schema 3."""
    base = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    cell.metadata["nbgrader"] = base | {"grade_id": identity} | roles
    return cell
