"""The Binder environment: its recipe, and that it holds what chapters import."""

import ast
import re
import sys

from tools.common import ROOT, notebooks
from tools.execute import read

BINDER = ROOT / ".binder"
LIBRARY = {"numpy", "scipy", "sympy", "matplotlib", "gradflows"}


def pins(path):
    """Return name to version for the pinned lines of a requirements file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


def test_recipe_is_complete():
    assert (BINDER / "runtime.txt").read_text().strip() in {f"python-3.{n}" for n in (11, 12, 13)}
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    assert "-e ." in lines and "-c ../constraints.txt" in lines
    post_build = BINDER / "postBuild"
    assert post_build.stat().st_mode & 0o111, "postBuild must be executable"
    assert "set-default-viewer myst markdown" in post_build.read_text()


def test_versions_are_those_of_the_book():
    book, fixed = pins(ROOT / "requirements.txt"), pins(ROOT / "constraints.txt")
    assert pins(BINDER / "requirements.txt").items() <= book.items()
    assert {name.lower().replace("-", "_") for name in book} <= {
        name.lower().replace("-", "_") for name in fixed
    }


def test_it_is_small():
    heavy = {"jupyter-book", "playwright", "pytest", "ruff", "Sphinx", "nbval"}
    assert not heavy & set(pins(BINDER / "requirements.txt"))


def test_chapters_import_nothing_else():
    for name in notebooks():
        cells = [cell.source for cell in read(name).cells if cell.cell_type == "code"]
        code = re.sub(r"^[%!].*$", "", "\n".join(cells), flags=re.MULTILINE)
        for node in ast.walk(ast.parse(code)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            foreign = {module.split(".")[0] for module in modules} - LIBRARY
            assert foreign <= set(sys.stdlib_module_names), f"{name} imports {foreign}"
