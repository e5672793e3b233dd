"""Error bars of MMAU-Pro's rates, as for WER: a bootstrap over samples, drawn within categories.

Every rate is a sum over samples divided by another. All rates of a category are replicated by the
same draws, and the replicated sums are kept, so that the benchmark's intervals can be made from
those of its categories.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.files import Row
from earmark.mmau.judge import SCORES
from earmark.scoring import statistics as stats

Metrics = dict[str, Any]
Sums = dict[str, list[str]]

KEPT = ("success_rate", "reference_score", "no_answer")
"""The rates that a benchmark has too: the replicated sums of these are kept."""

_PARTS = 10_000  # scores are no whole numbers; they are counted in parts of one
_WHOLE = ("success_rate", "no_answer")  # a benchmark's are weighted by entries


def _pairs(verdict: Row, empty: bool) -> dict[str, tuple[int, int]]:
    """What one sample adds to the two sums of each rate."""
    scored = int(verdict["correct"] is not None)
    reference = verdict["reference"]
    found = {
        "success_rate": (int(bool(verdict["correct"])), scored),
        "no_answer": (int(empty), 1),
        "reference_score": (
            round(_PARTS * (reference or 0)),
            _PARTS * int(reference is not None),
        ),
    }
    if "scores" not in verdict:
        return found
    scores = (scored and verdict["scores"]) or dict.fromkeys(SCORES, 0)
    for name in SCORES:
        found[f"avg_{name}"] = (round(_PARTS * scores[name] / 5), _PARTS * scored)
    found["good_response_rate"] = (scored * int(scores["overall"] >= 4), scored)
    found["poor_response_rate"] = (scored * int(scores["overall"] <= 2), scored)
    return found


def intervals(
    rounds: Sequence[tuple[Sequence[Row], Sequence[bool]]], subset: str
) -> tuple[Metrics, Sums]:
    """The intervals of a category's rates.

    Args:
        rounds: For each seed the verdicts, and which answers are empty; a sample is drawn with
            all of its seeds.
        subset: What they are of: the same name draws the same bootstrap.

    Returns:
        ``<rate>_ci`` for each of the category's rates (None where nothing was scored), and the
        replicated sums of `KEPT`, packed.
    """
    columns: dict[str, NDArray[np.int64]] = {}
    for found, empty in rounds:
        rows = [_pairs(one, blank) for one, blank in zip(found, empty, strict=True)]
        for name in rows[0] if rows else ():
            added = np.array([row[name] for row in rows], np.int64)
            columns[name] = columns[name] + added if name in columns else added
    if not columns:
        return {}, {}
    flat = [part for pair in columns.values() for part in pair.T]
    sums = stats.resample(flat, stats.generator(subset, "mmau"))
    drawn = dict(zip(columns, zip(sums[::2], sums[1::2], strict=True), strict=True))
    bounds = {
        f"{name}_ci": stats.interval(stats.percent(*pair))
        for name, pair in drawn.items()
        if name != "reference_score"  # the benchmark's alone
    }
    return bounds, {name: [stats.packed(part) for part in drawn[name]] for name in KEPT}


def success_interval(verdicts: Iterable[Row], subset: str) -> list[float] | None:
    """The interval of the success rate alone; a sample is drawn with all of its seeds."""
    samples: dict[Any, list[int]] = {}
    for row in verdicts:
        if row["correct"] is not None:
            right_and_scored = samples.setdefault(row["id"], [0, 0])
            right_and_scored[0] += int(row["correct"])
            right_and_scored[1] += 1
    if not samples:
        return None
    columns = list(zip(*samples.values(), strict=True))
    sums = stats.resample(columns, stats.generator(subset, "success_rate"))
    return stats.interval(stats.percent(*sums))


def combined(parts: Sequence[Mapping[str, Any]], sums: Sequence[Sums | None]) -> Metrics:
    """The intervals of a benchmark's rates, from the replicated sums of its categories.

    Args:
        parts: The metrics of each category.
        sums: What `intervals` kept of each; None where it is not known.

    Returns:
        ``<rate>_ci`` for each of `KEPT`; None where a category's sums are not known.
    """
    if not all(sums):
        return dict.fromkeys((f"{name}_ci" for name in KEPT), None)
    drawn = [
        {name: [stats.unpacked(text) for text in (one or {})[name]] for name in KEPT}
        for one in sums
    ]
    found: Metrics = {}
    for name in _WHOLE:
        known = [
            (part["num_entries"], stats.percent(*one[name]))
            for part, one in zip(parts, drawn, strict=True)
            if part.get(name) is not None
        ]
        entries = sum(weight for weight, _ in known)
        rates = sum(weight * rate for weight, rate in known)
        found[f"{name}_ci"] = stats.interval(rates / entries) if entries else None
    above, below = (sum(one["reference_score"][k] for one in drawn) for k in (0, 1))
    found["reference_score_ci"] = stats.interval(stats.percent(above, below))
    return found
