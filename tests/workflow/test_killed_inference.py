"""A killed infer job costs what was in flight, and a run loads its model once."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from standin import attached, standin

SENTENCES = [f"This is sentence number {n}." for n in range(12)]
TIMES = ("generation_start_time", "generation_end_time", "attempts")
PREDICTIONS = "results/heard/predictions/mini/few.jsonl"


@pytest.fixture
def asking(workflow):
    """A run of one split whose model is attached to a stand-in: ``(workflow, stand-in)``."""
    table = workflow.sentences("few", *SENTENCES)
    workflow.benchmark("mini", few={"type": "local", "manifest": str(table)})
    with standin() as server:
        client = {"concurrency": 2}
        workflow.config["models"]["heard"] = attached(server, api="chat", client=client)
        yield workflow, server


def answers(path: Path) -> list[dict[str, Any]]:
    """The predictions without what no two runs share: when they were asked for."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{key: value for key, value in row.items() if key not in TIMES} for row in rows]


def kept(workflow) -> int:
    """How many answers are in the journal."""
    files = (workflow.folder / "results/heard/journal/mini/few").glob("*.jsonl")
    return sum(path.read_bytes().count(b"\n") for path in files)


def kill_inference_after(workflow, server, more: int) -> None:
    """Let some answers through, then end the infer job with SIGKILL."""
    wanted = kept(workflow) + more
    server.hold_after(more)
    process = workflow.start()
    workflow.wait_for(lambda: kept(workflow) == wanted, f"{more} more answers", 120)
    jobs = [number for number, command in workflow.processes().items() if "infer.py" in command]
    assert jobs
    for job in jobs:
        os.kill(job, signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert not (workflow.folder / PREDICTIONS).exists()
    server.release()


@pytest.mark.slow
def test_two_kills_change_no_prediction_and_nothing_is_asked_twice(asking):
    workflow, server = asking
    kill_inference_after(workflow, server, 3)
    kill_inference_after(workflow, server, 5)
    workflow.run()
    killed = answers(workflow.folder / PREDICTIONS)
    assert len(killed) == len(SENTENCES) and all(row["error"] is None for row in killed)
    assert set(server.answered.values()) == {1} and len(server.answered) == len(SENTENCES)

    (workflow.folder / "results").rename(workflow.folder / "killed")
    workflow.run()
    assert answers(workflow.folder / PREDICTIONS) == killed
    assert set(server.answered.values()) == {2}


@pytest.mark.slow
def test_an_evicted_pod_goes_on_with_the_command_of_the_documentation(asking, clone):
    workflow, server = asking
    page = (clone / "docs/cluster.md").read_text()
    (recipe,) = re.findall(r"```yaml\n(apiVersion: batch.*?)```", page, re.DOTALL)
    (container,) = yaml.safe_load(recipe)["spec"]["template"]["spec"]["containers"]
    ours = shlex.join(workflow.command()).removesuffix(" --cores 2")
    pod = [word.replace("snakemake ", f"{ours} ") for word in container["command"]]
    workflow.command = lambda: pod
    server.hold_after(3)
    first = workflow.start()
    workflow.wait_for(lambda: kept(workflow) == 3, "3 answers", 120)
    first.terminate()
    time.sleep(2)  # Kubernetes waits terminationGracePeriodSeconds
    for number in workflow.processes():
        os.kill(number, signal.SIGKILL)
    first.communicate(timeout=60)
    assert list((workflow.folder / ".snakemake/locks").iterdir())
    server.release()
    workflow.run()
    assert len(answers(workflow.folder / PREDICTIONS)) == len(SENTENCES)
    assert set(server.answered.values()) == {1} and len(server.answered) == len(SENTENCES)


@pytest.mark.slow
def test_the_model_is_loaded_once_for_all_splits_of_a_run(workflow):
    sources = {}
    for name in ("first", "second", "third"):
        table = workflow.sentences(name, f"This is the {name} split of this run.")
        sources[name] = {"type": "local", "manifest": str(table)}
    workflow.benchmark("mini", **sources)
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    workflow.run()
    logs = list((workflow.folder / "results/logs/servers").glob("*.log"))
    assert len(logs) == 1
    assert logs[0].read_text().count("loading whisper-tiny.en") == 1
    for name in sources:
        assert len(answers(workflow.folder / f"results/tiny/predictions/mini/{name}.jsonl")) == 1
    workflow.wait_for(lambda: not workflow.processes(), "the server to end with its run", 20)
