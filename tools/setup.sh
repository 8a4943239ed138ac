#!/bin/sh
# Find a Python that the book runs on and hand over to tools/install.py.
for name in "${PYTHON:-python3.13}" python3.13 python3.12 python3.11 python3 python; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
            >/dev/null 2>&1; then
        found=yes
        if "$name" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            exec "$name" tools/install.py
        fi
    fi
done
if [ -n "$found" ]; then
    echo "Python has no venv module: install it (on Debian and Ubuntu: apt-get install" \
        "python3-venv), then run the same command again." >&2
else
    echo "No Python 3.11, 3.12 or 3.13 found: install one (python.org, or your system's package" \
        "manager), or name it: make book PYTHON=/path/to/python3.12" >&2
fi
exit 1
