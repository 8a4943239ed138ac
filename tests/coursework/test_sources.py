"""The released notebooks, against the pages and the model answers."""

import re

import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

from gradflows.grading import PROBLEM_SETS, ProblemSet  # noqa: E402
from tools.coursework.course import Course  # noqa: E402
from tools.coursework.intake import grading_call  # noqa: E402
from tools.coursework.sources import PAGES, SOURCES, name_of, source_notebook, statements  # noqa: E402

NAMES = [name for name in PROBLEM_SETS if (SOURCES / name / f"{name}.md").exists()]
REGION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.S)


@pytest.mark.parametrize("name", NAMES)
def test_model_answers_earn_full_marks(name):
    notebook = source_notebook(name)
    for student in ("ada", "emmy", "sofia"):
        space, earned = {}, {}
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            call = grading_call(cell)
            if call:
                verdict = space["paper"].check(call[0], space[call[1]], salt="secret")
                earned[call[0]] = (verdict.points, verdict.reasons)
            else:
                text = cell.source.replace('STUDENT = ""', f'STUDENT = "{student}"')
                exec(compile(text, cell.metadata.nbgrader.grade_id, "exec"), space)  # noqa: S102
        full = {k: (q.points, ()) for k, q in ProblemSet(name, student).questions.items()}
        assert earned == full


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_is_released(name, tmp_path):
    course = Course(tmp_path, name)
    course.release()
    released, source = course.released()
    text = "\n".join(cell.source for cell in released.cells)
    assert "SOLUTION" not in text and "HIDDEN" not in text
    regions = [found for cell in source.cells for found in REGION.findall(cell.source)]
    answers = [cell for cell in source.cells if cell.metadata.nbgrader.solution]
    assert len(regions) >= len(answers) - 1  # all but the name
    for region in regions:
        for line in region.splitlines():
            if len(line.strip()) > 12 and not line.strip().startswith("import"):
                assert line.strip() not in text, line
    assert all(not cell.get("outputs") for cell in released.cells)


@pytest.mark.parametrize("name", NAMES)
def test_statements_read_well_in_a_notebook(name):
    _, problems = statements(name)
    assert len(problems) >= 6
    assert any(label not in ProblemSet(name, "x").labels for label in problems)  # in words
    for label, (text, _) in problems.items():
        assert not re.search(r"\{[a-z:]+\}`", text), f"{label}: a role means nothing in a notebook"
        assert label.startswith(name.replace("_", "-") + "-")


@pytest.mark.parametrize("name", NAMES)
def test_pages_name_all_data(name):
    _, problems = statements(name)
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    paper = ProblemSet(name, "ada")
    judged = sum(q.points for q in paper.questions.values())
    written = sum(points for label, (_, points) in problems.items() if label not in paper.labels)
    assert f"({judged} points)" in page and f"({written} points)" in page
    for label in paper.labels:
        for key in vars(paper.data(label)):
            assert f"`{key}`" in problems[label][0], f"{label}: {key} is not mentioned"


def test_sets_are_found_by_number_and_name():
    assert name_of("2") == name_of(2) == name_of("deep_linear") == "deep_linear"
    with pytest.raises(SystemExit, match="1 to 6"):
        name_of("7")


def test_another_word_draws_other_data():
    first, second = (ProblemSet(1, "ada", word).data("foundations-gradient") for word in "ab")
    assert (first.x != second.x).any()
    assert (first.x == ProblemSet(1, "ada", "a").data("foundations-gradient").x).all()
