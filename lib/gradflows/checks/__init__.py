"""One check a statement, in one module a chapter; `verify` runs and shows a single one.

``python -m gradflows.checks`` runs them all, in parallel, and writes the ledger.
"""

import html
import pkgutil
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

from gradflows.statements import Outcome, evaluate, registry
from gradflows.trajectories import power_of_ten

__all__ = ["Verdict", "load_statements", "verify"]


def load_statements() -> dict:
    """Import every chapter's checks and return the registry, label to `Statement`."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return registry


@dataclass(frozen=True)
class Verdict:
    """What `verify` shows: the claim, the error, the bound, what the planted falsehood gives."""

    outcome: Outcome

    def _parts(self):
        entry = self.outcome.statement
        if entry.evidence == "proof":
            return ["rests on its proof: nothing finite to check"]
        if entry.evidence == "exact":
            return [
                f"exact check: {self.outcome.error:.0f} violations",
                f"planted falsehood: {self.outcome.control:.0f}",
            ]
        return [
            f"numeric check: error {power_of_ten(self.outcome.error)}",
            f"bound {entry.bound:g}",
            f"planted falsehood {power_of_ten(self.outcome.control)}",
        ]

    def __str__(self):
        return f"{self.outcome.statement.says}\n{'; '.join(self._parts())}"

    __repr__ = __str__

    def _repr_html_(self):
        entry = self.outcome.statement
        lines = [
            f"<p>{html.escape(entry.says)}</p>",
            f"<p>{html.escape('; '.join(self._parts()))}</p>",
        ]
        if entry.check is not None:
            code = html.escape(entry.source_code)
            lines.append(f"<details><summary>The check</summary><pre>{code}</pre></details>")
        return f'<div class="verdict">{"".join(lines)}</div>'


def verify(label: str) -> Verdict:
    """Run the check of a statement and show what it found.

    Parameters
    ----------
    label : str
        The label of the theorem in its chapter.

    Returns
    -------
    Verdict
        Prints the claim, the error, the bound and what the planted falsehood gives; in a notebook
        it also unfolds the source of the check.

    Raises
    ------
    KeyError
        If no statement has this label; the message names the nearest ones.
    AssertionError
        If the check does not hold, or its planted falsehood passes.
    """
    statements = load_statements()
    if label not in statements:
        near = ", ".join(get_close_matches(label, statements)) or "none similar"
        raise KeyError(f"no statement is labelled {label!r}; nearest: {near}")
    verdict = Verdict(evaluate(label))
    if not verdict.outcome.passed:
        raise AssertionError(f"{label} does not hold\n{verdict}")
    return verdict
