"""The list of boxes: which pages and tasks it holds, and that it is built into the page."""

import re

import pytest
from progress import parts, tasks

from tools.common import HTML, ROOT, documents

CHAPTER = """# A chapter

```{exercise} First $x^2$
:label: chapter-ex-first

Text.
```

````{exercise} Second
:label: chapter-ex-second
````
"""
SET = "# Set\n\n(problem-set-one)=\n## 1. One (3 points)\n\nText.\n"


def test_exercises_and_problems_are_found():
    assert tasks(CHAPTER) == [
        ("chapter-ex-first", "First $x^2$"),
        ("chapter-ex-second", "Second"),
    ]
    assert tasks(SET) == [("problem-set-one", "1. One (3 points)")]
    assert tasks("# Nothing to do") == []


def test_only_parts_with_a_caption_are_listed():
    named = {"caption": "I", "chapters": [{"file": "b"}, {"file": "c"}]}
    contents = {"parts": [{"chapters": [{"file": "a"}]}, named]}
    assert parts(contents) == [("I", ["b", "c"])]


def test_every_exercise_has_one_box():
    page = HTML / "book" / "coursework" / "progress.html"
    if not page.exists():
        pytest.skip("the book is not built")
    keys = re.findall(r'<input type="checkbox" data-key="([^"]+)"', page.read_text("utf-8"))
    sources = (ROOT / f"{name}.md" for name in documents() if name.startswith("book/"))
    wanted = [label for path in sources for label, _ in tasks(path.read_text("utf-8"))]
    assert sorted(set(keys) & set(wanted)) == sorted(wanted)
    assert len(keys) == len(set(keys))
