"""The demo, through profiles/slurm, on two nodes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from earmark.slurm import never_starting


def test_the_demo_runs_on_the_cluster_once_a_site_has_edited_three_lines(run):
    table = run.sentences("few", "A short sentence.", "Another one, not much longer.")
    run.benchmark("mini", few={"type": "local", "manifest": str(table)})
    run.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    output = run.run()
    metrics = json.loads((run.folder / "results/tiny/eval-results/mini/metrics.json").read_text())
    assert metrics["mini"]["pass@1"]["num_entries"] == 2, output
    assert run.jobs("-n") == set()


def test_a_job_that_can_never_start_is_told(slurm, tmp_path):
    slurm.run("scontrol", "update", "PartitionName=cpu", "MaxTime=60")
    try:
        comment = "rule_infer_wildcards_tiny_mini_few"
        job = slurm.run("sbatch", "--parsable", "-p", "cpu", "-t", "240", "-D", str(tmp_path),
                        "--comment", comment, "--wrap", "true")  # fmt: skip
        slurm.until(lambda: dict(never_starting(tmp_path)), "SLURM to give a reason")
        (sentence,) = dict(never_starting(tmp_path)).values()
        assert f"SLURM job {job} ({comment}) can not start: PartitionTimeLimit" in sentence
        assert "lower `runtime`" in sentence
        assert not dict(never_starting(tmp_path.parent))  # another run's
        page = (Path(__file__).parents[2] / "profiles/slurm/README.md").read_text()
        (documented,) = re.findall("^squeue .*", page, re.MULTILINE)
        assert comment in slurm.run(*shlex.split(documented))
    finally:
        slurm.run("scontrol", "update", "PartitionName=cpu", "MaxTime=UNLIMITED")
        slurm.run("scancel", job)


def test_without_accounting_a_run_ends_at_once_and_names_the_flag(run):
    table = run.sentences("few", "A short sentence.")
    run.benchmark("mini", few={"type": "local", "manifest": str(table)})
    run.config["models"]["tiny"] = {"server": "demo", "model": "whisper-tiny.en"}
    output = run.run("--slurm-status-command", "sacct", code=1)
    assert "error: this cluster has no accounting" in output
    assert "`--slurm-status-command squeue`" in output
    assert "has been submitted" not in output


@pytest.mark.slow
def test_a_job_that_ran_out_of_memory_is_told_with_what_to_raise(run):
    table = run.sentences("few", "A short sentence.")
    run.benchmark("mini", few={"type": "local", "manifest": str(table)})
    said = "slurmstepd: error: Detected 1 oom_kill event in StepId=1.batch"
    logs = run.folder / ".snakemake/slurm_logs/rule_infer"  # as slurmd writes there
    starved = f"sh -c 'echo {said} >> {logs}/own.log; exit 9' {{model}} {{host}} {{port}}"
    run.config["models"]["tiny"] = {"server": "command", "command": starved, "model": "tiny"}
    output = run.run(code=1)
    assert "ended it for want of memory: raise `mem_mb` of infer" in output, output
