"""The site as a whole: every link leads somewhere, and the search finds what is named."""

import json
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup


@pytest.fixture(scope="module")
def documents(site):
    # the site's own index.html only sends the reader on to book/index.html
    pages = [*site.glob("book/**/*.html"), site / "genindex.html"]
    return {page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in pages}


def anchors(document):
    named = {tag["id"] for tag in document.find_all(id=True)}
    return named | {tag["name"] for tag in document.find_all("a", attrs={"name": True})}


def test_internal_links_and_anchors_resolve(documents, site):
    dead = []
    for page, document in documents.items():
        for tag in document.find_all(["a", "img", "script", "link", "source"]):
            link = tag.get("href") or tag.get("src")
            if not link or urlsplit(link).scheme or link.startswith("//"):
                continue
            path, fragment = unquote(urlsplit(link).path), unquote(urlsplit(link).fragment)
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            known = (
                target not in documents or not fragment or fragment in anchors(documents[target])
            )
            if not target.is_file() or not known:
                dead.append(f"{page.relative_to(site)}: {link}")
    assert dead == []


def test_no_page_names_another_host_to_load_from(documents, site):
    loaded = [
        f"{page.relative_to(site)}: {link}"
        for page, document in documents.items()
        for tag in document.find_all(["script", "img", "link", "iframe", "source"])
        if (link := tag.get("src") or tag.get("href") or "").startswith(("http:", "https:", "//"))
        and not {"canonical", "alternate"} & set(tag.get("rel") or [])
    ]
    assert loaded == []


def theorems(documents, site):
    for page, document in documents.items():
        for title in document.select("div.proof.theorem > p.admonition-title"):
            name = title.get_text(" ", strip=True)
            yield page.relative_to(site).as_posix(), name[name.find("(") + 1 : name.rfind(")")]


def test_the_search_box_finds_every_theorem_by_its_name(documents, site, visit):
    named = [(page, name) for page, name in theorems(documents, site) if name]
    assert named, "no chapter has a named theorem"
    for page, name in named:
        words = " ".join(word for word in name.split() if word.isalpha())
        searched = visit(f"search.html?q={words}").page
        # Results arrive one by one; with common words there are many of them.
        searched.wait_for_function(
            """page => [...document.querySelectorAll("#search-results li a")]
                .some(a => a.pathname === page)""",
            arg=f"/{page}",
        )


def test_the_search_box_is_on_every_page(documents):
    assert all(
        document.select("form[action$='search.html'], .search-button")
        for document in documents.values()
    )


def test_the_ledger_is_offered_for_download(documents, site):
    page = site / "book" / "reference" / "statements.html"
    links = [tag["href"] for tag in documents[page].select("a[href$='.csv']")]
    assert links
    rows = (page.parent / links[0]).resolve().read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("chapter,label")
    ledger = json.loads((site.parent / "statements.json").read_text(encoding="utf-8"))
    assert len(rows) > len(ledger)
