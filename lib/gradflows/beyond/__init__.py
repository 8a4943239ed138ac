"""Beyond the four papers: related results, one module a chapter."""
