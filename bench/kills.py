"""Whether a run survives kills: random SIGKILLs over its processes, and Ctrl-C twice.

300 clips in three splits are asked of a stand-in's server on this machine, while Snakemake, a job,
the server, its launcher or its supervisor is killed, and the same command is given again where it
ended. Afterwards: how many answers were asked twice (but for those in flight), which predictions
differ from a run without kills, and which processes, locks and temporary files are left; all 0.
``python bench/kills.py [--kills N] [--clips N] [--seed N]``; the last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from filelock import FileLock, Timeout

CLONE = Path(__file__).parents[1]
sys.path[:0] = [str(CLONE / "tests"), str(CLONE / "workflow" / "scripts")]

from running import Workflow  # noqa: E402

from earmark.servers.run import runtime_folder  # noqa: E402

SPLITS = ("first", "second", "third")
KINDS = {
    "snakemake": "-m snakemake",
    "job": "infer.py",
    "supervisor": "earmark.servers.supervisor",
    "launcher": "earmark.servers.launcher",
    "server": "stand_in.py",
}
"""Parts of the command lines of what is killed; the first is Snakemake's own process alone."""
TIMES = ("generation_start_time", "generation_end_time", "attempts")


def prepared(folder: Path, clips: int, concurrency: int) -> Workflow:
    """Three splits of noise, and a model whose server writes down what it is asked."""
    made = Workflow(CLONE, folder)
    sources = {}
    for split in SPLITS:
        (folder / split).mkdir(parents=True)
        rows = []
        for number in range(clips // len(SPLITS)):
            noise = np.random.default_rng([number, SPLITS.index(split)]).uniform(-0.5, 0.5, 1600)
            soundfile.write(folder / split / f"{number}.wav", noise, 16000)
            rows.append({"audio_filepath": f"{number}.wav", "text": "noise"})
        manifest = folder / split / "manifest.jsonl"
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
        sources[split] = {"type": "local", "manifest": str(manifest)}
    made.benchmark("mini", **sources)
    command = [sys.executable, CLONE / "tests/servers/stand_in.py", "--port {port} --model {model}"]
    command += ["--latency 0.6 --record record.jsonl"]  # in the folder of the run
    made.config["models"]["one"] = {
        "server": "command", "command": " ".join(map(str, command)), "model": "stand-in",
        "audio": "audio_url", "client": {"concurrency": concurrency, "timeout": 20},
        "stop_timeout": 2,
    }  # fmt: skip
    return made


def events(run: Workflow, kind: str) -> list[dict[str, Any]]:
    """What the server wrote down of a kind: ``loaded``, ``asked``, ``answered``."""
    path = run.folder / "record.jsonl"
    rows = map(json.loads, path.read_text().splitlines()) if path.exists() else ()
    return [row for row in rows if row["event"] == kind]


class Kills:
    """A run that is killed again and again."""

    def __init__(self, run: Workflow, seed: int) -> None:
        self.run = run
        self.random = random.Random(seed)
        self.killed: Counter[str] = Counter()
        self.process = self._start()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        (self.run.folder / "config.yaml").write_text(json.dumps(self.run.config))
        with (self.run.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                self.run.command(*arguments), cwd=CLONE, env=self.run.environment, stdout=output,
                stderr=output, start_new_session=True,
            )  # fmt: skip

    def again(self) -> None:
        """Give the command again where it has ended; the lock of one that was killed is lifted."""
        if self.process.poll() is not None:
            self._start("--unlock").wait()
            self.process = self._start()

    def until_answered(self) -> None:
        """Wait for a new answer, or for the run to end."""
        before, deadline = len(events(self.run, "answered")), time.monotonic() + 300
        while len(events(self.run, "answered")) == before and self.process.poll() is None:
            if time.monotonic() > deadline:
                raise SystemExit(f"no answer for five minutes: {self.run.folder}")
            time.sleep(0.05)

    def strike(self) -> None:
        """Kill one process, up to some seconds after there is a new answer."""
        self.again()
        self.until_answered()
        time.sleep(self.random.uniform(0, 2))
        kind = self.random.choice(list(KINDS))
        found = [number for number, words in self.run.processes().items() if KINDS[kind] in words]
        if kind == "snakemake":
            found = [self.process.pid] if self.process.poll() is None else []
        if found:
            os.kill(self.random.choice(found), signal.SIGKILL)
            self.killed[kind] += 1

    def interrupt(self) -> None:
        """Press Ctrl-C twice in the middle."""
        self.again()
        self.until_answered()
        for _ in range(2):
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGINT)
                self.killed["Ctrl-C"] += 1
                time.sleep(0.5)
        self.process.wait()

    def ended(self) -> bool:
        """Whether there is nothing left to kill."""
        return self.process.poll() == 0

    def finish(self) -> None:
        """Give the command until it ends well."""
        for _ in range(5):
            if self.process.wait() == 0:
                return
            self.again()
        raise SystemExit(f"it does not come to its end: {self.run.folder}")


def rows(run: Workflow, folder: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of the results, by file."""
    found = sorted((run.folder / "results/one" / folder).rglob("*.jsonl"))
    return {
        str(path.relative_to(run.folder)): list(map(json.loads, path.read_text().splitlines()))
        for path in found
    }


def predictions(run: Workflow) -> dict[tuple[str, str], dict[str, Any]]:
    """Predictions without what no two runs share: when they were asked for."""
    return {
        (name, row["id"]): {key: value for key, value in row.items() if key not in TIMES}
        for name, lines in rows(run, "predictions").items()
        for row in lines
    }


def asked_twice(run: Workflow) -> tuple[int, int]:
    """Requests that were asked though their answer was kept, and others that were asked again."""
    kept = {
        row["generation"]: row["generation_end_time"]
        for lines in rows(run, "journal").values()
        for row in lines
    }
    asked = events(run, "asked")
    wrong = sum(row["time"] > kept[row["key"]] for row in asked if row["key"] in kept)
    return wrong, len(asked) - len({row["key"] for row in asked}) - wrong


def left(run: Workflow, machine: set[Path]) -> dict[str, list[str]]:
    """What a run that has ended left: processes, locks that are held, temporary files.

    Args:
        run: The run.
        machine: What was in the folder of this machine's locks and sockets before.
    """
    deadline = time.monotonic() + 15
    while (processes := run.processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    locks = [path for path in set(runtime_folder().iterdir()) - machine if not in_use(path)]
    locks += (run.folder / ".snakemake").glob("locks/*")
    locks += filter(in_use, run.folder.rglob("*.lock"))
    temporary = [*run.folder.rglob(".*.partial"), *run.folder.rglob("journal/*/*/clips/*/*")]
    found = {"processes": [*processes.values()], "locks": locks, "temporary_files": temporary}
    return {kind: list(map(str, names)) for kind, names in found.items()}


def in_use(path: Path) -> bool:
    """Whether a process holds a lock, or listens at a socket: another run's, in the machine's."""
    with suppress(Timeout, OSError):
        if path.suffix == ".sock":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(path))
            return True
        FileLock(path, timeout=0).acquire().lock.release()
        return False
    return path.suffix != ".sock"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background, else
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before = set(runtime_folder().iterdir())
    with tempfile.TemporaryDirectory(prefix="earmark-kills-") as name:
        whole = prepared(Path(name, "whole"), options.clips, 64)
        Kills(whole, 0).finish()
        run = prepared(Path(name, "killed"), options.clips, 2)
        kills = Kills(run, options.seed)
        try:
            kills.interrupt()
            while kills.killed.total() < options.kills + 2 and not kills.ended():
                kills.strike()
                print(dict(kills.killed), f"{len(events(run, 'answered'))} answers", flush=True)
            kills.finish()
        finally:
            kills.process.kill()  # with its children, if this bench itself was ended
        wrong, in_flight = asked_twice(run)
        ours, theirs = predictions(run), predictions(whole)
        differing = sum(ours.get(key) != row for key, row in theirs.items())
        remains = left(run, before)
        loads = len(events(run, "loaded"))
    for kind, names in remains.items():
        for name in names[:10]:
            print(f"{kind} left: {name}")
    print(
        json.dumps(
            {
                "killed": dict(kills.killed), "predictions": len(ours), "loads": loads,
                "asked_twice": wrong, "in_flight_asked_again": in_flight,
                "predictions_that_differ": differing,
                **{f"{kind}_left": len(names) for kind, names in remains.items()},
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
