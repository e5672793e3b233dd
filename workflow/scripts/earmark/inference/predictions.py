"""The predictions: a row a sample, in the manifest's order, from what the journal keeps."""

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl, write_jsonl
from earmark.inference.client import Answer
from earmark.inference.requests import Sample


def prediction(sample: Sample, find: Callable[[str], Row | None]) -> Row:
    """A sample's row of the predictions, from its journal records.

    The answers to chunks are joined by a space; their tokens, attempts and times add up, the times
    as if one chunk had been asked right after the other. ``find`` gives the journal's record of a
    fingerprint.

    Raises:
        EarmarkError: when the journal has no record of a request: files were removed.
    """
    parts = [row for request in sample.requests if (row := find(request.fingerprint))]
    if len(parts) < len(sample.requests):
        raise EarmarkError(f"sample {sample.id}: the journal lost its answer; run again")
    if len(parts) == 1:
        return {**parts[0], "id": sample.id, "request": sample.fingerprint}
    errors = [row["error"] for row in parts if row["error"]]
    start = min(row["generation_start_time"] for row in parts)
    spent = sum(row["generation_end_time"] - row["generation_start_time"] for row in parts)
    texts = [row["generation"].strip() for row in parts]
    reasons = [row["finish_reason"] for row in parts]
    return {
        "id": sample.id,
        "generation": "" if errors else " ".join(filter(None, texts)),
        "error": errors[0] if errors else None,
        "finish_reason": next((r for r in reasons if r not in (None, "stop")), reasons[-1]),
        "num_generated_tokens": _sum(parts, "num_generated_tokens"),
        "num_input_tokens": _sum(parts, "num_input_tokens"),
        "generation_start_time": start,
        "generation_end_time": start + spent,
        "attempts": sum(row["attempts"] for row in parts),
        "request": sample.fingerprint,
        "num_chunks": len(parts),
    }


def random_choices(rows: Iterable[Row], seed: int) -> Iterator[Row]:
    """Predictions by chance: one of a row's ``choices``, empty where there are none.

    Another seed draws others; a row's draw does not depend on the other rows.
    """
    for row in rows:
        given = row.get("choices")
        choices = [one for one in given if one is not None] if isinstance(given, list) else []
        drawn = str(random.Random(f"{seed}/{row['id']}").choice(choices)) if choices else ""
        key = hashlib.sha256(f"chance/{seed}/{row['id']}".encode()).hexdigest()[:40]
        yield Answer(row["id"], drawn, finish_reason="stop", request=key).row()


def gather(manifest: Path, parts: list[Path], predictions: Path) -> None:
    """Put the predictions of a split's shards together, in the manifest's order.

    ``parts`` are the shards' files, in order: shard k has every len(parts)-th row from the k-th.

    Raises:
        EarmarkError: when a shard lacks a row, has another, or has one too many.
    """

    def rows() -> Iterator[Row]:
        shards = [read_jsonl(part) for part in parts]
        for number, row in enumerate(read_jsonl(manifest)):
            found = next(shards[number % len(parts)], None)
            if found is None or found.get("id") != str(row["id"]):
                has = "no row" if found is None else f"sample {found.get('id')!r}"
                raise EarmarkError(
                    f"{parts[number % len(parts)]}: {has} where {manifest} has {row['id']!r}; "
                    "remove it and run again (nothing is asked twice)"
                )
            yield found
        for part, rest in zip(parts, shards, strict=True):
            if (extra := next(rest, None)) is not None:
                raise EarmarkError(f"{part}: sample {extra.get('id')!r} is not in {manifest}")

    write_jsonl(predictions, rows())


def _sum(rows: list[Row], key: str) -> int | None:
    known = [row[key] for row in rows if row[key] is not None]
    return sum(known) if known else None
