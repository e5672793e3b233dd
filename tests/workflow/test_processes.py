"""Whatever ends a run, no process of it is left."""

from __future__ import annotations

import os
import re
import signal

import pytest


def small_run(workflow, sentences=3):
    table = workflow.sentences(
        "few", *(f"A short sentence with number {n}." for n in range(sentences))
    )
    workflow.benchmark("mini", few={"type": "local", "manifest": str(table)})
    workflow.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}


def serving(workflow) -> bool:
    """Whether the first answers are there."""
    kept = (workflow.folder / "results/tiny/journal/mini/few").glob("*.jsonl")
    return any(path.stat().st_size for path in kept)


def test_nothing_is_left_after_ctrl_c_in_the_middle_of_inference(workflow):
    small_run(workflow, sentences=30)
    process = workflow.start()
    workflow.wait_for(lambda: serving(workflow), "the first requests")
    assert "Traceback" not in workflow.interrupt(process)
    workflow.wait_for(lambda: not workflow.processes(), f"{workflow.processes()} to end", 20)
    assert process.returncode != 0
    assert not (workflow.folder / "results/tiny/predictions/mini/few.jsonl").exists()


@pytest.mark.slow
def test_nothing_is_left_when_the_job_itself_is_killed(workflow):
    small_run(workflow, sentences=30)
    process = workflow.start()
    workflow.wait_for(lambda: serving(workflow), "the first requests")
    jobs = [number for number, command in workflow.processes().items() if "infer.py" in command]
    assert jobs
    for job in jobs:
        os.kill(job, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    workflow.wait_for(lambda: not workflow.processes(), f"{workflow.processes()} to end", 20)


@pytest.mark.slow
def test_nothing_is_left_when_snakemakes_main_process_is_killed(workflow):
    small_run(workflow, sentences=30)
    process = workflow.start()
    workflow.wait_for(lambda: serving(workflow), "the first requests")
    assert any("earmark.demo.server" in command for command in workflow.processes().values())
    process.kill()
    workflow.wait_for(lambda: not workflow.processes(), f"{workflow.processes()} to end", 30)
    process.communicate(timeout=20)
    log = (workflow.folder / "results/logs/infer/tiny/mini/few.log").read_text()
    assert "the Snakemake run that started this job has ended" in log
    assert "--unlock" in workflow.run(code=1)
    workflow.run("--unlock")
    workflow.run("--rerun-incomplete")  # what was answered is kept
    log = (workflow.folder / "results/logs/infer/tiny/mini/few.log").read_text()
    kept = re.search(r"(\d+) of 30 answers are in the journal", log)
    assert kept and int(kept[1]) > 0, log
    assert "30 of 30 requests" in log


def test_nothing_is_left_after_a_failure_and_its_message_is_shown(workflow):
    small_run(workflow)
    workflow.config["models"]["tiny"]["model"] = "another-model"
    output = workflow.run(code=1)
    assert "samples failed" in output
    causes = output.rpartition("Error in rule")[2]  # the last word is ours
    assert "results/logs/infer/tiny/mini/few.log:\nerror: " in causes
    assert "CalledProcessError" not in causes
    assert "served: 'whisper-tiny.en'" in output
    assert workflow.processes() == {}
