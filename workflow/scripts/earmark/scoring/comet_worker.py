"""Scores translations with COMET, under an interpreter that has its package (``unbabel-comet``).

Run by `earmark.servers.worker_loop` in another environment, so it imports nothing of Earmark. A
list of [said, translation, reference] in, ``{"scores": […]}`` out.
"""

from importlib import metadata
from pathlib import Path
from typing import Any


def load(asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model; and its revision and the package's version."""
    import comet
    import torch
    from huggingface_hub import snapshot_download

    if asked["gpus"] and not torch.cuda.is_available():
        raise RuntimeError("no CUDA device on this machine; comet.gpus: 0 computes on the CPU")
    path, revision = Path(asked["model"]), asked["revision"]
    if not path.is_file():
        # As comet.download_model, which takes no revision and does not say what went wrong.
        folder = Path(snapshot_download(asked["model"], revision=revision))
        path, revision = folder / "checkpoints" / "model.ckpt", folder.name
    model = comet.load_from_checkpoint(str(path))
    if asked["dtype"] != "float32":
        model = model.to(getattr(torch, asked["dtype"]))
    return model, {"revision": revision, "version": metadata.version("unbabel-comet")}


def answer(model: Any, texts: list[list[str]], asked: dict[str, Any]) -> dict[str, Any]:
    """The scores of some translations."""
    samples = [dict(zip(("src", "mt", "ref"), one, strict=True)) for one in texts]
    found = model.predict(
        samples, batch_size=asked["batch_size"], gpus=asked["gpus"], progress_bar=False
    )
    return {"scores": [float(score) for score in found.scores]}
