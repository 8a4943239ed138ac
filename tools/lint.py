"""Check style, format and spelling: `python -m tools.lint`."""

import subprocess
import sys
from pathlib import Path

from tools.common import ROOT

CODE = ["lib", "tests", "tools", "coursework", "book/_ext"]
TEXT = ["lib", "tests", "tools", "coursework", "book", ".binder", ".ci", ".github", "Makefile",
        "pyproject.toml", "_config.yml",
        *(path.name for path in sorted(ROOT.glob("*.md")))]  # fmt: skip


def main() -> None:
    """Run all three, also if one complains."""
    bin_folder = Path(sys.executable).parent
    # a public fork may leave out coursework/
    code, text = ([name for name in names if (ROOT / name).exists()] for names in (CODE, TEXT))
    commands = {
        "ruff check": [bin_folder / "ruff", "check", *code],
        "ruff format": [bin_folder / "ruff", "format", "--check", *code],
        "codespell": [bin_folder / "codespell", *text],
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
