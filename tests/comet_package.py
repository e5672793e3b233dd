"""A stand-in for COMET's environment: its packages, as strict as they are, without weights."""

from __future__ import annotations

import sys
from pathlib import Path

COMET = """
import json, os, pathlib, torch
class Model:
    dtype = "float32"
    def __init__(self, path): self.path = path
    def to(self, dtype):
        self.dtype = dtype
        return self
    def predict(self, samples, batch_size=16, gpus=1, devices=None, mc_dropout=0, progress_bar=True,
                accelerator="auto", num_workers=None, length_batching=True):
        print("a library prints this on standard output")
        assert samples and all(list(one) == ["src", "mt", "ref"] for one in samples), samples
        assert all(isinstance(text, str) for one in samples for text in one.values())
        assert batch_size == 8 and gpus in (0, 1)
        if any(one["mt"] == "die" for one in samples): os._exit(3)
        if any(one["mt"] == "large" for one in samples): raise torch.cuda.OutOfMemoryError("no room")
        with open(os.environ["COMET_ASKED"], "a") as asked:
            asked.writelines(json.dumps([self.dtype, *one.values()]) + "\\n" for one in samples)
        class Prediction: scores = [score(**one) for one in samples]
        return Prediction
def score(src, mt, ref):
    if mt == "nan": return float("nan")
    return len(set(mt.split()) & set(ref.split())) / max(1, len(ref.split())) - len(src) / 1000
def load_from_checkpoint(checkpoint_path, reload_hparams=False, strict=False, local_files_only=False):
    if not pathlib.Path(checkpoint_path).is_file():
        raise Exception(f"Invalid checkpoint path: {checkpoint_path}")
    return Model(checkpoint_path)
"""
TORCH = """
bfloat16 = "bfloat16"
class cuda:
    is_available = staticmethod(lambda: False)
    class OutOfMemoryError(RuntimeError): pass
"""
HUB = """
import os, pathlib
def snapshot_download(repo_id, *, revision=None):
    if repo_id != "Unbabel/wmt22-comet-da":
        raise FileNotFoundError(f"401: {repo_id} is gated")
    folder = pathlib.Path(os.environ["COMET_ASKED"]).parent / "hub" / (revision or "2760a22")
    (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    (folder / "checkpoints" / "model.ckpt").touch()
    return str(folder)
"""


def comet_package(folder: Path) -> str:
    """Write an environment's packages into a folder, and its Python, whose path is returned.

    Sentences are scored by the reference's words that the translation has; what is scored is
    appended to ``asked.jsonl``.
    """
    (folder / "bin").mkdir(parents=True)
    for name, text in (("comet", COMET), ("torch", TORCH), ("huggingface_hub", HUB)):
        (folder / f"{name}.py").write_text(text)
    (folder / "unbabel_comet-2.2.7.dist-info").mkdir()
    (folder / "unbabel_comet-2.2.7.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: unbabel-comet\nVersion: 2.2.7\n"
    )
    python = folder / "bin" / "python"
    variables = f"PYTHONPATH='{folder}':\"$PYTHONPATH\" COMET_ASKED='{folder}/asked.jsonl'"
    python.write_text(f"#!/bin/sh\nexec env {variables} '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    return str(python)
