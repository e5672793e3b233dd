"""Time: RTFx, latency percentiles, and word errors by the length of the audio."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.scoring.samples import Sample
from earmark.scoring.word_errors import Counts

Metrics = dict[str, Any]

_BUCKETS = (0, 2, 5, 10, 15, 20, 30, 60)
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_BIN = math.log(1.01)  # latencies are kept to one percent, so that splits can be combined
_PARTS = ("substitutions", "deletions", "insertions", "hits")


class Timing:
    """Audio and request seconds of a split: RTFx, latency, and word errors by duration."""

    def __init__(self) -> None:
        self._audio = 0.0
        self._seconds = array("d")
        self._timed_audio = 0.0
        self._buckets: dict[str, list[Any]] = {}

    def add(self, sample: Sample, counts: Counts) -> None:
        """Take in one sample."""
        if sample.duration is not None:
            self._audio += sample.duration
            bucket = self._buckets.setdefault(_bucket(sample.duration), [0, Counts()])
            bucket[0] += 1
            bucket[1] += counts
        if sample.seconds is not None:
            self._seconds.append(sample.seconds)
            self._timed_audio += sample.duration or 0.0

    def metrics(self, busy: float | None) -> tuple[Metrics, dict[str, int]]:
        """Return the split's timing, and its latencies in bins, which can be combined.

        Args:
            busy: Seconds in which at least one request was under way.
        """
        requests = sum(self._seconds)
        found: Metrics = {
            "audio_seconds": self._audio,
            "request_seconds": requests,
            "rtfx_wall": self._audio / busy if busy and self._audio else None,
            "rtfx_request": self._timed_audio / requests if requests and self._audio else None,
            "latency": _latency(sorted(self._seconds)),
            "by_duration": {
                name: _bucket_metrics(*self._buckets[name])
                for name in sorted(self._buckets, key=_bucket_start)
            },
        }
        bins = Counter(_bin(value) for value in self._seconds)
        return found, {str(index): bins[index] for index in sorted(bins)}


def _bucket(duration: float) -> str:
    start = max(edge for edge in _BUCKETS if edge <= max(duration, 0))
    position = _BUCKETS.index(start) + 1
    return f"{start}-{_BUCKETS[position]}s" if position < len(_BUCKETS) else f"{start}s+"


def _bucket_start(name: str) -> int:
    return int(name.rstrip("s+").split("-")[0])


def _bucket_metrics(entries: int, counts: Counts) -> Metrics:
    return {
        "num_entries": entries,
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "hits": counts.hits,
        "ref_words": counts.ref_words,
        "wer": None if counts.rate is None else 100 * counts.rate,
    }


def _latency(ordered: Sequence[float]) -> Metrics | None:
    """Percentiles (nearest rank), mean and maximum, in seconds."""
    if not ordered:
        return None
    last = len(ordered)
    found = {name: ordered[math.ceil(share * last) - 1] for name, share in _QUANTILES.items()}
    return {**found, "mean": sum(ordered) / last, "max": ordered[-1]}


def _bin(seconds: float) -> int:
    return round(math.log(max(seconds, 1e-6)) / _BIN)


def combined_timing(splits: Sequence[Metrics], bins: Iterable[Mapping[str, int]]) -> Metrics:
    """Combine the timing of splits; latency percentiles are good to one percent."""
    merged: Counter[int] = Counter()
    for one in bins:
        merged.update({int(index): number for index, number in one.items()})
    audio = sum(split["audio_seconds"] for split in splits)
    requests = sum(split["request_seconds"] for split in splits)
    busy = sum(split["busy_seconds"] or 0 for split in splits)
    buckets: dict[str, list[Any]] = {}
    for split in splits:
        for name, part in split["by_duration"].items():
            bucket = buckets.setdefault(name, [0, Counts()])
            bucket[0] += part["num_entries"]
            bucket[1] += Counts(*(part[key] for key in _PARTS))
    return {
        "audio_seconds": audio,
        "request_seconds": requests,
        "rtfx_wall": audio / busy if busy and audio else None,
        "rtfx_request": audio / requests if requests and audio else None,
        "latency": _binned_latency(merged, splits, requests),
        "by_duration": {
            name: _bucket_metrics(*buckets[name]) for name in sorted(buckets, key=_bucket_start)
        },
    }


def _binned_latency(
    bins: Counter[int], splits: Sequence[Metrics], requests: float
) -> Metrics | None:
    total = bins.total()
    if not total:
        return None
    found: Metrics = {}
    for name, share in _QUANTILES.items():
        left = math.ceil(share * total)
        for index in sorted(bins):
            left -= bins[index]
            if left <= 0:
                found[name] = math.exp(index * _BIN)
                break
    longest = max(split["latency"]["max"] for split in splits if split["latency"])
    return {**found, "mean": requests / total, "max": longest}
