"""Create or update .venv from requirements.txt; does nothing when that is done already."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "installed-from"
SOURCES = ("requirements.txt", "constraints.txt", "pyproject.toml")
NETWORK = ("NewConnectionError", "ConnectTimeout", "Name or service", "Network is unreachable",
           "from versions: none", "Connection broken", "ReadTimeout", "ProxyError")  # fmt: skip


def wanted() -> str:
    """Return the hash of everything that the installation depends on."""
    digest = hashlib.sha256(str(VENV).encode())
    for name in SOURCES:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def usable() -> bool:
    """Whether .venv holds a Python that runs and that the book supports."""
    test = "import sys, pip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    python = VENV / "bin" / "python"
    return (
        python.exists()
        and subprocess.run([python, "-c", test], capture_output=True).returncode == 0
    )


def create() -> None:
    """Make an empty .venv with the Python that runs this script."""
    shutil.rmtree(VENV, ignore_errors=True)
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Creating .venv with Python {version} ({sys.executable})", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", VENV], capture_output=True, text=True)
    if made.returncode:
        sys.exit(
            f"{made.stdout}{made.stderr}\nPython could not create .venv: install its venv module "
            "(on Debian and Ubuntu: apt-get install python3-venv), then run the same command again."
        )


def install() -> None:
    """Run pip and show how far it is."""
    print("Installing requirements.txt into .venv (a few minutes the first time)", flush=True)
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--disable-pip-version-check",
               "--no-input", "--progress-bar", "off", "-r", "requirements.txt"]  # fmt: skip
    pip = subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    lines, count = [], 0
    for line in pip.stdout:
        lines.append(line)
        if line.startswith("Collecting"):
            count += 1
            if count % 10 == 0:
                print(f"  {count} packages found", flush=True)
        elif line.startswith("Installing collected"):
            print("  all packages found, unpacking them", flush=True)
    if pip.wait():
        text = "".join(lines)
        print("".join(lines[-15:]), file=sys.stderr)
        if any(word in text for word in NETWORK):
            sys.exit("pip could not reach the package index: check the network (or set "
                     "HTTPS_PROXY, PIP_INDEX_URL), then run the same command again.")  # fmt: skip
        sys.exit("pip could not install requirements.txt: its last lines above say why.")


def warm_up() -> None:
    """Configure kernels; let matplotlib list fonts once, before many kernels do so at a time."""
    profile = VENV / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # kernels of a build listen on localhost only; their warning about that would hide real ones
    (profile / "ipython_kernel_config.py").write_text(
        "get_config().IPKernelApp.log_level = 'ERROR'\n"
    )
    environment = os.environ | {"MPLCONFIGDIR": str(VENV / "matplotlib")}
    command = [VENV / "bin" / "python", "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=environment, capture_output=True)


def main() -> None:
    """Bring .venv up to date."""
    if usable() and STAMP.exists() and STAMP.read_text() == wanted():
        return
    if not usable():
        create()
    STAMP.unlink(missing_ok=True)
    install()
    warm_up()
    STAMP.write_text(wanted())
    print("  done", flush=True)


if __name__ == "__main__":
    main()
