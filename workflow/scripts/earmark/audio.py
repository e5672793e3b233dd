"""Audio files: what their headers say, and the digest of their bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from earmark.errors import EarmarkError


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file's header says.

    Attributes:
        duration: Seconds.
        sampling_rate: Hz.
        channels: How many channels.
    """

    duration: float
    sampling_rate: int
    channels: int


def probe(path: str | Path) -> AudioInfo:
    """Read duration, rate and channels from an audio file's header, without decoding it.

    Raises:
        EarmarkError: when the file is missing, or is not audio that libsndfile reads.
    """
    import soundfile

    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        if not Path(path).is_file():
            raise EarmarkError(f"{path}: no such audio file") from None
        raise EarmarkError(f"{path}: not audio that can be read: {error}") from None
    return AudioInfo(info.frames / info.samplerate, info.samplerate, info.channels)


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        EarmarkError: when the file cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None
