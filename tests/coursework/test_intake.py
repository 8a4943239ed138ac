"""Reading what was handed in."""

import copy
import json

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

from tools.coursework.intake import assemble, read_all, read_one  # noqa: E402


@pytest.fixture
def hand_in(tmp_path):
    """Return a function that writes a notebook and reads it back."""

    def write(notebook, student="ada"):
        folder = tmp_path / student
        folder.mkdir()
        nbformat.write(notebook, folder / "foundations.ipynb")
        return read_one(student, folder, "foundations")

    return write


def identities(notebook):
    """Return the released cells of a notebook, in order."""
    return [
        c.metadata["nbgrader"]["grade_id"] for c in notebook.cells if c.metadata.get("nbgrader")
    ]


def test_deleted_and_moved_cells_come_back(hand_in, model):
    notebook = copy.deepcopy(model)
    notebook.cells = [notebook.cells[i] for i in (8, 4, 3)]
    whole = assemble(hand_in(notebook), model)
    assert identities(whole) == identities(model)


def test_own_cells_stay_where_they_are(hand_in, model):
    notebook = copy.deepcopy(model)
    notebook.cells.insert(4, nbformat.v4.new_code_cell("helper = 1"))
    whole = assemble(hand_in(notebook), model)
    assert whole.cells[4].source == "helper = 1"
    assert len(whole.cells) == len(model.cells) + 1


def test_what_states_or_grades_cannot_be_changed(hand_in, model):
    notebook = copy.deepcopy(model)
    for cell in notebook.cells:
        if not cell.metadata.nbgrader.solution:
            cell.source = "99"
    whole = assemble(hand_in(notebook), model)
    assert "99" not in [cell.source for cell in whole.cells]


def test_a_solution_cell_cannot_pose_as_grading(hand_in, model):
    notebook = copy.deepcopy(model)
    notebook.cells[4].metadata.nbgrader.update(grade=True, points=100)
    whole = assemble(hand_in(notebook), model)
    assert not whole.cells[4].metadata.nbgrader.grade


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("nothing", "not a notebook"), ("[]", "not a notebook"), ("{}", "not a"),
     ('{"cells": [1]}', "not a notebook"), ('{"cells": []}', "no cells"), ("[" * 10**5, "not a")],
)  # fmt: skip
def test_what_cannot_be_read_has_a_reason(tmp_path, text, reason):
    (tmp_path / "ada.ipynb").write_text(text)
    (only,), _ = read_all(tmp_path, "foundations")
    assert only.student == "ada" and reason in only.problem


def test_names_that_are_no_names_are_passed_over(tmp_path):
    for name in ("ada", "../x", "a b", ".hidden"):
        (tmp_path / name.replace("/", "_")).mkdir()
    (tmp_path / "ada.ipynb").write_text(json.dumps({"cells": []}))
    found, passed_over = read_all(tmp_path, "foundations")
    assert [each.student for each in found] == [".._x", "ada"] or found[-1].student == "ada"
    assert "a b" in passed_over and "ada.ipynb" in passed_over
