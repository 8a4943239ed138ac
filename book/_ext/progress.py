"""The reader's own list: ``{progress}`` shows all chapters, exercises and problems with a box each.

What is ticked is kept by ``_static/progress.js`` in the reader's browser, and nowhere else.
"""

import re
from html import escape

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

EXERCISE = re.compile(r"^`{3,}\{exercise\}[ ]*([^\n]*)\n:label:[ ]*(\S+)", re.MULTILINE)
PROBLEM = re.compile(r"^\((problem-[a-z0-9-]+)\)=\n##[ ]+([^\n]+)", re.MULTILINE)


def parts(toc: dict) -> list[tuple[str, list[str]]]:
    """Return the captions of the table of contents with the pages under each."""
    return [
        (part["caption"], [chapter["file"] for chapter in part["chapters"]])
        for part in toc["parts"]
        if "caption" in part
    ]


def tasks(text: str) -> list[tuple[str, str]]:
    """Return label and title of the exercises of a chapter, or of the problems of a set."""
    exercises = [(label, title) for title, label in EXERCISE.findall(text)]
    return exercises or PROBLEM.findall(text)


class Progress(SphinxDirective):
    """``{progress}``: a list of lists of boxes."""

    def run(self):
        """Lay out the list of chapters, Part by Part, leaving out pages without tasks."""
        root = self.env.srcdir
        with open(f"{root}/_toc.yml", encoding="utf-8") as file:
            contents = parts(yaml.safe_load(file))
        found = []
        for caption, pages in contents:
            items = [item for page in pages if (item := self.chapter(page))]
            if items:
                found += [nodes.rubric("", caption), self.listing(items)]
        return [nodes.container("", *found, classes=["my-progress"])]

    def chapter(self, page: str) -> nodes.list_item | None:
        """Return the entry of a chapter with its tasks."""
        path = self.env.doc2path(page)
        self.env.note_dependency(path)
        with open(path, encoding="utf-8") as file:
            found = tasks(file.read())
        if not found:
            return None
        inner = [self.entry(label, self.link(label, title), title) for label, title in found]
        name = page.rsplit("/", 1)[-1].replace("_", " ")
        return self.entry(page, f"{{doc}}`/{page}`", name, self.listing(inner))

    @staticmethod
    def link(label: str, title: str) -> str:
        """Return a link that shows the number of an exercise and its title."""
        problem = label.startswith("problem-")
        return f"{{ref}}`{label}`" if problem else f"{{ref}}`{label}` ({title})"

    def entry(self, key: str, link: str, name: str, *more: nodes.Node) -> nodes.list_item:
        """Return a box, a link, and what is below it."""
        holder = nodes.Element()
        self.state.nested_parse(StringList([link], "progress"), self.content_offset, holder)
        box = f'<input type="checkbox" data-key="{escape(key)}" aria-label="{escape(name)}">'
        line = nodes.paragraph("", "", nodes.raw("", box, format="html"), nodes.Text(" "))
        line += [child for paragraph in holder.children for child in paragraph.children]
        return nodes.list_item("", line, *more)

    def listing(self, items: list[nodes.Node]) -> nodes.bullet_list:
        """Return a list."""
        return nodes.bullet_list("", *items)


def setup(app):
    """Register the directive."""
    app.add_directive("progress", Progress)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
