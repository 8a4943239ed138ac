"""What a lecturer reads after a run: marks as CSV, a summary with a histogram."""

import csv
import html
import io

import matplotlib
import numpy as np

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font: 16px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .8rem; text-align: left;
border-bottom: 1px solid #ccc }} td.n {{ text-align: right }}</style></head><body>
<h1>{title}</h1>
<p>{count} submissions; {open_} with written answers still to be read, in nbgrader's form grader.
Points for answers judged by machine: {mean:.1f} of {most:g} on average.</p>
<figure>{histogram}<figcaption>Points for answers judged by machine.</figcaption></figure>
<h2>Problems</h2>
<table><tr><th>problem</th><th>average</th><th>full marks</th><th>most frequent mistake</th></tr>
{problems}</table>
<h2>Stopped or not accepted</h2>{stopped}
</body></html>
"""


def write_marks(path, records, scores):
    """Write one line a student: points of each problem, totals, and the reason if stopped."""
    labels = list(records[0].marks) if records else []
    header = ["student", *labels, "judged", "total", "out_of", "written_open", "reason"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for record in records:
            points = [record.marks[label][0] for label in labels]
            total, most, waiting = scores[record.student]
            writer.writerow([record.student, *(f"{p:g}" for p in points), f"{sum(points):g}",
                             f"{total:g}", f"{most:g}", "yes" if waiting else "no",
                             record.reason or ""])  # fmt: skip


def write_summary(path, title, records, scores):
    """Write the summary page."""
    totals = [sum(points for points, _, _ in r.marks.values()) for r in records]
    most = max((sum(out for _, out, _ in r.marks.values()) for r in records), default=0)
    labels = list(records[0].marks) if records else []
    stopped = [
        f"<li>{html.escape(r.student)}: {html.escape(r.reason)}</li>" for r in records if r.reason
    ]
    page = PAGE.format(
        title=html.escape(title),
        count=len(records),
        open_=sum(bool(waiting) for _, _, waiting in scores.values()),
        mean=float(np.mean(totals)) if totals else 0.0,
        most=most,
        histogram=_histogram(totals, most),
        problems="\n".join(_problem(label, records) for label in labels),
        stopped=f"<ul>{''.join(stopped)}</ul>" if stopped else "<p>None.</p>",
    )
    path.write_text(page, encoding="utf-8")


def _problem(label, records):
    """Return the table row of a problem."""
    marks = [r.marks[label] for r in records]
    average = np.mean([points for points, _, _ in marks])
    full = sum(points == out for points, out, _ in marks)
    mistakes = {}
    for _, _, text in marks:
        for line in text.splitlines()[1:]:
            said = line.split(": ", 2)[-1]
            if said != "right" and not said.startswith("not reached"):
                mistakes[said] = mistakes.get(said, 0) + 1
    most = max(mistakes, key=mistakes.get, default="")
    often = f"{html.escape(most)} ({mistakes[most]})" if most else ""
    return (
        f"<tr><td>{label}</td><td class=n>{average:.2f} of {marks[0][1]:g}</td>"
        f"<td class=n>{full}</td><td>{often}</td></tr>"
    )


def _histogram(totals, most):
    """Draw the histogram of the totals as SVG text."""
    matplotlib.use("agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.8, 2.8), layout="constrained")
    axes = figure.subplots()
    edges = np.arange(-0.5, max(most, 1) + 1)
    axes.hist(totals, bins=edges, color="#0072B2")
    axes.set(xlabel="points", ylabel="submissions", xlim=(-0.5, max(most, 1) + 0.5))
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]
