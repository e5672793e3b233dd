"""What a job's log ends with, and what a run tells of it."""

from __future__ import annotations

import os
import subprocess
import sys

from earmark.errors import failed_jobs

JOB = """
import sys
from earmark.errors import EarmarkError, job_log
with job_log(sys.argv[1]):
    print("working")
    raise {}
"""


def job(path, problem: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", JOB.format(problem), path], capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_causes_are_the_ends_of_the_logs_of_this_runs_failed_jobs(tmp_path):
    logs = {name: tmp_path / f"{name}/m/b/s.log" for name in ("infer", "score", "judge", "servers")}
    assert job(logs["infer"], "EarmarkError('no such file\\nput one there')").returncode == 1
    assert job(logs["score"], "ValueError('a defect')").returncode == 1
    assert job(logs["servers"], "EarmarkError('not a job')").returncode == 1
    assert job(logs["judge"], "EarmarkError('of an earlier run')").returncode == 1
    os.utime(logs["judge"], (1000, 1000))
    (tmp_path / "fine.log").write_text("no error: all went well\n")
    assert list(failed_jobs(tmp_path, 2000)) == [
        (logs["infer"], "error: no such file\nput one there"),
        (logs["score"], "ValueError: a defect"),
    ]
    assert list(failed_jobs(tmp_path / "none", 2000)) == []


def test_ctrl_c_leaves_no_traceback(tmp_path):
    done = job(tmp_path / "a.log", "KeyboardInterrupt")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr + (tmp_path / "a.log").read_text()
