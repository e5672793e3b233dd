"""A source on the Hub: what download brings for a split, and the utterances that it is made of."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.hub import columns
from earmark.data.hub.archive import Archive, directory_range
from earmark.data.hub.columns import Columns
from earmark.data.hub.layout import matching, split_files
from earmark.data.hub.ranges import RangeSet
from earmark.data.hub.repository import HubFile, Repository, local_file
from earmark.data.hub.tables import Table, footer_range
from earmark.data.hub.transfer import Wanted
from earmark.data.hub.transfer import fetch as transfer
from earmark.data.sampling import chosen
from earmark.data.utterance import Clip, Utterance
from earmark.errors import EarmarkError
from earmark.files import Row, read_json

MOST = 0.5  # of a file's bytes: where more is needed, the whole file is fetched


def source_files(source: Settings) -> list[str]:
    """None of the user's files."""
    return []


def fetch(preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
    """Bring what a split needs to the cache.

    Args:
        preparation: ``source``, ``audio``, ``limit`` and ``sample`` of the split.
        folder: The split's source folder; what it is called in progress lines.
        cache: The folder in which files of the Hub are kept.

    Returns:
        The record: repository, commit, and each file with its size and checksums.

    Raises:
        EarmarkError: when the set cannot be had, or is not what the config says.
    """
    source = preparation["source"]
    repository = Repository(source["repo"], source.get("revision", "main"), cache)
    label = f"download {folder.parent.parent.name}/{folder.parent.name}"
    files = repository.files(_row_files(source, repository, label))
    table = _bring_table(preparation, repository, files, label)
    found = columns.resolve(source, table.column_types(), preparation["audio"])
    rows = _rows(preparation, table)
    clips: list[HubFile] = []
    archive = None
    if preparation["audio"] and found.audio_is_path:
        if "archive" in source:
            (archive,) = repository.files([source["archive"]])
            _bring_members(repository, archive, table, found, rows, label)
        else:
            names = _clip_names(table, rows, found)
            paths = _repository_paths(names, files, repository.paths, repository.repo)
            clips = repository.files(paths)
            transfer(repository, [_whole(repository, file) for file in clips], label)
    return {
        "repo": repository.repo,
        "revision": repository.revision,
        "commit": repository.commit,
        "files": [_record(file) for file in files],
        "archive": _record(archive) if archive else None,
        "clips": [_record(file) for file in clips],
    }


def utterances(
    preparation: Settings, folder: Path, cache: Path
) -> tuple[int, int, Iterator[Utterance]]:
    """The utterances of a split that was downloaded.

    Returns:
        How many rows the split has, how many of them are asked for, and those, in order.
    """
    source = preparation["source"]
    record = read_json(folder / "files.json")
    repo = record["repo"]
    files = [_read_record(entry) for entry in record["files"]]
    table_files = [(file.path, local_file(cache, repo, file)) for file in files]
    table = Table(table_files, repo, columns.of_text(source))
    found = columns.resolve(source, table.column_types(), preparation["audio"])
    matching_rows = table.matching(source.get("rows", {}))
    picked = chosen(len(matching_rows), preparation["limit"], preparation["sample"])
    rows = (
        matching_rows if len(picked) == len(matching_rows) else [matching_rows[n] for n in picked]
    )
    clip = _clip_reader(record, cache, files)
    return len(matching_rows), len(rows), _utterances(table, rows, found, clip, folder.parent.name)


def _utterances(
    table: Table,
    rows: Sequence[int],
    found: Columns,
    clip: Callable[[str], Clip],
    split: str,
) -> Iterator[Utterance]:
    for index, row in zip(rows, table.read(rows, found.needed), strict=True):
        yield found.utterance(row, f"{split}-{index + 1:06d}", clip)


def _row_files(source: Settings, repository: Repository, label: str) -> list[str]:
    if "files" in source:
        paths: list[str] = []
        for pattern in source["files"]:
            found = matching(pattern, repository.paths)
            if not found:
                some = ", ".join(repository.paths[:8])
                raise EarmarkError(
                    f"{repository.repo} at {repository.revision} has no file that "
                    f"`source.files` entry {pattern!r} matches; it has {some}"
                )
            paths += [path for path in found if path not in paths]
        return paths
    readme = None
    if "README.md" in repository.paths:
        (file,) = repository.files(["README.md"])
        transfer(repository, [_whole(repository, file)], f"{label} README.md")
        path = local_file(repository.cache, repository.repo, file).path
        readme = path.read_text(encoding="utf-8", errors="replace")
    return split_files(
        repository.paths, readme, source.get("config"), source.get("split", "test"), repository.repo
    )


def _bring_table(
    preparation: Settings, repository: Repository, files: list[HubFile], label: str
) -> Table:
    """The rows, or the parts of their files that are needed where those are few."""
    source = preparation["source"]
    places = [local_file(repository.cache, repository.repo, file) for file in files]
    table_files = [(file.path, place) for file, place in zip(files, places, strict=True)]
    whole = [Wanted(file, place) for file, place in zip(files, places, strict=True)]
    few = preparation["limit"] or preparation["sample"] or not preparation["audio"]
    if not few or not all(file.path.endswith(".parquet") for file in files):
        transfer(repository, whole, label)
        return Table(table_files, repository.repo, columns.of_text(source))

    def bring(ranges: Sequence[RangeSet]) -> None:
        wanted = [
            Wanted(item.file, item.local, parts if parts.size < MOST * item.file.size else None)
            for item, parts in zip(whole, ranges, strict=True)
        ]
        transfer(repository, wanted, label)

    for _ in range(2):
        parts = [footer_range(place) for place in places]
        wanted = [Wanted(i.file, i.local, p) for i, p in zip(whole, parts, strict=True)]
        transfer(repository, wanted, f"{label} (footers)")
    table = Table(table_files, repository.repo)
    needed = columns.resolve(source, table.column_types(), preparation["audio"]).needed
    if source.get("rows"):
        bring(table.ranges(None, list(source["rows"])))
    bring(table.ranges(_rows(preparation, table), needed))
    return table


def _rows(preparation: Settings, table: Table) -> Sequence[int]:
    matching_rows = table.matching(preparation["source"].get("rows", {}))
    picked = chosen(len(matching_rows), preparation["limit"], preparation["sample"])
    return [matching_rows[n] for n in picked]


def _bring_members(
    repository: Repository,
    archive: HubFile,
    table: Table,
    found: Columns,
    rows: Sequence[int],
    label: str,
) -> None:
    """The members that rows name; the whole archive where they are most of it.

    Splits that share an archive share what has come of it, so that nothing comes twice, in
    whichever order they are prepared.
    """
    place = local_file(repository.cache, repository.repo, archive)
    where = f"{repository.repo}: {archive.path}"
    label = f"{label} {archive.path}"
    for _ in range(3):  # the end, a comment before it, and the directory that it points to
        directory = directory_range(place, where)
        transfer(repository, [Wanted(archive, place, directory)], f"{label} (directory)")
    zipped, names = Archive(place, where), _clip_names(table, rows, found)
    for name, row in names.items():
        try:
            zipped.member(name)
        except EarmarkError as error:
            raise EarmarkError(f"{row}: {error}") from None
    needed = zipped.ranges(names)
    most = needed.size > MOST * archive.size
    transfer(repository, [Wanted(archive, place, None if most else needed)], label)


def _clip_names(table: Table, rows: Sequence[int], found: Columns) -> dict[str, str]:
    """The clips that rows name, in order, and the first row that names each."""
    names: dict[str, str] = {}
    for row in table.read(rows, [found.audio]):
        for name in columns.listed(row.values[found.audio]):
            if name is not None:  # a row without one of its clips is told of with the damaged ones
                names.setdefault(name, row.where)
    return names


def _repository_paths(
    names: Mapping[str, str], files: Sequence[HubFile], paths: Sequence[str], where: str
) -> list[str]:
    known, folder = set(paths), posixpath.dirname(files[0].path)
    found = []
    for name, row in names.items():
        path = _in_repository(name, folder, known)
        if path is None:
            raise EarmarkError(
                f"{row}: {where}: there is no file {name!r}, which the audio column names; if the "
                "clips are in a zip archive, name it in the split's `source.archive`"
            )
        found.append(path)
    return found


def _in_repository(name: str, folder: str, known: set[str]) -> str | None:
    candidates = (name, posixpath.normpath(posixpath.join(folder, name)))
    return next((path for path in candidates if path in known), None)


def _clip_reader(record: Row, cache: Path, files: Sequence[HubFile]) -> Callable[[str], Clip]:
    """How a clip that a row names is read: from the archive, or from its own file."""
    repo = record["repo"]
    if record["archive"] is not None:
        file = _read_record(record["archive"])
        archive = Archive(local_file(cache, repo, file), f"{repo}: {file.path}")
        return lambda name: Clip(name, open=lambda: archive.open(name), shared=True)
    clips = {entry["path"]: _read_record(entry) for entry in record["clips"]}
    folder = posixpath.dirname(files[0].path)

    def clip(name: str) -> Clip:
        path = _in_repository(name, folder, set(clips))
        if path is None:
            raise EarmarkError(
                f"{repo}: {name!r} was not downloaded; remove the split's source/files.json and "
                "run again, so that it is"
            )
        place = local_file(cache, repo, clips[path])
        return Clip(name, open=place.open, shared=True)

    return clip


def _whole(repository: Repository, file: HubFile) -> Wanted:
    return Wanted(file, local_file(repository.cache, repository.repo, file))


def _record(file: HubFile) -> Row:
    return {"path": file.path, "size": file.size, "sha256": file.sha256, "blob": file.blob}


def _read_record(entry: Row) -> HubFile:
    return HubFile(entry["path"], entry["size"], entry["blob"], entry["sha256"])
