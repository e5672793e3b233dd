"""A column of clips whose Parquet pages are too large to unpack whole, read a clip at a time.

Arrow unpacks a page at once, and holds it up to four times over: the packed page, the page, the
dictionary made of it, and the values. The sets that `datasets` writes have pages of some megabytes,
up to a hundred clips; but a writer may put a thousand clips in one, and then memory would grow
with the file. Such columns alone are read here, as parquet.thrift and the encodings page of the
format have it; everything else is Arrow's.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from earmark.data.hub.partial import PartialFile

LARGE = 64 << 20  # bytes of a page, unpacked, from which on it is read here
BLOCK = 1 << 20
WINDOW = 1 << 20  # how far back a copy may reach; Snappy's own packer works on 64 KiB at a time
HEADER = (1 << 12, 1 << 20)  # bytes of a page's header: as a rule, and at most
DATA, DICTIONARY, DATA_V2 = 0, 2, 3
PLAIN, BY_DICTIONARY = 0, (2, 8)


@dataclass(frozen=True)
class _Page:
    kind: int
    unpacked: int
    packed: int
    body: int  # where it begins in the file
    about: dict[int, Any]


class LargeColumn:
    """The values of a column of bytes in one row group of a Parquet file.

    Args:
        file: The file.
        metadata: Its footer, as pyarrow has it.
        group: The row group.
        leaf: The column's number among the leaves of the schema.
    """

    def __init__(self, file: PartialFile, metadata: Any, group: int, leaf: int) -> None:
        self._file = file
        self._chunk = metadata.row_group(group).column(leaf)
        self._levels = metadata.schema.column(leaf).max_definition_level
        self._start = self._chunk.data_page_offset
        if self._chunk.dictionary_page_offset:
            self._start = min(self._start, self._chunk.dictionary_page_offset)
        self._end = self._start + self._chunk.total_compressed_size
        self.path: str = self._chunk.path_in_schema

    def is_needed(self) -> bool:
        """Whether a page is so large that Arrow is not to unpack it."""
        if self._chunk.total_uncompressed_size < LARGE or self._chunk.compression not in _CODECS:
            return False
        with self._file.open() as stream:
            pages = list(self._pages(stream))
        known = all(
            page.kind in (DATA, DICTIONARY, DATA_V2)
            and (_encoding(page) in BY_DICTIONARY or _encoding(page) == PLAIN)
            for page in pages
        )
        return known and max(page.unpacked for page in pages) >= LARGE

    def values(self) -> Iterator[bytes | bytearray | None]:
        """The values in order, None for those that are null.

        Raises:
            ValueError: when a page is damaged.
        """
        with (
            self._file.open() as stream,
            tempfile.TemporaryFile(dir=self._file.path.parent) as aside,
        ):
            places: list[tuple[int, int]] = []
            for page in self._pages(stream):
                if page.kind == DICTIONARY:
                    content = self._unpacked(stream, page)
                    places = _laid_aside(content, page.about[1], aside)
                else:
                    yield from self._page_values(stream, page, places, aside)
            raise ValueError(f"fewer values under {self.path} than rows")

    def _pages(self, stream: BinaryIO) -> Iterator[_Page]:
        position = self._start
        left = self._chunk.num_values
        while left > 0:
            fields, body = self._header(stream, position)
            kind = fields[1]
            about = fields.get({DATA: 5, DICTIONARY: 7, DATA_V2: 8}.get(kind, 0), {})
            page = _Page(kind, fields[2], fields[3], body, about)
            count = about[1] if kind in (DATA, DATA_V2) else 0
            position = page.body + page.packed
            if page.packed < 0 or position > self._end or not 0 <= count <= left:
                raise ValueError("a page header that is damaged")
            left -= count
            yield page

    def _header(self, stream: BinaryIO, position: int) -> tuple[dict[int, Any], int]:
        """A page's header, and where its body begins; only bytes of the column are read."""
        for size in HEADER:
            stream.seek(position)
            head = io.BytesIO(stream.read(max(min(size, self._end - position), 0)))
            try:
                return _struct(head), position + head.tell()
            except EOFError:
                continue
        raise ValueError("a page header that is cut short")

    def _unpacked(self, stream: BinaryIO, page: _Page, skipped: int = 0) -> _Reader:
        """A page's content, after so many bytes that are never packed."""
        packed = page.about.get(7, True) if page.kind == DATA_V2 else True
        codec = _CODECS[self._chunk.compression if packed else "UNCOMPRESSED"]
        blocks = _blocks(stream, page.body + skipped, page.packed - skipped)
        return _Reader(codec(blocks), page.unpacked - skipped)

    def _page_values(
        self, stream: BinaryIO, page: _Page, places: list[tuple[int, int]], aside: BinaryIO
    ) -> Iterator[bytes | bytearray | None]:
        count, width = page.about[1], self._levels.bit_length()
        levels = [self._levels] * count
        if page.kind == DATA_V2:
            ahead = page.about[5] + page.about[6]
            raw = _Reader(_blocks(stream, page.body, ahead), ahead)
            raw.read(page.about[6])
            levels = _runs(raw.read(page.about[5]), width, count) if width else levels
            content = self._unpacked(stream, page, ahead)
        else:
            content = self._unpacked(stream, page)
            if width:
                size = int.from_bytes(content.read(4), "little")
                levels = _runs(content.read(size), width, count)
        there = [level == self._levels for level in levels]
        if _encoding(page) == PLAIN:
            for is_there in there:
                yield content.value() if is_there else None
            return
        bits = content.read(1)[0]
        indices = iter(_runs(content.rest(), bits, sum(there)))
        for is_there in there:
            if not is_there:
                yield None
                continue
            start, size = places[next(indices)]
            yield os.pread(aside.fileno(), size, start)


def _encoding(page: _Page) -> int:
    encoding: int = page.about.get(4 if page.kind == DATA_V2 else 2, -1)
    return encoding


def _laid_aside(content: _Reader, count: int, aside: BinaryIO) -> list[tuple[int, int]]:
    """Put a dictionary's values in a file; where each is, and its size."""
    places, position = [], 0
    for _ in range(count):
        value = content.value()
        aside.write(value)
        places.append((position, len(value)))
        position += len(value)
    aside.flush()
    return places


class _Reader:
    """Reads so many bytes at a time from blocks of any size, which hold so many in all."""

    def __init__(self, blocks: Iterator[bytes], total: int) -> None:
        self._blocks, self._block, self._left = blocks, memoryview(b""), total

    def read(self, size: int) -> bytes | bytearray:
        self._left -= size
        if self._left < 0:
            raise ValueError("a page with a value that is longer than the page")
        if size <= len(self._block):
            data, self._block = bytes(self._block[:size]), self._block[size:]
            return data
        content, filled = bytearray(size), 0
        while filled < size:
            if not len(self._block):
                self._block = memoryview(next(self._blocks, b""))
                if not len(self._block):
                    raise ValueError("a page ends early")
            part = self._block[: size - filled]
            content[filled : filled + len(part)] = part
            self._block = self._block[len(part) :]
            filled += len(part)
        return content

    def value(self) -> bytes | bytearray:
        """A value as the plain encoding has it: its size in four bytes, and its bytes."""
        return self.read(int.from_bytes(self.read(4), "little"))

    def rest(self) -> bytes:
        return b"".join([self._block, *self._blocks])

    def at_end(self) -> bool:
        if not len(self._block):
            self._block = memoryview(next(self._blocks, b""))
        return not len(self._block)


def _blocks(stream: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    end = start + size
    while start < end:
        stream.seek(start)
        block = stream.read(min(BLOCK, end - start))
        if not block:
            raise ValueError("the file ends within a page")
        yield block
        start += len(block)


def _snappy(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack Snappy's format, which pyarrow unpacks only whole: literals, and copies of before."""
    packed, window = _Reader(blocks, sys.maxsize), bytearray()
    while packed.read(1)[0] & 0x80:  # the size of it all
        pass
    while not packed.at_end():
        tag = packed.read(1)[0]
        kind, size = tag & 3, (tag >> 2) + 1
        if kind == 0:
            if size > 60:
                size = int.from_bytes(packed.read(size - 60), "little") + 1
            window += packed.read(size)
        else:
            if kind == 1:
                size, back = (tag >> 2 & 7) + 4, tag >> 5 << 8 | packed.read(1)[0]
            else:
                back = int.from_bytes(packed.read(2 if kind == 2 else 4), "little")
            if not 0 < back <= len(window):
                raise ValueError("a page that Snappy did not write, or that is damaged")
            piece = bytes(window[len(window) - back :][:size])
            window += (piece * -(-size // back))[:size] if size > back else piece
        if len(window) > 2 * WINDOW:
            yield bytes(window[:-WINDOW])
            del window[:-WINDOW]
    yield bytes(window)


_CODECS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "UNCOMPRESSED": iter,
    "SNAPPY": _snappy,
}


def _runs(data: bytes | bytearray, width: int, count: int) -> list[int]:
    """Numbers of so many bits each, in runs of one number or in groups of eight packed ones."""
    numbers: list[int] = []
    if width == 0:
        return [0] * count
    stream = io.BytesIO(data)
    while len(numbers) < count:
        head, left = _varint(stream), count - len(numbers)
        if head & 1:
            for _ in range(min(head >> 1, -(-left // 8))):
                eight = int.from_bytes(stream.read(width), "little")
                numbers += [eight >> n * width & (1 << width) - 1 for n in range(8)]
        else:
            if head >> 1 == 0:
                raise ValueError("a page with an empty run")
            number = int.from_bytes(stream.read((width + 7) // 8), "little")
            numbers += [number] * min(head >> 1, left)
    return numbers[:count]


def _varint(stream: io.BytesIO) -> int:
    number = shift = 0
    while True:
        byte = stream.read(1)
        if not byte:
            raise EOFError("a number that is cut short")
        number |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return number


def _struct(stream: io.BytesIO) -> dict[int, Any]:
    """A structure in Thrift's compact protocol: its fields by number; lists are not in headers."""
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = stream.read(1)
        if not head:
            raise EOFError("a structure that is cut short")
        if head[0] == 0:
            return fields
        kind, step = head[0] & 15, head[0] >> 4
        number = number + step if step else _signed(_varint(stream))
        if kind in (1, 2):
            fields[number] = kind == 1
        elif kind == 3:
            fields[number] = stream.read(1)[0]
        elif kind in (4, 5, 6):
            fields[number] = _signed(_varint(stream))
        elif kind == 7:
            fields[number] = stream.read(8)
        elif kind == 8:
            fields[number] = stream.read(_varint(stream))
        elif kind == 12:
            fields[number] = _struct(stream)
        else:
            raise ValueError(f"a page header with a field of kind {kind}")


def _signed(number: int) -> int:
    return number >> 1 ^ -(number & 1)
