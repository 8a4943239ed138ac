"""The built site, served on localhost, and a browser that may ask nobody else."""

import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SITE = Path(__file__).parents[3] / "_build" / "html"
VIEWPORTS = {"desktop": (1280, 900), "phone": (360, 740)}
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def site_pages():
    """Addresses of all pages of the book, relative to the site's root."""
    pages = sorted(p.relative_to(SITE).as_posix() for p in SITE.glob("book/**/*.html"))
    return pages or ["the-site-is-not-built"]


def pytest_generate_tests(metafunc):
    if "site_page" in metafunc.fixturenames:
        metafunc.parametrize("site_page", site_pages())


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture(scope="session")
def site():
    if not (SITE / "index.html").exists():
        pytest.fail(f"{SITE} holds no site: run `make book` first")
    return SITE


@pytest.fixture(scope="session")
def address(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def browser():
    if CHROMIUM is None:
        pytest.fail(
            "no chromium found: install it (Debian: apt-get install chromium) or set CHROMIUM"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """One page in a fresh browser context, with everything that went wrong while it loaded."""

    def __init__(self, browser, address, page, device, scheme):
        width, height = VIEWPORTS[device]
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.troubles = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        self.page.on("request", lambda request: self._request(request, address))
        self.page.on("response", self._response)
        self.page.goto(f"{address}/{page}", wait_until="load")
        self.page.evaluate(
            "window.MathJax && MathJax.startup ? MathJax.startup.promise.then(() => 0) : 0"
        )
        self.page.evaluate("document.fonts.ready.then(() => 0)")

    def _console(self, message):
        if message.type in ("error", "warning"):
            self.troubles.append(f"console {message.type}: {message.text}")

    def _request(self, request, address):
        if not request.url.startswith((address, "data:", "blob:")):
            self.troubles.append(f"request leaves the site: {request.url}")

    def _response(self, response):
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")

    def unfold(self):
        """Open everything that is folded."""
        self.page.evaluate(
            """() => {
                const every = query => document.querySelectorAll(query);
                every("main details").forEach(d => { d.open = true; });
                every("main button.toggle-button-hidden").forEach(b => b.click());
            }"""
        )


@pytest.fixture
def visit(browser, address):
    opened = []

    def open_page(page, device="desktop", scheme="light"):
        opened.append(Visit(browser, address, page, device, scheme))
        return opened[-1]

    yield open_page
    for one in opened:
        one.context.close()
