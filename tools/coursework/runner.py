"""Run the code cells of one submission and tell what is seen of its answers.

This script runs inside the sandbox. It reads a job from standard input and writes events, one
JSON object a line, to what was its standard output; cells see neither.
"""

import io
import json
import os
import signal
import sys

MOST_TEXT = 20_000
MOST_PRINTED = 2_000_000
MOST_PICTURES = 8
LARGEST_PICTURE = 400_000


class Stopped(BaseException):
    """A cell ran longer than it may."""


class Printed(io.TextIOBase):
    """Standard output of a cell: keeps the beginning, refuses what is far too much."""

    def __init__(self):
        super().__init__()
        self.kept, self.length = [], 0

    def write(self, text):
        text = str(text)
        if self.length < MOST_TEXT:
            self.kept.append(text[: MOST_TEXT - self.length])
        self.length += len(text)
        if self.length > MOST_PRINTED:
            raise RuntimeError(f"more than {MOST_PRINTED} characters printed in one cell")
        return len(text)

    def text(self):
        """Return what was kept."""
        more = f"\n... {self.length - MOST_TEXT} more characters" if self.length > MOST_TEXT else ""
        return "".join(self.kept) + more


class Session:
    """An IPython shell whose outputs are captured and whose cells are timed."""

    def __init__(self, seconds):
        import matplotlib

        matplotlib.use("agg")
        from IPython.core.displaypub import CapturingDisplayPublisher
        from IPython.core.interactiveshell import InteractiveShell

        class Shell(InteractiveShell):
            def enable_gui(self, gui=None):
                """There is no screen."""

        InteractiveShell.colors = "nocolor"
        self.shell = Shell.instance()
        self.shell.display_pub = CapturingDisplayPublisher()
        self.shell.enable_matplotlib("inline")
        self.seconds = seconds
        signal.signal(signal.SIGALRM, self._stop)

    def run(self, source):
        """Run a cell; returns its state (ok, error or time) and its outputs."""
        result, outputs = self._timed(lambda: self.shell.run_cell(source, store_history=False))
        if result is None:
            return "time", outputs
        error = result.error_before_exec or result.error_in_exec
        stopped = isinstance(error, Stopped)
        return "time" if stopped else "error" if error else "ok", outputs

    def observe(self, paper, call, salt):
        """Return what a question sees of the answer that a grading cell names."""
        label, variable = call

        def observed():
            if variable not in self.shell.user_ns:
                return json.dumps({"error": f"the name {variable} is not defined"})
            answer = self.shell.user_ns[variable]
            asked = paper.question(label)
            return asked.observe(answer, paper.student, paper.course, salt)

        result, _ = self._timed(observed)
        late = f"the answer took longer than {self.seconds:g} seconds to evaluate"
        return json.dumps({"error": late}) if result is None else result

    def _timed(self, function):
        """Call with captured output and an alarm; returns None if the alarm rang."""
        self.shell.display_pub.outputs.clear()
        printed, before = Printed(), (sys.stdout, sys.stderr)
        sys.stdout = sys.stderr = printed
        signal.setitimer(signal.ITIMER_REAL, self.seconds)
        try:
            result = function()
        except Stopped:
            result = None
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.stdout, sys.stderr = before
        return result, self._outputs(printed)

    def _outputs(self, printed):
        """Return the printed text and the pictures, in notebook form."""
        found = []
        if printed.length:
            found.append({"output_type": "stream", "name": "stdout", "text": printed.text()})
        for shown in self.shell.display_pub.outputs[:MOST_PICTURES]:
            data = shown.get("data", {})
            kept = {"text/plain": str(data.get("text/plain", ""))[:MOST_TEXT]}
            picture = data.get("image/png")
            if isinstance(picture, bytes):
                import base64

                picture = base64.b64encode(picture).decode()
            if isinstance(picture, str) and len(picture) <= LARGEST_PICTURE:
                kept["image/png"] = picture
            found.append({"output_type": "display_data", "data": kept, "metadata": {}})
        return found

    def _stop(self, number, frame):
        raise Stopped(f"stopped after {self.seconds:g} seconds")


def main():
    """Run the job on standard input."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    job = json.loads(sys.stdin.read())
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)

    def tell(**event):
        channel.write(json.dumps(event) + "\n")
        channel.flush()

    from gradflows.grading import ProblemSet

    paper = ProblemSet(job["set"], job["student"], job["course"])
    session = Session(job["cell_seconds"])
    tell(ready=True)
    for cell in job["cells"]:
        if cell["call"]:
            tell(label=cell["call"][0], observed=session.observe(paper, cell["call"], job["salt"]))
            continue
        tell(begin=cell["index"])
        state, outputs = session.run(cell["source"])
        tell(cell=cell["index"], state=state, outputs=outputs)
        if cell["name"]:
            tell(signed=str(session.shell.user_ns.get("STUDENT", ""))[:200])
            session.shell.user_ns["STUDENT"] = job["student"]
    tell(done=True)
    channel.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
