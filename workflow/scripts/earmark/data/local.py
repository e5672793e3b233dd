"""A source of the user's own: a manifest (JSON Lines, CSV) beside, or pointing to, audio files.

The audio stays where it is; the project's manifest points to it.
"""

import io
import os
import re
import tarfile
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from earmark.config import Source, Split
from earmark.data.audio import sha256
from earmark.data.table import Table, form_of
from earmark.data.utterance import (
    STRETCH,
    Clip,
    Utterance,
    asked_for,
    listed,
    plain,
    stretch,
    text_of,
)
from earmark.errors import EarmarkError
from earmark.files import Row, json_text

COLUMNS = {"id": "id", "audio": "audio_filepath", "text": "text"}
"""The keys of the user's manifest, unless ``columns`` says otherwise: NeMo's names."""
SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".webm")
"""Tried for names without one, as in LJSpeech's list."""
Members = dict[str, tuple[int, int]]


class Entry(NamedTuple):
    """A row: its number (from 1), its place, and its clips' names and files (or archives)."""

    number: int
    where: str
    row: Row
    names: list[str]
    paths: list[Path]

    @property
    def place(self) -> Path:
        """Where its first clip is, or would be if its archive were a folder."""
        first = self.paths[0]
        return first.with_name(self.names[0]) if first.suffix == ".tar" else first


def _entries(source: Source) -> list[Entry]:
    manifest = Path(str(source.manifest))
    return entries_of(
        source, manifest, partial(_file, manifest.parent / (source.clip_folder or ""))
    )


def entries_of(source: Source, manifest: Path, find: Callable[[str, Row], Path]) -> list[Entry]:
    """The rows of a manifest, each with the files of its clips.

    Args:
        source: What columns are called, and how rows are read.
        manifest: The manifest.
        find: The file of a clip, by its name in a row.

    Raises:
        EarmarkError: when a row names no clip, or there are no rows.
    """
    columns = {**COLUMNS, **source.columns}
    column, entries = str(columns["audio"]), []
    form = form_of(manifest)
    text = [str(columns[key]) for key in COLUMNS]
    table = Table([(str(manifest), manifest)], form, source.options, text)
    for index, _, row in table.read():
        where, held = f"{manifest}, row {index + 1}", row.get(column)
        names = listed(held)
        if not names or not all(isinstance(name, str) and name for name in names):
            found = f"{json_text(plain(held)):.80}" if column in row else "no such key"
            raise EarmarkError(
                f"{where}: no audio path under {column!r}, nor a list of them, but {found}; the "
                f"row has {', '.join(map(repr, row)) or 'no keys'} (source.columns.audio names "
                "the key)"
            )
        for name in names:
            if "://" in name and source.type == "local" and not name.startswith("file://"):
                raise EarmarkError(f"{where}: {name!r} is an address; name a file of its clip")
        paths = [find(name, row) for name in names]
        entries.append(Entry(index + 1, where, row, names, paths))
    if not entries:
        raise EarmarkError(f"{manifest}: no utterances in it: no rows; one each is expected")
    if columns["text"] is not None and not any(columns["text"] in one.row for one in entries):
        raise EarmarkError(
            f"{entries[0].where}: no reference text under {columns['text']!r} "
            "(source.columns.text names the key; null where the set has none)"
        )
    return entries


def _file(folder: Path, name: str, row: Row) -> Path:
    """The file that a clip is in: at its path, or NeMo's archive of the row's shard."""
    if name.startswith("file://"):
        name = url2pathname(urlsplit(name).path)
    path = folder / os.path.expanduser(os.path.expandvars(name))  # noqa: PTH111 (never raises)
    if row.get("shard_id") is not None and not _is_file(path):
        return folder / f"audio_{row['shard_id']}.tar"
    if _is_file(path):
        return path
    # macOS decomposes accents in names of files, and others compose them; Windows has backslashes.
    other = [unicodedata.normalize(form, str(path)) for form in ("NFC", "NFD")]
    other.append(str(path).replace("\\", "/"))
    other += [] if path.suffix else [f"{path}{suffix}" for suffix in SUFFIXES]
    return next(filter(_is_file, map(Path, other)), path)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 (a name that is too long is no error)


def _named(entries: Sequence[Entry], offset: str) -> list[str]:
    """A name for each row without an id: its file's, with folder or offset where those clash."""
    same: dict[str, set[Path]] = {}
    for one in entries:
        same.setdefault(one.place.stem, set()).add(one.place)
    rows = Counter(one.place.stem for one in entries)
    bare = Counter(path.with_suffix("") for places in same.values() for path in places)
    bases = {name: os.path.commonpath([p.parent for p in places]) for name, places in same.items()}
    found = []
    for one in entries:
        name, places = one.place.stem, same[one.place.stem]
        clash = rows[name] > len(places)
        if len(places) > 1:
            path = one.place.relative_to(bases[name])
            name = str(path if bare[one.place.with_suffix("")] > 1 else path.with_suffix(""))
        if clash and one.row.get(offset) is not None:
            name = f"{name}-{one.row[offset]}"
        found.append(name)
    return found


def source_files(split: Split) -> list[str]:
    """The manifest and, with audio, every clip.

    Raises:
        EarmarkError: when a clip is not there, a row lacks what it should have, two have one id, or
            there are none.
    """
    entries = _entries(split.source)
    files = dict.fromkeys([str(split.source.manifest)])
    for one in entries:
        for path in one.paths if split.audio else ():
            if str(path) not in files and not _is_file(path) and path.suffix != ".tar":
                raise EarmarkError(
                    f"{one.where}: no such audio file: {path} (paths are relative to the "
                    "manifest's folder, or to `source.clip_folder` in it)"
                )
            files[str(path)] = None
    for _ in asked_for(utterances_of(split, entries)[2], split.ids):
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
    """The user's rows under the project's names; see `utterances_of`."""
    return utterances_of(split, _entries(split.source))


def utterances_of(split: Split, entries: Sequence[Entry]) -> tuple[int, int, Iterator[Utterance]]:
    """How many rows there are, how many are asked for, and those; keys of their own are kept."""
    sessions: list[str] = []
    if split.session is not None:
        column = split.source.columns.get(split.session.group) or split.session.group
        sessions = [str(one.row.get(column)) for one in entries]
    picked = split.chosen(len(entries), sessions)
    tars: dict[Path, Members] = {}
    names = _named(entries, split.source.columns.get("offset") or "offset")
    made = (_utterance(split, entries[index], names[index], tars) for index in picked)
    return len(entries), len(picked), made


def _utterance(split: Split, entry: Entry, name: str, tars: dict[Path, Members]) -> Utterance:
    columns, row, where = {**COLUMNS, **split.source.columns}, entry.row, entry.where
    id_, text = columns["id"], columns["text"]
    own = {key: name for key, name in columns.items() if key not in COLUMNS and name is not None}
    for key, column in own.items():
        if column not in row:
            raise EarmarkError(
                f"{where}: no key {column!r} for `{key}` (source.columns.{key} names it); the row "
                f"has {', '.join(map(repr, row))}"
            )
    kept = {k: v for k, v in row.items() if k not in (*columns.values(), *STRETCH)}
    given = text_of(row.get(id_), id_, "id", where) if id_ else str(entry.number)
    part = stretch(row, columns, where)
    clips = (
        _clip(clip, path, part, where, tars)
        for clip, path in zip(entry.names, entry.paths, strict=True)
        if split.audio
    )
    return Utterance(
        id=given or name,
        where=where,
        clips=tuple(clips),
        text=None if text is None else text_of(row.get(text), text, "text", where),
        fields=kept | {key: row[column] for key, column in own.items() if key not in STRETCH},
        declared=part["duration"],
    )


def _clip(name: str, path: Path, part: Row, where: str, tars: dict[Path, Members]) -> Clip:
    # A NeMo row with an offset is a stretch of its file; its duration alone says what the file has.
    part = part if part["offset"] is not None else {}
    if path.suffix != ".tar":
        return Clip(str(path), path=path, **part)
    members = tars[path] = tars.get(path) or _members(path)
    # NeMo numbers the rows that are parts of one member: ``talk-sub2.wav`` of ``talk.wav``.
    whole = name if name in members else re.sub(r"-sub\d+(?=\.\w+$|$)", "", name)
    if whole not in members:
        raise EarmarkError(f"{where}: there is no {name!r} in {path}")
    return Clip(name, open=partial(_member, path, *members[whole]), **part)


def _members(path: Path) -> Members:
    """Where the members of an archive as NeMo's tarred sets have it begin, and their sizes."""
    try:
        with tarfile.open(path, "r:") as archive:
            files = [member for member in archive if member.isfile()]
    except FileNotFoundError:
        raise EarmarkError(
            f"{path}: no such archive; rows with `shard_id` have their clips in "
            "audio_<shard_id>.tar beside the manifest"
        ) from None
    except (OSError, tarfile.TarError) as error:
        raise EarmarkError(f"{path}: not a tar archive without compression: {error}") from None
    return {one.name.removeprefix("./"): (one.offset_data, one.size) for one in files}


def _member(path: Path, start: int, size: int) -> BinaryIO:
    with path.open("rb") as stream:
        stream.seek(start)
        return io.BytesIO(stream.read(size))
