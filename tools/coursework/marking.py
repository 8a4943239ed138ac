"""Mark one submission: run it in the sandbox, judge outside what came back."""

import json
import signal
from dataclasses import asdict, dataclass, field

import nbformat

from gradflows.grading import ProblemSet
from tools.coursework import sandbox
from tools.coursework.intake import assemble, grading_call

JUDGE_SECONDS = 60


@dataclass
class Record:
    """What is known about one submission when it has been marked; kept as JSON.

    Attributes
    ----------
    student, key : str
        The key changes when the submission, the problem set or the limits change.
    reason : str or None
        Why the submission as a whole was stopped or not accepted.
    marks : dict
        Label -> ``[points, out of, text]``.
    outputs : dict
        Number of the cell -> its outputs.
    """

    student: str
    key: str
    reason: str | None = None
    marks: dict = field(default_factory=dict)
    outputs: dict = field(default_factory=dict)

    def text(self):
        """Return the record as JSON."""
        return json.dumps(asdict(self))


def mark(submission, key, released, course, salt, limits, unsafe=False):
    """Run and judge one submission; returns a `Record`."""
    record = Record(submission.student, key, submission.problem)
    notebook = assemble(submission, released)
    paper = ProblemSet(course.name, submission.student, course.word)
    seen = {}
    if submission.problem is None:
        seen = _run(notebook, submission.student, course, salt, limits, unsafe, record)
    for cell in notebook.cells:
        call = grading_call(cell)
        if call:
            record.marks[call[0]] = _judged(paper, call[0], seen, record.reason, salt)
    return record


def with_outputs(submission, record, released):
    """Return the notebook that goes into nbgrader: answers, outputs and marks."""
    notebook = assemble(submission, released)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        call = grading_call(cell)
        outputs = record.outputs.get(str(number), [])
        if call:
            points, _, text = record.marks[call[0]]
            outputs = [
                {"output_type": "stream", "name": "stdout", "text": text + "\n"},
                {"output_type": "execute_result", "data": {"text/plain": repr(points)},
                 "metadata": {}, "execution_count": None},
            ]  # fmt: skip
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
    if record.reason:
        note = nbformat.v4.new_markdown_cell(f"**Grading this notebook:** {record.reason}.")
        notebook.cells.insert(0, note)
    return notebook


def _run(notebook, student, course, salt, limits, unsafe, record):
    """Run the notebook; fills the record's outputs and reason, returns label -> observation."""
    jobs = [
        {
            "index": number,
            "source": cell.source,
            "call": grading_call(cell),
            "name": cell.metadata.get("nbgrader", {}).get("grade_id") == "name",
        }
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
    ]
    job = {"set": course.name, "student": student, "course": course.word, "salt": salt,
           "cell_seconds": limits.cell_seconds, "cells": jobs}  # fmt: skip
    events, record.reason = sandbox.run(job, limits, unsafe)
    seen = {}
    for event in events:
        if "label" in event:
            seen.setdefault(str(event["label"]), str(event.get("observed")))
        elif "cell" in event:
            record.outputs[str(event["cell"])] = _outputs(event.get("outputs"))
        elif event.get("signed", "").strip() not in ("", student):
            record.reason = (
                f"signed with the name {event['signed'].strip()[:64]!r}, handed in as {student!r}; "
                "not marked"
            )
            return {}
    return seen


def _judged(paper, label, seen, reason, salt):
    """Return points, possible points and the text for one question."""
    asked = paper.question(label)
    if label not in seen:
        verdict = asked.nothing(f"not reached: {reason or 'the cell was not run'}")
        return [0.0, verdict.out_of, str(verdict)]
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(JUDGE_SECONDS)
    try:
        verdict = asked.verdict(seen[label], paper.student, paper.course, salt)
    except Exception as error:  # one strange answer must not stop the marking of a class
        text = f"could not be judged ({type(error).__name__}: {error}); please look at it by hand"
        verdict = asked.nothing(text)
    finally:
        signal.alarm(0)
    return [verdict.points, verdict.out_of, str(verdict)]


def _late(number, frame):
    raise TimeoutError(f"judging took longer than {JUDGE_SECONDS} seconds")


def _outputs(found):
    """Keep what is a text or a picture; the rest of what a sandbox says is not trusted."""
    kept = []
    for output in found if isinstance(found, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "stream":
            kept.append({"output_type": "stream", "name": "stdout",
                         "text": str(output.get("text"))[:30_000]})  # fmt: skip
        elif output.get("output_type") == "display_data":
            data = {k: str(v) for k, v in dict(output.get("data", {})).items()
                    if k in ("text/plain", "image/png")}  # fmt: skip
            kept.append({"output_type": "display_data", "data": data, "metadata": {}})
    return kept
