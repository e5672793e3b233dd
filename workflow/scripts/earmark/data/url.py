"""A source of archives at addresses of the web, as OpenSLR's: their rows are a file, or the clips.

`datasets` downloads and unpacks them to a folder of the cache, where clips stay.
"""

import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from earmark.config import Source, Split
from earmark.data.local import Entry, entries_of, utterances_of
from earmark.data.utterance import Utterance
from earmark.errors import EarmarkError
from earmark.files import Row, read_json, write_json

FOLDER = "urls"
"""Where archives and what is in them lie in the cache."""


def fetch(split: Split, folder: Path, cache: Path) -> Row:
    """Bring the archives and unpack them.

    Returns:
        The record: each archive with its size, checksum, and the folder that it was unpacked to.

    Raises:
        EarmarkError: when one cannot be had, is no archive, or lacks what the split names.
    """
    place = cache / FOLDER
    files = [_unpacked(url, place) for url in split.source.urls or ()]
    _entries(split.source, [place / file["folder"] for file in files])
    return {"files": files}


def _unpacked(url: str, place: Path) -> Row:
    """One archive, downloaded and unpacked whole: what was broken off is begun anew."""
    import datasets

    record = place / f"{hashlib.sha256(url.encode()).hexdigest()[:20]}.json"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{record}.lock"):
        config = datasets.DownloadConfig(cache_dir=str(place.absolute()), force_extract=True)
        manager = datasets.DownloadManager(download_config=config, record_checksums=True)
        try:
            archive = manager.download(url)
        except (OSError, ValueError) as error:
            raise EarmarkError(f"{url}: cannot be had: {error}") from None
        known = manager.get_recorded_sizes_checksums()[url]
        made: Row = {"path": url, "size": known["num_bytes"], "sha256": known["checksum"]}
        there = read_json(record) if record.is_file() else {}
        if there == {**made, "folder": there.get("folder")} and (place / there["folder"]).is_dir():
            return there
        try:
            unpacked = Path(manager.extract(archive))
        except (ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
            raise EarmarkError(
                f"{url}: cannot be unpacked: {error}; remove {archive}, so that it is downloaded "
                "again"
            ) from None
        if not unpacked.is_dir():
            raise EarmarkError(f"{url}: an archive (tar, tar.gz, zip) was expected")
        made["folder"] = str(unpacked.relative_to(place.absolute()))
        write_json(record, made)
        return made


def utterances(split: Split, folder: Path, cache: Path) -> tuple[int, int, Iterator[Utterance]]:
    """How many rows there are, how many are asked for, and those, in order."""
    record = read_json(folder / "files.json")
    roots = [cache / FOLDER / file["folder"] for file in record["files"]]
    return utterances_of(split, _entries(split.source, roots))


def _entries(source: Source, roots: list[Path]) -> list[Entry]:
    """The rows: of the files that hold some, or a row a clip."""
    for root in roots:
        if not root.is_dir():
            raise EarmarkError(
                f"{root}: what was unpacked is gone; remove the split's source/files.json and run "
                "again, so that it is downloaded"
            )
    rows = [
        entry
        for file in _matching(source.files or (), "files", roots)
        for entry in entries_of(source, file, lambda name, _: _clip(name, roots))
    ]
    clips = _matching(source.clips or (), "clips", roots)
    return rows + [
        Entry(number, str(path), {}, [path.name], [path])
        for number, path in enumerate(clips, start=len(rows) + 1)
    ]


def _matching(patterns: list[str] | tuple[str, ...], key: str, roots: list[Path]) -> list[Path]:
    found = []
    for pattern in patterns:
        fits = sorted(path for root in roots for path in root.glob(pattern) if path.is_file())
        if not fits:
            inside = ", ".join(sorted({one.name for root in roots for one in root.iterdir()})[:20])
            raise EarmarkError(
                f"source.{key}: {pattern!r} fits nothing in the archives, which have {inside}"
            )
        found += fits
    return found


def _clip(name: str, roots: list[Path]) -> Path:
    """A clip's file: below an archive's root, or below the one folder that all is in there."""
    inside = name.lstrip("/")
    for root in roots:
        for path in (root / inside, *root.glob(f"*/{inside}")):
            if path.is_file() and root in path.parents:
                return path
    raise EarmarkError(f"source.urls: the archives have no {name!r}, which a row names")
