"""Compute the atlas of small linear networks from the command line.

``python -m gradflows.conservation.atlas --max-width 5 --max-depth 4 --out DIR``

Stop it at any time, with Ctrl-C or otherwise; the same command goes on where it was stopped.
"""

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path

from gradflows.conservation.atlas_records import atlas_certificate, atlas_networks
from gradflows.conservation.atlas_run import local_pool, run_atlas

__all__ = ["main"]


def main(arguments=None):
    """Run the command line; return the exit status.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the command line if left out.

    Returns
    -------
    int
        0, or 1 if workers died or the folder cannot be used, or 130 if stopped.
    """
    options = parser().parse_args(arguments)
    if options.certificate:
        print(atlas_certificate(options.certificate).to_json())
        return 0
    if None in (options.max_width, options.max_depth, options.out):
        parser().error("expected --max-width, --max-depth and --out, or --certificate")
    # One core a worker: a second thread slows down products of small matrices.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        networks = atlas_networks(options.max_width, options.max_depth, options.max_parameters)
        with contextlib.ExitStack() as stack:
            executor = chosen_executor(options, stack)
            records = run_atlas(networks, options.out, executor, progress=True)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on from here.", file=sys.stderr)
        return 130
    except (OSError, RuntimeError, ValueError) as problem:
        print(f"atlas: {problem}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    report(records, options.out)
    return 0


def parser():
    """Describe the command line."""
    result = argparse.ArgumentParser(
        prog="python -m gradflows.conservation.atlas",
        description="Count the conservation laws of all linear networks up to a size.",
    )
    result.add_argument("--max-width", type=int, metavar="W", help="widths from 1 to W")
    result.add_argument("--max-depth", type=int, metavar="H", help="2 to H weight layers")
    result.add_argument("--max-parameters", type=int, metavar="N", help="at most N parameters")
    result.add_argument("--out", type=Path, metavar="DIR", help="where the files go")
    where = result.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes; default: all cores")
    where.add_argument("--scheduler", metavar="ADDRESS", help="use a Dask cluster instead")
    result.add_argument(
        "--certificate", type=int, nargs="+", metavar="d", help="print that of one network"
    )
    return result


def chosen_executor(options, stack):
    """Connect to the cluster, or start processes here."""
    if options.scheduler:
        try:
            from distributed import Client
        except ImportError:
            raise RuntimeError('--scheduler needs Dask: pip install "gradflows[cluster]"') from None
        return stack.enter_context(Client(options.scheduler)).get_executor()
    return stack.enter_context(local_pool(options.workers))


def report(records, folder):
    """Say what is on record."""
    extra = sum(record.extra > 0 for record in records)
    print(f"{len(records)} networks in {folder / 'atlas.jsonl'}, {extra} of them with extra laws")
    for record in (record for record in records if not record.complete):
        print(f"open: {record.to_line()}")


if __name__ == "__main__":
    sys.exit(main())
