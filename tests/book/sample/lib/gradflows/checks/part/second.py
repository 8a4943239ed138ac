"""Statement of the second chapter."""

from gradflows.statements import proved

proved("second-nothing", says="Nothing.", status="this book", source="this book", module=__name__)
