"""What the Makefile calls."""

import sys

# jsonschema's optional check of addresses compiles dozens of grammars when it is imported: two
# seconds of every build, for a check that nothing here needs.
sys.modules.setdefault("rfc3987_syntax", None)
