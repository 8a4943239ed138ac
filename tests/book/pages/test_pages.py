"""Every page of the book in a real browser: quiet, self-contained, legible, reachable."""

import pytest
from axe_playwright_python.sync_playwright import Axe

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
DEVICES = ["desktop", "phone"]
SCHEMES = ["light", "dark"]

RAW_TEX = r"""() => {
    const main = document.querySelector("main").cloneNode(true);
    main.querySelectorAll("pre, code, mjx-container, script, style").forEach(e => e.remove());
    const raw = /\\\(|\\\[|\$\$|\\(frac|begin|dot|theta|Sigma|mathbb)\b/g;
    const found = main.textContent.match(raw) || [];
    return found.concat([...document.querySelectorAll("mjx-merror")].map(e => e.textContent));
}"""

TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width + 1) return [];
    return [...document.querySelectorAll("main *")]
        .filter(e => e.getBoundingClientRect().right > width + 1)
        .slice(0, 5).map(e => e.outerHTML.slice(0, 200)).concat(["the page scrolls sideways"]);
}"""

BAD_FIGURES = r"""() => [...document.querySelectorAll("main article img")].flatMap(img => {
    const alt = (img.getAttribute("alt") || "").trim();
    const figure = img.closest("figure");
    const caption = figure?.querySelector("figcaption .caption-text")?.textContent || "";
    const wrong = [];
    if (alt.length < 20 || /\.(svg|png|jpe?g|gif|webp)$/.test(alt)) wrong.push("alt text: " + alt);
    if (caption.trim().length < 20) wrong.push("caption: " + caption);
    if (img.naturalWidth === 0) wrong.push("does not load");
    return wrong.map(w => img.getAttribute("src") + " " + w);
})"""


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("device", DEVICES)
def test_a_page_is_quiet_and_fits(visit, site_page, device, scheme):
    seen = visit(site_page, device, scheme)
    seen.unfold()
    assert seen.troubles == []
    assert seen.page.evaluate(RAW_TEX) == []
    assert seen.page.evaluate(TOO_WIDE) == []
    assert seen.page.locator("main article h1").count() == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_page_has_no_accessibility_violation(visit, site_page, scheme):
    seen = visit(site_page, "desktop", scheme)
    seen.unfold()
    options = {"runOnly": LEVELS, "resultTypes": ["violations"]}
    violations = Axe().run(seen.page, context="main", options=options).response["violations"]
    report = [
        f"{v['id']}: {n['html'][:200]} {n['failureSummary']}"
        for v in violations
        for n in v["nodes"]
    ]
    assert report == []


def test_every_figure_has_a_caption_and_an_alt_text(visit, site_page):
    assert visit(site_page).page.evaluate(BAD_FIGURES) == []


def test_the_keyboard_reaches_the_content(visit, site_page):
    page = visit(site_page).page
    page.keyboard.press("Tab")
    assert "skip" in page.evaluate("document.activeElement.textContent").lower()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
