"""An nbgrader course in a folder: release, autograded notebooks, feedback, gradebook."""

import os
import sys
import warnings
from pathlib import Path

import nbformat
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from tools.coursework.sources import source_notebook

AUTOGRADE = "nbgrader.preprocessors."


class Course:
    """One problem set in a course folder, through nbgrader's own converters."""

    def __init__(self, root, name, word=""):
        self.root, self.name, self.word = root.resolve(), name, word
        config = Config()
        config.CourseDirectory.root = str(self.root)
        config.CourseDirectory.db_url = f"sqlite:///{self.root / 'gradebook.db'}"
        config.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
        # outputs and marks come from the sandbox and the graders; nbgrader executes nothing
        config.Autograde.sanitize_preprocessors = [
            AUTOGRADE + each for each in ("DeduplicateIds", "OverwriteCells", "CheckCellMetadata")
        ]
        config.Autograde.autograde_preprocessors = [
            AUTOGRADE + each for each in ("SaveAutoGrades", "CheckCellMetadata")
        ]
        config.HTMLExporter.sanitize_html = True
        # nbgrader calls alembic by its name
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.api = NbGraderAPI(CourseDirectory(config=config), config=config)

    def folder(self, step, student="."):
        """Return ``step/student/name``, where nbgrader looks for notebooks."""
        return self.root / step / student / self.name

    def release(self):
        """Generate the student version; returns its path."""
        source = self.folder("source")
        source.mkdir(parents=True, exist_ok=True)
        notebook = source_notebook(self.name, self.word)
        nbformat.write(notebook, source / f"{self.name}.ipynb")
        self._run("generate_assignment", self.api.generate_assignment, self.name)
        (self.root / "nbgrader_config.py").write_text(
            "c = get_config()\n"
            f"c.CourseDirectory.course_id = {self.name!r}\n"
            "c.ClearSolutions.code_stub = {'python': '# YOUR CODE HERE'}\n",
            encoding="utf-8",
        )
        return self.folder("release") / f"{self.name}.ipynb"

    def released(self):
        """Return the student version and the source as notebooks."""
        paths = (self.folder(step) / f"{self.name}.ipynb" for step in ("release", "source"))
        return tuple(nbformat.read(path, as_version=4) for path in paths)

    def record(self, student, notebook):
        """Enter a notebook whose grading cells show their marks; keeps marks given by hand."""
        folder = self.folder("submitted", student)
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / f"{self.name}.ipynb")
        self._run("autograde", self.api.autograde, self.name, student)

    def feedback(self, student):
        """Write a student's feedback; returns its path."""
        self._run("generate_feedback", self.api.generate_feedback, self.name, student)
        return self.folder("feedback", student) / f"{self.name}.html"

    def scores(self):
        """Return student -> (points so far, points possible, written answers still to be read)."""
        with self.api.gradebook as book:
            return {
                each.student.id: (each.score, each.max_score, each.needs_manual_grade)
                for each in book.assignment_submissions(self.name)
            }

    def _run(self, what, function, *arguments):
        """Call a converter in the course folder; raise if it did not succeed."""
        before = os.getcwd()
        with warnings.catch_warnings():
            # nbgrader adds new submissions to a session late, which is in order here
            warnings.simplefilter("ignore", SAWarning)
            result = function(*arguments)
        os.chdir(before)
        if not result["success"]:
            raise RuntimeError(f"nbgrader {what} failed:\n{result.get('log') or result['error']}")
