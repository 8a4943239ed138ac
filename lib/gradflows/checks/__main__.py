"""Run all checks in parallel and write the ledger: ``python -m gradflows.checks --out FILE``."""

import argparse
import csv
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from gradflows.checks import load_statements
from gradflows.statements import evaluate

FIELDS = ("label", "says", "status", "source", "result", "evidence", "bound")


def record(label: str) -> dict:
    """Evaluate one statement and return its row of the ledger."""
    load_statements()
    outcome = evaluate(label)
    entry = outcome.statement
    row = {"chapter": entry.chapter} | {name: getattr(entry, name) for name in FIELDS}
    measured = {"error": outcome.error, "control": outcome.control}
    return row | measured | {"passed": outcome.passed, "seconds": round(outcome.seconds, 3)}


def main(arguments=None) -> int:
    """Write the ledger as JSON, and as CSV beside it; return 1 if a statement does not hold."""
    parser = argparse.ArgumentParser(prog="python -m gradflows.checks", description=__doc__)
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON file; a CSV is written beside it"
    )
    parser.add_argument(
        "--workers", type=int, default=None, help="processes; default: one per core"
    )
    options = parser.parse_args(arguments)
    labels = sorted(load_statements())
    with ProcessPoolExecutor(options.workers) as pool:
        rows = list(pool.map(record, labels))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    with options.out.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys() if rows else FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    failed = [row for row in rows if not row["passed"]]
    for row in failed:
        print(
            f"{row['label']}: error {row['error']}, bound {row['bound']}, control {row['control']}"
        )
    print(f"{len(rows) - len(failed)} of {len(rows)} statements hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
