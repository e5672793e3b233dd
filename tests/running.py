"""Real Snakemake runs in a folder of their own, on a few sentences; for tests of any folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import yaml
from speech import spoken

SNAKEMAKE = [sys.executable, "-m", "snakemake"]


class Workflow:
    """A folder with a config in it, on which the clone's workflow is run."""

    def __init__(self, clone: Path, folder: Path) -> None:
        self.clone = clone
        self.folder = folder
        self.mark = uuid.uuid4().hex
        self.config: dict[str, Any] = {"benchmarks": {}, "models": {}}
        self.environment_more: dict[str, str] = {}

    def sentences(self, name: str, *lines: str, snr_db: float | None = None) -> Path:
        """Write a local set in which sentences are spoken; see `speech.spoken`."""
        return spoken(self.folder / f"{name}.jsonl", lines, snr_db)

    def benchmark(self, name: str, **splits: dict[str, Any]) -> None:
        """Declare a benchmark, each split by its source, and select all of it."""
        path = self.folder / f"{name}.yaml"
        declared = {split: {"source": source} for split, source in splits.items()}
        path.write_text(yaml.safe_dump({"prompt": {"user": "Transcribe."}, "splits": declared}))
        self.config["benchmarks"][name] = {"file": str(path)}

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [
            *SNAKEMAKE, "--snakefile", str(self.clone / "Snakefile"), "--directory",
            str(self.folder), "--configfile", str(self.folder / "config.yaml"),
            "--workflow-profile", str(self.clone / "profiles" / "default"), "--cores", "2",
            *arguments,
        ]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a run, among them a mark by which its processes are found."""
        return {**os.environ, **self.environment_more, "EARMARK_TEST_RUN": self.mark}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a run; its output is one stream of text."""
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(self.config), encoding="utf-8")
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # as in the background, for children too
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
            start_new_session=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run to the end; returns the output, and insists on the exit code."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=900)
        assert process.returncode == code, output
        return output

    def jobs(self, *arguments: str) -> set[tuple[str, str]]:
        """Run, and tell which jobs ran: pairs of rule and split (or empty)."""
        return self.jobs_in(self.run(*arguments))

    @staticmethod
    def jobs_in(output: str) -> set[tuple[str, str]]:
        """The jobs that Snakemake's output announces, as pairs of rule and split.

        The report, which follows any change of numbers, is left out; it has tests of its own.
        """
        found = set()
        for block in re.split(r"\n(?=\[|(?:local)?rule )", output):
            rule = re.search(r"^(?:local)?rule (\w+):", block, re.MULTILINE)
            if rule and rule[1] not in ("all", "report"):
                split = re.search(r"wildcards: .*split=([\w.-]+)", block)
                found.add((rule[1], split[1] if split else ""))
        return found

    def processes(self) -> dict[int, str]:
        """Process ids and command lines of what this folder's runs have running."""
        mark = f"EARMARK_TEST_RUN={self.mark}".encode()
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:  # an ended process that nobody has waited for has none
                        found[int(process.name)] = command
            except OSError:
                continue
        return found

    def interrupt(self, process: subprocess.Popen[str]) -> str:
        """What Ctrl-C does: SIGINT to the whole foreground group. Returns the output."""
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        return output

    def wait_for(self, condition: Any, what: str, seconds: float = 240) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
            time.sleep(0.05)
