"""What SLURM would keep to itself: no accounting, and jobs that can never start."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from earmark.errors import EarmarkError

REASONS = {
    "PartitionTimeLimit": "the partition {partition} allows less than the {limit} asked for: "
    "lower `runtime` (minutes; answers are kept, and the next job goes on) or `group-components` "
    "(splits in an allocation), or name another `slurm_partition`",
    "PartitionNodeLimit": "the partition {partition} allows fewer nodes: lower the model's `nodes`",
    "BadConstraints": "no node of the partition {partition} has all that is asked for: compare "
    "`mem_mb`, `cpus_per_task`, `constraint` and the model's `gpus` with `sinfo -N -l`",
    "InvalidAccount": "this account may not be charged: set `slurm_account`",
    "InvalidQOS": "this account has no such quality of service",
    "JobHeldAdmin": "an administrator holds it",
    "JobHeldUser": "it is held: `scontrol release` lets it go",
}
"""Why a pending job stays so whatever the others do, as ``squeue`` says it (%r)."""

_OUT_OF_MEMORY = re.compile(r"oom[_-]kill|OUT_OF_MEMORY|exceeded .{0,40}memory limit", re.I)


def check_accounting(status_command: str) -> None:
    """Try the command by which Snakemake learns that a job has ended.

    Raises:
        EarmarkError: where it is ``sacct`` and there is no accounting to ask: finished jobs would
            count as running for ten minutes and more.
    """
    if status_command != "sacct":
        return
    try:
        tried = _run("sacct", "-X", "--noheader", "--format=JobID", "--starttime=now")
        problem = (tried.stderr.strip().splitlines() or ["no word why"])[0]
        if tried.returncode == 0:
            return
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    raise EarmarkError(
        f"this cluster has no accounting that tells of finished jobs (sacct: {problem}): add "
        "`--slurm-status-command squeue`, or the line `slurm-status-command: squeue` to "
        "profiles/slurm/config.yaml; where there are no accounts either, add `--slurm-no-account` "
        "and remove `slurm_account`"
    )


def name_allocation(jobs: Sequence[tuple[str, Mapping[str, str]]]) -> None:
    """Say in the comment of this SLURM job which jobs it runs (rule and wildcards of each)."""
    names = sorted("/".join(filter(None, values.values())) for _, values in jobs)
    rules = "+".join(sorted({rule for rule, _ in jobs}))
    comment = f"Comment=rule_{rules} {' '.join(names)}"
    with suppress(OSError, subprocess.TimeoutExpired):  # a comment is worth no job
        _run("scontrol", "update", f"JobId={os.environ['SLURM_JOB_ID']}", comment)


def never_starting(folder: str | Path) -> Iterator[tuple[str, str]]:
    """Pending jobs that no waiting will start, of those that were submitted from a folder.

    Yields:
        A job's id, and a sentence with its rule, the reason and what would help.
    """
    columns = "--format=%i|%r|%P|%l|%Z|%k"
    listed = _run("squeue", "--me", "--noheader", "--states=PENDING", columns)
    for line in listed.stdout.splitlines():
        number, reason, partition, limit, place, comment = line.split("|", 5)
        if place != str(folder):
            continue
        advice = REASONS.get(reason)
        if advice is None and ("PerJob" in reason or "PerNode" in reason):
            advice = "one job may not have so much: ask for less in profiles/slurm/config.yaml"
        if advice:
            what = advice.format(partition=partition, limit=limit)
            yield number, f"SLURM job {number} ({comment}) can not start: {reason}: {what}"


def out_of_memory(logs: str | Path, since: float) -> Iterator[tuple[Path, str]]:
    """Jobs that SLURM ended because they wanted more memory than they had asked for.

    Args:
        logs: The folder of SLURM's own logs of jobs, each as ``rule_<rule>/…/<job>.log``.
        since: Unix seconds; logs that were written earlier are another run's.

    Yields:
        A job's log, and what would help.
    """
    for path in sorted(Path(logs).rglob("*.log")):
        if path.stat().st_mtime < since:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")[-20_000:]
        if _OUT_OF_MEMORY.search(text):
            folder = path.relative_to(logs).parts[0]  # rule_…, or group_…_ and then its rule
            (rule,) = re.findall(r"[a-z]+(?:_shard)?(?:_gpu)?$", folder)
            what = f"raise `mem_mb` of {rule} under `set-resources` in profiles/slurm/config.yaml"
            yield path, f"SLURM ended it for want of memory: {what} (answers are kept)"


def watch(folder: str | Path, warn: Callable[[str], None], every: float = 30) -> None:
    """Warn once of each job that can never start (`never_starting`), until the process ends."""

    def look() -> None:
        known: set[str] = set()
        while True:
            time.sleep(every)
            try:
                jobs = dict(never_starting(folder))
            except (OSError, ValueError, subprocess.TimeoutExpired):
                continue  # a busy controller; Snakemake itself tells where it is gone
            for number in jobs.keys() - known:
                warn(jobs[number])
            known |= jobs.keys()

    threading.Thread(target=look, daemon=True, name="pending jobs").start()


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
