"""Run one submission apart from everything: bubblewrap, limits of time, memory and output."""

import json
import os
import resource
import selectors
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tools.common import ROOT, environment

RUNNER = ROOT / "tools" / "coursework" / "runner.py"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
WITHOUT = (
    "UNSAFE: submissions run as you, see and may change your files, marks and other submissions, "
    "and reach the network; only time, memory and output are limited"
)


@dataclass(frozen=True)
class Limits:
    """Limits for one submission: seconds in all and for a cell, bytes of memory and of output."""

    seconds: float = 120.0
    cell_seconds: float = 30.0
    memory: int = 2 * 2**30
    output: int = 20 * 2**20
    processes: int = 32


def available():
    """Whether bubblewrap is installed and may make namespaces here."""
    if not shutil.which("bwrap"):
        return False
    return subprocess.run([*_bubblewrap(), "/bin/true"], capture_output=True).returncode == 0


def run(job, limits, unsafe=False):
    """Run a job of `runner.py`.

    Returns
    -------
    events : list of dict
        What the runner told, in order, as far as it came.
    reason : str or None
        Why it did not come to its end.
    """
    command = [sys.executable, "-s", "-P", str(RUNNER)]
    process = subprocess.Popen(
        command if unsafe else [*_bubblewrap(), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_variables(),
        cwd="/tmp" if unsafe else None,
        start_new_session=True,
        preexec_fn=lambda: _limit(limits),
    )
    try:
        lines, reason = _follow(process, json.dumps(job).encode(), limits)
    finally:
        _end(process)
    events = [event for event in map(_parsed, lines) if isinstance(event, dict)]
    if reason is None and not any("done" in event for event in events):
        reason = "the process of this notebook ended before its last cell"
        if process.returncode in (-9, 137):
            reason += f"; it may have used more than {limits.memory / 2**30:g} GiB of memory"
    return events, reason


def _bubblewrap():
    """Return the command: a read-only system, a private /tmp, no network, its own processes."""
    shown = [p for p in SYSTEM if Path(p).exists()]
    shown += [sys.base_prefix, sys.prefix, str(ROOT / "lib"), str(RUNNER)]
    binds = [word for path in shown for word in ("--ro-bind", path, path)]
    # the list of fonts lies in a writable folder, else matplotlib searches for fonts every time
    fonts = [
        word
        for path in Path(sys.prefix, "matplotlib").glob("fontlist*")
        for word in ("--ro-bind", str(path), f"/tmp/matplotlib/{path.name}")
    ]
    return ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--proc", "/proc",
            "--dev", "/dev", *binds, "--size", str(64 * 2**20), "--tmpfs", "/tmp",
            *fonts, "--chdir", "/tmp"]  # fmt: skip


def _variables():
    """Return the environment inside: nothing of the lecturer's but the library and threads."""
    ours = environment()
    kept = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "PYTHONPATH")
    return {name: ours[name] for name in kept} | {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "IPYTHONDIR": "/tmp/ipython",
        "MPLCONFIGDIR": "/tmp/matplotlib",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _limit(limits):
    """Set the limits of the process that is about to start, and of its children."""
    for what, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, int(limits.seconds) + 5),
        (resource.RLIMIT_FSIZE, 64 * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(what, (value, value))


def _follow(process, job, limits):
    """Send the job, read lines until the end or a limit; returns the lines and a reason."""
    process.stdin.write(job)
    process.stdin.close()
    os.set_blocking(process.stdout.fileno(), False)
    end, collected = time.monotonic() + limits.seconds, bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(timeout=0.1):
                chunk = process.stdout.read(2**16)
                if not chunk:
                    return collected.split(b"\n"), None
                collected += chunk
            reason = _exceeded(process, limits, end, len(collected))
            if reason:
                return collected.split(b"\n"), reason


def _exceeded(process, limits, end, length):
    """Return which limit is exceeded, as a sentence, or None."""
    if time.monotonic() > end:
        return f"stopped after {limits.seconds:g} seconds"
    if length > limits.output:
        return f"stopped: more than {limits.output / 2**20:g} MiB of output"
    try:
        family = [process_ for process_ in psutil.Process(process.pid).children(recursive=True)]
        memory = sum(each.memory_info().rss for each in family)
    except psutil.NoSuchProcess:
        return None
    if len(family) > limits.processes:
        return f"stopped: more than {limits.processes} processes"
    if memory > limits.memory:
        return f"stopped: more than {limits.memory / 2**30:g} GiB of memory"
    return None


def _end(process):
    """Kill what is left of the process and its group."""
    for each in _family(process):
        each.kill()
    process.kill()
    process.wait()
    process.stdout.close()


def _family(process):
    """Return the descendants that are still there."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _parsed(line):
    """Parse one event; what is cut off or foreign is left out."""
    try:
        return json.loads(line)
    except ValueError:
        return None
