"""Check style, format and spelling: `python -m tools.lint`."""

import subprocess
import sys
from pathlib import Path

from tools.common import ROOT

CODE = ["lib", "tests", "tools", "book/_ext"]
TEXT = ["lib", "tests", "tools", "book", ".binder", ".ci", ".github", "Makefile", "pyproject.toml",
        "_config.yml", *(path.name for path in sorted(ROOT.glob("*.md")))]  # fmt: skip


def main() -> None:
    """Run all three, also if one complains."""
    bin_folder = Path(sys.executable).parent
    commands = {
        "ruff check": [bin_folder / "ruff", "check", *CODE],
        "ruff format": [bin_folder / "ruff", "format", "--check", *CODE],
        "codespell": [bin_folder / "codespell", *TEXT],
    }
    failed = [
        name for name, command in commands.items() if subprocess.run(command, cwd=ROOT).returncode
    ]
    if failed:
        sys.exit(
            f"make lint stopped: {', '.join(failed)} (`ruff format`, `ruff check --fix` mend most)"
        )
    print("Style, format and spelling are in order.")


if __name__ == "__main__":
    main()
