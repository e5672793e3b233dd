"""Whether an MP3 file is all there, by the chain of its frames (ISO/IEC 11172-3 and 13818-3).

Frames carry no checksum as a rule, but each header says where the next one is. Damage that hits a
header, or is as long as a frame, breaks that chain; a few bytes altered within a frame do not.
"""

from __future__ import annotations

from typing import Any

from earmark.data.audio import BadAudioError

# kbit/s by (MPEG 1?, layer), then by the header's index; 0 stands for a free format.
_RATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLING = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_TAGS = (b"TAG", b"APETAGEX", b"LYRICS")  # what may follow the last frame
_ALIKE = 0xFFFE0C00  # sync, version, layer and sampling rate: the same in all frames of a stream


def check_mp3(data: Any) -> None:
    """Follow an MP3 file's frames from the first to the last.

    A stream whose frames do not tell their length (free format) is left to the decoder, and so is
    a last frame that the end of the file cuts, which many programs leave.

    Args:
        data: The whole file: ``bytes`` or an ``mmap``.

    Raises:
        BadAudioError: when a frame is missing where one should begin; names the byte.
    """
    position, end = _after_id3(data, 0), len(data)
    first = int.from_bytes(data[position : position + 4], "big")
    if not _frame_size(first):
        return
    _check_announced_size(data, position)
    while position + 4 <= end:
        head = int.from_bytes(data[position : position + 4], "big")
        size = _frame_size(head) if (head ^ first) & _ALIKE == 0 else 0
        if size:
            position += size
            continue
        after_tag = _after_id3(data, position)
        if after_tag == position:
            rest = data[position : position + 4096]
            if rest.startswith(_TAGS) or not any(rest):
                return
            raise BadAudioError(f"an MP3 file that is damaged: no frame at byte {position}")
        position = after_tag


def _after_id3(data: Any, position: int) -> int:
    """Where an ID3v2 tag at a place ends; the place itself where there is none."""
    head = data[position : position + 10]
    if head[:3] != b"ID3" or len(head) < 10:
        return position
    a, b, c, d = head[6:10]
    return int(position + 10 + (a << 21 | b << 14 | c << 7 | d))


def _frame_size(head: int) -> int:
    """Bytes of a frame, its header included; 0 for what is no header, or one of a free format."""
    version, layer = head >> 19 & 3, 4 - (head >> 17 & 3)
    rate, sampling, padding = head >> 12 & 15, head >> 10 & 3, head >> 9 & 1
    if head >> 21 != 0x7FF or version == 1 or layer == 4 or rate in (0, 15) or sampling == 3:
        return 0
    bits, hertz = 1000 * _RATES[version == 3, layer][rate], _SAMPLING[version][sampling]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _check_announced_size(data: Any, start: int) -> None:
    """A file that begins with a Xing or Info frame says how many bytes it has."""
    first = data[start : start + 64]
    tag = max(first.find(b"Xing"), first.find(b"Info"))
    if tag < 0 or not first[tag + 7] & 2:
        return
    position = start + tag + 8 + 4 * (first[tag + 7] & 1)
    size = int.from_bytes(data[position : position + 4], "big")
    if size > len(data) - start:
        raise BadAudioError(f"an MP3 file that was cut short: {len(data) - start} of {size} bytes")
