"""Audio on the way to a server: a file's own bytes, or mono WAV cut and resampled from it."""

from __future__ import annotations

import io
from typing import Any

from earmark.errors import EarmarkError
from earmark.inference.requests import Clip

SUFFIXES = {"wav": "wav", "wave": "wav", "flac": "flac", "mp3": "mp3", "ogg": "ogg", "opus": "ogg"}
"""The name of the format that a file's suffix stands for."""


class UnreadableAudio(ValueError):  # noqa: N818 (the sample's error, not the run's)
    """A clip that cannot be read or decoded; the sample fails, the run goes on."""


def audio_bytes(clip: Clip) -> tuple[bytes, str]:
    """What is sent for a clip; called off the event loop.

    Returns:
        The bytes, and their format's name as servers know it (``wav``, ``flac``, ``mp3``, …).

    Raises:
        EarmarkError: when the file is missing or may not be read: the data folder is not what the
            manifest says.
        UnreadableAudio: when the file has to be converted and cannot be decoded.
    """
    try:
        if clip.as_it_is:
            suffix = clip.path.suffix[1:].lower()
            return clip.path.read_bytes(), SUFFIXES.get(suffix, suffix)
        return _converted(clip), "wav"
    except FileNotFoundError:
        raise EarmarkError(
            f"{clip.path}: not there, though the manifest names it; prepare the split again"
        ) from None
    except OSError as error:  # no right to read it, a stale handle of a network's disk
        raise EarmarkError(f"{clip.path}: cannot be read: {error.strerror or error}") from None


def _converted(clip: Clip) -> bytes:
    """Decode a clip (or a part), mix its channels to one, resample, and encode 16-bit WAV."""
    import numpy as np
    import soundfile
    import soxr

    start, end = clip.part or (0.0, None)
    if not clip.path.exists():
        raise FileNotFoundError(clip.path)
    try:
        with soundfile.SoundFile(clip.path) as source:
            rate = source.samplerate
            first = min(round(start * rate), source.frames)
            source.seek(first)
            count = -1 if end is None else max(0, round(end * rate) - first)
            frames: Any = source.read(count, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise UnreadableAudio(f"{clip.path}: cannot be decoded: {error}") from None
    mono = frames.mean(axis=1)
    if rate != clip.rate:
        mono = soxr.resample(mono, rate, clip.rate)
    # Rounded here rather than by the encoder, so that the bytes do not depend on its version.
    pcm = np.clip(np.rint(mono * 32768.0), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    soundfile.write(out, pcm, clip.rate, format="WAV", subtype="PCM_16")
    return out.getvalue()
