"""A class of made-up submissions to problem set 1, every way of being impolite among them."""

import copy
import shutil

import nbformat
import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

from tools.coursework import sandbox  # noqa: E402
from tools.coursework.sources import source_notebook  # noqa: E402

ANSWER, GRADE = "answer-foundations-", "grade-foundations-"
MEMORY = "hoard = []\nwhile True:\n    hoard.append(bytearray(10**8))"
DELETE = 'import shutil\nfor p in ("/", "/tmp", "/usr"):\n    shutil.rmtree(p, ignore_errors=True)'
OVERWRITE = """import gradflows.grading.questions as q
q.Question.observe = lambda *a, **k: '{"answer": []}'
q.Verdict.points = 99
grade = lambda *a: 99
gradient = ..."""
EDITS = {
    "loops": {ANSWER + "invariant": "while True: pass"},
    "hoards": {ANSWER + "invariant": MEMORY},
    "raises": {ANSWER + "gradient": "import nothing_of_this_name"},
    "deletes": {ANSWER + "gradient": DELETE + "\ngradient = ..."},
    "prints": {ANSWER + "gradient": "while True: print('x' * 10**6)"},
    "edits": {GRADE + "gradient": "3.0", ANSWER + "gradient": "gradient = ..."},
    "overwrites": {ANSWER + "gradient": OVERWRITE},
    "leaves": {ANSWER + "invariant": "import os\nos._exit(0)"},
}


@pytest.fixture(scope="session")
def model():
    """Return the notebook with model answers."""
    return source_notebook("foundations")


@pytest.fixture
def class_folder(tmp_path, model):
    """Return a folder with thirteen submissions."""
    folder = tmp_path / "submissions"
    for student in ("ada", "emmy", *EDITS, "borrows"):
        signed = "ada" if student == "borrows" else student
        write(folder, student, model, EDITS.get(student, {}) | {"name": f"STUDENT = {signed!r}"})
    for student, text in (("scribbles", "this is no notebook"), ("empties", "")):
        (folder / student).mkdir()
        (folder / student / "foundations.ipynb").write_text(text)
    return folder


def write(folder, student, model, edits):
    """Write one submission: the model answers with some cells changed."""
    notebook = copy.deepcopy(model)
    for cell in notebook.cells:
        cell.source = edits.get(cell.metadata.nbgrader.grade_id, cell.source)
    (folder / student).mkdir(parents=True)
    nbformat.write(notebook, folder / student / "foundations.ipynb")


needs_sandbox = pytest.mark.skipif(
    not (shutil.which("bwrap") and sandbox.available()), reason="bubblewrap is not usable here"
)
