"""What a submission can reach, and what stops it."""

import pytest

pytest.importorskip("nbgrader", reason="make lecturers installs nbgrader")

from tools.common import ROOT  # noqa: E402
from tools.coursework import sandbox  # noqa: E402


@pytest.fixture(autouse=True)
def usable():
    """Skip where bubblewrap cannot work."""
    if not sandbox.available():
        pytest.skip("bubblewrap is not usable here")


def run(*sources, **limits):
    """Run cells for a student; returns the events and the reason."""
    cells = [
        {"index": i, "source": source, "call": None, "name": False}
        for i, source in enumerate(sources)
    ]
    job = {"set": "foundations", "student": "ada", "course": "", "salt": "", "cell_seconds": 4,
           "cells": cells}  # fmt: skip
    return sandbox.run(job, sandbox.Limits(**({"seconds": 40} | limits)))


def printed(events, cell=0):
    """Return what a cell printed."""
    outputs = next(e["outputs"] for e in events if e.get("cell") == cell)
    return "".join(o.get("text", "") for o in outputs)


def test_neither_solutions_nor_marks_are_in_sight():
    source = f"import os\nprint(os.path.exists({str(ROOT / 'coursework')!r}), os.listdir('/tmp'))"
    events, reason = run(source)
    assert reason is None and printed(events).startswith("False")
    assert str(ROOT / "tools") not in printed(
        run(f"import os; print(os.listdir({str(ROOT)!r}))")[0]
    )


def test_the_library_cannot_be_changed():
    target = str(ROOT / "lib" / "gradflows" / "__init__.py")
    events, _ = run(f"open({target!r}, 'a').write('x')")
    assert "Read-only" in printed(events)


def test_there_is_no_network():
    events, _ = run("import socket\nsocket.create_connection(('127.0.0.1', 22), timeout=2)")
    assert "Error" in printed(events)


def test_nothing_of_the_environment_is_seen(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_LECTURER", "visible")
    events, _ = run("import os; print(sorted(os.environ))")
    assert "SECRET" not in printed(events)


def test_a_stubborn_loop_is_ended_from_outside():
    stubborn = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
    events, reason = run("print(1)", stubborn, seconds=8)
    assert "stopped after 8 seconds" in reason and printed(events) == "1\n"


def test_many_processes_are_ended():
    fork = "import os, time\nfor _ in range(100):\n    if not os.fork():\n        time.sleep(60)"
    _, reason = run(fork + "\ntime.sleep(3)", processes=20, memory=16 * 2**30)
    assert "more than 20 processes" in reason


def test_a_flood_of_output_is_ended():
    flood = (
        "import os\nfor number in range(3, 50):\n    try:\n        while True: "
        "os.write(number, b'x' * 10**6)\n    except OSError: pass"
    )
    _, reason = run(flood, output=2**20)
    assert "output" in reason


def test_pictures_come_back():
    events, _ = run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    outputs = next(e["outputs"] for e in events if e.get("cell") == 0)
    assert any("image/png" in o.get("data", {}) for o in outputs)
