"""Execute chapters in parallel, through jupyter-cache: what is cached is not run again."""

import os
import sys
import tempfile
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import myst_nb_reader_plugin

from tools.common import ANSI, CACHE, environment, notebooks, say, source_of

TIMEOUT = 120  # seconds a cell


@dataclass
class Failure:
    """What went wrong in one cell."""

    document: str
    cell: int | None
    source: str
    trace: str

    def __str__(self):
        where = f"cell {self.cell}" if self.cell else "before its first cell"
        parts = [f"{self.document} failed in {where}"]
        if self.source:
            parts += ["-" * 70, self.source]
        return "\n".join([*parts, "-" * 70, self.trace])


def read(document: str):
    """Read a chapter exactly as MyST-NB does, so that the cache recognises it."""
    return myst_nb_reader_plugin(str(source_of(document)))


def failure_in(document: str, notebook, fallback: str) -> Failure:
    """Find the cell that failed: the first with an error, else the first that never finished."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, start=1):
        errors = [out for out in cell.outputs if out.output_type == "error"]
        if errors:
            trace = "\n".join(errors[0].traceback)
            trace = trace if sys.stdout.isatty() else ANSI.sub("", trace)
            if errors[0].ename == "KeyboardInterrupt":
                trace += f"\nThe cell was stopped: it did not end within {TIMEOUT} s."
            return Failure(document, number, cell.source, trace)
    for number, cell in enumerate(code, start=1):
        if cell.execution_count is None:
            return Failure(document, number, cell.source, fallback)
    return Failure(document, None, "", fallback)


def run(document: str):
    """Execute one chapter in an empty folder; return it with its seconds, or a `Failure`."""
    wanted = environment()
    os.environ.clear()
    os.environ.update(wanted)
    notebook = read(document)
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = single_nb_execution(notebook, folder, TIMEOUT, allow_errors=False)
        except Exception:  # a kernel that died or never started
            return failure_in(document, notebook, traceback.format_exc(limit=-3))
    if result.err is not None:
        return failure_in(document, notebook, ANSI.sub("", str(result.err)))
    return notebook, result.time


def pending(names: list[str]) -> tuple[list[str], list[Failure]]:
    """Return the chapters whose cells are not in the cache, and those that cannot be read."""
    cache, missing, failures = get_cache(str(CACHE)), [], []
    for name in names:
        try:
            notebook = read(name)
        except Exception as error:
            failures.append(Failure(name, None, "", f"The page cannot be read: {error}"))
            continue
        if not any(cell.cell_type == "code" for cell in notebook.cells):
            continue
        try:
            cache.match_cache_notebook(notebook)
        except KeyError:
            missing.append(name)
    return missing, failures


def execute(names: list[str] | None = None, workers: int | None = None) -> list[Failure]:
    """Execute the chapters that the cache does not know; return what failed."""
    names, failures = pending(notebooks() if names is None else names)
    if not names:
        return failures
    cache = get_cache(str(CACHE))
    workers = min(workers or os.cpu_count() or 1, len(names))
    say(f"Executing {len(names)} chapter{'s'[: len(names) > 1]}, {workers} at a time")
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(run, name): name for name in names}
        for count, future in enumerate(as_completed(waiting), start=1):
            name, result = waiting[future], future.result()
            if isinstance(result, Failure):
                failures.append(result)
                say(f"  [{count}/{len(names)}] {name}  FAILED")
                continue
            notebook, seconds = result
            bundle = CacheBundleIn(
                notebook, str(source_of(name)), data={"execution_seconds": seconds}
            )
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            say(f"  [{count}/{len(names)}] {name}  {seconds:.1f} s")
    return failures
