"""Result files that others made: a row a sample, with ``text`` and ``pred_text``.

The Open ASR Leaderboard and NeMo write such files, as JSON Lines. Keys: ``text`` (reference),
``pred_text`` (hypothesis; null is an empty one); optionally ``duration`` (or ``audio_length_s``,
seconds of audio), ``time`` (seconds of transcription) and ``id`` (or ``audio_filepath``). Rows with
``parent_id`` are the chunks of a recording, by ``chunk_index``: they are joined, and scored once a
recording. Tables (``.csv``, ``.tsv``) and JSON arrays (``.json``) are read too, and standard input
as ``-``.
"""

import contextlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from earmark.data.table import Table, form_of, json_rows
from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.samples import Sample
from earmark.scoring.sessions import joined

_OTHERS = {
    "pred_text": ("generation", "hypothesis", "prediction"),
    "text": ("reference", "expected_answer"),
}


def read_results(
    path: str | Path,
    heard: Callable[[Sample], Sample],
    columns: Mapping[str, str] | None = None,
    group: str | None = None,
) -> Iterator[Sample]:
    """Read a result file, a sample at a time; a session's chunks are joined.

    Args:
        path: The file; ``-`` for standard input.
        heard: As for `earmark.scoring.sessions.joined`.
        columns: Keys of the file for ``text``, ``pred_text``, ``id`` and the others, where they
            differ from those.
        group: The key of the speaker, call or talk of each sample; None where nobody said.

    Raises:
        EarmarkError: when the file cannot be read or is empty, a row is not JSON, or it lacks a
            field or holds something else in it; names file and line.
    """
    taken = samples(path, columns or {}, group)
    first = next(taken, None)
    if first is None:
        raise EarmarkError(f"{path}: empty; rows with 'text' and 'pred_text' were expected")
    if first.session:
        yield from joined(chain([first], taken), str(path), heard)
        return
    for sample in chain([first], taken):
        if sample.session:
            raise EarmarkError(
                f"{path}: sample {sample.id!r} has a 'parent_id' and the first row has none; "
                "a file is of chunks or it is not"
            )
        yield sample


def samples(
    path: str | Path,
    columns: Mapping[str, str],
    group: str | None,
    needed: Sequence[str] = ("text", "pred_text"),
) -> Iterator[Sample]:
    """Read a result file as `read_results` does, each chunk by itself.

    ``needed`` are the texts that rows have to have; another that is missing is empty.
    """
    columns = {**columns, "group": group or ""}
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path}, row {number}"
        if number == 1:
            for key, others in _OTHERS.items():
                known = (one for one in (key, *others) if one in row)
                columns.setdefault(key, next(known, key))
        length = columns.get("duration", "duration" if "duration" in row else "audio_length_s")
        yield Sample(
            id=str(row.get(columns.get("id", "id"), row.get("audio_filepath") or number)),
            reference=_text(row, "text", columns, where, needed),
            generation=_text(row, "pred_text", columns, where, needed),
            duration=_seconds(row, length, where),
            seconds=_seconds(row, columns.get("time", "time"), where),
            group=None if group is None else _text(row, "group", columns, where, ["group"]),
            session=_session(row, where),
            others={key: value for key, value in row.items() if isinstance(value, str)},
        )


def _rows(path: str | Path) -> Iterator[Row]:
    file = Path(path)
    if file.is_dir():
        raise EarmarkError(f"{path}: a folder; a file of JSON Lines was expected")
    with tempfile.NamedTemporaryFile() as taken:
        if str(path) == "-":
            shutil.copyfileobj(sys.stdin.buffer, taken)
            taken.flush()
            file = Path(taken.name)
        try:
            if form_of(file) == "csv" or (str(path) == "-" and _is_table(file)):
                yield from _table_rows(file, str(path))
            else:
                yield from json_rows(file, {})
        except OSError as error:
            raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
        except (ValueError, EarmarkError) as error:
            name = "" if isinstance(error, EarmarkError) else f"{path}, "
            said = str(error).split(", or name its encoding")[0]  # in a config, which is none here
            raise EarmarkError(name + said) from None


def _is_table(file: Path) -> bool:
    """Whether standard input is a table: JSON begins with a bracket."""
    with file.open("rb") as stream:
        start = stream.read(256).lstrip(b"\xef\xbb\xbf\xff\xfe\0 \r\n")
    return start[:1] not in (b"{", b"[") and any(one in start for one in (b",", b"\t", b";"))


def _table_rows(file: Path, name: str) -> Iterator[Row]:
    import fsspec

    with fsspec.open(str(file), "rb", compression="infer") as stream:
        header = stream.readline().replace(b"\0", b"")
    separator = max((b",", b"\t", b";"), key=header.count).decode()
    options = {"sep": separator, "dtype": str, "quoting": 0}
    for _, where, row in Table([(name, file)], "csv", options).read():
        values = {str(key): "" if value is None else value for key, value in row.items()}
        if separator == "\t" and any("\t" in text and "\n" in text for text in values.values()):
            raise EarmarkError(
                f"{where}: a field that goes on over several rows: a quote left open"
            )
        yield values


def _session(row: Row, where: str) -> tuple[str, float] | None:
    if row.get("parent_id") in (None, ""):
        return None
    place = _number(row.get("chunk_index"))
    if place is None:
        found = str(row.get("chunk_index"))
        raise EarmarkError(f"{where}: 'chunk_index' must be a number, found {found[:60]!r}")
    return str(row["parent_id"]), place


def _text(row: Row, key: str, columns: Mapping[str, str], where: str, needed: Sequence[str]) -> str:
    column = columns[key]
    if column not in row and key in needed:
        keys = ", ".join(map(repr, row)) or "none"
        option = "--group NAME" if key == "group" else f"--column {key}=NAME"
        raise EarmarkError(
            f"{where}: {column!r} is missing; the row's keys: {keys} ({option} names another)"
        )
    value = row.get(column)
    empty = value is None or value != value  # NaN is what pandas writes for nothing
    if empty and (key == "pred_text" or key not in needed):
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        found = json.dumps(value, ensure_ascii=False)
        raise EarmarkError(f"{where}: {column!r} must be a text, found {found:.60}")
    return str(value)


def _seconds(row: Row, key: str, where: str) -> float | None:
    if row.get(key) in (None, ""):
        return None
    seconds = _number(row[key])
    if seconds is None:
        raise EarmarkError(f"{where}: {key!r} must be seconds, found {str(row[key])[:60]!r}")
    return seconds


def _number(value: Any) -> float | None:
    """A finite number, also of a table, which holds texts; None for anything else."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None
