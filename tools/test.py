"""Run the tests: `python -m tools.test` (all), `... pages` (browser), `... bench` (speed)."""

import json
import os
import shutil
import subprocess
import sys

from tools.common import HTML, NOTEBOOKS, ROOT, Timed, environment

PYTEST = [sys.executable, "-m", "pytest"]
PARALLEL = ["-n", "2", "--dist", "loadfile"]


def run(what: str, *arguments) -> bool:
    """Run pytest and tell whether it passed."""
    with Timed(what):
        return subprocess.run([*PYTEST, *arguments], cwd=ROOT, env=environment()).returncode == 0


def published() -> list[str]:
    """Return the published notebooks that have cells."""
    paths = sorted(NOTEBOOKS.rglob("*.ipynb"))
    books = {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return [
        str(path.relative_to(ROOT))
        for path, book in books.items()
        if any(cell["cell_type"] == "code" for cell in book["cells"])
    ]


def everything() -> bool:
    """Run the library's and the book's tests, then nbval on what the build published."""
    passed = run("Testing the library and the book", "tests", *PARALLEL)
    options = ["--nbval", "--nbval-cell-timeout=120", "-p", "no:cacheprovider", "-o", "addopts="]
    chapters = published()
    if not chapters:
        sys.exit("make test stopped: _build/jupyter_execute holds no notebook with cells.")
    what = f"Running {len(chapters)} published notebooks again, comparing every output"
    return run(what, *options, "-q", *PARALLEL, *chapters) and passed


def pages() -> bool:
    """Run the browser tests."""
    if not (HTML / "index.html").exists():
        sys.exit("make pages stopped: there is no built book; run `make book` first.")
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    if not any(name and shutil.which(name) for name in names):
        sys.exit(
            "make pages stopped: no Chromium found; install it (on Debian: apt-get install "
            "chromium), or name it: CHROMIUM=/path/to/chromium make pages"
        )
    return run("Opening every page in Chromium", "tests/book/pages", *PARALLEL)


def bench() -> bool:
    """Run the benchmarks, one after the other."""
    return run("Measuring", "tests/bench", "-s", "--benchmark-disable-gc")


def main() -> None:
    """Choose what to run."""
    choices = {"all": everything, "pages": pages, "bench": bench}
    chosen = choices[sys.argv[1] if len(sys.argv) > 1 else "all"]
    if not chosen():
        sys.exit("Something failed, see above.")


if __name__ == "__main__":
    main()
