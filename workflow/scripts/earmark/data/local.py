"""A source of the user's own: a JSONL manifest beside (or pointing to) audio files.

The audio stays where it is; the project's manifest points to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.audio import sha256
from earmark.data.sampling import chosen
from earmark.data.utterance import Clip, Utterance
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl

COLUMNS = {"id": "id", "audio": "audio_filepath", "text": "text"}
"""The keys of the user's manifest, unless ``columns`` says otherwise: NeMo's names."""


def _entries(source: Settings) -> Iterator[tuple[int, Row, list[Path]]]:
    """Row number (from 1), row, and the paths of its clips."""
    manifest = Path(source["manifest"])
    column = str(_columns(source)["audio"])
    for number, row in enumerate(read_jsonl(manifest), start=1):
        held = row.get(column)
        names: list[Any] = held if isinstance(held, list) else [held]
        if not names or not all(isinstance(name, str) and name for name in names):
            found = f"{held!r:.80}" if column in row else "no such key"
            raise EarmarkError(
                f"{manifest}, row {number}: no audio path under {column!r}, nor a list of them, "
                f"but {found}; the row has {', '.join(map(repr, row)) or 'no keys'} "
                "(source.columns.audio names the key)"
            )
        yield number, row, [manifest.parent / name for name in names]


def _columns(source: Settings) -> dict[str, str | None]:
    return {**COLUMNS, **source.get("columns", {})}


def source_files(source: Settings) -> list[str]:
    """The manifest and every clip in it: a change of any prepares the split anew."""
    files = {source["manifest"]: None}
    for number, _row, paths in _entries(source):
        for path in paths:
            if not path.is_file():
                raise EarmarkError(
                    f"{source['manifest']}, row {number}: no such audio file: {path} "
                    "(paths are relative to the manifest's folder)"
                )
            files[str(path)] = None
    return list(files)


def fetch(preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
    """Record the files and their checksums; nothing is copied."""
    paths = source_files(preparation["source"])
    return {
        "files": [
            {"path": path, "size": Path(path).stat().st_size, "sha256": sha256(path)}
            for path in paths
        ]
    }


def utterances(
    preparation: Settings, folder: Path, cache: Path
) -> tuple[int, int, Iterator[Utterance]]:
    """The user's rows under the project's names; keys of their own are kept."""
    source = preparation["source"]
    entries = list(_entries(source))
    picked = chosen(len(entries), preparation["limit"], preparation["sample"])
    rows = (_utterance(source, preparation["audio"], *entries[index]) for index in picked)
    return len(entries), len(picked), rows


def _utterance(
    source: Settings, audio: bool, number: int, row: Row, paths: Sequence[Path]
) -> Utterance:
    columns = _columns(source)
    where = f"{source['manifest']}, row {number}"
    name = row.get(columns["id"], paths[0].stem) if columns["id"] else number
    return Utterance(
        id=str(paths[0].stem if name is None else name),
        where=where,
        clips=tuple(Clip(str(path), path=path) for path in paths) if audio else (),
        several=isinstance(row[str(columns["audio"])], list),
        text=_text(row, columns["text"], where),
        fields=_fields(row, columns, where),
    )


def _text(row: Row, column: str | None, where: str) -> str | None:
    if column is None:
        return None
    text = row.get(column)
    if not isinstance(text, str):
        raise EarmarkError(
            f"{where}: no reference text under {column!r} (source.columns.text names the key; "
            "null where the set has none)"
        )
    return text


def _fields(row: Row, columns: Mapping[str, str | None], where: str) -> Row:
    """The row's own keys, and those that ``columns`` gives another name."""
    fields = {k: v for k, v in row.items() if k not in (*columns.values(), "duration")}
    for key, column in columns.items():
        if key in COLUMNS or column is None:
            continue
        if column not in row:
            raise EarmarkError(
                f"{where}: no key {column!r} for `{key}` (source.columns.{key} names it); the row "
                f"has {', '.join(map(repr, row))}"
            )
        fields[key] = row[column]
    return fields
