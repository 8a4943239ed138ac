import json

import pytest

from gradflows import checks
from gradflows.checks import __main__ as runner
from gradflows.checks import load_statements, verify
from gradflows.statements import Evidence, evaluate, registry, statement

LABELS = sorted(load_statements())


@pytest.mark.parametrize("seed", [1, 20, 300])
@pytest.mark.parametrize("label", LABELS)
def test_every_check_holds_at_other_seeds(label, seed):
    outcome = evaluate(label, seed)
    assert outcome.passed, (outcome.error, outcome.statement.bound, outcome.control)


@pytest.mark.parametrize("label", LABELS)
def test_verify_shows_every_statement(label):
    verdict = verify(label)
    assert registry[label].says in str(verdict)
    assert str(verdict) == str(verify(label))
    assert ("The check" in verdict._repr_html_()) == (registry[label].check is not None)


def test_verify_names_the_nearest_label():
    with pytest.raises(KeyError, match=LABELS[0]):
        verify(LABELS[0] + "s")


def test_verify_raises_when_a_statement_does_not_hold(monkeypatch):
    monkeypatch.setattr(checks, "load_statements", lambda: registry)
    monkeypatch.setitem(registry, "false", None)
    del registry["false"]
    fields = dict(says="One is two.", status="this book", source="this book")
    statement("false", evidence="numeric", bound=1e-3, **fields)(lambda rng: Evidence(1, 1))
    with pytest.raises(AssertionError, match="One is two"):
        verify("false")


def test_the_ledger_is_written(tmp_path, capsys):
    assert runner.main(["--out", str(tmp_path / "deep" / "ledger.json"), "--workers", "1"]) == 0
    rows = json.loads((tmp_path / "deep" / "ledger.json").read_text())
    assert [row["label"] for row in rows] == LABELS
    assert all(row["passed"] and row["chapter"].count("/") == 1 for row in rows)
    assert len((tmp_path / "deep" / "ledger.csv").read_text().splitlines()) >= len(rows) + 1
    assert f"{len(rows)} of {len(rows)} statements hold" in capsys.readouterr().out
