"""A source of the user's own: a JSONL manifest beside (or pointing to) audio files.

The audio stays where it is; the project's manifest points to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from earmark.audio import sha256
from earmark.config import Settings
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.sampling import chosen
from earmark.utterance import Clip, Utterance

COLUMNS = {"id": "id", "audio": "audio_filepath", "text": "text"}
"""The keys of the user's manifest, unless ``columns`` says otherwise: NeMo's names."""


def _entries(source: Settings) -> Iterator[tuple[int, Row, Path]]:
    """Row number (from 1), row, and the path of its audio."""
    manifest = Path(source["manifest"])
    column = {**COLUMNS, **source.get("columns", {})}["audio"]
    for number, row in enumerate(read_jsonl(manifest), start=1):
        name = row.get(column)
        if not isinstance(name, str) or not name:
            raise EarmarkError(
                f"{manifest}, row {number}: no audio path under {column!r}; the row has "
                f"{', '.join(map(repr, row)) or 'no keys'} (source.columns.audio names the key)"
            )
        yield number, row, manifest.parent / name


def source_files(source: Settings) -> list[str]:
    """The manifest and every clip in it: a change of any prepares the split anew."""
    files = [source["manifest"]]
    for number, _row, path in _entries(source):
        if not path.is_file():
            raise EarmarkError(
                f"{source['manifest']}, row {number}: no such audio file: {path} "
                "(paths are relative to the manifest's folder)"
            )
        files.append(str(path))
    return files


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


def _utterance(source: Settings, audio: bool, number: int, row: Row, path: Path) -> Utterance:
    columns = {**COLUMNS, **source.get("columns", {})}
    text = row.get(columns["text"])
    if not isinstance(text, str):
        raise EarmarkError(
            f"{source['manifest']}, row {number}: no reference text under "
            f"{columns['text']!r} (source.columns.text names the key)"
        )
    return Utterance(
        id=str(row.get(columns["id"], path.stem)),
        where=f"{source['manifest']}, row {number}",
        clips=(Clip(str(path), path=path),) if audio else (),
        text=text,
        fields={k: v for k, v in row.items() if k not in (*columns.values(), "duration")},
    )
