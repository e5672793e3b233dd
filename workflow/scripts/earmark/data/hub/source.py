"""A source on the Hub: what download brings for a split, and the utterances that it is made of."""

import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from earmark.config import Split
from earmark.data.hub.archive import Archive, bring_members, is_tar, member_file
from earmark.data.hub.failures import explained
from earmark.data.hub.repository import Repository, cached
from earmark.data.table import Table
from earmark.data.utterance import (
    STRETCH,
    Clip,
    Utterance,
    held,
    length,
    listed,
    plain,
    stretch,
    text_of,
)
from earmark.errors import EarmarkError
from earmark.files import Row, read_json, whole_file

COLUMNS: dict[str, str | None] = {"id": "id", "audio": "audio", "text": "text"}
PICKED = "rows.parquet"


def fetch(split: Split, folder: Path, cache: Path) -> Row:
    """Bring what a split needs to the cache, or to its source folder where that is little.

    Returns:
        The record: repository, commit, and each file with its size and checksums.

    Raises:
        EarmarkError: when the set cannot be had, or is not what the config says.
    """
    source = split.source
    repository = Repository(str(source.repo), source.revision, cache)
    label = f"download {split.benchmark}/{split.name}"
    form, options, paths = repository.layout(source)
    record: Row = {
        "repo": source.repo, "name": repository.name, "revision": repository.revision,
        "commit": repository.commit, "form": form, "options": options,
        "files": repository.files(paths), "archive": None, "clips": [], "picked_of": None,
    }  # fmt: skip
    rows = _Rows(split, record, folder, cache)
    if form == "parquet" and (split.limit or split.sample or not split.audio):
        record["picked_of"] = _bring_rows(rows, repository)
    if record["picked_of"] is None:
        repository.bring(record["files"], label)
    names = rows.clip_names() if split.audio and form != "audiofolder" else {}
    if names and source.archive:
        (record["archive"],) = repository.files([source.archive])
        bring_members(repository, record["archive"], names, folder, label)
    elif names:
        resolver = _Resolver(record, repository.paths, source.clip_folder)
        found = [resolver.path(name, where) for name, where in names.items()]
        record["clips"] = repository.files(list(dict.fromkeys(found)))
        repository.bring(record["clips"], label)
    return record


def utterances(split: Split, folder: Path, cache: Path) -> tuple[int, int, Iterator[Utterance]]:
    """How many rows a downloaded split has, how many are asked for, and those, in order."""
    rows = _Rows(split, read_json(folder / "files.json"), folder, cache)
    total, picked = rows.picked
    return total, len(picked), rows.utterances()


class _Rows:
    """A split's rows, as the config and the download's record say."""

    def __init__(self, split: Split, record: Row, folder: Path, cache: Path) -> None:
        self.split, self.source, self.record = split, split.source, record
        self.folder, self._cache = folder, cache
        self.columns = {**COLUMNS, **self.source.columns}
        self._text = [str(self.columns[key]) for key in COLUMNS if self.columns[key]]
        if not split.audio:
            self.columns["audio"] = None

    def _file(self, path: str) -> Path | None:
        return cached(self._cache, self.record["name"], self.record["commit"], path)

    @cached_property
    def table(self) -> Table:
        """The rows that came: all of them, or those picked."""
        if self.record["picked_of"] is not None:
            return Table([(PICKED, self.folder / PICKED)], "parquet")
        paths = [file["path"] for file in self.record["files"]]
        files = [(path, self._file(path) or self._cache / path) for path in paths]
        return Table(files, self.record["form"], self.record["options"], self._text)

    @cached_property
    def picked(self) -> tuple[int, Sequence[int]]:
        """How many rows the split has, and which of the table's are asked for."""
        if self.record["picked_of"] is not None:
            return self.record["picked_of"], self.table.matching({})
        return self.pick(self.table)

    def pick(self, table: Table) -> tuple[int, Sequence[int]]:
        """The same, for any table of the split's rows."""
        if self.source.rows or self.split.session:
            self.needed(table)
        matching = table.matching(self.source.rows or {})
        numbers = self.split.chosen(len(matching), self._sessions(table, matching))
        return len(matching), [matching[number] for number in numbers]

    def _sessions(self, table: Table, matching: Sequence[int]) -> list[str]:
        """The recording that each matching row is a chunk of; none where none could be cut."""
        session = self.split.session
        if not (session and (self.split.limit or self.split.sample or self.source.rows)):
            return []
        column = self.columns.get(session.group) or session.group
        outer = column if column in table.columns() else column.partition(".")[0]
        every = [str(held(row, column)) for _, _, row in table.read(columns=[outer])]
        names = [every[index] for index in matching]
        missing = Counter(every) - Counter(names)
        if cut := next((name for name in names if name in missing), None):
            raise EarmarkError(
                f"{self.source.repo}: source.rows: leaves out {missing[cut]} of the chunks of "
                f"session {cut!r}, whose reference is of the whole; choose by {column!r}, or by "
                "what all of its chunks share"
            )
        return names

    def needed(self, table: Table) -> list[str]:
        """The columns to read, once all that the config names are known to be there."""
        has = table.columns()
        hints = {"columns.id": "; null numbers the rows", "columns.text": "; null if it has none"}
        named = [(f"columns.{key}", name) for key, name in self.columns.items() if name is not None]
        named += [("keep", name) for name in self.source.keep]
        named += [("rows", name) for name in self.source.rows or ()]
        for key, name in named:
            if name not in has and (key == "rows" or name.partition(".")[0] not in has):
                raise EarmarkError(
                    f"{self.source.repo}: no column {name!r}; it has {', '.join(has) or 'none'}. "
                    f"Set `source.{key}`{hints.get(key, '')}"
                )
        parts = [key for key in STRETCH if key in has]
        names = [*filter(None, self.columns.values()), *self.source.keep, *parts]
        return list(dict.fromkeys(n if n in has else n.partition(".")[0] for n in names))

    def rows(self, only: str | None = None) -> Iterator[tuple[int, str, Row]]:
        """Index, place and values of each row that is asked for, or one column of it."""
        _, picked = self.picked
        if len(picked):
            needed = self.needed(self.table)
            yield from self.table.read(picked, [only] if only else needed)

    def clip_names(self) -> dict[str, str]:
        """The clips that rows name, and the first row of each; none where rows hold them."""
        column, names = str(self.columns["audio"]), dict[str, str]()
        for _, where, row in self.rows(column):
            for part in listed(row.get(column)):
                name, data = _part(part, column, where)
                if data is not None:
                    return {}
                if name:  # a row without one of its clips is told of with the damaged ones
                    names.setdefault(name, where)
        return names

    def utterances(self) -> Iterator[Utterance]:
        """What the rows say; an error names one that has no id, or text of another type."""
        id_, audio, text = (self.columns[key] for key in COLUMNS)
        other = (*COLUMNS, *STRETCH)
        fields = {key: name for key, name in self.columns.items() if name and key not in other}
        fields |= {name: name for name in self.source.keep}
        for index, where, row in self.rows():
            name = f"{self.split.name}-{index + 1:06d}"
            if id_ and not (name := text_of(held(row, id_), id_, "id", where)):
                raise EarmarkError(
                    f"{where}: no id under {id_!r}; `source.columns.id: null` numbers the rows"
                )
            parts = listed(row.get(audio)) or [None] if audio else []
            clips = [self._clip(*_part(p, str(audio), where), str(audio)) for p in parts]
            part = self._stretch(clips, row, where)
            if part.get("offset") is not None:
                clips = [replace(clip, shared=False, **part) for clip in clips]
            yield Utterance(
                id=name,
                where=where,
                clips=tuple(clips),
                text=text_of(held(row, text), text, "text", where) if text else None,
                fields={key: plain(held(row, column)) for key, column in fields.items()},
                declared=part["duration"] if part else length(row.get("duration")),
            )

    def _stretch(self, clips: Sequence[Clip], row: Row, where: str) -> Row:
        """Which part of its file a row is: as the config says, or as NeMo's rows do."""
        said = any(self.columns.get(key) for key in STRETCH)
        of_files = row.get("offset") is not None and all(clip.data is None for clip in clips)
        return stretch(row, self.columns, where) if said or of_files else {}

    def _clip(self, name: str | None, data: bytes | None, column: str) -> Clip:
        """A clip: of the bytes in a row, of its own file, or in the archive."""
        named = (
            self.record["archive"] or self.record["clips"] or self.record["form"] == "audiofolder"
        )
        if data is not None or not name or not named:
            return Clip(name or column, data=data or b"")  # a damaged one, which may be allowed
        if self._archive is not None:
            zipped = self._archive
            return Clip(name, open=lambda: zipped.open(name), shared=True)
        path: Path | None = Path(name)  # of an audiofolder, which `datasets` has found
        if self.record["archive"]:
            path = member_file(self.folder, name)
        elif self.record["clips"]:
            path = self._file(self._resolver.path(name, self.record["repo"]))
        if self.record["form"] == "audiofolder" and not Path(name).is_file():
            raise EarmarkError(
                f"{self.record['repo']}: its metadata names {Path(name).name!r}, which is not "
                "there; clips in an archive: name it in `source.archive`, the metadata in "
                "`source.files`, and `file_name` in `source.columns.audio`"
            )
        if path is None or not path.is_file():
            raise EarmarkError(
                f"{self.record['repo']}: {name!r} was not downloaded; remove the split's "
                "source/files.json and run again, so that it is"
            )
        return Clip(name, open=lambda: path.open("rb"), shared=True)

    @cached_property
    def _archive(self) -> Archive | None:
        path = self.record["archive"] and self.record["archive"]["path"]
        file = self._file(path) if path and not is_tar(path) else None
        return Archive(file, f"{self.record['repo']}: {file.name}") if file else None

    @cached_property
    def _resolver(self) -> "_Resolver":
        return _Resolver(
            self.record, [file["path"] for file in self.record["clips"]], self.source.clip_folder
        )


def _bring_rows(rows: _Rows, repository: Repository) -> int | None:
    """Write picked rows of Parquet files, without other columns, to a file of their own.

    Returns:
        How many rows the split has; None, and no file, where none is picked.
    """
    import pyarrow.parquet
    from huggingface_hub import HfFileSystem, constants

    remote = HfFileSystem(endpoint=constants.ENDPOINT)
    folder = f"datasets/{repository.name}@{repository.commit}"
    with explained(repository.repo, repository.revision, "its rows"):
        opened = []
        for file in rows.record["files"]:
            stream = remote.open(f"{folder}/{file['path']}", cache_type="none")
            parquet = pyarrow.parquet.ParquetFile(stream, buffer_size=8 << 20, pre_buffer=False)
            opened.append((file["path"], parquet))
        table = Table(opened, "parquet")
        needed, (total, picked) = rows.needed(table), rows.pick(table)
        if not len(picked):
            return None
        with whole_file(rows.folder / PICKED, "wb") as target:
            writer: Any = None
            for _, batch in table.batches(picked, needed):
                writer = writer or pyarrow.parquet.ParquetWriter(target, batch.schema)
                writer.write_batch(batch)
            writer.close()
    return total


def _part(part: Any, column: str, where: str) -> tuple[str | None, bytes | None]:
    """A clip's name and bytes, of which either may be missing."""
    if isinstance(part, dict) and ("bytes" in part or "path" in part):
        return part.get("path"), part.get("bytes")
    if isinstance(part, bytes):
        return None, part
    if part is None or isinstance(part, str):
        return part, None
    raise EarmarkError(
        f"{where}: column {column!r} holds {type(part).__name__} where `audio` needs bytes of "
        "audio or paths of clips; set `source.columns.audio`"
    )


class _Resolver:
    """How a clip's name becomes a path: as it is, beside the rows, or the only one that ends so."""

    def __init__(self, record: Row, paths: Sequence[str], folder: str | None) -> None:
        self._repo = record["repo"]
        self._beside = posixpath.dirname(record["files"][0]["path"]) if folder is None else folder
        self._known = {p for p in paths if folder is None or p.startswith(f"{folder.rstrip('/')}/")}
        self._called: dict[str, list[str]] = {}
        for path in sorted(self._known):
            name = posixpath.basename(path)
            for called in {name, posixpath.splitext(name)[0]}:
                self._called.setdefault(called, []).append(path)

    def path(self, name: str, where: str) -> str:
        """The path of a name, with or without a suffix; an `EarmarkError` where there is none."""
        address = (
            rf"(https?://[^/]+|hf:/)/datasets/{re.escape(self._repo)}(@[^/]+|/resolve/[^/]+)?/"
        )
        name = re.sub(address, "", name).replace("\\", "/")
        for form in (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
            for path in (form, posixpath.normpath(posixpath.join(self._beside, form))):
                if path in self._known:
                    return path
        same = self._called.get(posixpath.basename(name), [])
        below = [p for p in same if f"/{p}".endswith(f"/{name}") or f"/{name}." in f"/{p}"]
        if len(below) == 1:
            return below[0]
        found = (
            f"{len(below)} files are called so: {', '.join(below[:3])}" if below else "no file is"
        )
        raise EarmarkError(
            f"{where}: {self._repo}: the audio column names {name!r}, and {found}; "
            "`source.clip_folder` names their folder, `source.archive` an archive of them"
        )
