"""Whatever happens to a job on the cluster, the results are complete and no answer is paid twice.

A test lets the model answer some requests and holds the others; then the fault strikes. What was
answered by then is in the journal, and only the rest may be asked for afterwards.
"""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import soundfile
from standin import attached, standin

CLIPS, ANSWERED = 8, 3


@pytest.fixture
def held(run):
    """A run whose infer job has three answers in its journal and waits for five more."""
    audio = run.folder / "audio"
    audio.mkdir()
    rows = []
    for index in range(CLIPS):
        samples = 0.3 * np.sin(2 * np.pi * (300 + 20 * index) * np.arange(8000) / 16000)
        soundfile.write(audio / f"{index}.wav", samples, 16000)
        rows.append({"id": f"u{index}", "audio_filepath": f"{index}.wav", "text": "heard"})
    (audio / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run.benchmark("mini", all={"type": "local", "manifest": str(audio / "all.jsonl")})
    with standin() as server:
        run.server = server
        run.config["models"]["one"] = attached(server, client={"concurrency": 4})
        server.hold_after(ANSWERED)
        run.process = run.start()
        yield run
        run.process.kill()
        run.process.communicate()


def journalled(run) -> int:
    folder = run.folder / "results/one/journal/mini/all"
    files = list(folder.rglob("*.jsonl")) if folder.is_dir() else []
    return sum(len(file.read_text().splitlines()) for file in files)


def until_held(run) -> str:
    """Wait for the answers to be in the journal; returns the infer job's id."""
    run.wait_for(lambda: journalled(run) >= ANSWERED or run.process.poll() is not None, "answers")
    assert run.process.poll() is None, run.process.communicate()[0]
    (job,) = run.queue("infer", "running")
    return job


def finish(run, code: int = 0) -> str:
    output, _ = run.process.communicate(timeout=400)
    assert run.process.returncode == code, output
    return output


def complete(run, output: str = "") -> None:
    """All samples are scored, each was answered exactly once, and nothing is left to do."""
    path = run.folder / "results/one/predictions/mini/all.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"u{index}" for index in range(CLIPS)], output
    assert all(row["generation"].startswith("heard") and row["error"] is None for row in rows)
    metrics = json.loads((run.folder / "results/one/eval-results/mini/metrics.json").read_text())
    assert metrics["mini"]["pass@1"]["num_entries"] == CLIPS
    assert len(run.server.answered) == CLIPS
    assert set(run.server.answered.values()) == {1}
    assert run.jobs("-n") == set()


@pytest.mark.slow
def test_a_cancelled_job_is_retried_and_asks_only_for_the_rest(held):
    job = until_held(held)
    held.slurm.run("scancel", job)
    held.wait_for(lambda: job not in held.queue("infer", "running,completing"), "scancel")
    held.server.release()
    complete(held, finish(held))


@pytest.mark.slow
def test_killed_processes_are_retried_and_ask_only_for_the_rest(held):
    until_held(held)
    for number, command in held.processes().items():
        if "infer.py" in command:
            os.kill(number, signal.SIGKILL)
    held.server.release()
    complete(held, finish(held))


@pytest.mark.slow
def test_a_lost_node_leaves_its_job_to_the_other(held):
    job = until_held(held)
    node = held.slurm.run("squeue", "-h", "-j", job, "-o", "%N")
    held.slurm.kill_node(node)
    held.server.release()
    held.wait_for(lambda: job in held.queue("infer", "pending"), "the job to wait again")
    held.slurm.run("scontrol", "update", f"JobId={job}", "StartTime=now")  # SLURM waits minutes
    output = finish(held)
    held.slurm.start_node(node)
    complete(held, output)


@pytest.mark.slow
def test_a_limit_that_is_too_short_ends_in_a_retry_that_goes_on(held):
    # The limit as it is noticed: SIGTERM, as `--signal` sends it to the job's steps.
    job = until_held(held)
    held.slurm.run("scontrol", "update", f"JobId={job}", "TimeLimit=1")
    held.wait_for(lambda: job not in held.queue("infer", "running"), "the limit")
    held.server.release()
    complete(held, finish(held))


@pytest.mark.slow
def test_a_refused_submission_is_made_again_by_the_next_run(held):
    until_held(held)
    held.slurm.run("scontrol", "update", "PartitionName=cpu", "State=INACTIVE")
    try:
        held.server.release()
        output = finish(held, code=1)
    finally:
        held.slurm.run("scontrol", "update", "PartitionName=cpu", "State=UP")
    assert "sbatch failed" in output
    held.process = held.start()
    complete(held, finish(held))


@pytest.mark.slow
def test_editing_clone_and_config_during_a_run_changes_the_next_run_alone(held):
    until_held(held)
    config = held.config["models"]["one"]
    scripts = held.clone / "workflow/scripts"
    (held.folder / "config.yaml").write_text("models: {}\nbenchmarks: {}\n")
    (scripts / "score.py").write_text("raise SystemExit('edited')\n")
    (scripts / "earmark/scoring/word_errors.py").write_text("raise SystemExit('edited')\n")
    (held.clone / "workflow/rules/score.smk").write_text("this is no rule\n")
    (held.folder / "mini.yaml").unlink()
    held.server.hold_after(CLIPS)
    held.server.release()
    output = finish(held)
    assert "edited" not in output
    metrics = json.loads((held.folder / "results/one/eval-results/mini/metrics.json").read_text())
    assert metrics["mini"]["pass@1"]["num_entries"] == CLIPS
    assert len(held.server.answered) == CLIPS
    assert set(held.server.answered.values()) == {1}
    assert config == held.config["models"]["one"]


def waited_for(run, old: str) -> None:
    """A second run's job says which job has the journal, and goes on when that one has ended."""

    def said() -> str:  # Snakemake removes the log before the job writes it anew
        logs = (run.folder / "results/logs").rglob("all.log")
        return "".join(log.read_text() for log in logs if "infer" in log.parts)

    run.wait_for(lambda: "waiting for it to end" in said(), "the second job to wait")
    assert f"(SLURM job {old})" in said()
    assert journalled(run) == ANSWERED
    run.server.release()


@pytest.mark.slow
def test_after_snakemake_was_killed_the_next_run_waits_for_the_job_that_goes_on(held):
    old = until_held(held)
    held.process.kill()
    held.process.communicate()
    held.run("--unlock")
    held.process = held.start()
    waited_for(held, old)
    output = finish(held)
    assert "Trying to restart" not in output
    complete(held, output)


@pytest.mark.slow
def test_of_two_runs_that_share_results_the_second_waits_and_goes_on(held, clone):
    old = until_held(held)
    other = type(held)(clone, held.folder / "other", held.slurm)
    shared = {name: str(held.folder / name[:-4]) for name in ("data_dir", "results_dir")}
    other.config = {**held.config, **shared}
    predictions = f"{shared['results_dir']}/one/predictions/mini/all.jsonl"
    second = other.start(predictions)
    try:
        waited_for(held, old)
        first = finish(held)
        output, _ = second.communicate(timeout=120)
    finally:
        second.kill()
    assert second.returncode == 0, output
    complete(held, first + output)
