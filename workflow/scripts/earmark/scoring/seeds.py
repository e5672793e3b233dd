"""Several answers to each sample, one a seed: their mean, the best of them, and the majority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from earmark.files import Row
from earmark.scoring.samples import Sample

_OF_A_SEED = ("hypothesis", "wer", "substitutions", "deletions", "insertions", "hits")


def averaged(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean of what each seed's predictions say (`earmark.scoring.metrics.prediction_metrics`).

    ``num_entries`` is that of one seed, ``num_failed`` the sum.
    """
    mean: dict[str, Any] = {}
    for key in ("avg_tokens", "gen_seconds", "busy_seconds", "no_answer"):
        known = [one[key] for one in found if one[key] is not None]
        mean[key] = sum(known) / len(known) if known else None
    return {
        **mean,
        "num_entries": found[0]["num_entries"],
        "num_failed": sum(one["num_failed"] for one in found),
    }


def counted(chosen: Sequence[Sample]) -> dict[str, Any]:
    """What changes when one answer a sample is chosen: the share of empty ones, in percent."""
    empty = sum(not sample.generation.strip() for sample in chosen)
    return {"no_answer": 100 * empty / len(chosen)}


def merged_rows(rows: Sequence[Row], count: int) -> list[Row]:
    """One row a sample: the first seed's, with each seed's hypothesis and counts under ``seeds``.

    Args:
        rows: Rows of all seeds, one seed after another.
        count: How many seeds there are.
    """
    size = len(rows) // count
    return [
        {**rows[at], "seeds": [{key: row[key] for key in _OF_A_SEED} for row in rows[at::size]]}
        for at in range(size)
    ]


def best(samples: Sequence[Sequence[Sample]], rows: Sequence[Row]) -> list[Sample]:
    """Of each sample the answer with the fewest word errors, the earliest of equals."""
    size = len(samples[0])
    chosen = []
    for at in range(size):
        edits = [
            row["substitutions"] + row["deletions"] + row["insertions"] for row in rows[at::size]
        ]
        chosen.append(samples[edits.index(min(edits))][at])
    return chosen


def majority(samples: Sequence[Sequence[Sample]], rows: Sequence[Row]) -> list[Sample]:
    """Of each sample the answer that came most often once normalized, the earliest of equals."""
    size = len(samples[0])
    chosen = []
    for at in range(size):
        heard = [row["hypothesis"] for row in rows[at::size]]
        chosen.append(samples[heard.index(Counter(heard).most_common(1)[0][0])][at])
    return chosen
