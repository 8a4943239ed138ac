"""What readers download was executed, and nbval would notice if it were wrong."""

import copy
import json
import re
import subprocess
import sys

import pytest

from tools.common import HTML, ROOT, environment, notebooks


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"]]


def outputs(notebook):
    return [output for cell in code_cells(notebook) for output in cell["outputs"]]


def test_every_published_code_cell_was_executed(published):
    missing = [
        f"{path.stem}: {''.join(cell['source'])[:60]}"
        for path, notebook in published.items()
        for cell in code_cells(notebook)
        if not cell["execution_count"]
    ]
    assert missing == []
    assert any(code_cells(notebook) for notebook in published.values())


def test_every_chapter_is_published_and_offered(published):
    names = {
        path.relative_to(path.parents[len(path.parts) - len(HTML.parts)]) for path in published
    }
    for name in notebooks():
        assert any(str(known).endswith(f"{name}.ipynb") for known in names), name
        for suffix in (".ipynb", ".md"):
            assert (HTML / "_sources" / f"{name}{suffix}").exists(), f"{name}{suffix}"


def test_downloads_are_what_was_published(published):
    for path, notebook in published.items():
        download = HTML / "_sources" / path.relative_to(HTML.parent / "jupyter_execute")
        if download.exists():
            assert json.loads(download.read_text(encoding="utf-8")) == notebook


def test_figures_are_svg_because_nbval_does_not_compare_png(published):
    kinds = {
        (path.stem, kind)
        for path, notebook in published.items()
        for output in outputs(notebook)
        for kind in output.get("data", {})
    }
    assert not {entry for entry in kinds if entry[1] in ("image/png", "image/jpeg")}


def corrupt_number(notebook):
    """Change the first digit printed by a cell."""
    for output in outputs(notebook):
        for holder, key in ((output, "text"), (output.get("data", {}), "text/plain")):
            text = "".join(holder.get(key, ""))
            if "image/svg+xml" not in output.get("data", {}) and re.search(r"\d", text):
                holder[key] = re.sub(r"\d", lambda d: str((int(d[0]) + 1) % 10), text, count=1)
                return True
    return False


def corrupt_coordinate(notebook):
    """Move one point of one path of a figure a little."""
    for output in outputs(notebook):
        svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
        found = re.search(r'<path d="M \d+\.\d*?(\d) ', svg)
        if found:
            at, digit = found.start(1), str((int(found[1]) + 1) % 10)
            output["data"]["image/svg+xml"] = svg[:at] + digit + svg[at + 1 :]
            return True
    return False


CORRUPTIONS = {"number": corrupt_number, "coordinate": corrupt_coordinate}


def nbval(notebook, path):
    """Run nbval on a notebook and return what it reports."""
    path.write_text(json.dumps(notebook), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--nbval", "-p", "no:cacheprovider", "-q",
               "--rootdir", str(path.parent), str(path)]  # fmt: skip
    return subprocess.run(
        command, cwd=path.parent, env=environment(), text=True, capture_output=True
    )


@pytest.fixture(scope="module", params=CORRUPTIONS)
def shortest(request, published):
    """Return the shortest beginning of a chapter that has something to corrupt, and how."""
    candidates = []
    for notebook in published.values():
        for length in range(1, len(notebook["cells"]) + 1):
            start = {**notebook, "cells": notebook["cells"][:length]}
            if CORRUPTIONS[request.param](copy.deepcopy(start)):
                candidates.append(start)
                break
    assert candidates, f"no chapter has a {request.param} to corrupt"
    return CORRUPTIONS[request.param], min(candidates, key=lambda n: len(code_cells(n)))


def test_nbval_notices_a_planted_corruption(shortest, tmp_path):
    corrupt, notebook = shortest
    clean = nbval(notebook, tmp_path / "clean.ipynb")
    assert clean.returncode == 0, clean.stdout
    assert f"{len(code_cells(notebook))} passed" in clean.stdout
    wrong = copy.deepcopy(notebook)
    assert corrupt(wrong)
    planted = nbval(wrong, tmp_path / "planted.ipynb")
    assert planted.returncode == 1 and "1 failed" in planted.stdout, planted.stdout


def test_nothing_machine_specific_is_published(published):
    for path, notebook in published.items():
        assert str(ROOT) not in json.dumps(notebook), path
