"""The clips of the worst answers: their waveforms, and their copies in a bundle."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.data.audio import BadAudioError, read
from earmark.errors import EarmarkError
from earmark.files import Row

WORST = 20
"""Of so many answers of each model on each split, the worst, the clips are drawn or copied."""

_LONGEST = 300.0
"""Seconds of audio, of which a longer clip is not drawn: decoding it takes too long."""

_POINTS = 240
"""Points of a waveform."""


@dataclass(frozen=True)
class Clips:
    """What the page has of the audio.

    Attributes:
        worst: How many of the worst answers of each model and split.
        folder: Where the page of a bundle is to stand, with their audio; None for a run's page,
            which plays the audio from the data folder.
    """

    worst: int = WORST
    folder: Path | None = None

    def rows(self, costs: Sequence[Sequence[float | None]]) -> list[int]:
        """The rows that are the worst of any model, by the cost of its answers."""
        found: set[int] = set()
        for of in costs:
            known = [row for row, cost in enumerate(of) if cost is not None]
            found.update(sorted(known, key=lambda row: -(of[row] or 0))[: self.worst])
        return sorted(found)

    def copied(
        self, manifest: Path, entries: Sequence[Row], at: int, rows: Sequence[int]
    ) -> dict[int, list[str]]:
        """Copy the clips of some rows to the bundle; returns their names there, by row.

        Raises:
            EarmarkError: when a clip cannot be read.
        """
        found: dict[int, list[str]] = {}
        if self.folder is None:
            return found
        for row in rows:
            for number, path in enumerate(_paths(manifest, entries[row])):
                name = f"audio/{at}-{row}-{number}{path.suffix}"
                try:
                    (self.folder / "audio").mkdir(exist_ok=True)
                    shutil.copyfile(path, self.folder / name)
                except OSError as error:
                    raise EarmarkError(
                        f"{path}: cannot be read: {error.strerror or error}; a bundle holds the "
                        "audio of the worst answers (`--worst 0`: none)"
                    ) from None
                found.setdefault(row, []).append(name)
        return found


def listed(value: Any) -> list[Any]:
    """What a manifest has of a sample's clips, one or many, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def waveforms(manifest: Path, entries: Sequence[Row], rows: Sequence[int]) -> Row:
    """The waveforms of the clips of some rows, by row; a clip that cannot be drawn has none."""
    found = {}
    with ThreadPoolExecutor(4) as pool:  # libsndfile decodes outside of Python's lock
        for row in rows:
            lengths = listed(entries[row].get("duration")) or [None]
            if all(one is not None and one <= _LONGEST for one in lengths):
                found[str(row)] = list(pool.map(waveform, _paths(manifest, entries[row])))
    return {row: drawn for row, drawn in found.items() if any(drawn)}


def waveform(path: Path) -> list[int]:
    """The highest amplitude of each part of a clip, in percent of the clip's own; or nothing."""
    import numpy as np

    try:
        samples, _ = read(path)
    except (BadAudioError, OSError):
        return []
    loud = np.abs(samples).max(axis=1, initial=0)
    if not len(loud) or not np.isfinite(loud).all():
        return []
    starts = np.unique(np.linspace(0, len(loud), _POINTS, endpoint=False).astype(int))
    peaks = np.maximum.reduceat(loud, starts)
    return [int(peak) for peak in np.rint(100 * peaks / (peaks.max() or 1))]


def _paths(manifest: Path, entry: Row) -> list[Path]:
    return [manifest.parent / name for name in listed(entry.get("audio_filepath"))]
