"""Publish what was executed, and link the repository and the site only where known.

- MyST-NB writes *unexecuted* notebooks when their outputs come from the cache; they are restored
  here before anybody can download or test them.
- ``GRADFLOWS_REPOSITORY_URL`` and ``GRADFLOWS_SITE_URL`` are read here and nowhere else: without
  them no Binder button, no "report a mistake", no sitemap and no canonical address is written.
"""

import os
import shutil
from pathlib import Path

import nbformat
from front_strip import as_comment
from jupyter_cache import get_cache
from sphinx.util import logging

logger = logging.getLogger(__name__)
BINDER = "https://mybinder.org"


def notebook_folder(app) -> Path:
    """Return the folder into which MyST-NB writes notebooks."""
    return Path(app.outdir).parent / "jupyter_execute"


def set_addresses(app, config) -> None:
    """Fill in the addresses of the repository and the site, or remove all that needs them."""
    repository = os.environ.get("GRADFLOWS_REPOSITORY_URL", "").rstrip("/").removesuffix(".git")
    site = os.environ.get("GRADFLOWS_SITE_URL", "").rstrip("/")
    options = config.html_theme_options
    options["repository_url"] = repository
    options["repository_branch"] = os.environ.get("GRADFLOWS_REPOSITORY_BRANCH", "main")
    options["path_to_docs"] = ""
    for button in ("use_repository_button", "use_issues_button"):
        options[button] = bool(repository)
    options["use_edit_page_button"] = options["use_source_button"] = False
    options["launch_buttons"] = (
        {"binderhub_url": BINDER, "notebook_interface": "jupyterlab"} if repository else {}
    )
    config.html_baseurl = config.ogp_site_url = f"{site}/" if site else ""
    if not site and "sphinx_sitemap" in app.extensions:
        for event in ("builder-inited", "html-page-context", "build-finished"):
            forget(app, event, "sphinx_sitemap")


def forget(app, event: str, module: str) -> None:
    """Disconnect the listeners of another extension."""
    for listener in list(app.events.listeners.get(event, [])):
        if listener.handler.__module__ == module:
            app.disconnect(listener.id)


def restore_outputs(app, env) -> None:
    """Write the cached outputs back into the notebooks that were just published without them."""
    cache = get_cache(env.mystnb_config.execution_cache_path)
    for name in sorted(env.found_docs):
        path = notebook_folder(app) / f"{name}.ipynb"
        if not path.exists():
            continue
        notebook = nbformat.read(path, nbformat.NO_CONVERT)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if all(cell.execution_count for cell in code):
            continue
        try:
            _, notebook = cache.merge_match_into_notebook(notebook)
        except KeyError:
            logger.warning("%s was published without its outputs", name, location=name)
            continue
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = as_comment(cell.source)
        nbformat.write(notebook, path)


def offer_notebook(app, pagename, templatename, context, doctree) -> None:
    """Put the executed notebook among the downloads of its page."""
    path = notebook_folder(app) / f"{pagename}.ipynb"
    if "kernelspec" not in app.env.metadata.get(pagename, {}) or not path.exists():
        return
    target = Path(app.outdir) / "_sources" / f"{pagename}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    context["ipynb_source"] = f"{pagename}.ipynb"


def finish_page(app, pagename, templatename, context, doctree) -> None:
    """Say "Report a mistake" where the theme says "Open issue"; mend a role."""
    if "body" in context:  # docutils writes a role that ARIA has given up
        context["body"] = context["body"].replace('"doc-biblioentry"', '"listitem"')
    groups = context.get("header_buttons", [])
    for button in [*groups, *(b for group in groups for b in group.get("buttons", []))]:
        if button.get("label") == "source-issues-button":
            button["text"] = "Report a mistake"
            button["tooltip"] = "Report a mistake on this page"


def setup(app):
    """Connect to the events of Sphinx."""
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it in any case
    app.connect("config-inited", set_addresses, priority=100)
    app.connect("env-updated", restore_outputs)
    app.connect("html-page-context", offer_notebook, priority=100)
    app.connect("html-page-context", finish_page, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
