"""Execute and build one chapter for its writer: `python -m tools.page foundations/two_weights`."""

import difflib
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tools.book import check_statements, forget_outputs, stamps
from tools.common import (
    ANSI,
    BUILD,
    ROOT,
    STATEMENTS,
    documents,
    environment,
    library_key,
    say,
    source_of,
)
from tools.execute import execute

OUT = BUILD / "page"
# What a page alone cannot resolve: targets on the other pages.
ELSEWHERE = ("not found", "undefined label", "unknown document", "not in glossary",
             "reference target", "could not find bibtex", "no number is assigned")  # fmt: skip


def chosen() -> str:
    """Return the page named on the command line, with or without `book/` and `.md`."""
    known = [name.removeprefix("book/") for name in documents()]
    if len(sys.argv) < 2:
        sys.exit(f"Say which page: make page PAGE={known[-1]}\nThere are: {', '.join(known)}")
    name = sys.argv[1].removeprefix("book/").removesuffix(".md")
    if not source_of(f"book/{name}").exists():
        near = ", ".join(difflib.get_close_matches(name, known)) or ", ".join(known)
        sys.exit(f"There is no book/{name}.md; did you mean: {near}?")
    return f"book/{name}"


def configure(document: str) -> Path:
    """Write a configuration and a table of contents for a book of one page."""
    OUT.mkdir(parents=True, exist_ok=True)
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["execute"]["cache"] = str(BUILD / ".jupyter_cache")
    config["sphinx"]["local_extensions"] = {
        name: str(ROOT / path) for name, path in config["sphinx"]["local_extensions"].items()
    }
    (OUT / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    toc = {"format": "jb-book", "root": document}
    (OUT / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    return OUT


def build(document: str) -> int:
    """Build the page; print its warnings except what other pages would resolve."""
    shutil.rmtree(OUT, ignore_errors=True)
    folder = configure(document)
    command = [sys.executable, "-m", "tools.sphinx_build", "build", ".", "-q"]
    command += ["--path-output", folder]
    command += ["--config", folder / "_config.yml", "--toc", folder / "_toc.yml"]
    run = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    lines = [ANSI.sub("", line) for line in run.stderr.splitlines() if line.strip()]
    away = [line for line in lines if any(words in line for words in ELSEWHERE)]
    for line in lines:
        if line not in away:
            say(f"  {line}")
    if away:
        say(f"  ({len(away)} links lead to other pages and are checked by `make book`)")
    return run.returncode


def main() -> None:
    """Execute, build, say where the page is."""
    document = chosen()
    if stamps().get("library") != library_key():
        forget_outputs()
    if not STATEMENTS.exists():
        check_statements()
    failures = execute([document])
    if failures:
        sys.exit("\n" + "\n\n".join(map(str, failures)))
    if build(document):
        sys.exit("make page stopped, see above.")
    say(f"The page is at\n  {OUT / '_build' / 'html' / f'{document}.html'}")


if __name__ == "__main__":
    main()
