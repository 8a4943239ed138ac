"""The published notebooks of the book, and a small book to change and build again."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.common import NOTEBOOKS, ROOT, environment

SHARED = (
    "tools",
    "book/_ext",
    "book/_static",
    "_config.yml",
    "requirements.txt",
    "constraints.txt",
)


@dataclass
class ScratchBook:
    """A copy of the sample book with the real tools."""

    root: Path

    def build(self, module="book", *arguments, **variables):
        """Run one of the tools on it; return its exit code and all that it printed."""
        known = environment() | {"PYTHONPATH": str(self.root / "lib")} | variables
        run = subprocess.run(
            [sys.executable, "-m", f"tools.{module}", *arguments],
            cwd=self.root, env=known, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return run.returncode, run.stdout

    def executed(self, log) -> list[str]:
        """Return the chapters that a build executed, from what it printed."""
        return re.findall(r"\[\d+/\d+\] book/(\S+)", log)

    def edit(self, name, old, new):
        """Replace a text in a file, which must contain it."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def page(self, name) -> str:
        """Return the HTML of a page."""
        return (self.root / "_build" / "html" / "book" / f"{name}.html").read_text()

    def notebook(self, name) -> dict:
        """Return a published notebook."""
        path = self.root / "_build" / "jupyter_execute" / "book" / f"{name}.ipynb"
        return json.loads(path.read_text())


def copy_sample(root: Path) -> ScratchBook:
    """Put the project's tools and library, and the sample book over them, into a folder."""
    chapters = {
        path.name for path in (ROOT / "lib" / "gradflows" / "checks").iterdir() if path.is_dir()
    }
    library = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "lib", root / "lib", ignore=library)
    for name in chapters - {"__pycache__"}:
        shutil.rmtree(root / "lib" / "gradflows" / "checks" / name)
    for name in SHARED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=library)
        else:
            shutil.copyfile(source, target)
    shutil.copytree(Path(__file__).parent / "sample", root, dirs_exist_ok=True)
    return ScratchBook(root)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """The sample book, built once a module."""
    book = copy_sample(tmp_path_factory.mktemp("scratch") / "book")
    code, log = book.build()
    assert code == 0, log
    return book


@pytest.fixture(scope="session")
def published() -> dict[Path, dict]:
    """All notebooks that the build of the real book published."""
    paths = sorted(NOTEBOOKS.rglob("*.ipynb"))
    assert paths, "no published notebooks: run `make book` first"
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def code_cells(notebook) -> list[dict]:
    """Return the cells of a notebook that can be executed."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and cell["source"]]
