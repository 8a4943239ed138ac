"""Compute the atlas on any executor, line by line, so that it can be stopped and taken up again."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    ProcessPoolExecutor,
    wait,
)
from multiprocessing.connection import wait as wait_for_any
from pathlib import Path

from gradflows.conservation.atlas_records import DATA, AtlasRecord, atlas_record

__all__ = ["local_pool", "run_atlas"]

WINDOW = 64
"""Networks that are handed out at one time."""


def run_atlas(networks, folder, executor, *, progress=False):
    """Count the laws of networks, and keep every result as soon as it is there.

    While the run goes on, finished networks are appended to ``atlas.part.jsonl``, one line each.
    After the last one everything on record is sorted into ``atlas.jsonl`` and the part is
    removed. Networks on record in either file are not computed again, a torn last line is.

    Parameters
    ----------
    networks : sequence of tuple of int
        Such as :func:`~gradflows.conservation.atlas_networks` lists.
    folder : path
        Made if it does not exist; ``schema.json`` is put there as well.
    executor : concurrent.futures.Executor
        A process pool (:func:`local_pool`), or Dask's ``Client(address).get_executor()``.
    progress : bool
        Show a progress bar, or lines if tqdm is missing.

    Returns
    -------
    list of AtlasRecord
        All that is on record, sorted by depth, then by widths.

    Raises
    ------
    RuntimeError
        If the workers died. What was finished is kept.
    ValueError
        If a file is none of the atlas, or another run writes into the folder.

    Notes
    -----
    Source: this book.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schema.json").write_bytes((DATA / "schema.json").read_bytes())
    part, whole = folder / "atlas.part.jsonl", folder / "atlas.jsonl"
    with open(folder / ".lock", "w") as lock:
        _lock(lock, folder)
        _drop_torn_line(part)
        done = _on_record(part) | _on_record(whole)
        missing = [widths for widths in networks if widths not in done]
        bar = _bar(progress, len(networks), len(networks) - len(missing))
        running = _computed(missing, executor, folder)
        with (
            contextlib.closing(bar),
            contextlib.closing(running),
            open(part, "a", encoding="utf-8") as file,
        ):
            for record in running:
                file.write(f"{record.to_line()}\n")
                file.flush()
                done[record.widths] = record
                bar.update(1)
        records = sorted(done.values(), key=lambda record: (record.depth, record.widths))
        _write_whole(whole, records)
        part.unlink()
    return records


def local_pool(workers=None):
    """Start worker processes on this machine, which end with this one, however it ends.

    Parameters
    ----------
    workers : int, optional
        As many as there are cores if left out.

    Returns
    -------
    concurrent.futures.ProcessPoolExecutor
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker)


def _prepare_worker():
    """Leave Ctrl-C to the main process, and end when that has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        wait_for_any([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _computed(networks, executor, folder):
    """Yield records as they are finished, with a window of networks under way."""
    rest, running = iter(networks), set()
    try:
        while True:
            for widths in itertools.islice(rest, WINDOW - len(running)):
                running.add(executor.submit(atlas_record, widths))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    except (BrokenExecutor, CancelledError) as problem:
        raise RuntimeError(
            f"a worker process died, or the cluster is gone; what was finished is in {folder}: "
            "run the same command again to go on from there"
        ) from problem
    finally:
        for future in running:
            future.cancel()


def _lock(file, folder):
    """Keep a second run out of the folder; the lock goes with the process."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(f"folder: another run is writing into {folder}") from None


def _drop_torn_line(path):
    """Cut off what follows the last line feed: a line that was being written at the end."""
    with open(path, "a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _on_record(path):
    """Read a file of records, if there is one; return widths to record."""
    done, text = {}, path.read_text(encoding="utf-8") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = AtlasRecord.from_line(line)
        except ValueError as problem:
            raise ValueError(f"{path}, line {number}: {problem}") from None
        done[record.widths] = record
    return done


def _write_whole(path, records):
    """Replace the sorted file in one step."""
    new = path.with_suffix(".new")
    new.write_text("".join(f"{record.to_line()}\n" for record in records), encoding="utf-8")
    os.replace(new, path)


def _bar(progress, total, done):
    """Return a progress bar, or something that prints a line for each tenth, or nothing."""
    with contextlib.suppress(ImportError):
        from tqdm import tqdm

        return tqdm(total=total, initial=done, unit="network", disable=not progress)
    return _Lines(progress, total, done)


class _Lines:
    """What stands in for tqdm."""

    def __init__(self, progress, total, done):
        self.progress, self.total, self.done = progress, total, done

    def update(self, n):
        """Count; print whenever another tenth is done."""
        before, self.done = self.done, self.done + n
        if self.progress and before * 10 // self.total < self.done * 10 // self.total:
            print(f"{self.done} of {self.total} networks", file=sys.stderr, flush=True)

    def close(self):
        """Do nothing."""
