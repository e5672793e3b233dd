"""A source of the user's own: a manifest (JSON Lines, CSV) beside, or pointing to, audio files.

The audio stays where it is; the project's manifest points to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.config import Source, Split
from earmark.data.audio import sha256
from earmark.data.table import FORMS, Table
from earmark.data.utterance import Clip, Utterance, distinct, listed, text_of
from earmark.errors import EarmarkError
from earmark.files import Row

COLUMNS = {"id": "id", "audio": "audio_filepath", "text": "text"}
"""The keys of the user's manifest, unless ``columns`` says otherwise: NeMo's names."""


def _entries(source: Source) -> list[tuple[int, str, Row, list[Path]]]:
    """Each row's number (from 1), its place, the row, and the paths of its clips."""
    manifest, columns = Path(str(source.manifest)), {**COLUMNS, **source.columns}
    column, entries = str(columns["audio"]), []
    form = FORMS.get(manifest.suffix.lower(), "json")
    text = [str(columns[key]) for key in COLUMNS]
    table = Table([(str(manifest), manifest)], form, source.options, text)
    for index, _, row in table.read():
        where, held = f"{manifest}, row {index + 1}", row.get(column)
        names = listed(held)
        if not names or not all(isinstance(name, str) and name for name in names):
            found = f"{held!r:.80}" if column in row else "no such key"
            raise EarmarkError(
                f"{where}: no audio path under {column!r}, nor a list of them, but {found}; the "
                f"row has {', '.join(map(repr, row)) or 'no keys'} (source.columns.audio names "
                "the key)"
            )
        entries.append((index + 1, where, row, [manifest.parent / name for name in names]))
    if not entries:
        raise EarmarkError(f"{manifest}: no utterances in it: no rows; one each is expected")
    return entries


def source_files(split: Split) -> list[str]:
    """The manifest and every clip in it: a change of any prepares the split anew.

    Raises:
        EarmarkError: when a clip is not there, a row lacks what it should have, two have one id, or
            there are none.
    """
    entries = _entries(split.source)
    files = dict.fromkeys([str(split.source.manifest)])
    for _, where, _, paths in entries:
        for path in paths:
            if str(path) not in files and not path.is_file():
                raise EarmarkError(
                    f"{where}: no such audio file: {path} (paths are relative to the manifest's "
                    "folder)"
                )
            files[str(path)] = None
    for _ in distinct(_utterance(split, *entries[index]) for index in split.chosen(len(entries))):
        pass
    return list(files)


def fetch(split: Split, folder: Path, cache: Path) -> dict[str, Any]:
    """Record the files and their checksums; nothing is copied."""
    return {
        "files": [
            {"path": path, "size": Path(path).stat().st_size, "sha256": sha256(path)}
            for path in source_files(split)
        ]
    }


def utterances(split: Split, folder: Path, cache: Path) -> tuple[int, int, Iterator[Utterance]]:
    """The user's rows under the project's names; keys of their own are kept."""
    entries = _entries(split.source)
    picked = split.chosen(len(entries))
    return len(entries), len(picked), (_utterance(split, *entries[index]) for index in picked)


def _utterance(split: Split, number: int, where: str, row: Row, paths: list[Path]) -> Utterance:
    columns = {**COLUMNS, **split.source.columns}
    id_, text = columns["id"], columns["text"]
    if text is not None and text not in row:
        raise EarmarkError(
            f"{where}: no reference text under {text!r} (source.columns.text names the key; null "
            "where the set has none)"
        )
    own = {key: name for key, name in columns.items() if key not in COLUMNS and name is not None}
    for key, column in own.items():
        if column not in row:
            raise EarmarkError(
                f"{where}: no key {column!r} for `{key}` (source.columns.{key} names it); the row "
                f"has {', '.join(map(repr, row))}"
            )
    kept = {k: v for k, v in row.items() if k not in (*columns.values(), "duration", "offset")}
    name = text_of(row.get(id_), id_, "id", where) if id_ else str(number)
    # A NeMo row with an offset is a stretch of its file; its duration alone says what the file has.
    stretch: Row = {}
    if row.get("offset") is not None:
        stretch = {key: row.get(key) for key in ("offset", "duration")}
        if not all(isinstance(seconds, int | float | None) for seconds in stretch.values()):
            raise EarmarkError(f"{where}: seconds are expected as offset and duration: {stretch}")
    clips = (Clip(str(path), path=path, **stretch) for path in paths if split.audio)
    return Utterance(
        id=name or paths[0].stem,
        where=where,
        clips=tuple(clips),
        text=None if text is None else text_of(row[text], text, "text", where),
        fields=kept | {key: row[column] for key, column in own.items()},
    )
