"""The strip under a chapter's title: time, needs, statements proved, downloads.

A chapter asks for it with the comment ``% front-strip needs: part/chapter, part/other``, which
Jupyter does not show; while the page is read, the comment becomes the directive ``{front-strip}``.
"""

import math
import re

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

CLAIM = re.compile(
    r"^[`:]{3,}\{prf:(?:theorem|proposition|lemma|corollary)\}[^\n]*\n"
    r"(?:(?::\w+:[^\n]*|)\n)*?:label:\s*(\S+)",
    re.MULTILINE,
)
FOLDED = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{dropdown\}.*?^(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
SOLUTION = re.compile(
    r"^`{3,}\{solution-start\}.*?\{solution-end\}\s*\n`{3,}", re.MULTILINE | re.DOTALL
)
CELL = re.compile(r"^`{3,}\{code-cell\}.*?^`{3,}\s*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^% front-strip(?:[ ]+needs:[ ]*(.*?))?[ ]*$", re.MULTILINE)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{front-strip\}\n(?::needs:[ ]*(?P<needs>.*)\n)?(?P=fence)[ ]*$",
    re.MULTILINE,
)
WORDS_A_MINUTE = 130  # mathematics, read with attention
MINUTES_A_CELL = 0.5


def claims(text: str) -> list[str]:
    """Return the labels of the numbered statements of a chapter, in order."""
    return CLAIM.findall(text)


def reading_minutes(text: str) -> int:
    """Estimate how long the part of a chapter takes that stands in the open, to five minutes."""
    text = FOLDED.sub("", SOLUTION.sub("", text.split("\n---\n", 1)[-1]))
    cells = len(CELL.findall(text))
    words = len(re.findall(r"[^\W\d_]{2,}", CELL.sub("", text)))
    return max(5, 5 * math.ceil((words / WORDS_A_MINUTE + MINUTES_A_CELL * cells) / 5))


class front_strip_fact(nodes.General, nodes.Element):
    """Stands for what is known only after the chapter was executed: `kind` says what."""


class FrontStrip(SphinxDirective):
    """``{front-strip}`` with ``:needs: part/chapter, ...``, the chapters it builds on."""

    option_spec = {"needs": directives.unchanged}

    def run(self):
        """Lay out the strip as a definition list."""
        text = self.env.doc2path(self.env.docname)
        with open(text, encoding="utf-8") as file:
            text = file.read()
        needs = [name for name in re.split(r"[,\s]+", self.options.get("needs", "")) if name]
        labels = claims(text)
        rows = [("Reading", [nodes.Text(f"about {reading_minutes(text)} minutes")])]
        rows.append(("Running", [front_strip_fact(kind="runtime")]))
        if needs:
            rows.append(("Needs", self.inline(", ".join(f"{{doc}}`/book/{n}`" for n in needs))))
        if labels:
            links = ", ".join(f"{{prf:ref}}`{label}`" for label in labels)
            rows.append(("Proves", self.inline(links)))
        rows.append(("Take it with you", [front_strip_fact(kind="downloads")]))
        return [self.listing(rows)]

    def inline(self, markdown: str) -> list[nodes.Node]:
        """Parse one paragraph of Markdown and return what is in it."""
        holder = nodes.Element()
        source = self.env.doc2path(self.env.docname)
        self.state.nested_parse(StringList([markdown], source), self.content_offset, holder)
        return [child for paragraph in holder.children for child in paragraph.children]

    @staticmethod
    def listing(rows) -> nodes.Node:
        """Return a definition list of terms and inline nodes."""
        items = []
        for term, children in rows:
            body = nodes.definition("", nodes.paragraph("", "", *children))
            items.append(nodes.definition_list_item("", nodes.term("", term), body))
        return nodes.definition_list("", *items, classes=["front-strip"])


def runtime(app, docname) -> list[nodes.Node]:
    """Say how long the chapter took to execute."""
    seconds = app.env.nb_metadata[docname].get("exec_data", {}).get("runtime")
    if seconds is None:
        return [nodes.Text("nothing to run")]
    return [nodes.Text(f"{max(1, math.ceil(seconds))} seconds")]


def downloads(app, docname) -> list[nodes.Node]:
    """Link the executed notebook and the source and, where its address is known, Binder."""
    up = "../" * docname.count("/")
    links = [("executed notebook", f"{up}_sources/{docname}.ipynb")]
    links.append(("Markdown source", f"{up}_sources/{docname}.md"))
    options = app.config.html_theme_options
    repository = options.get("repository_url")
    if repository:
        hub = options["launch_buttons"]["binderhub_url"]
        where = repository.removeprefix("https://github.com/")
        kind = "gh" if where != repository else "git"
        where = where if kind == "gh" else where.replace("/", "%2F").replace(":", "%3A")
        branch = options["repository_branch"]
        link = f"{hub}/v2/{kind}/{where}/{branch}?urlpath=lab/tree/{docname}.md"
        links.append(("run it in Binder", link))
    result = []
    for text, address in links:
        result += [nodes.reference("", text, refuri=address, internal=True), nodes.Text(", ")]
    return result[:-1]


def as_directive(app, docname, source) -> None:
    """Turn the comment of a chapter into the directive, before the chapter is parsed."""
    source[0] = COMMENT.sub(
        lambda found: "```{front-strip}\n" + (f":needs: {found[1]}\n" if found[1] else "") + "```",
        source[0],
    )


def as_comment(markdown: str) -> str:
    """Turn the directive back into a comment: Jupyter, which reads this, does not know it."""
    return DIRECTIVE.sub(
        lambda found: "% front-strip" + (f" needs: {found['needs']}" if found["needs"] else ""),
        markdown,
    )


def fill_in(app, doctree, docname) -> None:
    """Replace the placeholders of the strip."""
    for node in list(doctree.findall(front_strip_fact)):
        known = {"runtime": runtime, "downloads": downloads}[node["kind"]]
        if app.builder.format == "html" or node["kind"] == "runtime":
            node.replace_self(known(app, docname))
        else:
            node.replace_self([nodes.Text("on the book's site")])


def setup(app):
    """Register the directive."""
    app.add_node(front_strip_fact)
    app.add_directive("front-strip", FrontStrip)
    app.connect("source-read", as_directive)
    app.connect("doctree-resolved", fill_in)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
