"""Embeds texts with NV-Embed-v2, under an interpreter that has its packages.

Run by `earmark.mmau.matchers.nv_embed` in another environment, so it imports nothing of Earmark.
Lines of JSON: a list of texts in, ``{"shape": [n, d], "vectors": base64 of float32}`` out.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any


def _load(asked: dict[str, Any]) -> Any:
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
    return model.to(asked["device"]).eval()


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


def main() -> int:
    """Load the model, then answer each line until the input ends."""
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asked = json.loads(sys.argv[1])

    def answer(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        model = _load(asked)
        answer({"loaded": asked["model"]})
        for line in sys.stdin:
            vectors = _embed(model, json.loads(line), asked).astype("float32")
            encoded = base64.b64encode(vectors.tobytes()).decode()
            answer({"shape": list(vectors.shape), "vectors": encoded})
    except Exception as error:
        answer({"error": f"{type(error).__name__}: {error}"})
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
