"""A file of the Hub of which some bytes are here: what makes transfers resumable and partial.

While bytes are missing, a file is ``<name>.partial`` - sparse, of its final size, every byte at its
final place - beside a journal ``<name>.ranges`` with a line ``start end`` for each range that has
arrived. A killed download goes on from there; a Parquet file or a zip archive of which only some
rows or members are needed stays so. Once whole and verified, it is ``<name>`` alone.
"""

from __future__ import annotations

import fcntl
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from earmark.data.hub.ranges import RangeSet
from earmark.errors import EarmarkError


class PartialFile:
    """A file of ``size`` bytes at ``path``, whole or in parts.

    Args:
        path: Where the whole file will be.
        size: Its size in bytes, as the Hub lists it.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.partial = path.with_name(path.name + ".partial")
        self.journal = path.with_name(path.name + ".ranges")
        self._lock = threading.Lock()
        self._journal_checked = False
        self.present = RangeSet()
        self.reload()

    def reload(self) -> None:
        """Read anew from disk what is here: another job may have brought more."""
        if self.path.exists():
            self.present = RangeSet([(0, self.size)])
        elif self.partial.exists() and self.journal.exists():
            self.present = RangeSet(self._journal_lines())
        else:
            self.present = RangeSet()

    def _journal_lines(self) -> Iterator[tuple[int, int]]:
        text = self.journal.read_bytes()
        for line in text[: text.rfind(b"\n") + 1].splitlines():  # a torn last line is dropped
            start, _, end = line.partition(b" ")
            if start.isdigit() and end.isdigit() and int(start) < int(end) <= self.size:
                yield int(start), int(end)

    @property
    def whole(self) -> bool:
        """Whether the verified file is here."""
        return self.path.exists()

    def missing(self, wanted: RangeSet) -> RangeSet:
        """The wanted ranges that are not here yet."""
        return RangeSet(gap for start, end in wanted for gap in self.present.missing(start, end))

    def first_missing(self, start: int, end: int) -> int:
        """The first byte of a range that is not here; ``end`` when all of it is."""
        with self._lock:
            return next((gap for gap, _ in self.present.missing(start, end)), end)

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes in their place and journal them; safe to call from several threads."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.partial.open("r+b" if self.partial.exists() else "w+b") as stream:
                if os.fstat(stream.fileno()).st_size != self.size:
                    stream.truncate(self.size)
                os.pwrite(stream.fileno(), data, offset)
            if not self._journal_checked:
                self._drop_torn_line()
            with self.journal.open("ab") as journal:
                journal.write(b"%d %d\n" % (offset, offset + len(data)))
            self.present.add(offset, offset + len(data))

    def _drop_torn_line(self) -> None:
        if self.journal.exists():
            text = self.journal.read_bytes()
            os.truncate(self.journal, text.rfind(b"\n") + 1)
        self._journal_checked = True

    def finish(self) -> None:
        """Give the file its name, once every byte is here and verified."""
        with self.partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        self.partial.replace(self.path)
        self.journal.unlink(missing_ok=True)

    def discard(self) -> None:
        """Forget the bytes that are here: they are wrong."""
        for path in (self.path, self.partial, self.journal):
            path.unlink(missing_ok=True)
        self.present = RangeSet()

    def open(self) -> io.BufferedReader:
        """Open for reading; to read a byte that is not here is an `EarmarkError`, never a zero."""
        return io.BufferedReader(_PartialReader(self), buffer_size=1 << 16)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other jobs from fetching the same file at the same time, so nothing comes twice.

        On a file system without locks two jobs may both fetch; as each byte has one place, that
        costs bandwidth and nothing else.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(self.path.name + ".lock").open("ab") as lock:
            try:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print(f"{self.path.name}: another job fetches it; waiting", file=sys.stderr)
                    fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError:
                pass
            self.reload()
            yield


class _PartialReader(io.RawIOBase):
    """Reads a `PartialFile`; raises where bytes are missing."""

    def __init__(self, file: PartialFile) -> None:
        super().__init__()
        self._file = file
        self._stream = (file.path if file.whole else file.partial).open("rb", buffering=0)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file.size}[whence]
        self._position = max(base + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        start = self._position
        end = min(start + len(buffer), self._file.size)
        if start >= end:
            return 0
        missing = self._file.present.missing(start, end)
        if missing and missing[0][0] == start:
            raise EarmarkError(
                f"{self._file.path}: bytes {start} to {end} were not downloaded; "
                "remove the split's source/files.json and run again, so that they are"
            )
        if (
            missing
        ):  # what is here before the first hole: buffered readers ask for more than they need
            end = missing[0][0]
        count = os.preadv(self._stream.fileno(), [memoryview(buffer)[: end - start]], start)
        self._position += count
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()
