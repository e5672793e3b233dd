"""Splits of one model in one allocation: one load, and what happens when it is cut off."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from earmark.servers.run import runtime_folder

STAND_IN = Path(__file__).parents[1] / "servers/stand_in.py"
SPLITS = ("first", "second", "third")
EDITED = ("download", "manifest", "infer_gpu", "score")


@pytest.fixture
def grouped(run):
    """Three splits of a model that needs a GPU, whose server writes down what it does."""
    sources = {}
    for split in SPLITS:
        lines = [f"This is sentence {number} of the {split} split." for number in range(4)]
        sources[split] = {"type": "local", "manifest": str(run.sentences(split, *lines))}
    run.benchmark("mini", **sources)
    serve(run)
    yield run
    for number, words in run.processes().items():
        if "--profile" in words:  # it would submit again
            os.kill(number, signal.SIGKILL)


def serve(run, *options: str) -> None:
    """Have the model's server started with some options."""
    command = [sys.executable, STAND_IN, "--port {port} --model {model} --record", record(run)]
    run.config["models"]["one"] = {
        "server": "command", "command": " ".join(map(str, [*command, *options])), "gpus": 1,
        "model": "stand-in", "audio": "audio_url", "client": {"concurrency": 2},
    }  # fmt: skip


def record(run) -> Path:
    return run.folder / "record.jsonl"


def events(run, kind: str) -> list[str]:
    """What the server wrote down of a kind, once for each time."""
    lines = record(run).read_text().splitlines() if record(run).exists() else []
    return [row["key"] for row in map(json.loads, lines) if row["event"] == kind]


def submitted(output: str) -> list[str]:
    """What was submitted to SLURM: the rule of each job, or the group of several."""
    logs = re.findall(r"has been submitted with SLURM jobid \d+ \(log: .*slurm_logs/(\w+)/", output)
    return sorted(logs)


def jobs(output: str) -> set[tuple[str, str]]:
    """Rules and splits that were run, in groups too."""
    return set(re.findall(r"rule (\w+):\n(?:.+\n)*?.*wildcards: .*split=(\w+)", output))


@pytest.mark.slow
def test_three_splits_are_one_allocation_and_one_load(grouped):
    output = grouped.run()
    assert submitted(output) == ["group_infer_one_infer_gpu", *["rule_manifest"] * 3], output
    assert len(events(grouped, "loaded")) == 1, output
    (log,) = (grouped.folder / "results/logs/servers").glob("*.log")
    assert log.read_text().count("server started") == 1
    asked = Counter(events(grouped, "asked"))
    assert set(asked.values()) == {1} and len(asked) == 12

    lines = [f"This is sentence {number} of the second split." for number in range(3)]
    grouped.sentences("second", *lines, "Another one.")
    output = grouped.run()
    assert jobs(output) == {(rule, "second") for rule in EDITED}
    asked = Counter(events(grouped, "asked"))
    assert set(asked.values()) == {1} and len(asked) == 13
    assert len(events(grouped, "loaded")) == 2
    sockets = {path.stem.partition("-")[2]: path for path in runtime_folder().glob("allocation-*")}
    left = [path for pid, path in sockets.items() if not psutil.pid_exists(int(pid))]
    assert not left  # those of others' allocations live


@pytest.mark.slow
def test_a_cancelled_allocation_costs_what_was_in_flight(grouped):
    serve(grouped, "--latency 1")
    process = grouped.start()
    grouped.wait_for(lambda: len(events(grouped, "answered")) >= 6, "two splits", 900)
    (job,) = grouped.queue("infer_gpu", "running")
    comment = grouped.slurm.run("squeue", "-h", "-j", job, "-o", "%k")
    assert all(f"one/mini/{split}" in comment for split in SPLITS)
    grouped.slurm.run("scancel", job)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0, output
    again = Counter(events(grouped, "asked")).total() - 12
    assert 0 <= again <= 2, events(grouped, "asked")  # the client's concurrency
    assert len(events(grouped, "loaded")) == 2
    for split in SPLITS:
        path = grouped.folder / f"results/one/predictions/mini/{split}.jsonl"
        assert len(path.read_text().splitlines()) == 4
    grouped.wait_for(lambda: not grouped.processes(), f"{grouped.processes()} to end", 20)


@pytest.mark.slow
def test_a_split_that_fails_does_not_keep_the_others_from_being_asked(grouped):
    grouped.sentences("first", "A sentence that is longer than all of the others are. " * 3)
    serve(grouped, "--refuse-seconds 6")
    output = grouped.run("--retries", "0", code=1)
    assert "results/logs/infer/one/mini/first.log:\nerror: 1 of 1 samples failed" in output
    assert len(set(events(grouped, "answered"))) == 8
    grouped.config["models"]["one"]["max_failed_fraction"] = 1.0
    grouped.run()
    assert len(events(grouped, "answered")) == 8
