"""Protocols: how reference and hypothesis are normalized before they are compared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


def protocol(name: str) -> Any:
    """Stands in until the protocols land."""
    from whisper_normalizer.english import (  # type: ignore[import-untyped]
        EnglishTextNormalizer,
    )

    return SimpleNamespace(normalize=EnglishTextNormalizer())
