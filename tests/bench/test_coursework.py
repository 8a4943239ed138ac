"""How fast a class is graded: one hundred submissions of problem set 1.

Goals: under ten minutes on two cores, and less than three seconds for each beyond running it.
"""

import json
import time

import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

import nbformat

from tools.coursework import grade, sandbox
from tools.coursework.sources import source_notebook

CLASS = 100


@pytest.mark.skipif(not sandbox.available(), reason="bubblewrap is not usable here")
def test_one_hundred_submissions(benchmark, tmp_path):
    notebook = source_notebook("foundations")
    for number in range(CLASS):
        student = f"student{number:03}"
        notebook.cells[1].source = f"STUDENT = {student!r}"
        folder = tmp_path / "submissions" / student
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / "foundations.ipynb")
    out = tmp_path / "marks"
    arguments = ["1", str(tmp_path / "submissions"), str(out)]
    begun = time.perf_counter()
    benchmark.pedantic(grade.main, (arguments,), rounds=1, iterations=1)
    seconds = time.perf_counter() - begun
    records = [json.loads(path.read_text()) for path in (out / "records").iterdir()]
    assert len(records) == CLASS
    assert all(points == most for r in records for points, most, _ in r["marks"].values())
    job = {"set": "foundations", "student": "a", "course": "", "salt": "", "cell_seconds": 30,
           "cells": [{"index": 0, "source": "", "call": None, "name": False}]}  # fmt: skip
    begun = time.perf_counter()
    sandbox.run(job, sandbox.Limits())
    start = time.perf_counter() - begun
    print(f"\n{CLASS} submissions in {seconds:.0f} s: {60 * CLASS / seconds:.0f} a minute; an "
          f"empty one takes {start:.1f} s in the sandbox")  # fmt: skip
