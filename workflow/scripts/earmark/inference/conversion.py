"""Audio on the way to a server: a file's own bytes, or mono WAV cut and resampled from it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from earmark.data.audio import BadAudioError
from earmark.errors import EarmarkError
from earmark.inference.requests import Clip

SUFFIXES = {"wave": "wav", "opus": "ogg"}
"""The name of the format where it is not the file's suffix."""


def audio_bytes(clip: Clip) -> tuple[bytes, str]:
    """What is sent for a clip, and its format's name (``wav``, ``flac``, …); off the event loop.

    Raises:
        EarmarkError: when the file is missing or may not be read.
        BadAudioError: when it has to be converted and cannot be decoded: its sample fails.
    """
    try:
        if clip.rate is None:
            suffix = clip.path.suffix[1:].lower()
            return clip.path.read_bytes(), SUFFIXES.get(suffix, suffix)
        clip.path.open("rb").close()
    except FileNotFoundError:
        raise EarmarkError(
            f"{clip.path}: not there, though the manifest names it; prepare the split again"
        ) from None
    except OSError as error:  # no right to read it, a stale handle of a network's disk
        raise EarmarkError(f"{clip.path}: cannot be read: {error.strerror or error}") from None
    return _converted(clip), "wav"


def _converted(clip: Clip) -> bytes:
    """Decode a clip (or a part), mix its channels to one, resample, and encode 16-bit WAV."""
    import numpy as np
    import soundfile
    import soxr

    start, end = clip.part or (0.0, None)
    samples, rate = read(clip.path, start, None if end is None else end - start)
    mono = samples.mean(axis=1)
    if rate != clip.rate:
        mono = soxr.resample(mono, rate, clip.rate)
    # Rounded here rather than by the encoder, so that the bytes do not depend on its version.
    pcm = np.clip(np.rint(mono * 32768.0), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    soundfile.write(out, pcm, clip.rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def read(source: Path, offset: float = 0.0, duration: float | None = None) -> tuple[Any, int]:
    """Decode audio from ``offset`` seconds on, for ``duration`` seconds or to its end.

    Both ends are rounded to a sample by their time from the file's start, so that neighbouring
    parts share none and leave none out.

    Returns:
        Samples as float32 of shape [frames, channels], and the sampling rate in Hz.

    Raises:
        BadAudioError: when the file cannot be decoded.
    """
    import soundfile

    try:
        with soundfile.SoundFile(source) as audio:
            first = min(round(offset * audio.samplerate), audio.frames)
            audio.seek(first)
            count = -1
            if duration is not None:
                count = max(0, round((offset + duration) * audio.samplerate) - first)
            return audio.read(count, dtype="float32", always_2d=True), audio.samplerate
    except soundfile.LibsndfileError as error:
        raise BadAudioError(f"{source}: cannot be decoded: {error}") from None
