"""Whether an Ogg file is all there: its pages and their checksums, as RFC 3533 lays them out."""

from __future__ import annotations

import zlib
from typing import Any

from earmark.data.audio import BadAudioError

HEAD = 27  # bytes of a page before the table of its segments
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def check_ogg(data: Any) -> None:
    """Follow an Ogg file's pages from the first to the last, and check each one's sum.

    Args:
        data: The whole file: ``bytes`` or an ``mmap``.

    Raises:
        BadAudioError: when a page is damaged or missing.
    """
    position, ended = 0, False
    while position < len(data):
        head = data[position : position + HEAD]
        if head[:4] != b"OggS":
            if ended:  # what follows the last page is no part of the stream
                return
            raise BadAudioError(f"an Ogg file that is damaged: no page at byte {position}")
        table = data[position + HEAD : position + HEAD + head[26]] if len(head) == HEAD else b""
        size = HEAD + len(table) + sum(table)
        page = data[position : position + size]
        if len(head) < HEAD or len(table) < head[26] or len(page) < size:
            raise BadAudioError("an Ogg file that was cut short: its last page is not all there")
        if _page_sum(page) != int.from_bytes(page[22:26], "little"):
            raise BadAudioError(f"an Ogg file whose page at byte {position} is damaged")
        ended = bool(head[5] & 4)
        position += size
    if not ended:
        raise BadAudioError("an Ogg file that was cut short: its last page is missing")


def _page_sum(page: bytes) -> int:
    """A page's CRC-32, its own field taken as 0: zlib's polynomial, with all bits in reverse."""
    turned = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    value = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{value:032b}"[::-1], 2)
