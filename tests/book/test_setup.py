"""What a newcomer is told when something is missing."""

import os
import shutil
import subprocess
import sys

import pytest

from tools.common import ROOT, environment


@pytest.fixture
def bare(tmp_path):
    """A copy of the set-up, and an empty PATH except for a few programs that are put there."""
    for name in ("tools", "requirements.txt", "constraints.txt", "pyproject.toml", "Makefile"):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, tmp_path / name)
    (tmp_path / "bin").mkdir()
    return tmp_path


def program(folder, name, body):
    """Put a shell script into the folder that serves as PATH."""
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def set_up(folder, **variables):
    """Run the set-up with that PATH."""
    variables = {"PATH": str(folder / "bin"), "HOME": str(folder)} | variables
    return subprocess.run(
        [shutil.which("sh"), "tools/setup.sh"],
        cwd=folder,
        env=variables,
        text=True,
        capture_output=True,
    )


def test_no_python(bare):
    run = set_up(bare)
    assert run.returncode == 1 and "No Python 3.11, 3.12 or 3.13 found: install one" in run.stderr


def test_only_an_old_python(bare):
    program(bare, "python3", "exit 1")  # what `python3 -c` gives when the version is outside
    run = set_up(bare)
    assert run.returncode == 1 and "No Python 3.11, 3.12 or 3.13 found" in run.stderr


def test_no_venv_module(bare):
    program(bare, "python3", f'case "$2" in *venv*) exit 1;; esac; exec {sys.executable} "$@"')
    run = set_up(bare)
    assert run.returncode == 1 and "apt-get install python3-venv" in run.stderr


def test_no_network(bare):
    python = getattr(sys, "_base_executable", sys.executable)
    program(bare, "python3.13", f'exec {python} "$@"')
    (bare / "requirements.txt").write_text("a-package-that-is-nowhere==1.0\n")
    run = set_up(
        bare,
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_CONFIG_FILE=os.devnull,
        PIP_RETRIES="0",
        PIP_DEFAULT_TIMEOUT="2",
    )
    assert run.returncode == 1
    assert "could not reach the package index: check the network" in run.stderr
    assert not (bare / ".venv" / "installed-from").exists()


def test_installed_once(bare):
    (bare / ".venv").symlink_to(sys.prefix)
    code = "from tools import install; print(install.usable())"
    known = environment() | {"PYTHONPATH": str(bare)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=bare, env=known, text=True, capture_output=True
    )
    assert run.stdout.strip() == "True", run.stderr


@pytest.mark.parametrize("module, words", [("serve", "make book"), ("test", "make book")])
def test_tools_ask_for_a_book(bare, module, words):
    known = environment() | {"PYTHONPATH": str(bare)}
    arguments = ["pages"] if module == "test" else []
    run = subprocess.run(
        [sys.executable, "-m", f"tools.{module}", *arguments],
        cwd=bare, env=known, text=True, capture_output=True,
    )  # fmt: skip
    assert run.returncode == 1 and words in run.stderr
