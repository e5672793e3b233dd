"""Sounds that are made, not recorded: beeps, clicks, sweeps, chords, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from speech import SAMPLING_RATE, Speech, say

Samples = NDArray[np.float32]

LEVEL = 0.4
GAP = 0.25
"""Seconds between the parts of a clip, and between beeps or clicks."""


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(round(seconds * SAMPLING_RATE)) / SAMPLING_RATE


def _shaped(samples: NDArray[np.float64]) -> Samples:
    """With 10 ms of fade at both ends, so that no tone begins or ends in a click."""
    fade = np.minimum(1.0, np.arange(samples.size) / (0.01 * SAMPLING_RATE))
    shaped: Samples = (LEVEL * samples * fade * fade[::-1]).astype(np.float32)
    return shaped


def silence(seconds: float) -> Samples:
    """Nothing, for some seconds."""
    return np.zeros(round(seconds * SAMPLING_RATE), np.float32)


def tone(hz: float, seconds: float = 0.8) -> Samples:
    """A pure tone."""
    return _shaped(np.sin(2 * np.pi * hz * _time(seconds)))


def beeps(count: int, hz: float = 880.0) -> Samples:
    """Short tones, one after another."""
    return joined([tone(hz, 0.2) for _ in range(count)])


def clicks(count: int) -> Samples:
    """Short bursts of noise (at a fixed seed), one after another."""
    burst = np.random.default_rng(7).standard_normal(160) * np.exp(-np.arange(160) / 30)
    return joined([(LEVEL * burst / np.abs(burst).max()).astype(np.float32)] * count)


def sweep(start_hz: float, end_hz: float, seconds: float = 1.5) -> Samples:
    """A tone that glides from one pitch to another."""
    time = _time(seconds)
    phase = 2 * np.pi * (start_hz * time + (end_hz - start_hz) * time**2 / (2 * seconds))
    return _shaped(np.sin(phase))


def chord(kind: str, root_hz: float = 261.63, seconds: float = 1.5) -> Samples:
    """Three tones together; ``kind`` is ``major`` or ``minor``."""
    third = {"major": 4, "minor": 3}[kind]
    tones = [np.sin(2 * np.pi * root_hz * 2 ** (n / 12) * _time(seconds)) for n in (0, third, 7)]
    return _shaped(sum(tones, np.zeros_like(tones[0])) / 3)


def joined(parts: Sequence[Samples]) -> Samples:
    """Parts one after another, `GAP` seconds apart."""
    pieces: list[Samples] = []
    for part in parts:
        pieces += [part, silence(GAP)]
    return np.concatenate(pieces[:-1])


def panned(samples: Samples, pan: float) -> Samples:
    """Two channels of which the far one is later and quieter.

    Args:
        samples: Mono samples, shape ``(samples,)``.
        pan: -1 (left) to 1 (right).

    Returns:
        Shape ``(samples, 2)``.
    """
    late = round(0.0006 * SAMPLING_RATE * abs(pan))  # the width of a head, in time
    far = np.concatenate([np.zeros(late, np.float32), samples[: samples.size - late]])
    near, far = samples, far * np.float32(1 - 0.7 * abs(pan))
    return np.stack([far, near] if pan > 0 else [near, far], axis=1)


_MAKERS: dict[str, Callable[..., Samples]] = {
    "beeps": beeps,
    "chord": chord,
    "clicks": clicks,
    "silence": silence,
    "sweep": sweep,
    "tone": tone,
}


def clips(recipes: Sequence[Mapping[str, Any]]) -> list[Samples]:
    """Make clips from their recipes.

    Args:
        recipes: Each has ``parts``, which sound one after another: ``{"say": text}`` (and what
            else `Speech` takes), or a sound of this module with its arguments in a list, such as
            ``{"sweep": [300, 1200]}``. With ``pan`` the clip gets two channels.

    Returns:
        Samples at `SAMPLING_RATE`, shape ``(samples,)``, or ``(samples, 2)`` where panned.

    Raises:
        ValueError: for a part that is no sound; names it.
    """
    parts = [part for recipe in recipes for part in recipe["parts"]]
    speeches = [Speech(part["say"], **_rest(part)) for part in parts if "say" in part]
    spoken = iter(list(say(speeches)) if speeches else [])
    made = []
    for recipe in recipes:
        samples = joined([next(spoken) if "say" in p else _sound(p) for p in recipe["parts"]])
        made.append(panned(samples, recipe["pan"]) if "pan" in recipe else samples)
    return made


def _rest(part: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "say"}


def _sound(part: Mapping[str, Any]) -> Samples:
    try:
        ((name, arguments),) = part.items()
        return _MAKERS[name](*arguments)
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"{dict(part)} is not a sound; one of {', '.join(_MAKERS)} with a list of its "
            "arguments, or `say` with a text, was expected"
        ) from None
