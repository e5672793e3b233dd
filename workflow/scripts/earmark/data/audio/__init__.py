"""Audio as bytes: what its header says, without decoding it, and the digest of its content.

WAV and FLAC are read by a few lines of our own, which costs microseconds a clip; what else
libsndfile knows (MP3, Ogg, AIFF, …) it reads itself. Clips that were cut short are found, and
damage inside them as far as the format shows it: by the checksums of FLAC and Ogg, and by the
chain of an MP3's frames. WAV has nothing of the kind: altered samples are just other samples.
"""

from __future__ import annotations

import hashlib
import io
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError

EXTENSIONS = {"WAVEX": ".wav", "RF64": ".wav", "MPEG": ".mp3"}
"""What files of libsndfile's formats are called, where it is not the format's name."""


class BadAudioError(EarmarkError):
    """Bytes that are not audio, or not all of it."""


@dataclass(frozen=True)
class AudioInfo:
    """What an audio file's header says.

    Attributes:
        duration: Seconds.
        sampling_rate: Hz.
        channels: How many channels.
        extension: What a file of this format is called, with the dot: ``.flac``.
    """

    duration: float
    sampling_rate: int
    channels: int
    extension: str


def header(data: Any) -> AudioInfo:
    """Read duration, rate and channels from the bytes of an audio file, without decoding it.

    Args:
        data: The whole file: ``bytes``, a ``memoryview`` or an ``mmap``.

    Raises:
        BadAudioError: when the bytes are of no known format, or are not all there.
    """
    from earmark.data.audio.flac import flac_header
    from earmark.data.audio.wav import wav_header

    magic = bytes(data[:4])
    found = None
    if magic in (b"RIFF", b"RF64"):
        found = wav_header(data)
    elif magic == b"fLaC" or magic[:3] == b"ID3":
        found = flac_header(data)
    return found if found is not None else _libsndfile(data)


def _libsndfile(data: Any) -> AudioInfo:
    import soundfile

    from earmark.data.audio.mp3 import check_mp3
    from earmark.data.audio.ogg import check_ogg

    if not len(data):
        raise BadAudioError("no bytes in it")
    if isinstance(data, memoryview):
        data = bytes(data)
    if data[:4] == b"OggS":
        check_ogg(data)
    else:
        check_mp3(data)
    stream: Any = io.BytesIO(data) if isinstance(data, bytes) else data
    stream.seek(0)
    try:
        with soundfile.SoundFile(stream) as sound:
            frames, rate, channels, name = (
                len(sound),
                sound.samplerate,
                sound.channels,
                sound.format,
            )
    except soundfile.LibsndfileError as error:
        start = bytes(data[:8])
        raise BadAudioError(
            f"not audio that libsndfile reads ({error}); begins with {start!r}"
        ) from None
    if frames <= 0 or rate <= 0:
        raise BadAudioError(f"a {name} header without samples behind it")
    return AudioInfo(frames / rate, rate, channels, EXTENSIONS.get(name, f".{name.lower()}"))


def probe(path: str | Path) -> AudioInfo:
    """Read an audio file's header; see `header`.

    Raises:
        EarmarkError: when the file is missing, or is not audio, or not all of it; names it.
    """
    try:
        with Path(path).open("rb") as stream:
            if stream.seek(0, io.SEEK_END) == 0:
                raise BadAudioError("no bytes in it")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return header(data)
    except BadAudioError as error:
        raise BadAudioError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise EarmarkError(f"{path}: no such audio file") from None
    except OSError as error:
        raise EarmarkError(f"{path}: cannot be read: {error.strerror or error}") from None


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
