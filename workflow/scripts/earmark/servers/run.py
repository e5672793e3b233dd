"""The Snakemake run that a job belongs to: servers are shared within it and end with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Run:
    """A process whose life bounds that of the servers started for it.

    Attributes:
        pid: The process.
        started: When it started, in Unix seconds: pids are used again.
        shared: Whether other jobs of the run may come to this machine for the same server.
    """

    pid: int
    started: float
    shared: bool

    def alive(self) -> bool:
        """Whether the process still runs (one that has ended but was not waited for does not)."""
        import psutil

        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 2
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


def current_run() -> Run:
    """The run of this job: Snakemake's main process here, or else this job alone.

    On a cluster the nearest Snakemake is the one that runs this job and nothing else
    (``--mode remote``), so each job has its own servers.
    """
    import psutil

    for process in psutil.Process().parents():
        try:
            words = process.cmdline()
            started = process.create_time()
        except psutil.Error:
            continue
        mode = snakemake_mode(words)
        if mode == "remote":
            return Run(process.pid, started, shared=False)
        if mode == "default":
            return Run(process.pid, started, shared=True)
    return own_run()


def own_run() -> Run:
    """This process as a run of its own."""
    import psutil

    return Run(os.getpid(), psutil.Process().create_time(), shared=False)


def snakemake_mode(words: Sequence[str]) -> str | None:
    """The mode of a Snakemake command line (``default`` unless it says so), or None for others."""
    head = [PurePath(word).name for word in words[:4]]
    named = "snakemake" in head[:2] or (len(head) > 2 and head[1:3] == ["-m", "snakemake"])
    if not named:
        return None
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--mode":
            return following
        if word.startswith("--mode="):
            return word.partition("=")[2]
    return "default"
