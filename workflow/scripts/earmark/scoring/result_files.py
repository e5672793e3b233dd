"""Result files that others made: a row a sample, with ``text`` and ``pred_text``.

The Open ASR Leaderboard and NeMo write such files. Keys: ``text`` (reference), ``pred_text``
(hypothesis); optionally ``duration`` (or ``audio_length_s``, seconds of audio), ``time`` (seconds
of transcription) and ``id``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.scoring.samples import Sample


def read_results(path: str | Path) -> Iterator[Sample]:
    """Read a result file, a sample at a time.

    Raises:
        EarmarkError: when the file cannot be read or is empty, a row is not JSON, or it lacks a
            field or holds something else in it; names file and line.
    """
    number = 0
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path}, row {number}"
        yield Sample(
            id=str(row.get("id", number)),
            reference=_text(row, "text", where),
            generation=_text(row, "pred_text", where),
            duration=_seconds(row, "duration" if "duration" in row else "audio_length_s", where),
            seconds=_seconds(row, "time", where),
        )
    if not number:
        raise EarmarkError(f"{path}: empty; rows with 'text' and 'pred_text' were expected")


def _rows(path: str | Path) -> Iterator[Row]:
    if Path(path).is_dir():
        raise EarmarkError(f"{path}: a folder; a file of JSON Lines was expected")
    yield from read_jsonl(path)


def _text(row: Row, key: str, where: str) -> str:
    if key not in row:
        keys = ", ".join(map(repr, row)) or "none"
        raise EarmarkError(f"{where}: {key!r} is missing; the row's keys: {keys}")
    if not isinstance(row[key], str):
        raise EarmarkError(f"{where}: {key!r} must be a text, found {str(row[key])[:60]!r}")
    text: str = row[key]
    return text


def _seconds(row: Row, key: str, where: str) -> float | None:
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise EarmarkError(f"{where}: {key!r} must be seconds, found {str(value)[:60]!r}")
    return float(value)
