"""NV-Embed-v2, the matcher of the reference evaluator, in a Python environment of its own.

The model's code wants transformers 4.42 and numpy below 2, which Earmark's environment does not
have; so a worker runs under the interpreter that ``python`` names, and texts and vectors go
through pipes. ``workflow/envs/nv-embed.txt`` lists what that environment holds.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from earmark.mmau.matchers import Embed, Settings, Vectors
from earmark.servers import worker

MODEL = "nvidia/NV-Embed-v2"
PYTHON = ".venv-nv-embed/bin/python"
KIND = worker.Kind(
    name="NV-Embed-v2",
    key="matcher",
    script=Path(__file__).with_name("nv_embed_worker.py"),
    packages="workflow/envs/nv-embed.txt",
    memory="the model takes 32 GB of a GPU in float32 (half of that with matcher.dtype: float16), "
    "and longer texts more",
)
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
    device, batch = settings.get("device", "cuda"), settings.get("batch_size", BATCH)
    asked = {**identity(settings), "device": device}
    gpus = settings.get("gpus", 1) if device == "cuda" else 0
    with worker.running(KIND, interpreter(settings), asked, gpus) as model:

        def embed(texts: Sequence[str]) -> Vectors:
            parts = [texts[start : start + batch] for start in range(0, len(texts), batch)]
            return np.concatenate([_vectors(model.ask(list(part))) for part in parts])

        yield embed


def interpreter(settings: Settings) -> Path:
    """The Python that the worker runs under."""
    return Path(settings.get("python", PYTHON)).expanduser()


def _vectors(answer: dict[str, Any]) -> Vectors:
    vectors = np.frombuffer(base64.b64decode(answer["vectors"]), np.float32)
    return vectors.reshape(answer["shape"])
