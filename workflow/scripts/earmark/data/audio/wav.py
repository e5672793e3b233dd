"""The header of a WAV file (RIFF and RF64), as Microsoft and EBU Tech 3306 lay it out."""

from __future__ import annotations

import struct
from typing import Any

from earmark.data.audio import AudioInfo, BadAudioError

UNCOMPRESSED = {1, 3, 6, 7, 0xFFFE}  # PCM, float, A-law, µ-law, extensible
UNKNOWN = 0x7FFFF000  # writers to a pipe leave a size from here up: to the end of the file


def wav_header(data: Any) -> AudioInfo | None:
    """Read a WAV header; None for codecs in WAV whose length only a decoder knows.

    Raises:
        BadAudioError: when no format or no sound is in it, or fewer samples than it announces.
    """
    end = len(data)
    if data[8:12] != b"WAVE":
        raise BadAudioError("a RIFF file, but not a WAV file")
    position, big_size = 12, 0
    format_chunk: tuple[int, ...] | None = None
    while position + 8 <= end:
        name = bytes(data[position : position + 4])
        (size,) = struct.unpack_from("<I", data, position + 4)
        body = position + 8
        if name == b"ds64" and body + 16 <= end:
            (big_size,) = struct.unpack_from("<Q", data, body + 8)
        elif name == b"fmt " and body + 16 <= end:
            format_chunk = struct.unpack_from("<HHIIHH", data, body)
        elif name == b"data":
            if format_chunk is None:
                raise BadAudioError("a WAV file without a format before its samples")
            return _samples(format_chunk, big_size or size, end - body)
        position = body + size + size % 2
    raise BadAudioError("a WAV file that was cut short: no samples in it")


def _samples(format_chunk: tuple[int, ...], size: int, here: int) -> AudioInfo | None:
    codec, channels, rate, _, block, _ = format_chunk
    if codec not in UNCOMPRESSED:
        return None
    if not (channels and rate and block):
        raise BadAudioError(f"a WAV header with {channels} channels at {rate} Hz")
    if size > here:
        if size < UNKNOWN:
            raise BadAudioError(f"a WAV file that was cut short: {here} of {size} bytes of samples")
        size = here
    if size < block:
        raise BadAudioError("a WAV file without samples")
    return AudioInfo(size // block / rate, rate, channels, ".wav")
