"""A model in a Python environment of its own, asked through pipes.

Some models want packages that Earmark's environment does not have. A script of theirs runs under
the interpreter that a key ``python`` of the config names (`earmark.servers.worker_loop` runs it):
it loads the model once, and answers each line of JSON with another.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.servers.gpus import gpus_to_lock, reserved_gpus
from earmark.servers.run import current_run

_LOOP = Path(__file__).with_name("worker_loop.py")


@dataclass(frozen=True)
class Kind:
    """What runs so.

    Attributes:
        name: What the model is called in messages.
        key: The key of the config that sets it.
        script: The script with its ``load`` and ``answer`` (`earmark.servers.worker_loop`).
        packages: The file that lists what its environment holds.
        memory: What helps where a GPU has no room.
    """

    name: str
    key: str
    script: Path
    packages: str
    memory: str


class Worker:
    """A worker whose model is loaded.

    Attributes:
        loaded: What its script says of the model.
    """

    def __init__(self, kind: Kind, process: subprocess.Popen[str]) -> None:
        self._kind, self._process = kind, process
        self.loaded = self._read()

    def ask(self, value: Any) -> dict[str, Any]:
        """What the script answers.

        Raises:
            EarmarkError: when it fails, or its process ends.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            kind, hint = self._kind, ""
            if "OutOfMemory" in answer["error"]:
                hint = f"\n{kind.memory}"
            elif answer["error"].startswith("ModuleNotFoundError"):
                hint = f"\n{kind.key}.python: its environment is to hold what {kind.packages} lists"
            raise EarmarkError(f"{kind.name}: {answer['error']}{hint}")
        return answer

    def _died(self) -> EarmarkError:
        code = self._process.wait()
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        if code == -signal.SIGKILL:
            how += ", as when a job takes more memory than it asked for (mem_mb)"
        return EarmarkError(
            f"{self._kind.name}'s worker ended {how}; what it wrote stands above in this log"
        )


@contextmanager
def running(kind: Kind, python: Path, settings: Mapping[str, Any], gpus: int) -> Iterator[Worker]:
    """A worker, for as long as the block lasts.

    Args:
        kind: What runs.
        python: The interpreter of its environment.
        settings: What its script is given.
        gpus: How many GPUs of this machine it gets.

    Raises:
        EarmarkError: when the environment is not there, or the model does not load in it.
    """
    if not python.is_file():
        raise EarmarkError(
            f"{kind.key}.python: {python} does not exist; {kind.name} needs an environment of its "
            f"own: python3.11 -m venv {python.parent.parent} && {python.parent}/pip install -r "
            f"{kind.packages}"
        )
    command = [str(python.absolute()), str(_LOOP), str(kind.script), json.dumps(dict(settings))]
    with reserved_gpus(gpus_to_lock(gpus, current_run())) as own:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **own},
            )
        except OSError as error:
            raise EarmarkError(
                f"{kind.key}.python: {python} cannot be run ({error.strerror}); an interpreter of "
                "Python is expected"
            ) from None
        try:
            yield Worker(kind, process)
        finally:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """The worker ends by itself when its input does; also when this process is killed."""
    if process.stdin:
        with suppress(BrokenPipeError):  # it died, and there is text that it did not take
            process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
