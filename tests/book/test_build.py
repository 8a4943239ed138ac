"""Building a small book: what is executed again, what reaches the page, what stops the build.

The tests change one book and run in the order of this file.
"""

import re
import time


def test_first_build_publishes_outputs(scratch):
    assert "4711" in scratch.page("part/first")
    cells = [c for c in scratch.notebook("part/first")["cells"] if c["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == [1, 2, 3, 4]
    downloads = scratch.root / "_build" / "html" / "_sources" / "book" / "part"
    assert '"4711"' in (downloads / "first.ipynb").read_text()
    assert (downloads / "first.md").exists()
    # Jupyter does not know the front strip: to it, it is a comment
    for name in ("first", "second"):
        notebook = (downloads / f"{name}.ipynb").read_text()
        assert "{front-strip}" not in notebook and "% front-strip" in notebook


def test_front_strip_tells_what_is_needed_and_proved(scratch):
    page = scratch.page("part/first")
    strip = re.search(r'<dl class="[^"]*front-strip.*?</dl>', page, re.DOTALL)[0]
    assert re.search(r'href="second.html"[^>]*>.*The second chapter', strip)
    assert re.search(r'href="#first-square"[^>]*>.*Theorem 1.1', strip)
    assert re.search(r"about \d+ minutes", strip) and re.search(r"\d+ seconds", strip)
    assert "_sources/book/part/first.ipynb" in strip and "binder" not in strip.lower()


def test_statements_table_links_statements_and_sources(scratch):
    page = scratch.page("statements")
    assert 'href="part/first.html#first-square"' in page
    assert "✓ holds" in page and "proof only" in page and "2026" in page
    assert "statements.csv" in page


def test_concordance_and_docstrings_cite_the_bibliography(scratch):
    page = scratch.page("statements")
    assert re.search(r"<td><p>Thm 3.3</p></td>\s*<td><p><a[^>]*first-square", page)
    assert re.search(r"Return the answer of .*?href=\"#id\d+\"", page)


def test_unknown_address_leaves_no_link(scratch):
    page = scratch.page("part/first")
    assert "mybinder" not in page and "Report a mistake" not in page and "github.com" not in page


def test_nothing_changed_nothing_built(scratch):
    start = time.perf_counter()
    code, log = scratch.build()
    assert code == 0 and scratch.executed(log) == [] and "Nothing has changed" in log
    assert time.perf_counter() - start < 10


def test_edited_chapter_alone_is_executed_again(scratch):
    scratch.edit("book/part/second.md", "6 * 7 + 1", "6 * 7 + 2")
    code, log = scratch.build()
    assert code == 0, log
    assert scratch.executed(log) == ["part/second"]
    assert ">44\n" in scratch.page("part/second")
    counts = [c.get("execution_count") for c in scratch.notebook("part/first")["cells"]]
    assert counts.count(None) == sum(
        c["cell_type"] != "code" for c in scratch.notebook("part/first")["cells"]
    )


def test_edited_prose_executes_nothing_and_keeps_outputs(scratch):
    scratch.edit("book/part/first.md", "The answer is a number.", "The answer is an integer.")
    code, log = scratch.build()
    assert code == 0 and scratch.executed(log) == [], log
    assert "an integer" in scratch.page("part/first") and "4711" in scratch.page("part/first")
    cells = [c for c in scratch.notebook("part/first")["cells"] if c["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)


def test_changed_library_reaches_every_page(scratch):
    scratch.edit("lib/gradflows/sample.py", "return 4711", "return 1234567")
    code, log = scratch.build()
    assert code == 0, log
    assert sorted(scratch.executed(log)) == ["part/first", "part/second"]
    assert "1234567" in scratch.page("part/first") and "4711" not in scratch.page("part/first")


def test_one_page_for_its_writer(scratch):
    code, log = scratch.build("page", "part/second")
    assert code == 0, log
    assert "/second.html" in log
    code, log = scratch.build("page", "part/second_one")
    assert code == 1 and "did you mean: part/second" in log


def test_failing_cell_is_named_and_stops(scratch):
    scratch.edit("book/part/second.md", "6 * 7 + 2", "6 * 7 + undefined_name")
    for module, arguments in (("page", ["part/second"]), ("book", [])):
        code, log = scratch.build(module, *arguments)
        assert code == 1
        assert "book/part/second failed in cell 1" in log
        assert "print(6 * 7 + undefined_name)" in log and "NameError" in log
    scratch.edit("book/part/second.md", "undefined_name", "2")


def test_unreadable_cell_is_named(scratch):
    scratch.edit("book/part/first.md", ":tags: [hide-cell]", ":tags: [hide-cell")
    code, log = scratch.build("page", "part/first")
    assert code == 1 and "book/part/first failed" in log and "could not be read" in log
    scratch.edit("book/part/first.md", ":tags: [hide-cell", ":tags: [hide-cell]")


def test_warning_stops_every_time(scratch):
    scratch.edit("book/part/second.md", "`first-square`", "`first-circle`")
    for _ in range(2):
        code, log = scratch.build()
        assert code == 1 and "first-circle" in log
    scratch.edit("book/part/second.md", "`first-circle`", "`first-square`")
    assert scratch.build()[0] == 0


def test_known_address_brings_binder_and_mistakes(scratch):
    address = "https://github.com/someone/somebook"
    code, log = scratch.build(
        GRADFLOWS_REPOSITORY_URL=address, GRADFLOWS_SITE_URL="https://b.org/x"
    )
    assert code == 0, log
    assert scratch.executed(log) == []
    page = scratch.page("part/first")
    assert "mybinder.org/v2/gh/someone/somebook/main?urlpath=lab/tree/book/part/first.md" in page
    assert "Report a mistake" in page and f"{address}/issues/new" in page
    sitemap = (scratch.root / "_build" / "html" / "sitemap.xml").read_text()
    assert "https://b.org/x/book/part/first.html" in sitemap


def test_false_statement_stops(scratch):
    scratch.edit("lib/gradflows/checks/part/first.py", "x**2 < 0", "x**2 < 1")
    code, log = scratch.build()
    assert code == 1 and "first-square" in log
