"""Embeds texts with NV-Embed-v2, under an interpreter that has its packages.

Run by `earmark.servers.worker_loop` in another environment, so it imports nothing of Earmark. A
list of texts in, ``{"shape": [n, d], "vectors": base64 of float32}`` out.
"""

import base64
from typing import Any


def load(asked: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The model, on its device."""
    import torch
    import transformers

    if asked["device"] == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("no CUDA device on this machine; set matcher.device: cpu to try without")
    model = transformers.AutoModel.from_pretrained(
        asked["model"],
        **({"revision": asked["revision"]} if asked["revision"] else {}),
        torch_dtype=getattr(torch, asked["dtype"]),
        trust_remote_code=True,
    )
    return model.to(asked["device"]).eval(), {"loaded": asked["model"]}


def answer(model: Any, texts: list[str], asked: dict[str, Any]) -> dict[str, Any]:
    """Unit vectors of some texts."""
    vectors = _embed(model, texts, asked).astype("float32")
    encoded = base64.b64encode(vectors.tobytes()).decode()
    return {"shape": list(vectors.shape), "vectors": encoded}


def _embed(model: Any, texts: list[str], asked: dict[str, Any]) -> Any:
    """Unit vectors of some texts; a batch that the GPU has no room for is halved."""
    import numpy
    import torch

    try:
        with torch.no_grad():
            vectors = model.encode(
                texts, instruction=asked["instruction"], max_length=asked["max_length"]
            )
        return torch.nn.functional.normalize(vectors.float(), p=2, dim=1).cpu().numpy()
    except torch.cuda.OutOfMemoryError:
        if len(texts) == 1:
            raise
    # Only here, where the error no longer holds what was on the GPU.
    torch.cuda.empty_cache()
    half = len(texts) // 2
    parts = [_embed(model, part, asked) for part in (texts[:half], texts[half:])]
    return numpy.concatenate(parts)
