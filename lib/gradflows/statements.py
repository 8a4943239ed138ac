"""The registry of statements: what the book claims, and the check that could refute it.

A numbered statement of a chapter has one entry here, under the label that the chapter gives it.
Most entries hold a *check*: a function of a random generator that measures by how much the
statement fails (`error`) and, with the same yardstick, by how much a **planted falsehood** fails
(`control`): a flipped sign, a dropped hypothesis, a wrong exponent. A check that could not tell
the two apart proves nothing.
"""

import hashlib
import inspect
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Evidence", "Outcome", "Statement", "evaluate", "proved", "registry", "statement"]

STATUSES = ("paper", "literature", "this book")
KINDS = ("exact", "numeric", "proof")
MARGIN = 10.0  # a planted falsehood must miss the bound by this factor

registry: dict[str, "Statement"] = {}


@dataclass(frozen=True)
class Evidence:
    """What a check measured.

    Attributes
    ----------
    error : float
        Size of the violation of the statement; for exact checks the number of violations.
    control : float
        The same measurement on the planted falsehood.
    """

    error: float
    control: float

    def __post_init__(self):
        for name in ("error", "control"):
            value = float(getattr(self, name))
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name}: expected a finite number >= 0, got {value}")
            object.__setattr__(self, name, value)


@dataclass(frozen=True)
class Statement:
    """One entry of the registry.

    Attributes
    ----------
    label : str
        The label of the theorem in its chapter.
    says : str
        The claim in one sentence.
    status : {"paper", "literature", "this book"}
        Whose result it is: one of the book's four papers, the literature around them, or the book.
    source : str
        Bibliography key, or "this book".
    evidence : {"exact", "numeric", "proof"}
        How it is checked; "proof" means that nothing finite can be checked.
    bound : float
        The largest error with which the check passes; 0 for exact checks.
    result : str or None
        The number of the result in its source, where that is certain.
    module : str
        The module that holds the entry.
    check : callable or None
        ``check(rng) -> Evidence``; None for a proof.
    """

    label: str
    says: str
    status: str
    source: str
    evidence: str
    bound: float
    result: str | None
    module: str
    check: Callable[[np.random.Generator], Evidence] | None

    @property
    def chapter(self) -> str:
        """The chapter that proves it, as ``part/chapter``."""
        return "/".join(self.module.partition("checks.")[2].split(".")[:2])

    @property
    def source_code(self) -> str:
        """The source of the check, without its decorator; empty for a proof."""
        if self.check is None:
            return ""
        source = inspect.getsource(self.check)
        return source[source.index("def ") :].rstrip()


@dataclass(frozen=True)
class Outcome:
    """A statement with what its check gave; error and control are None for a proof."""

    statement: Statement
    error: float | None
    control: float | None
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the bound and the planted falsehood is well outside."""
        if self.error is None:
            return True
        least = max(
            MARGIN * self.statement.bound, 1.0 if self.statement.evidence == "exact" else 0.0
        )
        return self.error <= self.statement.bound and self.control >= least


def _register(entry: Statement) -> None:
    for name, allowed in (("status", STATUSES), ("evidence", KINDS)):
        if getattr(entry, name) not in allowed:
            raise ValueError(
                f"{entry.label}: {name} must be one of {allowed}, got {getattr(entry, name)!r}"
            )
    if entry.label in registry and registry[entry.label].module != entry.module:
        raise ValueError(f"{entry.label}: registered already by {registry[entry.label].module}")
    if (entry.source == "this book") != (entry.status == "this book"):
        raise ValueError(f"{entry.label}: status and source disagree on whether it is this book's")
    if entry.evidence == "exact" and entry.bound != 0:
        raise ValueError(f"{entry.label}: an exact check counts violations, so its bound is 0")
    if entry.evidence == "numeric" and not 0 < entry.bound < math.inf:
        raise ValueError(
            f"{entry.label}: a numeric check needs a finite bound > 0, got {entry.bound}"
        )
    registry[entry.label] = entry


def statement(label, *, says, status, source, evidence, bound, result=None):
    """Register the decorated function as the check of a statement.

    The function takes a `numpy.random.Generator` and returns an `Evidence`. It passes if
    ``error <= bound`` and ``control >= 10 * bound``; an exact check (``bound=0``) passes if there
    is no violation and the planted falsehood has at least one.

    Parameters
    ----------
    label, says, status, source, evidence, bound, result
        The fields of `Statement`; `evidence` is "exact" or "numeric".

    Raises
    ------
    ValueError
        If a field has no allowed value, or another module owns the label.
    """
    if evidence == "proof":
        raise ValueError(f"{label}: a statement without a check is registered with `proved`")

    def register(check):
        _register(
            Statement(
                label, says, status, source, evidence, float(bound), result, check.__module__, check
            )
        )
        return check

    return register


def proved(label, *, says, status, source, module, result=None):
    """Register a statement that rests on its proof alone, because nothing finite can be checked.

    Parameters
    ----------
    label, says, status, source, result
        The fields of `Statement`.
    module : str
        ``__name__`` of the module that registers it.

    Raises
    ------
    ValueError
        If a field has no allowed value, or another module owns the label.
    """
    _register(Statement(label, says, status, source, "proof", 0.0, result, module, None))


def seed_of(label: str) -> int:
    """Hash a label to the seed of its generator, the same on every machine."""
    return int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big")


def evaluate(label: str, seed: int | None = None) -> Outcome:
    """Run the check of one registered statement.

    Parameters
    ----------
    label : str
        A registered label.
    seed : int, optional
        Seed of the check's generator; by default a hash of the label.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyError
        If no statement has this label.
    """
    entry = registry[label]
    if entry.check is None:
        return Outcome(entry, None, None, 0.0)
    start = time.perf_counter()
    evidence = entry.check(np.random.default_rng(seed_of(label) if seed is None else seed))
    if not isinstance(evidence, Evidence):
        raise TypeError(
            f"{label}: a check returns Evidence(error=..., control=...), got {type(evidence)}"
        )
    return Outcome(entry, evidence.error, evidence.control, time.perf_counter() - start)
