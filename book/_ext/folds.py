"""Titles of folded cells: a check, a counter-example, or the code behind a figure.

In this book a cell that is folded with its output (``hide-cell``) is a check, if it calls `verify`,
or else shows what fails without a hypothesis. A title given in the chapter is kept.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

DEFAULT = "Show code cell {type}"
CODE = ("Show the code", "Hide the code")
CHECK = ("Check it", "Fold the check")
COUNTEREXAMPLE = ("What fails without it", "Fold the counter-example")


class TitleFolds(SphinxPostTransform):
    """Replace MyST-NB's general titles, before MyST-NB folds the cells."""

    default_priority = 198
    formats = ("html",)

    def run(self, **kwargs) -> None:
        """Title every folded cell of the page."""
        for cell in self.document.findall(nodes.container):
            if cell.get("hide_mode") and cell.get("prompt_show") == DEFAULT:
                cell["prompt_show"], cell["prompt_hide"] = self.titles(cell)

    @staticmethod
    def titles(cell) -> tuple[str, str]:
        """Return what stands on the closed and on the open fold."""
        if cell["hide_mode"] != "all":
            return CODE
        return CHECK if cell.children[0].astext().lstrip().startswith("verify(") else COUNTEREXAMPLE


def setup(app):
    """Register the transform."""
    app.add_post_transform(TitleFolds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
