"""The atlas: its rows, the shipped table, and runs that are stopped, killed and taken up again."""

import builtins
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from distributed import Client, LocalCluster
from jsonschema import Draft202012Validator

from gradflows.conservation import (
    AtlasRecord,
    atlas_certificate,
    atlas_networks,
    atlas_record,
    canonical_widths,
    certify,
    extra_law_count,
    known_law_count,
    load_atlas,
    local_pool,
    run_atlas,
)
from gradflows.conservation.atlas import main
from gradflows.conservation.atlas_records import DATA
from gradflows.conservation.check_certificate import check

SHIPPED = load_atlas()
COMMAND = [sys.executable, "-m", "gradflows.conservation.atlas"]


# The table


def test_the_shipped_atlas_is_the_one_that_is_announced():
    assert [record.widths for record in SHIPPED] == atlas_networks(5, 4)
    assert len(SHIPPED) == 2025
    assert (DATA / "atlas.jsonl").stat().st_size < 300_000


def test_all_shipped_lines_fit_the_schema():
    schema = json.loads((DATA / "schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for line in (DATA / "atlas.jsonl").read_text(encoding="utf-8").splitlines():
        validator.validate(json.loads(line))
    bad = json.loads(SHIPPED[0].to_line())
    for change in ({"laws": "1"}, {"widths": [1, 0, 1]}, {"remark": ""}):
        assert not validator.is_valid(bad | change)
    del bad["complete"]
    assert not validator.is_valid(bad)


def test_all_shipped_certificates_are_closed_and_agree_with_the_formulas():
    for record in SHIPPED:
        assert record.complete
        assert record.laws == record.known + record.extra
        assert record.laws + record.lie_dimension == record.parameters
        assert record.known == known_law_count(record.widths)
        assert record.extra == extra_law_count(record.widths)


def test_a_random_part_of_the_shipped_atlas_is_computed_again(rng):
    for i in rng.choice(len(SHIPPED), 100, replace=False):
        assert atlas_record(SHIPPED[i].widths) == SHIPPED[i]


def test_the_reversed_networks_have_the_same_counts(rng):
    for i in rng.choice(len(SHIPPED), 30, replace=False):
        record = SHIPPED[i]
        found = certify(record.reversed, rng=rng, method="computed")
        assert (found.laws, found.complete) == (record.laws, True)


def test_the_independent_verifier_accepts_certificates_of_the_atlas(rng):
    for i in [0, *rng.choice(len(SHIPPED), 5, replace=False)]:
        record = SHIPPED[i]
        verdict = check(json.loads(atlas_certificate(record.widths).to_json()))
        assert verdict.startswith(
            f"{record.parameters} parameters, dim Lie = {record.lie_dimension}, {record.laws} laws"
        )


def test_certificates_depend_on_the_widths_alone():
    assert atlas_certificate((3, 1, 2)).to_json() == atlas_certificate([2, 1, 3]).to_json()
    thetas = [atlas_certificate(w).witness.theta[:4].tolist() for w in [(2, 2, 2), (2, 3, 2)]]
    assert thetas[0] != thetas[1]


# Rows and lists


def test_known_rows():
    rows = [(1, 2, 2, 1), (2, 3, 3, 2), (2, 1, 2, 2, 1, 2)]
    counts = [atlas_record(widths) for widths in rows]
    assert [(r.laws, r.known, r.extra) for r in counts] == [(7, 6, 1), (12, 12, 0), (9, 8, 1)]


@pytest.mark.parametrize("W, H", [(1, 5), (2, 4), (4, 3)])
def test_the_list_has_one_of_each_pair(W, H):
    networks = atlas_networks(W, H)
    assert len(networks) == sum(
        (W ** (h + 1) + W ** -(-(h + 1) // 2)) // 2 for h in range(2, H + 1)
    )
    assert len({canonical_widths(widths) for widths in networks}) == len(networks)
    assert networks == sorted(networks, key=lambda widths: (len(widths), widths))


def test_the_list_can_be_cut_by_the_number_of_parameters():
    few = atlas_networks(4, 3, max_parameters=12)
    assert few == [r.widths for r in SHIPPED if set(r.widths) <= {1, 2, 3, 4} and r.depth < 4
                   and r.parameters <= 12]  # fmt: skip


@pytest.mark.parametrize(
    "arguments, words", [((0, 3), "max_width"), ((3, 1), "max_depth"), ((3, 3, 0), "max_param")]
)
def test_bad_sizes_are_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        atlas_networks(*arguments)


def test_lines_are_read_as_they_are_written():
    for record in SHIPPED[::100]:
        assert AtlasRecord.from_line(record.to_line() + "\n") == record


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[1]",
        SHIPPED[9].to_line()[:-1],
        SHIPPED[9].to_line().replace(":", ": ", 1),
        SHIPPED[9].to_line().replace("}", ',"more":1}'),
        '{"widths":[2,1,1],"reversed":[1,1,2],"parameters":3,"lie_dimension":2,"laws":1,'
        '"known":1,"extra":0,"complete":true}',
    ],
)
def test_other_lines_are_refused(line):
    with pytest.raises(ValueError, match="line: expected one of the atlas"):
        AtlasRecord.from_line(line)


# Runs


def shipped_text(networks):
    """What a finished file of these networks must say."""
    wanted = set(networks)
    return "".join(f"{record.to_line()}\n" for record in SHIPPED if record.widths in wanted)


class Counting:
    """An executor that does something at its n-th task."""

    def __init__(self, executor, at=None, action=None):
        self.executor, self.at, self.action, self.tasks = executor, at, action, []

    def submit(self, task, widths):
        self.tasks.append(widths)
        if len(self.tasks) == self.at:
            self.action()
        return self.executor.submit(task, widths)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as executor:
        yield executor


def test_a_run_leaves_a_sorted_file_and_the_schema(tmp_path, threads):
    networks = atlas_networks(3, 2)
    records = run_atlas(networks, tmp_path / "new", threads)
    assert [record.widths for record in records] == networks
    assert (tmp_path / "new" / "atlas.jsonl").read_text() == shipped_text(networks)
    assert (tmp_path / "new" / "schema.json").read_bytes() == (DATA / "schema.json").read_bytes()
    assert not (tmp_path / "new" / "atlas.part.jsonl").exists()


def test_an_atlas_can_grow_and_nothing_is_computed_twice(tmp_path, threads):
    small, large = atlas_networks(2, 3), atlas_networks(3, 3)
    run_atlas(small, tmp_path, threads)
    again = Counting(threads)
    run_atlas(large, tmp_path, again)
    assert sorted(again.tasks) == sorted(set(large) - set(small))
    idle = Counting(threads)
    records = run_atlas(small, tmp_path, idle)
    assert idle.tasks == [] and [record.widths for record in records] == large
    assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(large)


def test_a_torn_line_is_discarded(tmp_path, threads):
    networks = atlas_networks(2, 3)
    lines = shipped_text(networks[:7]).splitlines(keepends=True)
    for torn in (lines[6][:40], lines[6][:-1], '{"widths":[1,1,'):
        (tmp_path / "atlas.jsonl").unlink(missing_ok=True)
        (tmp_path / "atlas.part.jsonl").write_text("".join(lines[5::-1]) + torn)
        counting = Counting(threads)
        run_atlas(networks, tmp_path, counting)
        assert counting.tasks == networks[6:]
        assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(networks)


def test_a_foreign_file_is_left_alone(tmp_path, threads):
    text = shipped_text(atlas_networks(2, 2)) + "something else\n"
    (tmp_path / "atlas.part.jsonl").write_text(text)
    with pytest.raises(ValueError, match="atlas.part.jsonl, line 7: line: expected"):
        run_atlas(atlas_networks(2, 3), tmp_path, threads)
    assert (tmp_path / "atlas.part.jsonl").read_text() == text


def test_two_runs_do_not_share_a_folder(tmp_path, threads):
    with open(tmp_path / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another run"):
            run_atlas(atlas_networks(2, 2), tmp_path, threads)
    run_atlas(atlas_networks(2, 2), tmp_path, threads)


def test_a_worker_of_the_local_pool_dies(tmp_path):
    networks = atlas_networks(3, 4)
    with local_pool(2) as pool:
        dying = Counting(pool, at=120, action=lambda: pool.submit(os._exit, 1))
        with pytest.raises(RuntimeError, match="run the same command again"):
            run_atlas(networks, tmp_path, dying)
    lines = (tmp_path / "atlas.part.jsonl").read_text().splitlines()
    assert 50 <= len(lines) < len(networks)
    assert len(lines) == len({AtlasRecord.from_line(line).widths for line in lines})
    with local_pool(2) as pool:
        counting = Counting(pool)
        run_atlas(networks, tmp_path, counting)
    assert len(counting.tasks) == len(networks) - len(lines)
    assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(networks)


def test_a_worker_of_a_cluster_dies(tmp_path):
    networks = atlas_networks(3, 4)
    with (
        LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        pids = client.run(os.getpid)
        assert len(set(pids.values())) == 2 and os.getpid() not in pids.values()
        victim = min(pids.values())
        dying = Counting(
            client.get_executor(), at=120, action=lambda: os.kill(victim, signal.SIGKILL)
        )
        records = run_atlas(networks, tmp_path, dying)
        assert victim not in client.run(os.getpid).values()
    assert dying.tasks == networks and [record.widths for record in records] == networks
    assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(networks)


# The command


def test_the_command_with_a_cluster(tmp_path, capsys):
    size = ["--max-width", "3", "--max-depth", "3", "--max-parameters", "12"]
    with LocalCluster(1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert main([*size, "--out", str(tmp_path), "--scheduler", address]) == 0
    networks = atlas_networks(3, 3, 12)
    assert f"{len(networks)} networks in" in capsys.readouterr().out
    assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(networks)


def started(folder):
    """Start the command, and wait until a few networks are on record."""
    arguments = ["--max-width", "5", "--max-depth", "4", "--workers", "1", "--out", str(folder)]
    run = subprocess.Popen(
        [*COMMAND, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # whoever runs the tests in the background may ignore Ctrl-C, and it would be inherited
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    part = folder / "atlas.part.jsonl"
    while not (part.exists() and part.stat().st_size > 1000):
        assert run.poll() is None, run.stderr.read()
        time.sleep(0.01)
    return run, psutil.Process(run.pid).children(recursive=True)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_is_stopped_and_goes_on(tmp_path, stop):
    run, workers = started(tmp_path)
    # Ctrl-C goes to all processes of a terminal, the other two to the one that is named.
    (os.killpg if stop == signal.SIGINT else os.kill)(run.pid, stop)
    errors = run.communicate(timeout=60)[1]
    assert psutil.wait_procs(workers, timeout=60)[1] == []
    if stop != signal.SIGKILL:
        assert run.returncode == 130 and "goes on from here" in errors
        assert "Traceback" not in errors
    part = (tmp_path / "atlas.part.jsonl").read_text()
    lines = [line for line in part.splitlines(keepends=True) if line.endswith("\n")]
    done = {AtlasRecord.from_line(line).widths for line in lines}
    assert len(done) == len(lines)
    assert 0 < len(done) < len(SHIPPED)
    networks = [widths for widths in atlas_networks(5, 4) if len(widths) == 3 or widths in done]
    with ThreadPoolExecutor(1) as executor:
        counting = Counting(executor)
        records = run_atlas(networks, tmp_path, counting)
    assert not done & set(counting.tasks)
    assert set(networks) <= {record.widths for record in records}
    assert (tmp_path / "atlas.jsonl").read_text() == shipped_text(r.widths for r in records)


def test_progress_without_tqdm(tmp_path, threads, monkeypatch, capsys):
    importing = builtins.__import__

    def without_tqdm(name, *rest):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_tqdm)
    networks = atlas_networks(2, 3)
    run_atlas(networks[:3], tmp_path, threads)
    assert capsys.readouterr().err == ""
    run_atlas(networks, tmp_path, threads, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"4 of {len(networks)} networks" and len(lines) == 9
    assert lines[-1] == f"{len(networks)} of {len(networks)} networks"


def test_without_dask_the_command_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "distributed", None)
    size = ["--max-width", "2", "--max-depth", "2", "--out", str(tmp_path)]
    assert main([*size, "--scheduler", "tcp://127.0.0.1:9"]) == 1
    assert 'pip install "gradflows[cluster]"' in capsys.readouterr().err


def test_the_command_prints_a_certificate(tmp_path, monkeypatch):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["--certificate", "1", "2", "2", "1"]) == 0
    assert check(json.loads(out.getvalue())) == "8 parameters, dim Lie = 1, 7 laws, complete"


@pytest.mark.parametrize("arguments", [[], ["--max-width", "2"], ["--workers", "x"]])
def test_an_incomplete_command_shows_its_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2 and "--max-width" in capsys.readouterr().err


def test_bad_sizes_end_the_command(tmp_path, capsys):
    assert main(["--max-width", "2", "--max-depth", "1", "--out", str(tmp_path)]) == 1
    assert "max_depth: expected at least 2" in capsys.readouterr().err


def test_open_certificates_are_named(tmp_path, capsys, monkeypatch):
    row = SHIPPED[5]
    false = AtlasRecord(row.widths, row.parameters, row.lie_dimension - 1, row.laws + 1, row.known,
                        row.extra, False)  # fmt: skip
    (tmp_path / "atlas.jsonl").write_text(false.to_line() + "\n")
    size = ["--max-width", "1", "--max-depth", "2", "--workers", "1"]
    assert main([*size, "--out", str(tmp_path)]) == 0
    assert f"open: {false.to_line()}" in capsys.readouterr().out
