"""Install what lecturers need beyond requirements.txt; does nothing when that is done already."""

import hashlib
import subprocess
import sys
from pathlib import Path

from tools.common import ROOT, say

NEEDED = ROOT / "tools" / "coursework" / "requirements.txt"
STAMP = Path(sys.prefix) / "coursework-installed-from"


def main():
    """Run pip if the requirements are new."""
    wanted = hashlib.sha256(NEEDED.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    say(f"Installing {NEEDED.relative_to(ROOT)} into .venv")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--no-input", "-r", NEEDED]  # fmt: skip
    if subprocess.run(command, cwd=ROOT).returncode:
        raise SystemExit(f"pip could not install {NEEDED.relative_to(ROOT)}: see above.")
    STAMP.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
