"""NV-Embed-v2's worker, in an environment with stand-ins for its packages: no GPU, no weights."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from earmark.errors import EarmarkError
from earmark.mmau.matchers import nv_embed
from earmark.servers.gpus import reserved_gpus

TORCH = """
import contextlib, numpy
float32 = "float32"
class cuda:
    is_available = staticmethod(lambda: True)
    empty_cache = staticmethod(lambda: None)
    class OutOfMemoryError(RuntimeError): pass
class Tensor:
    def __init__(self, values): self.values = numpy.asarray(values, "float32")
    def float(self): return self
    def cpu(self): return self
    def numpy(self): return self.values
no_grad = contextlib.nullcontext
class nn:
    class functional:
        @staticmethod
        def normalize(t, p, dim):
            return Tensor(t.values / numpy.linalg.norm(t.values, axis=dim, keepdims=True))
"""
TRANSFORMERS = """
import os, torch
class AutoModel:
    @classmethod
    def from_pretrained(cls, name, torch_dtype, trust_remote_code, revision="main"):
        print("a library prints this on standard output")
        assert revision
        assert trust_remote_code and torch_dtype == "float32"
        if name == "absent": raise OSError(f"{name} is not a model")
        return cls()
    def to(self, device):
        assert device == "cuda"
        return self
    def eval(self): return self
    def encode(self, texts, instruction, max_length):
        assert instruction == "" and max_length == 4096
        if "die" in texts: os._exit(3)
        if "kill" in texts: os.kill(os.getpid(), 9)
        if "GPU" in texts: texts = [os.environ["CUDA_VISIBLE_DEVICES"]]
        assert len(texts) <= 4
        if sum(map(len, texts)) > 6: raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return torch.Tensor([[len(text), 1.0] for text in texts])
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """NV-Embed-v2's environment, with stand-ins for torch and transformers."""
    (tmp_path / "torch.py").write_text(TORCH)
    (tmp_path / "transformers.py").write_text(TRANSFORMERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", f"GPU-{tmp_path.name}")  # no other run locks it
    return {"type": "nv-embed", "python": sys.executable, "batch_size": 4}


def test_nv_embed_runs_batched_in_an_environment_of_its_own(stand_in: dict[str, Any]) -> None:
    with nv_embed.running(stand_in) as embed:
        vectors = embed(["a", "bb", "ccc", "", "a"])
    assert vectors.shape == (5, 2)
    assert vectors[2] == pytest.approx(np.array([3, 1]) / np.sqrt(10))


def test_nv_embed_that_does_not_load_says_why(stand_in: dict[str, Any]) -> None:
    with (
        pytest.raises(EarmarkError, match="OSError: absent is not a model"),
        nv_embed.running({**stand_in, "model": "absent"}),
    ):
        pass


def test_nv_embed_that_dies_says_so(stand_in: dict[str, Any]) -> None:
    with (
        nv_embed.running(stand_in) as embed,
        pytest.raises(EarmarkError, match="ended with code 3"),
    ):
        embed(["die"])


def test_nv_embed_without_its_environment_says_how_to_make_it(tmp_path: Path) -> None:
    missing = {"type": "nv-embed", "python": str(tmp_path / "env/bin/python")}
    with (
        pytest.raises(EarmarkError, match=r"-m venv .*env && .*install -r workflow/envs/nv-embed"),
        nv_embed.running(missing),
    ):
        pass


def test_a_batch_that_the_gpu_has_no_room_for_is_halved(stand_in: dict[str, Any]) -> None:
    with nv_embed.running(stand_in) as embed:
        vectors = embed(["a", "bb", "cccc", "dd"])
    assert vectors[:, 0] / vectors[:, 1] == pytest.approx(np.array([1, 2, 4, 2]))


def test_a_text_that_the_gpu_has_no_room_for_says_what_helps(stand_in: dict[str, Any]) -> None:
    with (
        nv_embed.running(stand_in) as embed,
        pytest.raises(EarmarkError, match=r"CUDA out of memory\n.*matcher.dtype: float16"),
    ):
        embed(["much too long"])


def test_nv_embed_that_is_killed_says_what_that_may_mean(stand_in: dict[str, Any]) -> None:
    with (
        nv_embed.running(stand_in) as embed,
        pytest.raises(EarmarkError, match=r"by signal 9, as when .* memory"),
    ):
        embed(["kill"])


def test_nv_embed_that_died_before_it_was_asked_says_so(stand_in: dict[str, Any]) -> None:
    with (
        pytest.raises(EarmarkError, match="ended with code 3"),
        nv_embed.running(stand_in) as embed,
    ):
        with pytest.raises(EarmarkError):
            embed(["die"])
        embed(["a"])  # stays in the buffer of a pipe that nobody reads


def test_nv_embed_takes_a_gpu_that_no_server_has(
    stand_in: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{os.getpid() % 90 + 10}", f"{os.getpid() % 900 + 100}"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))
    with reserved_gpus(1) as server, nv_embed.running(stand_in) as embed:
        vectors = embed(["GPU"])
    assert server == {"CUDA_VISIBLE_DEVICES": names[0]}
    assert vectors[0, 0] / vectors[0, 1] == pytest.approx(len(names[1]))


def test_nv_embed_waits_for_a_gpu(
    stand_in: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = reserved_gpus(1)
    held.__enter__()

    def release() -> None:
        sleep(0.3)
        held.__exit__(None, None, None)

    start = monotonic()
    Thread(target=release).start()
    with nv_embed.running(stand_in):
        assert monotonic() - start >= 0.3
    assert "waiting for 1 GPUs" in capsys.readouterr().out


def test_more_gpus_than_there_are_is_an_error(
    stand_in: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "12")
    with (
        pytest.raises(EarmarkError, match="gpus: 2, and this machine shows 1"),
        nv_embed.running({**stand_in, "gpus": 2}),
    ):
        pass
