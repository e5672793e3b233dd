"""Which rows of a split are evaluated: all of them, the first few, or a random few."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any


def chosen(total: int, limit: int | None, sample: Mapping[str, Any] | None) -> Sequence[int]:
    """The rows to evaluate, as ascending indices.

    Args:
        total: How many rows there are.
        limit: Take the first so many.
        sample: Take ``n`` of these at random with ``seed``; the same rows for the same seed.
    """
    rows = range(total if limit is None else min(limit, total))
    if sample is not None and sample["n"] < len(rows):
        return sorted(random.Random(sample.get("seed", 0)).sample(rows, sample["n"]))
    return rows


def label(audio: bool, limit: int | None, sample: Mapping[str, Any] | None) -> str | None:
    """What sets results apart from those of the whole split: ``text only; first 100 rows``."""
    parts = []
    if not audio:
        parts.append("text only")
    if limit is not None:
        parts.append(f"first {limit} rows")
    if sample is not None:
        parts.append(f"{sample['n']} random rows, seed {sample.get('seed', 0)}")
    return "; ".join(parts) or None
