"""The header of a FLAC file and the end of its last frame, as RFC 9639 lays them out.

The header says how many samples there are; whether they are there is read from the last frame,
whose number and checksums are right only when nothing is missing. No sample is decoded.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from earmark.audio import AudioInfo, BadAudioError

ROW = 64  # bytes of a frame that are summed at once
LARGEST_FRAME = 1 << 20  # where the header does not say


def flac_header(data: Any) -> AudioInfo | None:
    """Read a FLAC header; None when the file only begins like one (an ID3 tag before MP3).

    Raises:
        BadAudioError: when the header is damaged, or the last frame is not where it should end.
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
            info = data[position + 4 : position + 4 + size]
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
    samples = _check_end(data, position, block, largest, samples)
    return AudioInfo(samples / rate, rate, channels, ".flac")


def _check_end(data: Any, start: int, block: int, largest: int, samples: int) -> int:
    """Find the last frame from the end of the file; returns the number of samples it ends at."""
    end = len(data)
    if data[end - 128 : end - 125] == b"TAG":  # an ID3v1 tag
        end -= 128
    first = max(start, end - largest - 16)
    tail = data[first:end]
    found = len(tail)
    sync = data[start : start + 2]  # all frames of a stream begin alike
    if sync not in (b"\xff\xf8", b"\xff\xf9"):
        raise BadAudioError("a FLAC file without frames after its header")
    while (found := tail.rfind(sync, 0, found)) >= 0:
        ends_at = _frame_end(tail[found : found + 16], block)
        if ends_at is None or (samples and ends_at != samples):
            continue
        if crc16(tail[found:]) != 0:
            raise BadAudioError("a FLAC file whose last frame is damaged or was cut short")
        return ends_at
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


@cache
def _crc16_tables() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[int], list[int]]:
    """What `crc16` looks up: shares of a byte by its place in a row, and of the rows before."""
    one = np.arange(256) << 8
    for _ in range(8):
        one = np.where(one & 0x8000, (one << 1) ^ 0x18005, one << 1) & 0xFFFF
    shares = [one]  # by how many bytes follow
    for _ in range(ROW + 1):
        shares.append((shares[-1] << 8 & 0xFFFF) ^ one[shares[-1] >> 8])
    table = np.concatenate(shares[ROW - 1 :: -1]).astype(np.uint16)
    places = 256 * np.arange(ROW)
    # A sum so far acts like two more bytes, laid over the first two of the row that follows.
    high, low = shares[ROW - 1], shares[ROW - 2]
    return table, places, [int(v) for v in high], [int(v) for v in low]


def crc16(frame: bytes) -> int:
    """The CRC-16 of a frame, polynomial x^16 + x^15 + x^2 + 1; 0 over a frame with its checksum.

    A checksum is linear, so each byte's share is looked up by its place in a row of `ROW`, all
    rows at once, and the rows are then folded: microseconds a frame, where a loop over the bytes
    would take milliseconds.
    """
    table, places, high, low = _crc16_tables()
    padded = bytes(-len(frame) % ROW) + frame  # zeros in front change nothing
    data = np.frombuffer(padded, np.uint8).reshape(-1, ROW)
    rows = np.bitwise_xor.reduce(table[data + places], axis=1)
    value = 0
    for row in rows.tolist():
        value = high[value >> 8] ^ low[value & 0xFF] ^ row
    return int(value)
