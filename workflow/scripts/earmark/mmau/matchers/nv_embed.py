"""NV-Embed-v2, the matcher of the reference evaluator, in a Python environment of its own.

The model's code wants transformers 4.42 and numpy below 2, which Earmark's environment does not
have; so a worker runs under the interpreter that ``python`` names, and texts and vectors go
through pipes. ``workflow/envs/nv-embed.txt`` lists what that environment holds.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.mmau.matchers import Embed, Settings, Vectors
from earmark.servers.gpus import gpus_to_lock, reserved_gpus
from earmark.servers.run import current_run

MODEL = "nvidia/NV-Embed-v2"
PYTHON = ".venv-nv-embed/bin/python"
WORKER = Path(__file__).with_name("nv_embed_worker.py")
BATCH = 16
"""Texts a forward pass, unless ``batch_size`` says otherwise."""
_MEMORY = (
    "\nthe model takes 32 GB of a GPU in float32 (half of that with matcher.dtype: float16), and "
    "longer texts more"
)


def identity(settings: Settings) -> Settings:
    """See `earmark.mmau.matchers.Matcher`."""
    return {
        "type": "nv-embed",
        "model": settings.get("model", MODEL),
        "revision": settings.get("revision"),
        "dtype": settings.get("dtype", "float32"),
        "instruction": "",
        "max_length": 4096,
    }


@contextmanager
def running(settings: Settings) -> Iterator[Embed]:
    """See `earmark.mmau.matchers.Matcher`.

    Raises:
        EarmarkError: when the environment is not there, or the model does not load in it.
    """
    python = interpreter(settings)
    if not python.is_file():
        raise EarmarkError(
            f"matcher.python: {python} does not exist; NV-Embed-v2 needs an environment of its "
            f"own: python3.11 -m venv {python.parent.parent} && {python.parent}/pip install -r "
            "workflow/envs/nv-embed.txt"
        )
    device = settings.get("device", "cuda")
    asked = {**identity(settings), "device": device}
    command = [str(python.absolute()), str(WORKER), json.dumps(asked)]
    count = settings.get("gpus", 1) if device == "cuda" else 0
    with reserved_gpus(gpus_to_lock(count, current_run())) as own:
        worker = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **own},
        )
        try:
            yield _Worker(worker, settings.get("batch_size", BATCH))
        finally:
            _end(worker)


def interpreter(settings: Settings) -> Path:
    """The Python that the worker runs under."""
    return Path(settings.get("python", PYTHON)).expanduser()


def _end(worker: subprocess.Popen[str]) -> None:
    """The worker ends by itself when its input does; also when this process is killed."""
    if worker.stdin:
        with suppress(BrokenPipeError):  # it died, and there is text that it did not take
            worker.stdin.close()
    try:
        worker.wait(30)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


class _Worker:
    def __init__(self, process: subprocess.Popen[str], batch: int) -> None:
        self._process = process
        self._batch = batch
        self._read()  # says that the model is loaded

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed some texts, a batch after another."""
        parts = [self._ask(texts[i : i + self._batch]) for i in range(0, len(texts), self._batch)]
        return np.concatenate(parts)

    def _ask(self, texts: Sequence[str]) -> Vectors:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(list(texts)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._died() from None
        answer = self._read()
        vectors = np.frombuffer(base64.b64decode(answer["vectors"]), np.float32)
        return vectors.reshape(answer["shape"])

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            hint = _MEMORY if "OutOfMemory" in answer["error"] else ""
            raise EarmarkError(f"NV-Embed-v2: {answer['error']}{hint}")
        return answer

    def _died(self) -> EarmarkError:
        code = self._process.wait()
        how = f"with code {code}" if code >= 0 else f"by signal {-code}"
        if code == -signal.SIGKILL:
            how += ", as when a job takes more memory than it asked for (mem_mb)"
        return EarmarkError(
            f"NV-Embed-v2's worker ended {how}; what it wrote stands above in this log"
        )
