"""Problem sets that grade themselves: properties of answers, never stored answers."""

from gradflows.grading.problem_sets import PROBLEM_SETS, ProblemSet
from gradflows.grading.questions import Part, Question, Verdict

__all__ = ["PROBLEM_SETS", "Part", "ProblemSet", "Question", "Verdict"]
