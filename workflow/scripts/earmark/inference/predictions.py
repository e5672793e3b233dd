"""A sample's row of the predictions, from what the journal keeps of its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.inference.requests import fingerprint_of


def prediction(name: str, asked: list[str], find: Callable[[str], Row | None]) -> Row:
    """A sample's row of the predictions, from its journal records.

    The answers to chunks are joined by a space; their tokens, attempts and times add up, the times
    as if one chunk had been asked right after the other.

    Args:
        name: The sample's id.
        asked: The fingerprints of its requests.
        find: Gives the journal's record of a fingerprint.

    Raises:
        EarmarkError: when the journal has no record of a request: a defect, or files were removed.
    """
    parts = []
    for fingerprint in asked:
        row = find(fingerprint)
        if row is None:
            raise EarmarkError(f"sample {name}: the journal lost its answer; run again")
        parts.append(row)
    if len(parts) == 1:
        return {**parts[0], "id": name, "request": asked[0]}
    errors = [row["error"] for row in parts if row["error"]]
    start = min(row["generation_start_time"] for row in parts)
    spent = sum(row["generation_end_time"] - row["generation_start_time"] for row in parts)
    texts = [row["generation"].strip() for row in parts]
    reasons = [row["finish_reason"] for row in parts]
    return {
        "id": name,
        "generation": "" if errors else " ".join(filter(None, texts)),
        "error": errors[0] if errors else None,
        "finish_reason": next((r for r in reasons if r not in (None, "stop")), reasons[-1]),
        "num_generated_tokens": _sum(row["num_generated_tokens"] for row in parts),
        "num_input_tokens": _sum(row["num_input_tokens"] for row in parts),
        "generation_start_time": start,
        "generation_end_time": start + spent,
        "attempts": sum(row["attempts"] for row in parts),
        "request": fingerprint_of(asked),
        "num_chunks": len(parts),
    }


def _sum(numbers: Iterator[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
