"""The header of a FLAC file and the checksums of its frames, as RFC 9639 lays them out.

The header says how many samples there are; whether they are there is read from the last frame,
whose number is right only when nothing is missing. Damage anywhere in the frames shows in their
checksums, all of which are tested at once. No sample is decoded.
"""

from __future__ import annotations

import mmap
import threading
from functools import cache
from typing import Any

import numpy as np

from earmark.data.audio import AudioInfo, BadAudioError

PERIOD = 32767  # bytes: x^(8 * PERIOD) is 1 modulo the polynomial of a frame's checksum
STRETCH = 512  # periods of a file that are read at a time
LARGEST_FRAME = 1 << 20  # where the header does not say


def flac_header(data: Any) -> AudioInfo | None:
    """Read a FLAC header; None when the file only begins like one (an ID3 tag before MP3).

    Raises:
        BadAudioError: when the header or a frame is damaged, or the last frame is not there.
    """
    start = 0
    if data[:3] == b"ID3" and len(data) > 10:
        a, b, c, d = data[6:10]
        start = 10 + (a << 21 | b << 14 | c << 7 | d)
        if data[start : start + 4] != b"fLaC":
            return None
    position, last, info = start + 4, False, b""
    while not last:
        head = data[position : position + 4]
        if len(head) < 4:
            raise BadAudioError("a FLAC file that was cut short: its header is not all there")
        last = bool(head[0] & 0x80)
        size = int.from_bytes(head[1:4], "big")
        if head[0] & 0x7F == 0:
            info = bytes(data[position + 4 : position + 4 + size])
        position += 4 + size
    if len(info) < 34:
        raise BadAudioError("a FLAC file without a stream header")
    packed = int.from_bytes(info[10:18], "big")
    rate, channels = packed >> 44, (packed >> 41 & 7) + 1
    samples = packed & (1 << 36) - 1
    if rate == 0:
        raise BadAudioError("a FLAC header with a rate of 0 Hz")
    block = int.from_bytes(info[2:4], "big")
    largest = int.from_bytes(info[7:10], "big") or LARGEST_FRAME
    end = _before_tags(data)
    found, samples = _last_frame(data, position, end, block, largest, samples)
    if not checksums_hold(data, position, end):
        if checksums_hold(data, found, end):
            raise BadAudioError("a FLAC file that is damaged: its checksums do not hold")
        raise BadAudioError("a FLAC file whose last frame is damaged or was cut short")
    return AudioInfo(samples / rate, rate, channels, ".flac")


def _before_tags(data: Any) -> int:
    """Where the frames end: before an ID3v1 tag, and an APEv2 tag before that."""
    end = len(data)
    if data[end - 128 : end - 125] == b"TAG":
        end -= 128
    foot = data[end - 32 : end]
    if foot[:8] == b"APETAGEX":
        end -= int.from_bytes(foot[12:16], "little") + (32 if foot[23] & 0x80 else 0)
    return max(end, 0)


def _last_frame(
    data: Any, start: int, end: int, block: int, largest: int, samples: int
) -> tuple[int, int]:
    """Find the last frame from the end: where it is, and the number of samples it ends at."""
    first = max(start, end - largest - 16)
    tail = bytes(data[first:end])
    found = len(tail)
    sync = bytes(data[start : start + 2])  # all frames of a stream begin alike
    if sync not in (b"\xff\xf8", b"\xff\xf9"):
        raise BadAudioError("a FLAC file without frames after its header")
    while (found := tail.rfind(sync, 0, found)) >= 0:
        ends_at = _frame_end(tail[found : found + 16], block)
        if ends_at is None or (samples and ends_at != samples):
            continue
        return first + found, ends_at
    raise BadAudioError(
        f"a FLAC file that was cut short: the last of its {samples} samples are missing"
    )


def _frame_end(head: bytes, stream_block: int) -> int | None:
    """The number of the sample after a frame, from the frame's header; None when it is not one."""
    if len(head) < 6 or head[3] & 1 or head[2] >> 4 == 0 or head[2] & 15 == 15:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    number, position = _coded_number(head)
    if number is None:
        return None
    if size_code in (6, 7):
        width = size_code - 5
        block = int.from_bytes(head[position : position + width], "big") + 1
        position += width
    elif size_code == 1:
        block = 192
    else:
        block = 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    position += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if position >= len(head) or _crc8(head[:position]) != head[position]:
        return None
    first = number if head[1] & 1 else number * stream_block
    return first + block


def _coded_number(head: bytes) -> tuple[int | None, int]:
    """The frame's or sample's number, coded as UTF-8 does, and where the header goes on."""
    lead = head[4]
    length = 1 if lead < 0x80 else 8 - (lead ^ 0xFF).bit_length()
    if lead >= 0x80 and not 2 <= length <= 7:
        return None, 0
    number = lead if length == 1 else lead & (0x7F >> length)
    for byte in head[5 : 4 + length]:
        if byte & 0xC0 != 0x80:
            return None, 0
        number = number << 6 | byte & 0x3F
    return number, 4 + length


@cache
def _crc8_table() -> list[int]:
    values = np.arange(256)
    for _ in range(8):
        values = np.where(values & 0x80, (values << 1) ^ 0x107, values << 1)
    return [int(value) for value in values]


def _crc8(head: bytes) -> int:
    """The CRC-8 of a frame's header, polynomial x^8 + x^2 + x + 1."""
    table, value = _crc8_table(), 0
    for byte in head:
        value = table[value ^ byte]
    return value


def checksums_hold(data: Any, start: int, end: int) -> bool:
    """Whether the checksums of all frames of a FLAC stream hold, in one pass over their bytes.

    A frame ends in its CRC-16 (of polynomial x^16 + x^15 + x^2 + 1, from 0), so that a frame is
    divisible by that polynomial, and so is any number of frames in a row. The polynomial is
    (x + 1)(x^15 + x + 1), and x^32767 is 1 modulo both, so the bytes may first be folded to 32,767
    of them. Divisible by x + 1 is what has an even number of ones. Modulo x^15 + x + 1,
    x^(15 n) is x^n + 1 for each power of two n, which halves the rest again and again.

    Args:
        data: What holds the stream: ``bytes``, a ``memoryview`` or an ``mmap``.
        start: Where the first frame begins.
        end: Where the last one ends.
    """
    folded = _fold(_space.folded, data, start, end)
    if int(np.bitwise_xor.reduce(folded)).bit_count() & 1:
        return False
    for high, by_n, by_one in _space.steps:
        np.bitwise_xor(by_n, high, by_n)
        np.bitwise_xor(by_one, high, by_one)
    value = int.from_bytes(_space.rest.tobytes(), "big")
    for unit in (256, 128, 64, 32, 16, 8, 4, 2, 1):  # bits
        while above := value >> 15 * unit:
            value ^= above << 15 * unit ^ above << unit ^ above
    return value == 0


Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def _fold(folded: Bytes, data: Any, start: int, end: int) -> Bytes:
    """The exclusive or of a stream's stretches of `PERIOD` bytes, which end where the stream does.

    Of a file in memory, what has been read is let go: it may be larger than memory.
    """
    first = (end - start) % PERIOD
    folded[: PERIOD - first] = 0
    if first:
        folded[PERIOD - first :] = np.frombuffer(data, np.uint8, first, start)
    for position in range(start + first, end, STRETCH * PERIOD):
        size = min(STRETCH * PERIOD, end - position)
        stretch = np.frombuffer(data, np.uint8, size, position).reshape(-1, PERIOD)
        folded ^= np.bitwise_xor.reduce(stretch, axis=0)
        if isinstance(data, mmap.mmap) and size == STRETCH * PERIOD:
            page = position - position % mmap.PAGESIZE
            data.madvise(mmap.MADV_DONTNEED, page, size)
    return folded


class _Space(threading.local):
    """Where a thread folds a stream, and how it then halves what is there, as views made once.

    Attributes:
        folded: `PERIOD` bytes.
        steps: The highest bytes left, and where they go for x^n and for 1 (see `checksums_hold`).
        rest: The last bytes, all that is left after these steps.
    """

    def __init__(self) -> None:
        self.folded: Bytes = np.zeros(PERIOD, np.uint8)
        self.steps: list[tuple[Bytes, Bytes, Bytes]] = []
        self.rest = self.folded
        for unit in (2048, 1024, 512, 256, 128, 64):  # bytes, n / 8
            while len(self.rest) > 15 * unit:
                taken = min(len(self.rest) - 15 * unit, 14 * unit)
                high, self.rest = self.rest[:taken], self.rest[taken:]
                by_n = self.rest[14 * unit - taken : 14 * unit]
                self.steps.append((high, by_n, self.rest[15 * unit - taken : 15 * unit]))


_space = _Space()
