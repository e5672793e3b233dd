"""Answers to score: those of a run, and those that were made elsewhere and come in one file."""

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.mmau.verdicts import GROUPS
from earmark.scoring.pairs import paired
from earmark.scoring.text import reasoning

COLUMNS = ("id", "category", "question", "answer", "choices", "task_identifier", "kwargs", *GROUPS)
"""The dataset's columns that scoring looks at; of a Parquet file no other is read."""


def answered(manifest: str | Path, predictions: str | Path) -> list[tuple[Row, Row]]:
    """Manifest rows with their predictions, whose ``generation`` is the answer without reasoning.

    ``reasoning_removed`` says whether there was any.

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
        if isinstance(row.get("choices"), str) and row["choices"].lstrip().startswith("["):
            with suppress(ValueError, RecursionError):  # JSON, as some exports have them
                row["choices"] = json.loads(row["choices"])
        for name in ("category", column):
            _check_column(where, name, row, column)
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


def _check_column(where: str, name: str, columns: Collection[str], column: str) -> None:
    if name not in columns:
        hint = "; --column names the column of the answers" if name == column else ""
        raise EarmarkError(f"{where}: no column {name!r}; there are: {', '.join(columns)}{hint}")


def _plain(value: Any, where: str) -> Any:
    """A value as JSON has it: bytes are text, and NaN, pandas' word for nothing, is null."""

    def text(other: Any) -> str:
        try:
            return str(other.decode())
        except (AttributeError, UnicodeDecodeError):
            raise EarmarkError(
                f"{where}: a text, a number or a list was expected, found {other!r:.80}, a "
                f"{type(other).__name__}"
            ) from None

    return json.loads(json.dumps(value, default=text), parse_constant=lambda _: None)


def _rows(path: Path, column: str) -> Iterable[Row]:
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                return read_jsonl(path)
            from pyarrow import parquet

            file = parquet.ParquetFile(stream)
            names = file.schema_arrow.names
            _check_column(str(path), column, names, column)
            # Sets with audio in their rows are large: what is not looked at is not read.
            read = [name for name in names if name in (*COLUMNS, column)]
            rows: list[Row] = file.read(columns=read).to_pylist()
            return rows
    except (ValueError, OSError) as error:
        what = getattr(error, "strerror", None) or error
        raise EarmarkError(f"{path}: cannot be read: {what}") from None
