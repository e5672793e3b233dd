"""Time: RTFx, latency percentiles, and word errors by the length of the audio."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from earmark.scoring.table import COUNTS, percent

_EDGES = (0, 2, 5, 10, 15, 20, 30, 60)
_NAMES = [*(f"{low}-{high}s" for low, high in pairwise(_EDGES)), "60s+"]
_PERCENTILES = (50, 90, 95, 99)


def timing(table: pd.DataFrame, primary: str | None, busy: float | None) -> dict[str, Any]:
    """Return the audio and request seconds of samples: RTFx, latency, word errors by duration.

    Args:
        table: Samples, as `earmark.scoring.table.table` has them.
        primary: The protocol whose word errors count; None where none are counted.
        busy: Seconds in which at least one request was under way.

    Returns:
        ``rtfx_wall`` (seconds of audio over ``busy``), ``rtfx_request`` (over the summed seconds of
        requests), ``latency`` (seconds; percentiles by nearest rank) and ``by_duration``. Of
        several seeds each sample's audio counts once, and each answer's seconds and errors.
    """
    samples = table["sample"]
    audio = float(samples["duration"][samples["seed"] == 0].sum())
    seconds = samples["seconds"].dropna()
    requests = float(seconds.sum())
    timed = float(samples["duration"][seconds.index].sum())
    return {
        "audio_seconds": audio,
        "request_seconds": requests,
        "rtfx_wall": audio / busy if busy and audio else None,
        "rtfx_request": timed / requests if requests and audio else None,
        "latency": _latency(seconds),
        **({"by_duration": _by_duration(table, primary)} if primary else {}),
    }


def _latency(seconds: pd.Series[float]) -> dict[str, float] | None:
    if not len(seconds):
        return None
    found = np.percentile(seconds, _PERCENTILES, method="inverted_cdf")
    named = {f"p{q}": float(value) for q, value in zip(_PERCENTILES, found, strict=True)}
    return {**named, "mean": float(seconds.mean()), "max": float(seconds.max())}


def _by_duration(table: pd.DataFrame, primary: str) -> dict[str, Any]:
    lengths = table["sample", "duration"].clip(lower=0)
    which = pd.cut(lengths, [*_EDGES, np.inf], right=False, labels=_NAMES)
    found = {}
    columns = [("sample", "seed"), *((primary, key) for key in COUNTS)]
    for name, part in table[columns].groupby(which, observed=True):
        sums = {"num_entries": int((part["sample", "seed"] == 0).sum())}
        sums |= {key: int(part[primary, key].sum()) for key in COUNTS}
        edits = sums["substitutions"] + sums["deletions"] + sums["insertions"]
        found[str(name)] = {**sums, "wer": percent(edits, sums["ref_words"])}
    return found
