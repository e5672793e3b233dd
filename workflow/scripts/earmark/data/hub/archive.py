"""Clips in a zip archive on the Hub: its directory, a member's bytes, and what is refused."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from earmark.data.audio import BadAudioError
from earmark.data.hub.partial import PartialFile
from earmark.data.hub.ranges import RangeSet
from earmark.errors import EarmarkError
from earmark.progress import human_bytes

LARGEST_CLIP = 4 << 30  # bytes; ten minutes of 16 channels at 192 kHz are 3.7 GB in 16 bits
LARGEST_RATIO = 200  # unpacked over packed, for clips over SUSPICIOUS; digital silence may do more
SUSPICIOUS = 256 << 20
_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")


def directory_range(file: PartialFile, where: str) -> RangeSet:
    """The bytes of an archive that list its members, as far as known; grows when asked again.

    First the record at the end (98 bytes, or 64 KiB more where a comment follows it), then, once
    that is here, the directory that it points to.

    Raises:
        EarmarkError: when the file does not end as a zip archive does.
    """
    last = max(file.size - _END.size - _LOCATOR.size - _END64.size, 0)
    for start in (last, max(last - 0xFFFF, 0)):
        if not file.present.covers(start, file.size):
            return RangeSet([(start, file.size)])
        with file.open() as stream:
            stream.seek(start)
            tail = stream.read(file.size - start)
        at = tail.rfind(b"PK\5\6")
        if at == len(tail) - _END.size or (start < last and 0 <= at <= len(tail) - _END.size):
            return RangeSet([(_directory_start(file, tail, at, start, where), file.size)])
    raise EarmarkError(f"{where}: not a zip archive, or one that was cut short")


def _directory_start(file: PartialFile, tail: bytes, at: int, start: int, where: str) -> int:
    size, offset = _END.unpack_from(tail, at)[5:7]
    end = start + at
    if 0xFFFFFFFF in (size, offset) and at >= _LOCATOR.size:
        magic, _, place, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        if magic == b"PK\6\7":
            if place < start or place + _END64.size > end:
                raise EarmarkError(f"{where}: a zip archive whose end record is damaged")
            size, offset = _END64.unpack_from(tail, place - start)[8:10]
            end = place
    if size > end or offset > file.size:
        raise EarmarkError(f"{where}: a zip archive that was cut short: its directory is missing")
    return int(end - size)


class Archive:
    """A zip archive of clips, of which at least the directory is here.

    Args:
        file: The archive.
        where: What to call it in messages.

    Raises:
        EarmarkError: when it cannot be read as a zip archive.
    """

    def __init__(self, file: PartialFile, where: str) -> None:
        self._file, self._where = file, where
        try:
            self._zip = zipfile.ZipFile(file.open())
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise EarmarkError(f"{where}: cannot be read as a zip archive: {error}") from None
        self._members = {info.filename: info for info in self._zip.infolist()}
        starts = sorted({info.header_offset for info in self._zip.infolist()})
        self._next = dict(zip(starts, [*starts[1:], self._zip.start_dir], strict=True))

    def member(self, name: str) -> zipfile.ZipInfo:
        """A member that is safe to unpack.

        Raises:
            EarmarkError: when there is none of this name, or it is refused; says why.
        """
        path = name.replace("\\", "/")
        if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
            raise EarmarkError(f"{self._where}: member {name!r} is refused: its path leads outside")
        info = self._members.get(name)
        if info is None:
            some = ", ".join(sorted(self._members)[:3])
            raise EarmarkError(f"{self._where}: has no member {name!r}; it has {some}, …")
        reason = None
        if stat.S_ISLNK(info.external_attr >> 16):
            reason = "it is a link"
        elif info.is_dir():
            reason = "it is a folder"
        elif info.flag_bits & 1:
            reason = "it is encrypted"
        elif info.file_size > LARGEST_CLIP:
            reason = f"it would unpack to {human_bytes(info.file_size)}"
        elif info.file_size > max(SUSPICIOUS, LARGEST_RATIO * info.compress_size):
            packed = human_bytes(info.compress_size)
            reason = f"{packed} would unpack to {human_bytes(info.file_size)}"
        elif info.header_offset not in self._next or info.compress_size > self._file.size:
            reason = "its place in the archive is not one"
        if reason is not None:
            raise EarmarkError(f"{self._where}: member {name!r} is refused: {reason}")
        return info

    def ranges(self, names: Iterable[str]) -> RangeSet:
        """The bytes of the archive that hold some members, their local headers included."""
        ranges = RangeSet()
        for name in names:
            start = self.member(name).header_offset
            ranges.add(start, self._next[start])
        return ranges

    def open(self, name: str) -> BinaryIO:
        """Read a member; damage shows as an `EarmarkError` from `read` on.

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
