import numpy as np
import pytest

from gradflows import statements
from gradflows.statements import Evidence, evaluate, proved, seed_of, statement

FIELDS = dict(
    says="Two is two.", status="this book", source="this book", evidence="numeric", bound=1e-3
)


@pytest.fixture
def registry(monkeypatch):
    empty = {}
    monkeypatch.setattr(statements, "registry", empty)
    return empty


def register(error, control, **changes):
    @statement("sample", **(FIELDS | changes))
    def check(rng):
        return Evidence(error, control)

    return evaluate("sample")


@pytest.mark.parametrize(
    ("error", "control", "passed"),
    [(0, 1, True), (1e-3, 1e-2, True), (2e-3, 1, False), (0, 9e-3, False), (0, 0, False)],
)
def test_a_check_passes_only_if_its_planted_falsehood_fails(registry, error, control, passed):
    assert register(error, control).passed is passed


@pytest.mark.parametrize(
    ("error", "control", "passed"), [(0, 1, True), (0, 0, False), (1, 5, False)]
)
def test_an_exact_check_counts_violations(registry, error, control, passed):
    assert register(error, control, evidence="exact", bound=0).passed is passed


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
@pytest.mark.parametrize("name", ["error", "control"])
def test_evidence_is_finite_and_not_negative(name, value):
    with pytest.raises(ValueError, match=name):
        Evidence(**({"error": 0, "control": 0} | {name: value}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "folklore"}, "status"),
        ({"evidence": "picture"}, "evidence"),
        ({"evidence": "proof"}, "proved"),
        ({"source": "someone2020"}, "disagree"),
        ({"status": "literature"}, "disagree"),
        ({"evidence": "exact", "bound": 1e-3}, "bound is 0"),
        ({"bound": 0}, "bound > 0"),
        ({"bound": np.inf}, "finite bound"),
    ],
)
def test_a_malformed_entry_is_refused(registry, changes, message):
    with pytest.raises(ValueError, match=message):
        register(0, 1, **changes)


def test_a_label_has_one_owner(registry):
    register(0, 1)
    with pytest.raises(ValueError, match="registered already"):
        proved(
            "sample", says="x", status="this book", source="this book", module="elsewhere.chapter"
        )


def test_a_proof_has_nothing_to_measure(registry):
    proved("sample", says="x", status="this book", source="this book", module="checks.part.chapter")
    outcome = evaluate("sample")
    assert outcome.passed
    assert outcome.error is None
    assert outcome.statement.chapter == "part/chapter"
    assert outcome.statement.source_code == ""


def test_a_check_must_return_evidence(registry):
    statement("sample", **FIELDS)(lambda rng: 0.0)
    with pytest.raises(TypeError, match="Evidence"):
        evaluate("sample")


def test_the_generator_is_seeded_by_the_label(registry):
    drawn = []

    @statement("sample", **FIELDS)
    def check(rng):
        drawn.append(rng.integers(2**62))
        return Evidence(0, 1)

    for seed in (None, None, 1):
        evaluate("sample", seed)
    assert drawn[0] == drawn[1] != drawn[2]
    assert seed_of("sample") != seed_of("simple")


def test_the_source_code_starts_at_the_function(registry):
    assert register(0, 1).statement.source_code.startswith("def check(rng):")
