"""What predictions say before they are scored, how that combines, and where metrics are kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.files import Row


def prediction_metrics(predictions: Sequence[Row]) -> dict[str, Any]:
    """What a split's predictions say before they are scored.

    Args:
        predictions: Prediction rows, at least one.

    Returns:
        ``avg_tokens`` (mean of ``num_generated_tokens``; None where no server told),
        ``gen_seconds`` (last end minus first start; None where nobody told, as of imported
        answers), ``busy_seconds`` (see `busy_seconds`), ``no_answer`` (percent of empty
        generations), ``num_entries``, ``num_failed`` and ``num_truncated`` (answers that end at
        the most tokens that were allowed).
    """
    tokens = [row["num_generated_tokens"] for row in predictions]
    known = [count for count in tokens if count is not None]
    timed = [row for row in predictions if row["generation_start_time"] is not None]
    start = min((row["generation_start_time"] for row in timed), default=None)
    end = max((row["generation_end_time"] for row in timed), default=None)
    empty = sum(not row["generation"].strip() for row in predictions)
    return {
        "avg_tokens": sum(known) / len(known) if known else None,
        "gen_seconds": None if start is None or end is None else end - start,
        "busy_seconds": busy_seconds(timed) if timed else None,
        "no_answer": 100 * empty / len(predictions),
        "num_entries": len(predictions),
        "num_failed": sum(row["error"] is not None for row in predictions),
        "num_truncated": sum(row.get("finish_reason") == "length" for row in predictions),
    }


def busy_seconds(predictions: Iterable[Row]) -> float:
    """Seconds in which at least one request was under way.

    In one go that is ``gen_seconds``; of a run that was stopped and resumed, or of which a few
    answers were asked anew later, the time between does not count.
    """
    total, reached = 0.0, float("-inf")
    spans = ((row["generation_start_time"], row["generation_end_time"]) for row in predictions)
    for start, end in sorted(spans):
        if end > reached:
            total += end - max(start, reached)
            reached = end
    return total


def combine(splits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A benchmark's metrics from its splits' in one mode: counts add up, shares are weighed."""

    def mean(key: str) -> float | None:
        known = [(split[key], split["num_entries"]) for split in splits if split[key] is not None]
        weight = sum(n for _, n in known)
        return sum(value * n for value, n in known) / weight if weight else None

    return {
        "avg_tokens": mean("avg_tokens"),
        "gen_seconds": sum(split["gen_seconds"] or 0 for split in splits),
        "busy_seconds": sum(split["busy_seconds"] or 0 for split in splits),
        "success_rate": mean("success_rate"),
        "no_answer": mean("no_answer"),
        "num_entries": sum(split["num_entries"] for split in splits),
        "num_failed": sum(split["num_failed"] for split in splits),
        "num_truncated": sum(split["num_truncated"] for split in splits),
    }


def labelled(
    blocks: Mapping[str, Mapping[str, Any]], label: str | None
) -> dict[str, dict[str, Any]]:
    """The blocks, with what sets them apart from those of whole splits with audio."""
    own = {"label": label} if label else {}
    return {
        name: {mode: {**values, **own} for mode, values in modes.items()}
        for name, modes in blocks.items()
    }


def of_benchmark(
    benchmark: str, total: Mapping[str, dict[str, Any]], splits: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What a ``metrics.json`` holds: ``total`` (by mode), then what each split's file holds."""
    labels = dict.fromkeys(split["label"] for split in splits if split.get("label"))
    made = labelled({benchmark: dict(total)}, "; ".join(labels))
    for split in splits:
        modes = {key: value for key, value in split.items() if "@" in key}
        made |= labelled({split["subset"]: modes}, split.get("label"))
    return made
