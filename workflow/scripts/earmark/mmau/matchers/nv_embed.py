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


def identity(settings: Settings) -> dict[str, Any]:
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
    device, batch = settings.get("device", "cuda"), settings.get("batch_size", BATCH)
    asked = json.dumps({**identity(settings), "device": device})
    count = settings.get("gpus", 1) if device == "cuda" else 0
    with reserved_gpus(gpus_to_lock(count, current_run())) as own:
        worker = subprocess.Popen(
            [str(python.absolute()), str(WORKER), asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **own},
        )

        def embed(texts: Sequence[str]) -> Vectors:
            parts = [texts[start : start + batch] for start in range(0, len(texts), batch)]
            return np.concatenate([_ask(worker, part) for part in parts])

        try:
            _read(worker)  # says that the model is loaded
            yield embed
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


def _ask(worker: subprocess.Popen[str], texts: Sequence[str]) -> Vectors:
    assert worker.stdin is not None
    try:
        worker.stdin.write(json.dumps(list(texts)) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:
        raise _died(worker) from None
    answer = _read(worker)
    vectors = np.frombuffer(base64.b64decode(answer["vectors"]), np.float32)
    return vectors.reshape(answer["shape"])


def _read(worker: subprocess.Popen[str]) -> dict[str, Any]:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        raise _died(worker)
    answer: dict[str, Any] = json.loads(line)
    if "error" in answer:
        memory = (
            "\nthe model takes 32 GB of a GPU in float32 (half of that with matcher.dtype: "
            "float16), and longer texts more"
        )
        hint = memory if "OutOfMemory" in answer["error"] else ""
        raise EarmarkError(f"NV-Embed-v2: {answer['error']}{hint}")
    return answer


def _died(worker: subprocess.Popen[str]) -> EarmarkError:
    code = worker.wait()
    how = f"with code {code}" if code >= 0 else f"by signal {-code}"
    if code == -signal.SIGKILL:
        how += ", as when a job takes more memory than it asked for (mem_mb)"
    return EarmarkError(f"NV-Embed-v2's worker ended {how}; what it wrote stands above in this log")
