"""A source of the user's own: a manifest (JSON Lines, CSV) beside, or pointing to, audio files.

The audio stays where it is; the project's manifest points to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.audio import sha256
from earmark.data.sampling import chosen
from earmark.data.table import FORMS, Table
from earmark.data.utterance import Clip, Utterance, text_of
from earmark.errors import EarmarkError
from earmark.files import Row

COLUMNS = {"id": "id", "audio": "audio_filepath", "text": "text"}
"""The keys of the user's manifest, unless ``columns`` says otherwise: NeMo's names."""


def _columns(source: Settings) -> dict[str, str | None]:
    return {**COLUMNS, **source.get("columns", {})}


def _entries(source: Settings) -> Iterator[tuple[int, str, Row, list[Path]]]:
    """Row number (from 1), its place, the row, and the paths of its clips."""
    manifest, columns = Path(source["manifest"]), _columns(source)
    column = str(columns["audio"])
    text = [str(columns[key]) for key in COLUMNS]
    form = FORMS.get(manifest.suffix.lower(), "json")
    table = Table([(str(manifest), manifest)], form, source.get("options"), text)
    for index, _, row in table.read():
        held, where = row.get(column), f"{manifest}, row {index + 1}"
        names: list[Any] = held if isinstance(held, list) else [held]
        if not names or not all(isinstance(name, str) and name for name in names):
            found = f"{held!r:.80}" if column in row else "no such key"
            raise EarmarkError(
                f"{where}: no audio path under {column!r}, nor a list of them, but {found}; the "
                f"row has {', '.join(map(repr, row)) or 'no keys'} (source.columns.audio names "
                "the key)"
            )
        yield index + 1, where, row, [manifest.parent / name for name in names]


def source_files(source: Settings) -> list[str]:
    """The manifest and every clip in it: a change of any prepares the split anew."""
    files = {source["manifest"]: None}
    for _, where, _, paths in _entries(source):
        for path in paths:
            if str(path) not in files and not path.is_file():
                raise EarmarkError(
                    f"{where}: no such audio file: {path} (paths are relative to the manifest's "
                    "folder)"
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
    source: Settings, audio: bool, number: int, where: str, row: Row, paths: list[Path]
) -> Utterance:
    columns = _columns(source)
    id_, text = columns["id"], columns["text"]
    if text is not None and text not in row:
        raise EarmarkError(
            f"{where}: no reference text under {text!r} (source.columns.text names the key; null "
            "where the set has none)"
        )
    name = text_of(row.get(id_), id_, "id", where) if id_ else str(number)
    # A NeMo row with an offset is a stretch of its file; its duration alone says what the file has.
    offset, duration = row.get("offset"), row.get("duration")
    stretch: Row = {} if offset is None else {"offset": float(offset), "duration": duration}
    return Utterance(
        id=name or paths[0].stem,
        where=where,
        clips=tuple(Clip(str(path), path=path, **stretch) for path in paths) if audio else (),
        text=None if text is None else text_of(row[text], text, "text", where),
        fields=_fields(row, columns, where),
    )


def _fields(row: Row, columns: dict[str, str | None], where: str) -> Row:
    """The row's own keys, and those that ``columns`` gives another name."""
    own = {key: name for key, name in columns.items() if key not in COLUMNS and name is not None}
    for key, column in own.items():
        if column not in row:
            raise EarmarkError(
                f"{where}: no key {column!r} for `{key}` (source.columns.{key} names it); the row "
                f"has {', '.join(map(repr, row))}"
            )
    kept = {k: v for k, v in row.items() if k not in (*columns.values(), "duration", "offset")}
    return kept | {key: row[column] for key, column in own.items()}
