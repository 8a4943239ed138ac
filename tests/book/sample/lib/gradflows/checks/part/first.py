"""Check of the first chapter."""

from gradflows.statements import Evidence, statement


@statement(
    "first-square",
    says="Squares of real numbers are never negative: $x^2 \\geq 0$.",
    status="literature",
    source="sample2026",
    evidence="exact",
    bound=0,
    result="Thm 3.3",
)
def square_positive(rng):
    """Count negative squares, and negative cubes as the planted falsehood."""
    x = rng.normal(size=100)
    return Evidence(error=float((x**2 < 0).sum()), control=float((x**3 < 0).sum()))
