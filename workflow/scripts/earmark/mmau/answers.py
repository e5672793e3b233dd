"""Answers to score: those of a run, and those that were made elsewhere and come in one file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.mmau.verdicts import GROUPS
from earmark.scoring.pairs import paired
from earmark.scoring.text import reasoning

COLUMNS = ("id", "category", "question", "answer", "choices", "task_identifier", "kwargs", *GROUPS)
"""The dataset's columns that scoring looks at; of a Parquet file no other is read."""


def answered(manifest: str | Path, predictions: str | Path) -> list[tuple[Row, Row]]:
    """Manifest rows with their predictions, whose ``generation`` is the answer without reasoning.

    Returns:
        Rows and predictions; ``reasoning_removed`` says whether there was any.

    Raises:
        EarmarkError: when the files do not pair up; names the line.
    """
    found = []
    for row, prediction in paired(manifest, predictions):
        answer, removed = reasoning.answer(prediction["generation"])
        found.append((row, {**prediction, "generation": answer, "reasoning_removed": removed}))
    return found


def read_answers(path: Path, column: str) -> list[tuple[Row, str, bool]]:
    """Read rows and answers.

    Args:
        path: Parquet (by its first bytes) or JSON Lines.
        column: Where the answers are; null and NaN are empty answers, a number is its text.

    Returns:
        Rows, answers, and whether reasoning was taken out of them. A row without ``id`` has the
        number of its row, and an id that an earlier row has too gets its row's number behind it.
        NaN is null, and a list of choices that is written as JSON is that list.

    Raises:
        EarmarkError: when the file cannot be read, has no rows, lacks a column, or an answer is
            no text; names the row.
    """
    seen: set[str] = set()
    found = []
    for number, raw in enumerate(_rows(path, column), start=1):
        where = f"{path}, row {number}"
        row = {key: _plain(value, f"{where}, column {key!r}") for key, value in raw.items()}
        if isinstance(row.get("task_identifier"), str):  # only instructions have one
            row.setdefault("category", "instruction following")
        for name in ("category", column):
            if name not in row:
                raise EarmarkError(_missing(where, name, row, column))
        if not isinstance(row["category"], str):
            raise EarmarkError(
                f"{where}: category is {row['category']!r}; `open`, `instruction "
                "following` or that of a closed-form question was expected"
            )
        for name in ("id", column):
            if not isinstance(row.get(name), str | int | float | None):
                raise EarmarkError(
                    f"{where}, column {name!r}: a text was expected, found {row[name]!r:.80}"
                )
        row["id"] = str(number) if row.get("id") is None else row["id"]
        if str(row["id"]) in seen:
            row["id"] = f"{row['id']} (row {number})"
        seen.add(str(row["id"]))
        given = "" if row[column] is None else str(row[column])
        found.append((row, *reasoning.answer(given)))
    if not found:
        raise EarmarkError(f"{path}: no rows in it")
    return found


def _missing(where: str, name: str, has: Iterable[str], column: str) -> str:
    hint = "; --column names the column of the answers" if name == column else ""
    return f"{where}: no column {name!r}; there are: {', '.join(has)}{hint}"


def _plain(value: Any, where: str) -> Any:
    """A value as JSON has it: NaN, which is what pandas writes for nothing, is null."""

    def plain(other: Any) -> str:
        if isinstance(other, UUID):
            return str(other)
        with suppress(AttributeError, UnicodeDecodeError):
            return str(other.decode())
        kind = type(other).__name__
        raise EarmarkError(
            f"{where}: a text, a number or a list was expected, found {other!r:.80}, a {kind}"
        )

    if isinstance(value, str) and value.lstrip().startswith("[") and where.endswith("'choices'"):
        with suppress(ValueError, RecursionError):  # as some exports have them
            return json.loads(value)
    return json.loads(json.dumps(value, default=plain), parse_constant=lambda _: None)


def _rows(path: Path, column: str) -> Iterable[Row]:
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not is_parquet:
        return read_jsonl(path)
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if column not in names:
                raise EarmarkError(_missing(str(path), column, names, column))
            # Sets with audio in their rows are large: what is not looked at is not read.
            read = [name for name in names if name in (*COLUMNS, column)]
            rows: list[Row] = file.read(columns=read).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise EarmarkError(f"{path}: not a Parquet file that can be read: {error}") from None
    return rows
