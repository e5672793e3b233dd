"""Speech synthesis with espeak-ng (package ``espeakng-loader``), driven through ctypes."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLING_RATE = 16_000
"""Hz of all demo audio: what speech models are trained on."""

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: samples come through the callback, nothing is played
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _PITCH = 1, 3  # espeak_PARAMETER

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Synthesizer:
    """One espeak-ng library, loaded and listening; the library allows one a process."""

    def __init__(self) -> None:
        import espeakng_loader

        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, 0)
        if self.rate <= 0:
            raise RuntimeError(f"espeak-ng did not start with its data in {data.decode()}")
        self._chunks: list[NDArray[np.int16]] = []
        self._callback = _Callback(self._collect)  # kept: C holds a bare pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        return 0

    def speak(self, speech: Speech) -> NDArray[np.int16]:
        self._chunks.clear()
        if self._library.espeak_SetVoiceByName(speech.voice.encode()) != 0:
            raise RuntimeError(
                f"espeak-ng has no voice {speech.voice!r}; gmw/en-US and gmw/en are two it has"
            )
        self._library.espeak_SetParameter(_RATE, speech.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, speech.pitch, 0)
        data = speech.text.encode() + b"\0"
        if self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None) != 0:
            raise RuntimeError(f"espeak-ng could not say {speech.text!r}")
        self._library.espeak_Synchronize()
        if not self._chunks:
            raise RuntimeError(f"espeak-ng said nothing for {speech.text!r}")
        return np.concatenate(self._chunks)


@cache
def _synthesizer() -> _Synthesizer:
    return _Synthesizer()


@dataclass(frozen=True)
class Speech:
    """Something to say, and how.

    Attributes:
        text: What to say.
        voice: An espeak-ng voice file, such as ``gmw/en-US`` or ``gmw/en``.
        words_per_minute: 80 to 450.
        pitch: 0 to 99.
    """

    text: str
    voice: str = "gmw/en-US"
    words_per_minute: int = 160
    pitch: int = 50


def _say(speech: Speech) -> NDArray[np.float32]:
    import soxr

    engine = _synthesizer()
    samples = engine.speak(speech).astype(np.float32) / 32768
    resampled: NDArray[np.float32] = soxr.resample(samples, engine.rate, SAMPLING_RATE)
    return resampled


def say(speeches: Iterable[Speech]) -> Iterator[NDArray[np.float32]]:
    """Speak each of some texts, in order.

    Every utterance is spoken by a process of its own: espeak-ng carries state from one to the
    next, and editing a sentence must not change the sound of those after it.

    Yields:
        Mono samples in [-1, 1] at `SAMPLING_RATE`, shape ``(samples,)``.

    Raises:
        RuntimeError: when espeak-ng is not installed, or has no such voice.
    """
    import soxr  # noqa: F401  (before the fork, so that each child finds it loaded)

    _synthesizer()
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        yield from pool.imap(_say, speeches, chunksize=1)


def add_noise(samples: NDArray[np.float32], snr_db: float, seed: int) -> NDArray[np.float32]:
    """Add pink noise at a signal-to-noise ratio, measured over the whole clip.

    Args:
        samples: Mono samples, shape ``(samples,)``.
        snr_db: Signal power over noise power, in decibels.
        seed: Of the noise; the same seed gives the same samples.

    Returns:
        Samples of the same shape, scaled down where they would clip.
    """
    white = np.random.default_rng(seed).standard_normal(samples.size)
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.size), 1))  # power falls as 1/f
    noise = np.fft.irfft(spectrum, n=samples.size)
    power = float(np.mean(samples**2)) / 10 ** (snr_db / 10)
    mixed = samples + noise * np.sqrt(power / np.mean(noise**2))
    peak = float(np.abs(mixed).max())
    scaled: NDArray[np.float32] = (mixed / max(1.0, peak / 0.99)).astype(np.float32)
    return scaled


VOICES = ("gmw/en-US", "gmw/en")


def spoken(
    manifest: Path,
    lines: Sequence[str],
    snr_db: float | None = None,
    clips: str = "",
    kind: str = "wav",
    **encoding: Any,
) -> Path:
    """Write a local set of synthesized speech: a manifest, and a clip for each of its rows.

    Args:
        manifest: The JSONL to write; clips are named after it.
        lines: Each a reference, and after a tab what to say where that differs.
        snr_db: Adds noise at this signal-to-noise ratio.
        clips: The folder of the clips, relative to the manifest's.
        kind: The format of the clips, with ``encoding`` as `soundfile.write` takes it.
    """
    import soundfile

    pairs = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    speeches = [
        Speech(said[-1], VOICES[n % 2], words_per_minute=145 + 5 * (n % 3), pitch=45 + 5 * (n % 2))
        for n, said in enumerate(pairs)
    ]
    rows = []
    (manifest.parent / clips).mkdir(parents=True, exist_ok=True)
    for number, samples in enumerate(say(speeches), start=1):
        if snr_db is not None:
            samples = add_noise(samples, snr_db, seed=number)
        name = str(Path(clips) / f"{manifest.stem}-{number:03d}.{kind}")
        soundfile.write(manifest.parent / name, samples, SAMPLING_RATE, **encoding)
        rows.append({"audio_filepath": name, "text": pairs[number - 1][0]})
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    manifest.write_text(text, encoding="utf-8")
    return manifest
