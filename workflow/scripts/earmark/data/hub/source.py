"""A source on the Hub: what download brings for a split, and the utterances that it is made of."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.config import Settings
from earmark.data.hub.archive import Archive, bring_members, member_file
from earmark.data.hub.failures import explained
from earmark.data.hub.repository import Repository, cached
from earmark.data.sampling import chosen
from earmark.data.table import INDEX, WHERE, Table, parquet_batches, shifted
from earmark.data.utterance import Clip, Utterance, check_columns, listed, plain, text_of
from earmark.errors import EarmarkError
from earmark.files import Row, read_json, whole_file

COLUMNS: dict[str, str | None] = {"id": "id", "audio": "audio", "text": "text"}
PICKED = "rows.parquet"


def source_files(source: Settings) -> list[str]:
    """None of the user's files."""
    return []


def fetch(preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
    """Bring what a split needs to the cache, or to its source folder where that is little.

    Args:
        preparation: ``source``, ``audio``, ``limit`` and ``sample`` of the split.
        folder: The split's source folder.
        cache: The folder in which files of the Hub are kept.

    Returns:
        The record: repository, commit, and each file with its size and checksums.

    Raises:
        EarmarkError: when the set cannot be had, or is not what the config says.
    """
    source = preparation["source"]
    repository = Repository(source["repo"], source.get("revision", "main"), cache)
    label = f"download {folder.parent.parent.name}/{folder.parent.name}"
    form, options, paths = repository.layout(source)
    record = {
        "repo": source["repo"], "name": repository.name, "revision": repository.revision,
        "commit": repository.commit, "form": form, "options": options,
        "files": repository.files(paths), "archive": None, "clips": [], "picked_of": None,
    }  # fmt: skip
    few = preparation["limit"] or preparation["sample"] or not preparation["audio"]
    if few and form == "parquet":
        record["picked_of"] = _bring_rows(preparation, repository, record["files"], folder)
    if record["picked_of"] is None:
        repository.bring(record["files"], label)
    if preparation["audio"] and form != "audiofolder":
        names = _clip_names(preparation, record, folder, cache)
        if names and "archive" in source:
            (record["archive"],) = repository.files([source["archive"]])
            bring_members(repository, record["archive"], names, folder, label)
        elif names:
            record["clips"] = repository.files(_paths(names, record, repository.paths))
            repository.bring(record["clips"], label)
    return record


def utterances(
    preparation: Settings, folder: Path, cache: Path
) -> tuple[int, int, Iterator[Utterance]]:
    """The utterances of a split that was downloaded.

    Returns:
        How many rows the split has, how many of them are asked for, and those, in order.
    """
    record = read_json(folder / "files.json")
    table, total, picked = _picked(preparation, record, folder, cache)
    columns = _columns(preparation)
    fields = {key: name for key, name in columns.items() if name and key not in COLUMNS}
    fields |= {name: name for name in preparation["source"].get("keep", [])}
    rows = _rows(preparation, record, table, picked)
    split, clip = folder.parent.name, _clip_reader(record, folder, cache)
    made = (
        _utterance(row, index, where, columns, fields, split, clip) for index, where, row in rows
    )
    return total, len(picked), made


def _columns(preparation: Settings) -> dict[str, str | None]:
    columns = {**COLUMNS, **preparation["source"].get("columns", {})}
    return columns if preparation["audio"] else {**columns, "audio": None}


def _needed(preparation: Settings, has: Sequence[str]) -> list[str]:
    """The columns to read, once all that the config names are known to be there."""
    source, columns = preparation["source"], _columns(preparation)
    check_columns(columns, has, source["repo"])
    for key in ("keep", "rows"):
        for name in source.get(key, []):
            if name not in has:
                raise EarmarkError(
                    f"{source['repo']}: no column {name!r}; it has {', '.join(has)}. Change "
                    f"`source.{key}`"
                )
    return list(dict.fromkeys([*filter(None, columns.values()), *source.get("keep", [])]))


def _table(preparation: Settings, record: Row, folder: Path, cache: Path) -> Table:
    if record["picked_of"] is not None:
        return Table([(PICKED, folder / PICKED)], "parquet")
    files = []
    for file in record["files"]:
        path = cached(cache, record["name"], record["commit"], file["path"])
        files.append((file["path"], path or cache / file["path"]))
    names = {**COLUMNS, **preparation["source"].get("columns", {})}
    text = [names[key] for key in COLUMNS if names[key]]
    return Table(files, record["form"], record["options"], [str(name) for name in text])


def _picked(
    preparation: Settings, record: Row, folder: Path, cache: Path
) -> tuple[Table, int, Sequence[int]]:
    """The table, how many rows the split has in it, and the indices of those asked for."""
    table = _table(preparation, record, folder, cache)
    if record["picked_of"] is not None:
        return table, record["picked_of"], table.matching({})
    return table, *_choice(preparation, table)


def _choice(preparation: Settings, table: Table) -> tuple[int, Sequence[int]]:
    rows = preparation["source"].get("rows", {})
    if rows:
        _needed(preparation, table.columns())
    matching = table.matching(rows)
    picked = chosen(len(matching), preparation["limit"], preparation["sample"])
    if len(picked) == len(matching) or isinstance(matching, range):
        return len(matching), matching if len(picked) == len(matching) else picked
    return len(matching), [matching[number] for number in picked]


def _rows(
    preparation: Settings, record: Row, table: Table, picked: Sequence[int], only: str = ""
) -> Iterator[tuple[int, str, Row]]:
    if not len(picked):
        return
    needed = [only] if only else _needed(preparation, table.columns())
    if record["picked_of"] is not None:
        needed += [INDEX, WHERE]
    yield from table.read(picked, needed)


def _bring_rows(
    preparation: Settings, repository: Repository, files: Sequence[Row], folder: Path
) -> int | None:
    """Write picked rows of Parquet files, without other columns, to a file of their own.

    Returns:
        How many rows the split has; None, and no file, where none is picked.
    """
    import pyarrow
    import pyarrow.parquet
    from huggingface_hub import HfFileSystem, constants

    remote = HfFileSystem(endpoint=constants.ENDPOINT)
    with explained(repository.repo, repository.revision, "its rows"):
        opened = [
            (file["path"], pyarrow.parquet.ParquetFile(
                remote.open(f"datasets/{repository.name}@{repository.commit}/{file['path']}",
                            cache_type="none"), buffer_size=8 << 20, pre_buffer=False))
            for file in files
        ]  # fmt: skip
        table = Table(opened, "parquet")
        needed = _needed(preparation, table.columns())
        total, picked = _choice(preparation, table)
        if not len(picked):
            return None
        with whole_file(folder / PICKED, "wb") as stream:
            writer, first = None, 0
            for name, parquet in opened:
                end = first + parquet.metadata.num_rows
                for numbers, batch in parquet_batches(parquet, needed, shifted(picked, first, end)):
                    places = pyarrow.array([first + number for number in numbers])
                    where = pyarrow.array([f"row {number + 1} of {name}" for number in numbers])
                    batch = batch.append_column(INDEX, places).append_column(WHERE, where)
                    writer = writer or pyarrow.parquet.ParquetWriter(stream, batch.schema)
                    writer.write_batch(batch)
                first = end
            writer.close()  # type: ignore[union-attr]
    return total


def _clip_names(preparation: Settings, record: Row, folder: Path, cache: Path) -> dict[str, str]:
    """The clips that rows name, and the first row that names each; none where rows hold them."""
    table, _, picked = _picked(preparation, record, folder, cache)
    if len(picked):
        _needed(preparation, table.columns())
    column = str(_columns(preparation)["audio"])
    names: dict[str, str] = {}
    for _, where, row in _rows(preparation, record, table, picked, column):
        for part in listed(row.get(column)):
            name, data = _part(part, column, where)
            if data is not None:
                return {}
            if name:  # a row without one of its clips is told of with the damaged ones
                names.setdefault(name, where)
    return names


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


def _paths(names: Mapping[str, str], record: Row, paths: Sequence[str]) -> list[str]:
    """The repository's files that rows name, each once."""
    resolve = _resolver(record, paths)
    found: dict[str, None] = {}
    for name, row in names.items():
        path = resolve(name)
        if path is None:
            raise EarmarkError(
                f"{row}: {record['repo']}: there is no file {name!r}, which the column names; "
                "if the clips are in a zip archive, name it in the split's `source.archive`"
            )
        found[path] = None
    return list(found)


def _resolver(record: Row, paths: Sequence[str]) -> Callable[[str], str | None]:
    """How a clip's name becomes one of some paths: as it is, beside the rows, or the only such."""
    known, folder = set(paths), posixpath.dirname(record["files"][0]["path"])
    ending: dict[str, list[str]] = {}
    for path in paths:
        ending.setdefault(posixpath.basename(path), []).append(path)

    def resolve(name: str) -> str | None:
        for path in (name, posixpath.normpath(posixpath.join(folder, name))):
            if path in known:
                return path
        below = [p for p in ending.get(posixpath.basename(name), []) if p.endswith(f"/{name}")]
        return below[0] if len(below) == 1 else None

    return resolve


def _clip_reader(record: Row, folder: Path, cache: Path) -> Callable[[str], Clip]:
    """How a clip that a row names is read: from the archive, or from its own file."""

    def at(path: str) -> Path | None:
        return cached(cache, record["name"], record["commit"], path)

    archive = at(record["archive"]["path"]) if record["archive"] else None
    if archive is not None:
        zipped = Archive(archive, f"{record['repo']}: {record['archive']['path']}")
        return lambda name: Clip(name, open=lambda: zipped.open(name), shared=True)
    resolve = _resolver(record, [file["path"] for file in record["clips"]])

    def clip(name: str) -> Clip:
        if not (record["archive"] or record["clips"] or record["form"] == "audiofolder"):
            return Clip(name, data=b"")  # the rows hold their clips, but for this one
        path: Path | None = Path(name)  # of an audiofolder, which `datasets` has found
        if record["archive"]:
            path = member_file(folder, name)
        elif record["form"] != "audiofolder":
            path = at(resolve(name) or "")
        if path is None or not path.is_file():
            raise EarmarkError(
                f"{record['repo']}: {name!r} was not downloaded; remove the split's "
                "source/files.json and run again, so that it is"
            )
        return Clip(name, open=lambda: path.open("rb"), shared=True)

    return clip


def _utterance(
    row: Row,
    index: int,
    where: str,
    columns: Mapping[str, str | None],
    fields: Mapping[str, str],
    split: str,
    clip: Callable[[str], Clip],
) -> Utterance:
    """What a row says.

    Raises:
        EarmarkError: when it has no id where it should, or a value of another type.
    """
    id_, audio, text = columns["id"], columns["audio"], columns["text"]
    name = text_of(row.get(id_), id_, "id", where) if id_ else f"{split}-{index + 1:06d}"
    if not name:
        raise EarmarkError(
            f"{where}: no id under {id_!r}; `source.columns.id: null` numbers the rows"
        )
    clips = []
    for part in listed(row.get(audio)) or [None] if audio else []:
        path, data = _part(part, str(audio), where)
        if data is None and path:
            clips.append(clip(path))
        else:  # without bytes: a damaged one, which the config may allow
            clips.append(Clip(path or str(audio), data=data or b""))
    return Utterance(
        id=name,
        where=where,
        clips=tuple(clips),
        text=text_of(row.get(text), text, "text", where) if text else None,
        fields={key: plain(row.get(column)) for key, column in fields.items()},
    )
