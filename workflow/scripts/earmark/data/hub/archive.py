"""Clips in an archive on the Hub: of a zip few members come one by one, and some are refused.

A tar has no directory: it comes whole, and is gone through once for the members that rows name.
"""

import hashlib
import posixpath
import re
import shutil
import stat
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from earmark.data.audio import BadAudioError
from earmark.data.hub.failures import explained
from earmark.data.hub.repository import Repository, cached, in_parallel
from earmark.errors import EarmarkError
from earmark.files import Row, whole_file
from earmark.progress import Progress, human_bytes

MOST = 0.5  # of an archive's bytes: where more is needed, the whole archive is fetched
LARGEST_CLIP = 4 << 30  # bytes; ten minutes of 16 channels at 192 kHz are 3.7 GB in 16 bits
LARGEST_RATIO = 200  # unpacked over packed, for clips over SUSPICIOUS; digital silence may do more
SUSPICIOUS = 256 << 20
TAIL, LARGEST_TAIL = 1 << 16, 1 << 28  # bytes of an archive's end in which its directory is sought
PIECE = 32 << 20  # bytes asked for in one request
Read = Callable[[int, int], bytes]


class Archive:
    """A zip archive whose members are checked before they are read.

    Args:
        file: The archive; parts of it may be missing, but not its directory.
        where: What to call it in messages.

    Raises:
        EarmarkError: when it cannot be read as a zip archive.
    """

    def __init__(self, file: Path, where: str) -> None:
        self._where, self._size = where, file.stat().st_size
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise EarmarkError(
                f"{where}: cannot be read as a zip archive ({error}); it may have been cut short"
            ) from None
        self._members = {info.filename: info for info in self._zip.infolist()}
        starts = sorted({info.header_offset for info in self._zip.infolist()})
        self._ends = dict(zip(starts, [*starts[1:], self._zip.start_dir], strict=True))

    def member(self, name: str) -> zipfile.ZipInfo:
        """A member that is safe to unpack.

        Raises:
            EarmarkError: when there is none of this name, or it is refused; says why.
        """
        _refuse(self._where, name, {"its path leads outside": _outside(name)})
        info = self._members.get(name)
        if info is None:
            some = ", ".join(sorted(self._members)[:3])
            raise EarmarkError(f"{self._where}: has no member {name!r}; it has {some}, …")
        reasons = {
            "it is a link": stat.S_ISLNK(info.external_attr >> 16),
            "it is a folder": info.is_dir(),
            "it is encrypted": info.flag_bits & 1,
            f"it would unpack to {human_bytes(info.file_size)}": _too_large(
                info.file_size, info.compress_size
            ),
            "its place in the archive is not one": info.header_offset not in self._ends
            or info.compress_size > self._size,
        }
        _refuse(self._where, name, reasons)
        return info

    def place(self, name: str) -> tuple[int, int]:
        """Where in the archive a member's bytes are: from and to."""
        start = self.member(name).header_offset
        return start, self._ends[start]

    def open(self, name: str) -> BinaryIO:
        """Read a member.

        Raises:
            BadAudioError: when its header is damaged.
            EarmarkError: when it is refused; see `member`.
        """
        info = self.member(name)
        try:
            return self._zip.open(info)  # type: ignore[return-value]
        except zipfile.BadZipFile as error:
            raise BadAudioError(f"{self._where}: cannot be read: {error}") from None
        except NotImplementedError as error:
            raise EarmarkError(f"{self._where}: member {name!r} cannot be read: {error}") from None


def _refuse(where: str, name: str, reasons: Mapping[str, object]) -> None:
    """Raises an `EarmarkError` for the first reason that holds."""
    for reason, holds in reasons.items():
        if holds:
            raise EarmarkError(f"{where}: member {name!r} is refused: {reason}")


def _outside(name: str) -> bool:
    path = name.replace("\\", "/")
    return path.startswith("/") or path[1:2] == ":" or ".." in path.split("/")


def _too_large(size: int, packed: int) -> bool:
    return size > min(LARGEST_CLIP, max(SUSPICIOUS, LARGEST_RATIO * packed))


def is_tar(name: str) -> bool:
    """Whether a file is a tar archive, compressed or not, by its name."""
    return re.search(r"\.(tar(\.\w+)?|tgz)$", name, re.IGNORECASE) is not None


def member_file(folder: Path, name: str) -> Path:
    """Where a member that came by itself is kept."""
    name = posixpath.normpath(name)
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / "members" / digest[:2] / digest


def bring_members(
    repository: Repository, file: Row, names: Mapping[str, str], folder: Path, label: str
) -> None:
    """Bring the members that rows name: the archive where they are most of it, or each by itself.

    Args:
        repository: Where the archive is.
        file: The archive.
        names: The members, and the first row that names each.
        folder: The split's source folder, for members that come by themselves.
        label: What progress lines begin with.

    Raises:
        EarmarkError: when a member is not there or refused; names its row.
    """
    where = f"{repository.repo}: {file['path']}"
    if is_tar(file["path"]):
        _bring_tar(repository, file, names, folder, label)
        return
    whole = cached(repository.cache, repository.name, repository.commit, file["path"])
    sparse = folder / ".archive.partial"
    try:
        with explained(repository.repo, repository.revision, file["path"]):
            read = _reader(repository, file)
            archive = (
                Archive(whole, where) if whole else _directory(read, file["size"], sparse, where)
            )
            places = {}
            for name, row in names.items():
                try:
                    places[name] = archive.place(name)
                except EarmarkError as error:
                    raise EarmarkError(f"{row}: {error}") from None
            missing = {n: p for n, p in places.items() if not member_file(folder, n).exists()}
            if whole or not missing:
                return
            needed = sum(end - start for start, end in places.values())
            if needed <= MOST * file["size"]:
                _bring_each(read, sparse, missing, where, folder, label)
                return
        repository.bring([file], f"{label} {file['path']}")
    finally:
        sparse.unlink(missing_ok=True)


def _reader(repository: Repository, file: Row) -> Read:
    """Reads bytes of a file on the Hub, from and to, in one request; from any thread."""
    from huggingface_hub import HfFileSystem, constants

    files = HfFileSystem(endpoint=constants.ENDPOINT)
    path = f"datasets/{repository.name}@{repository.commit}/{file['path']}"

    def read(start: int, end: int) -> bytes:
        data: bytes = files.cat_file(path, start, end, cache_type="none")
        if len(data) != end - start:
            raise EarmarkError(
                f"{path}: asked for {end - start} bytes, got {len(data)}; a proxy or mirror "
                "(HF_ENDPOINT) may not know ranges"
            )
        return data

    return read


def _directory(read: Read, size: int, sparse: Path, where: str) -> Archive:
    """An archive with nothing in it but its end, as far back as its directory reaches."""
    sparse.parent.mkdir(parents=True, exist_ok=True)
    with sparse.open("wb") as stream:
        stream.truncate(size)
        end, tail = size, TAIL
        while True:
            start = max(0, size - tail)
            stream.seek(start)
            stream.write(read(start, end))
            stream.flush()
            try:
                return Archive(sparse, where)
            except EarmarkError:
                if start == 0 or tail >= LARGEST_TAIL:
                    raise
            end, tail = start, 2 * tail


def _bring_each(
    read: Read,
    sparse: Path,
    places: Mapping[str, tuple[int, int]],
    where: str,
    folder: Path,
    label: str,
) -> None:
    total = sum(end - start for start, end in places.values())
    own = threading.local()

    def bring(name: str) -> None:
        start, end = places[name]
        with sparse.open("r+b", buffering=0) as stream:
            stream.seek(start)
            for at in range(start, end, PIECE):
                progress.add(stream.write(read(at, min(at + PIECE, end))))
        if not hasattr(own, "archive"):
            own.archive = Archive(sparse, where)
        with whole_file(member_file(folder, name), "wb") as target:
            try:
                with own.archive.open(name) as source:
                    shutil.copyfileobj(source, target, 1 << 20)
            except (BadAudioError, zipfile.BadZipFile, zlib.error, EOFError) as error:
                target.truncate(0)  # a clip without bytes, which the config may allow
                print(f"{where}: member {name!r} is damaged: {error}", flush=True)

    with Progress(label, total) as progress:
        in_parallel(bring, list(places))


def _bring_tar(
    repository: Repository, file: Row, names: Mapping[str, str], folder: Path, label: str
) -> None:
    """Bring a tar whole, and write each member that rows name to a file of its own."""
    where = f"{repository.repo}: {file['path']}"
    for name, row in names.items():
        _refuse(f"{row}: {where}", name, {"its path leads outside": _outside(name)})
    missing = {
        posixpath.normpath(name): row
        for name, row in names.items()
        if not member_file(folder, name).exists()
    }
    if not missing:
        return
    repository.bring([file], f"{label} {file['path']}")
    path = cached(repository.cache, repository.name, repository.commit, file["path"])
    others: list[str] = []
    try:
        # One after the other: a compressed archive has no other order.
        with (
            tarfile.open(path, "r|*") as archive,
            Progress(f"{label} unpacking", len(missing), "clips") as progress,
        ):
            for info in archive:
                name = posixpath.normpath(info.name)
                if name not in missing:
                    others += [info.name] if len(others) < 3 else []
                    continue
                reasons = {
                    "it is a link": info.issym() or info.islnk(),
                    "it is no file": not info.isfile(),
                    f"it would unpack to {human_bytes(info.size)}": _too_large(
                        info.size, file["size"]
                    ),
                }
                _refuse(f"{missing.pop(name)}: {where}", info.name, reasons)
                source = archive.extractfile(info)
                with whole_file(member_file(folder, name), "wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)  # type: ignore[arg-type]
                progress.add(1, info.size)
                if not missing:
                    return
    except tarfile.TarError as error:
        raise EarmarkError(
            f"{where}: cannot be read as a tar archive ({error}); it may have been cut short"
        ) from None
    name, row = next(iter(missing.items()))
    raise EarmarkError(
        f"{row}: {where}: has no member {name!r}; it has {', '.join(others) or 'no other'}, …"
    )
