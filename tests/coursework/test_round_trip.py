"""Release, class, marks: the whole way, with submissions that are not polite."""

import csv
import json

import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

from gradflows.grading import ProblemSet  # noqa: E402
from tools.coursework import grade, sandbox  # noqa: E402
from tools.coursework.course import Course  # noqa: E402

LIMITS = ["--seconds", "120", "--cell-seconds", "10"]
POINTS = {k: q.points for k, q in ProblemSet("foundations", "x").questions.items()}
FULL = sum(POINTS.values())
GRADIENT, INVARIANT = POINTS["foundations-gradient"], POINTS["foundations-invariant"]


def run(folder, out, *options):
    """Grade, and return the lines of the marks by student."""
    grade.main(["1", str(folder), str(out), *LIMITS, *options])
    with (out / "marks.csv").open(encoding="utf-8") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


@pytest.fixture
def usable():
    """Skip where bubblewrap cannot work."""
    if not sandbox.available():
        pytest.skip("bubblewrap is not usable here")


def test_each_costs_its_own_marks_only(usable, class_folder, tmp_path):
    marks = run(class_folder, tmp_path / "marks")
    judged = {student: float(line["judged"]) for student, line in marks.items()}
    without = {"raises": GRADIENT, "deletes": GRADIENT, "prints": GRADIENT, "edits": GRADIENT,
               "loops": INVARIANT, "hoards": INVARIANT}  # fmt: skip
    assert judged["ada"] == judged["emmy"] == FULL
    for student, lost in without.items():
        assert judged[student] == FULL - lost, student
    for student in ("borrows", "scribbles", "empties", "overwrites"):
        assert judged[student] == 0, student
    assert judged["leaves"] == GRADIENT  # answers before the end of its process count
    reasons = {student: line["reason"] for student, line in marks.items()}
    assert "signed with the name 'ada'" in reasons["borrows"]
    assert "not a notebook" in reasons["scribbles"] and "empty" in reasons["empties"]
    assert "ended before its last cell" in reasons["leaves"]
    assert all(marks[student]["written_open"] == "yes" for student in ("ada", "emmy", "loops"))
    feedback = tmp_path / "marks" / "feedback"
    assert {path.stem for path in feedback.iterdir()} == set(marks)
    assert "is not a notebook" in (feedback / "scribbles.html").read_text(encoding="utf-8")
    assert "<svg" in (tmp_path / "marks" / "summary.html").read_text(encoding="utf-8")


def test_a_stopped_run_goes_on_without_marking_twice(usable, class_folder, tmp_path, monkeypatch):
    for student in ("hoards", "prints", "loops", "deletes"):
        for path in (class_folder / student).iterdir():
            path.unlink()
        (class_folder / student).rmdir()
    out, entered = tmp_path / "marks", []
    whole = Course.record

    def stops(self, student, notebook):
        if len(entered) == 3:
            raise KeyboardInterrupt
        entered.append(student)
        whole(self, student, notebook)

    monkeypatch.setattr(Course, "record", stops)
    with pytest.raises(SystemExit, match="goes on where it was"):
        run(class_folder, out)
    first = {p.name: p.stat().st_mtime_ns for p in (out / "records").iterdir()}
    monkeypatch.setattr(Course, "record", lambda s, *a: (entered.append(a[0]), whole(s, *a)))
    marks = run(class_folder, out)
    assert sorted(entered) == sorted(marks)  # everyone once
    assert first == {p.name: p.stat().st_mtime_ns for p in (out / "records").iterdir()}
    assert float(marks["ada"]["judged"]) == FULL
    entered.clear()
    assert run(class_folder, out) == marks and entered == []


def test_marks_given_by_hand_survive(usable, class_folder, tmp_path):
    for entry in class_folder.iterdir():
        if entry.name != "ada":
            [path.unlink() for path in entry.iterdir()]
            entry.rmdir()
    out = tmp_path / "marks"
    run(class_folder, out)
    course = Course(out / "course", "foundations")
    with course.api.gradebook as book:
        given = book.find_grade("answer-foundations-why-imbalance", "foundations", "foundations",
                                "ada")  # fmt: skip
        given.manual_score, given.needs_manual_grade = 3.5, False
        book.db.commit()
    marks = run(class_folder, out)
    assert float(marks["ada"]["total"]) == FULL + 3.5
    (out / "entered.json").write_text(json.dumps({}))
    assert float(run(class_folder, out)["ada"]["total"]) == FULL + 3.5


def test_without_bubblewrap_it_refuses(class_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="bubblewrap"):
        run(class_folder, tmp_path / "marks")
    for entry in class_folder.iterdir():
        if entry.name != "ada":
            [path.unlink() for path in entry.iterdir()]
            entry.rmdir()
    marks = run(class_folder, tmp_path / "marks", "--unsafe")
    assert float(marks["ada"]["judged"]) == FULL
    assert "see and may change your files" in capsys.readouterr().out
