"""Grade a folder of submissions: `python -m tools.coursework.grade SET IN OUT [--unsafe]`."""

import argparse
import json
import secrets
import shutil
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tools.common import digest, files_under, say
from tools.coursework import sandbox
from tools.coursework.course import Course
from tools.coursework.intake import read_all
from tools.coursework.marking import Record, mark, with_outputs
from tools.coursework.report import write_marks, write_summary
from tools.coursework.sources import name_of, statements

WORKERS = 2


def main(arguments=None):
    """Mark everyone who is not marked yet, then write marks, feedback and the summary."""
    given = _arguments(arguments)
    try:
        _grade(given)
    except KeyboardInterrupt:
        raise SystemExit("stopped; the same command goes on where it was") from None


def _grade(given):
    """Mark, enter, report."""
    if not given.unsafe and not sandbox.available():
        raise SystemExit(
            "make grade stopped: submissions are run in bubblewrap only, and it is not usable "
            "here (on Debian: apt-get install bubblewrap). UNSAFE=1 runs them without."
        )
    if given.unsafe:
        say(sandbox.WITHOUT)
    out = given.out
    (out / "records").mkdir(parents=True, exist_ok=True)
    course = Course(out / "course", name_of(given.set), given.course)
    course.release()
    released, _ = course.released()
    submissions, passed_over = read_all(given.folder, course.name)
    for entry in passed_over:
        say(f"passed over: {entry!r} is no name of a student, or comes twice")
    keys = {each.student: _key(each, course, given.limits) for each in submissions}
    begun = time.perf_counter()
    records = _mark_all(submissions, keys, released, course, given)
    _enter_all(submissions, records, released, course, out)
    scores = course.scores()
    ordered = [records[each.student] for each in submissions]
    write_marks(out / "marks.csv", ordered, scores)
    title = f"{statements(course.name)[0]}: summary"
    write_summary(out / "summary.html", title, ordered, scores)
    seconds = time.perf_counter() - begun
    say(f"{len(ordered)} submissions in {seconds:.0f} s; see {out / 'summary.html'}")


def _arguments(arguments):
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set")
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--course", default="")
    parser.add_argument("--seconds", type=float, default=sandbox.Limits.seconds)
    parser.add_argument("--cell-seconds", type=float, default=sandbox.Limits.cell_seconds)
    parser.add_argument("--unsafe", action="store_true")
    given = parser.parse_args(arguments)
    given.limits = sandbox.Limits(seconds=given.seconds, cell_seconds=given.cell_seconds)
    return given


def _key(submission, course, limits):
    """Return what a record depends on, as a hash."""
    graders = files_under("lib/gradflows", "tools/coursework")
    return digest(graders, submission.digest, course.name, course.word, repr(limits))


def _mark_all(submissions, keys, released, course, given):
    """Mark in two processes; each record is kept as soon as it is there."""
    salt, kept, todo = _salt(given.out), {}, []
    for each in submissions:
        record = _kept(given.out, each.student)
        if record and record.key == keys[each.student]:
            kept[each.student] = record
        else:
            todo.append(each)
    if kept:
        say(f"{len(kept)} are marked already")
    about = _About(course.name, course.word)
    with ProcessPoolExecutor(WORKERS) as pool:
        waiting = {
            pool.submit(mark, each, keys[each.student], released, about, salt, given.limits,
                        given.unsafe)
            for each in todo
        }  # fmt: skip
        for done, future in enumerate(as_completed(waiting), 1):
            record = future.result()
            _keep(given.out / "records" / f"{record.student}.json", record.text())
            kept[record.student] = record
            points = sum(points for points, _, _ in record.marks.values())
            note = f" ({record.reason})" if record.reason else ""
            say(f"  {done}/{len(todo)} {record.student}: {points:g}{note}")
    return kept


def _enter_all(submissions, records, released, course, out):
    """Enter marks into nbgrader and write feedback, for those whose marks are new."""
    path = out / "entered.json"
    entered = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    (out / "feedback").mkdir(exist_ok=True)
    for each in submissions:
        record = records[each.student]
        if entered.get(each.student) == record.key:
            continue
        course.record(each.student, with_outputs(each, record, released))
        shutil.copy(course.feedback(each.student), out / "feedback" / f"{each.student}.html")
        entered[each.student] = record.key
        _keep(path, json.dumps(entered))


class _About:
    """Name and word of a course, for processes that need no more of it."""

    def __init__(self, name, word):
        self.name, self.word = name, word


def _salt(out):
    """Return the secret of this run, which decides where functions are observed."""
    path = out / "salt"
    if not path.exists():
        _keep(path, secrets.token_hex(16))
    return path.read_text(encoding="utf-8")


def _kept(out, student):
    """Return the record of an earlier run, None if there is none that can be read."""
    path = out / "records" / f"{student}.json"
    return Record(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _keep(path, text):
    """Write a file so that it is either whole or not there."""
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    main()
