"""Read a folder of submissions; what cannot be read keeps its place, with a reason."""

import ast
import hashlib
import json
import re
from dataclasses import dataclass

import nbformat

LARGEST = 20 * 2**20
STUDENT = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


@dataclass(frozen=True)
class Submission:
    """One student's notebook, or the reason why there is none.

    Attributes
    ----------
    student : str
        Name of the folder or of the file.
    cells : tuple of dict
        Cells of the notebook: type, source and, where nbgrader knows it, identity.
    problem : str or None
    digest : str
        Changes when what was handed in changes.
    """

    student: str
    cells: tuple
    problem: str | None
    digest: str


def read_all(folder, name):
    """Return the submissions in a folder, sorted by student, and the entries passed over.

    An entry is ``STUDENT/`` with one notebook somewhere below, or a file ``STUDENT.ipynb``.
    """
    if not folder.is_dir():
        raise SystemExit(f"IN: {folder} is no folder")
    found, passed_over = [], []
    for entry in sorted(folder.iterdir()):
        student = entry.name if entry.is_dir() else entry.stem
        if entry.name.startswith("."):
            continue
        if not STUDENT.fullmatch(student) or student in {each.student for each in found}:
            passed_over.append(entry.name)
            continue
        found.append(read_one(student, entry, name))
    return found, passed_over


def read_one(student, entry, name):
    """Read the submission of one student."""
    path = _notebook(entry, name)
    if path is None:
        return Submission(student, (), "there is no notebook in this submission", "none")
    content = path.read_bytes()[: LARGEST + 1]
    digest = hashlib.sha256(content).hexdigest()
    if not content.strip():
        return Submission(student, (), "the file handed in is empty", digest)
    if len(content) > LARGEST:
        return Submission(student, (), f"the file is larger than {LARGEST // 2**20} MiB", digest)
    try:
        cells = tuple(_cells(json.loads(content)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Submission(student, (), "the file handed in is not a notebook", digest)
    if not cells:
        return Submission(student, (), "the notebook has no cells", digest)
    return Submission(student, cells, None, digest)


def assemble(submission, released):
    """Return the notebook to run: the student's answers between the released cells.

    Cells that grade, state or set up come from the release, whatever was done to them; an answer
    that is missing comes back empty; cells that a student added stay where they are.
    """
    fixed = {_identity(cell): cell for cell in released.cells}
    answers = {cell["id"]: cell for cell in submission.cells if cell["id"] in fixed}
    own = _added(submission.cells, fixed)
    notebook = nbformat.v4.new_notebook(metadata=released.metadata)
    notebook.cells += own.get(None, [])
    for identity, cell in fixed.items():
        copy = nbformat.from_dict(json.loads(json.dumps(cell)))
        if cell.metadata.nbgrader.solution and identity in answers:
            copy.source = answers[identity]["source"]
        notebook.cells += [copy, *own.get(identity, [])]
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def grading_call(cell):
    """Return the label and the name of the answer of a grading cell, None for other cells."""
    if cell.cell_type != "code" or not cell.metadata.get("nbgrader", {}).get("grade"):
        return None
    call = ast.parse(cell.source).body[0].value
    return call.args[0].value, call.args[1].id


def _notebook(entry, name):
    """Return the notebook of an entry, the one with the name of the set if there are several."""
    if entry.is_file():
        return entry
    paths = [p for p in sorted(entry.rglob("*")) if p.is_file() and not p.is_symlink()]
    books = [p for p in paths if p.suffix == ".ipynb" and ".ipynb_checkpoints" not in p.parts]
    named = [p for p in books if p.stem == name]
    return next(iter(named or books or paths), None)


def _cells(notebook):
    """Yield the cells of a notebook of version 4."""
    for cell in notebook["cells"]:
        source = cell.get("source", "")
        text = source if isinstance(source, str) else "".join(source)
        identity = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
        yield {"type": str(cell["cell_type"]), "source": text, "id": identity}


def _identity(cell):
    return cell.metadata.nbgrader.grade_id


def _added(cells, fixed):
    """Return the cells that a student added, by the released cell that they follow."""
    found, last = {}, None
    for cell in cells:
        if cell["id"] in fixed:
            last = cell["id"]
        elif cell["source"].strip() and cell["type"] in ("code", "markdown"):
            make = getattr(nbformat.v4, f"new_{cell['type']}_cell")
            found.setdefault(last, []).append(make(cell["source"]))
    return found
