"""Audio on the way to a server: a file's own bytes, or mono WAV cut and resampled from it."""

from __future__ import annotations

import io

from earmark.data.audio import BadAudioError, read
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
    try:
        samples, rate = read(clip.path, start, None if end is None else end - start)
    except BadAudioError as error:
        raise BadAudioError(f"{clip.path}: cannot be decoded: {error}") from None
    mono = samples.mean(axis=1)
    if rate != clip.rate:
        mono = soxr.resample(mono, rate, clip.rate)
    # Rounded here rather than by the encoder, so that the bytes do not depend on its version.
    pcm = np.clip(np.rint(mono * 32768.0), -32768, 32767).astype("<i2")
    out = io.BytesIO()
    soundfile.write(out, pcm, clip.rate, format="WAV", subtype="PCM_16")
    return out.getvalue()
