"""A manifest's rows with a model's answers to them."""

from __future__ import annotations

from pathlib import Path

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl


def paired(manifest: str | Path, predictions: str | Path) -> list[tuple[Row, Row]]:
    """Manifest rows with their predictions, or with rows of another file made from those.

    Raises:
        EarmarkError: when there are none, one is longer than the other, or the ids differ; names
            the line.
    """
    entries, answers = list(read_jsonl(manifest)), list(read_jsonl(predictions))
    if not entries:
        raise EarmarkError(f"{manifest}: empty; there is nothing to score")
    if len(entries) != len(answers):
        raise EarmarkError(
            f"{predictions}: {len(answers)} predictions for the {len(entries)} rows of {manifest}"
        )
    for number, (entry, answer) in enumerate(zip(entries, answers, strict=True), start=1):
        if entry.get("id") != answer.get("id"):
            raise EarmarkError(
                f"{predictions}, line {number}: the prediction is of {answer.get('id')!r}, but "
                f"{manifest} has {entry.get('id')!r} there"
            )
    return list(zip(entries, answers, strict=True))
