"""What SLURM's own logs tell of jobs."""

from __future__ import annotations

import pytest

from earmark.slurm import out_of_memory


@pytest.mark.parametrize("folder", ["rule_infer_gpu/tiny_mini_few", "group_infer_tiny_infer_gpu"])
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the step", True),
        ("slurmstepd: error: Job 7 exceeded virtual memory limit (9 > 8), being killed", True),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", False),
        ("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-11-28 DUE TO TIME LIMIT ***", False),
    ],
)
def test_jobs_that_ran_out_of_memory_are_told_with_what_to_raise(tmp_path, folder, line, told):
    log = tmp_path / folder / "7.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"Building DAG of jobs...\n{line}\n")
    found = dict(out_of_memory(tmp_path, 0))
    assert set(found) == ({log} if told else set())
    assert all("raise `mem_mb` of infer_gpu" in sentence for sentence in found.values())
    assert not list(out_of_memory(tmp_path, log.stat().st_mtime + 1))
