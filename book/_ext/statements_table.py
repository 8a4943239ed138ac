"""The ledger and the concordance, from a run of all checks.

``{statements-table}`` lists what the book claims and how each claim was checked, by chapter;
``{concordance-table}`` lists the statements whose number in their source is known, by source. Both
read ``_build/statements.json``, which ``python -m gradflows.checks`` writes.
"""

import json
import math
from itertools import groupby
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from front_strip import claims
from sphinx.util.docutils import SphinxDirective

LEDGER = "_build/statements.json"


def power(value: float | None) -> str:
    """Write a measurement as a power of ten, rounded up."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    exponent = math.ceil(math.log10(value) - 1e-9)
    return f"$10^{{{exponent}}}$"


def exactly(value: float) -> str:
    """Write a bound as it was set."""
    digits, exponent = f"{value:e}".split("e")
    factor = "" if float(digits) == 1 else f"{float(digits):g} \\cdot "
    return f"${factor}10^{{{int(exponent)}}}$"


def measured(row: dict, name: str) -> str:
    """Write the error, the bound or the control of a row; exact checks count violations."""
    value = row[name]
    if row["evidence"] == "proof":
        return "–"
    if row["evidence"] == "exact":
        return f"{value:.0f}"
    return exactly(value) if name == "bound" else power(value)


def whose(row: dict) -> str:
    """Say whose result a row is, with its number there where it is known."""
    if row["source"] == "this book":
        return "this book"
    keys = ",".join(key.strip() for key in row["source"].replace(";", ",").split(","))
    result = f", {row['result']}" if row.get("result") else ""
    return f"{{cite:t}}`{keys}`{result}"


class LedgerDirective(SphinxDirective):
    """What both tables need: the rows of the ledger, and cells written in Markdown."""

    def ledger(self) -> list[dict] | None:
        """Return the rows in the order of the book, or None if no checks were run.

        A chapter that is not in the table of contents yet is left out; that every statement stands
        in a chapter is what tests/book/test_labels.py requires.
        """
        path = Path(self.env.srcdir) / LEDGER
        self.env.note_dependency(str(path))
        if not path.exists():
            return None
        order, pages = {}, [str(name) for name in self.config.external_site_map]
        for name in pages:
            source = Path(self.env.doc2path(name))
            labels = claims(source.read_text(encoding="utf-8")) if source.exists() else []
            order |= {label: len(order) + n for n, label in enumerate(labels)}
        rows = json.loads(path.read_text(encoding="utf-8"))
        rows = [row for row in rows if f"book/{row['chapter']}" in pages]
        return sorted(rows, key=lambda row: (order.get(row["label"], len(order)), row["label"]))

    def missing(self) -> list[nodes.Node]:
        """Warn that there is nothing to show."""
        message = f"{LEDGER} is missing: run `make book`"
        return [self.state.document.reporter.warning(message, line=self.lineno)]

    def table(self, columns, widths, rows) -> nodes.Node:
        """Return a table in a box that scrolls by itself; cells are Markdown or nodes."""
        group = nodes.tgroup("", cols=len(columns))
        group += [nodes.colspec(colwidth=width) for width in widths]
        group += nodes.thead("", self.row(columns))
        group += nodes.tbody("", *(self.row(row) for row in rows))
        table = nodes.table("", group, classes=["statements"])
        return nodes.container("", table, classes=["statements-scroll"])

    def row(self, cells) -> nodes.row:
        """Return one row."""
        filled = (self.inline(cell) if isinstance(cell, str) else [cell] for cell in cells)
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in filled))

    def inline(self, text: str) -> list[nodes.Node]:
        """Parse one paragraph of Markdown and return what is in it."""
        return [child for paragraph in self.markdown(text) for child in paragraph.children]

    def markdown(self, text: str) -> list[nodes.Node]:
        """Parse Markdown."""
        holder = nodes.Element()
        source = self.env.doc2path(self.env.docname)
        self.state.nested_parse(StringList([text], source), self.content_offset, holder)
        return holder.children


class StatementsTable(LedgerDirective):
    """Counts, a link to the CSV file, and one table a chapter."""

    columns = ("Statement", "What is claimed", "Whose", "Evidence", "Error", "Bound",
               "Planted falsehood", "Holds")  # fmt: skip

    def run(self):
        """Build the whole page's content."""
        rows = self.ledger()
        if rows is None:
            return self.missing()
        result = self.markdown(self.summary(rows))
        for chapter, group in groupby(rows, key=lambda row: row["chapter"]):
            result.append(nodes.rubric("", "", *self.inline(f"{{doc}}`/book/{chapter}`")))
            cells = [self.cells(row) for row in group]
            result.append(self.table(self.columns, (12, 40, 14, 8, 6, 6, 8, 6), cells))
        return result

    @staticmethod
    def summary(rows) -> str:
        """Count the statements by kind of evidence."""
        kinds = {
            kind: sum(row["evidence"] == kind for row in rows)
            for kind in ("exact", "numeric", "proof")
        }
        held = sum(row["passed"] for row in rows if row["evidence"] != "proof")
        checked = kinds["exact"] + kinds["numeric"]
        return (
            f"Statements: {len(rows)}. Checked by computation: {checked}, of which "
            f"{kinds['exact']} exactly and {kinds['numeric']} numerically; {held} of these checks "
            f"pass. Resting on their proofs alone: {kinds['proof']}. "
            "Download: {download}`statements.csv </_build/statements.csv>`."
        )

    @staticmethod
    def cells(row: dict) -> list:
        """Return the cells of one statement."""
        if row["evidence"] == "proof":
            mark, meaning = "–", "proof only"
        else:
            mark, meaning = ("✓", "holds") if row["passed"] else ("✗", "fails")
        verdict = nodes.inline("", f"{mark} {meaning}", classes=[f"check-{meaning.split()[0]}"])
        numbers = [measured(row, name) for name in ("error", "bound", "control")]
        link = f"{{prf:ref}}`{row['label']}`"
        return [link, row["says"], whose(row), row["evidence"], *numbers, verdict]


class ConcordanceTable(LedgerDirective):
    """One table a source: its number beside the book's."""

    columns = ("There", "Here", "What is claimed", "Chapter")

    def run(self):
        """Build one table a source."""
        rows = self.ledger()
        if rows is None:
            return self.missing()
        known = sorted((row for row in rows if row["result"]), key=lambda row: row["source"])
        if not known:
            return self.markdown("No statement of the present chapters has such a number.")
        result = []
        for source, group in groupby(known, key=lambda row: row["source"]):
            result.append(nodes.rubric("", "", *self.inline(f"{{cite:t}}`{source}`")))
            cells = [
                [row["result"], f"{{prf:ref}}`{row['label']}`", row["says"],
                 f"{{doc}}`/book/{row['chapter']}`"]
                for row in group
            ]  # fmt: skip
            result.append(self.table(self.columns, (12, 14, 50, 24), cells))
        return result


def setup(app):
    """Register the directives."""
    app.add_directive("statements-table", StatementsTable)
    app.add_directive("concordance-table", ConcordanceTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
