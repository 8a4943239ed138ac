"""Where things are, what subprocesses see, and which inputs a build depends on."""

import hashlib
import os
import platform
import re
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
HTML = BUILD / "html"
NOTEBOOKS = BUILD / "jupyter_execute"
CACHE = BUILD / ".jupyter_cache"
STATEMENTS = BUILD / "statements.json"
# The only two places in which the book learns where it lives; both may be empty.
ADDRESSES = ("GRADFLOWS_REPOSITORY_URL", "GRADFLOWS_SITE_URL")
ANSI = re.compile(r"\x1b\[[0-9;]*[mK]")


def environment() -> dict:
    """Return the environment of kernels, builds and tests: this tree's library, one thread each."""
    foreign = ("PYTHONSTARTUP", "PYTHONHOME", "MPLBACKEND", "MATPLOTLIBRC")
    keep = {k: v for k, v in os.environ.items() if k not in foreign}
    return keep | {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT / "lib"),
        "PYTHONNOUSERSITE": "1",
        # a reader's own IPython profile or matplotlibrc must not change what is published
        "IPYTHONDIR": str(Path(sys.prefix) / "ipython"),
        "MPLCONFIGDIR": str(Path(sys.prefix) / "matplotlib"),
    }


def say(text: str = "") -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


class Timed:
    """Print what begins and, at the end, how long it took."""

    def __init__(self, what: str):
        self.what = what

    def __enter__(self):
        say(self.what)
        self.start = time.perf_counter()
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            say(f"  {time.perf_counter() - self.start:.1f} s")


def documents() -> list[str]:
    """Return all pages of the table of contents, without suffix, in order."""
    found = []

    def walk(node):
        if isinstance(node, dict):
            for key in ("root", "file"):
                if key in node:
                    found.append(node[key])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    return found


def source_of(document: str) -> Path:
    """Return the Markdown file of a page."""
    return ROOT / f"{document}.md"


def notebooks() -> list[str]:
    """Return the pages that have a Jupytext header, that is, may have cells."""
    return [name for name in documents() if is_notebook(source_of(name))]


def is_notebook(path: Path) -> bool:
    """Whether a Markdown file has a Jupytext header with a kernel."""
    if not path.exists():
        return False
    text = path.read_text(encoding="utf-8")
    return text.startswith("---\n") and "kernelspec:" in text.split("\n---", 2)[0]


def files_under(*folders: str) -> list[Path]:
    """Return the files in some folders or files of the project, sorted, without byte code."""
    paths = []
    for folder in folders:
        top = ROOT / folder
        paths += [top] if top.is_file() else top.rglob("*")
    kept = (p for p in paths if p.is_file() and p.suffix not in (".pyc", ".ipynb"))
    return sorted(
        p for p in kept if ".egg-info" not in str(p) and ".ipynb_checkpoints" not in str(p)
    )


def digest(paths, *extra: str) -> str:
    """Hash names and contents of files, and some strings."""
    result = hashlib.sha256("\0".join(extra).encode())
    for path in paths:
        result.update(f"\0{path.relative_to(ROOT)}\0".encode())
        result.update(path.read_bytes())
    return result.hexdigest()


def library_key() -> str:
    """Hash what every output depends on: the library with its style, the pins, the Python."""
    paths = files_under("lib", "requirements.txt", "constraints.txt")
    return digest(paths, platform.python_version())


def site_key() -> str:
    """Hash what every page depends on."""
    paths = files_under(
        "_config.yml", "_toc.yml", "book/_ext", "book/_static", "book/references.bib"
    )
    return digest(paths, library_key(), *(os.environ.get(name, "") for name in ADDRESSES))


def book_key() -> str:
    """Hash all that the site is made from."""
    return digest(files_under("book"), site_key())
