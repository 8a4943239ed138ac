"""Every numbered claim of the chapters has an entry in the registry, and every entry a claim."""

import json
from collections import Counter

from front_strip import claims

from gradflows.checks import load_statements
from tools.common import STATEMENTS, documents, source_of


def claimed() -> dict[str, str]:
    """Return label to chapter for every theorem, proposition, lemma and corollary."""
    return {
        label: name.removeprefix("book/")
        for name in documents()
        for label in claims(source_of(name).read_text(encoding="utf-8"))
    }


def test_claims_and_entries_agree():
    claims_, entries = claimed(), load_statements()
    assert set(claims_) - set(entries) == set(), "statements without an entry"
    assert set(entries) - set(claims_) == set(), "entries without a statement"


def test_entries_stand_in_the_module_of_their_chapter():
    entries = load_statements()
    wrong = {
        label: chapter
        for label, chapter in claimed().items()
        if label in entries and entries[label].chapter != chapter
    }
    assert wrong == {}


def test_labels_begin_with_their_chapter():
    for label, chapter in claimed().items():
        assert label.startswith(chapter.split("/")[-1].replace("_", "-") + "-"), label


def test_every_numbered_claim_has_a_label():
    for name in documents():
        text = source_of(name).read_text(encoding="utf-8")
        kinds = Counter(
            kind
            for kind in ("theorem", "proposition", "lemma", "corollary")
            for _ in range(text.count(f"{{prf:{kind}}}"))
        )
        assert sum(kinds.values()) == len(claims(text)), f"{name}: {dict(kinds)}"


def test_every_check_is_shown_in_its_chapter():
    for label, entry in load_statements().items():
        if entry.check is not None:
            chapter = source_of(f"book/{entry.chapter}").read_text(encoding="utf-8")
            assert f'verify("{label}")' in chapter, (
                f"{label}: its check is not shown in its chapter"
            )


def test_every_check_has_a_control_that_fails():
    rows = json.loads(STATEMENTS.read_text(encoding="utf-8"))
    assert {row["label"] for row in rows} == set(load_statements())
    for row in rows:
        if row["evidence"] == "proof":
            assert row["control"] is None, row["label"]
        else:
            assert row["passed"] and row["error"] <= row["bound"], row["label"]
            assert row["control"] >= max(10 * row["bound"], row["evidence"] == "exact"), row[
                "label"
            ]
