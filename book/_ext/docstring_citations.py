"""Link ``[arora2018optimization]_`` in a docstring to the book's bibliography."""

import re

KEY = re.compile(r"\[([a-z]+\d{4}[a-z]*)\]_(?!\w)")


def link_keys(app, what, name, obj, options, lines) -> None:
    """Replace citations by bibliography key with citations that the bibliography resolves."""
    lines[:] = [KEY.sub(r":cite:t:`\1`", line) for line in lines]


def setup(app):
    """Work before numpydoc does."""
    app.connect("autodoc-process-docstring", link_keys, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
