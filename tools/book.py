"""Build the book: check all statements, execute all chapters, make the pages, strictly."""

import json
import shutil
import subprocess
import sys
import time

from tools.common import (
    ANSI,
    BUILD,
    CACHE,
    HTML,
    NOTEBOOKS,
    ROOT,
    STATEMENTS,
    Timed,
    book_key,
    environment,
    library_key,
    say,
    site_key,
)
from tools.execute import execute

STAMP = BUILD / "keys.json"
PATIENCE = 600  # seconds for all statement checks together; one takes two at most


def stamps() -> dict:
    """Return the keys of what `_build` holds."""
    return json.loads(STAMP.read_text()) if STAMP.exists() else {}


def stamp(**keys) -> None:
    """Record keys; None removes one."""
    BUILD.mkdir(exist_ok=True)
    merged = {k: v for k, v in (stamps() | keys).items() if v is not None}
    STAMP.write_text(json.dumps(merged, indent=1))


def check_statements() -> None:
    """Run all statement checks, in parallel, into `_build/statements.json` and `.csv`."""
    with Timed("Checking statements"):
        command = [sys.executable, "-m", "gradflows.checks", "--out", str(STATEMENTS)]
        try:
            run = subprocess.run(command, cwd=ROOT, env=environment(), timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            sys.exit(f"make book stopped: a statement check did not end within {PATIENCE} s.")
        if run.returncode:
            sys.exit("make book stopped: the statements listed above do not hold.")


def forget_outputs() -> None:
    """Drop every executed chapter, because the library or its versions changed."""
    shutil.rmtree(CACHE, ignore_errors=True)
    STATEMENTS.unlink(missing_ok=True)
    stamp(library=library_key(), site=None, book=None)


def forget_pages() -> None:
    """Drop every built page, so that none survives that is no longer in the book."""
    for folder in (HTML, NOTEBOOKS, BUILD / ".doctrees"):
        shutil.rmtree(folder, ignore_errors=True)


def jupyter_book(*options: str) -> int:
    """Run jupyter-book and show its progress, one line a page."""
    command = [sys.executable, "-m", "tools.sphinx_build", "build", ".", "-W", "-n", "--keep-going"]
    run = subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment(), text=True, stdout=subprocess.PIPE
    )
    for line in run.stdout:
        line = ANSI.sub("", line).strip()
        if line.startswith(("reading sources", "writing output")):
            say(f"  {line}")
    return run.wait()


def make_pages() -> None:
    """Build the site; whatever fails leaves no key, so that the next build starts afresh."""
    fresh = stamps().get("site") != site_key()
    if fresh:
        forget_pages()
    stamp(site=None, book=None)
    with Timed("Building the pages (strictly: any warning stops)"):
        if jupyter_book(*["--all"] * fresh):
            sys.exit("make book stopped: the warnings above are errors here.")
    stamp(site=site_key(), book=book_key())


def main() -> None:
    """Build what is out of date and say what to open."""
    start = time.perf_counter()
    if stamps().get("library") != library_key():
        forget_outputs()
    if not STATEMENTS.exists():
        check_statements()
    failures = execute()
    if failures:
        say("\n" + "\n\n".join(map(str, failures)))
        sys.exit(f"\nmake book stopped: {len(failures)} of the chapters failed, see above.")
    if stamps().get("book") == book_key() and (HTML / "index.html").exists():
        say("Nothing has changed since the last build.")
    else:
        make_pages()
    say(f"The book is built ({time.perf_counter() - start:.0f} s). Open")
    say(f"  {HTML / 'index.html'}\nor run `make serve`.")


if __name__ == "__main__":
    main()
