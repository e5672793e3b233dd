"""What is counted over predictions, how splits combine into a benchmark, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row, read_json, write_json

COUNTS = ("substitutions", "deletions", "insertions", "hits", "ref_words")
RATES = ("success_rate", "no_answer", "wer")
"""In percent."""


def prediction_metrics(predictions: Sequence[Row]) -> dict[str, Any]:
    """What a split's predictions say before they are scored.

    Args:
        predictions: Prediction rows, at least one.

    Returns:
        ``avg_tokens`` (mean of ``num_generated_tokens``; None where no server told),
        ``gen_seconds`` (last end minus first start), ``no_answer`` (percent of empty
        generations), ``num_entries`` and ``num_failed``.
    """
    tokens = [row["num_generated_tokens"] for row in predictions]
    known = [count for count in tokens if count is not None]
    start = min(row["generation_start_time"] for row in predictions)
    end = max(row["generation_end_time"] for row in predictions)
    empty = sum(not row["generation"].strip() for row in predictions)
    return {
        "avg_tokens": sum(known) / len(known) if known else None,
        "gen_seconds": end - start,
        "no_answer": 100 * empty / len(predictions),
        "num_entries": len(predictions),
        "num_failed": sum(row["error"] is not None for row in predictions),
    }


def word_error_rate(counts: dict[str, Any]) -> float | None:
    """Edits over reference words, in percent; None where there are no reference words."""
    words = counts["ref_words"]
    edits = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    return 100 * edits / words if words else None


def combine(splits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A benchmark's metrics from its splits': counts add up, rates follow from them.

    Args:
        splits: The ``pass@1`` of each split.
    """
    entries = sum(split["num_entries"] for split in splits)

    def mean(key: str) -> float | None:
        known = [(split[key], split["num_entries"]) for split in splits if split[key] is not None]
        weight = sum(n for _, n in known)
        return sum(value * n for value, n in known) / weight if weight else None

    total: dict[str, Any] = {
        "avg_tokens": mean("avg_tokens"),
        "gen_seconds": sum(split["gen_seconds"] for split in splits),
        "success_rate": mean("success_rate"),
        "no_answer": mean("no_answer"),
        "wer": None,
        "num_entries": entries,
        "num_failed": sum(split["num_failed"] for split in splits),
    }
    total |= {count: sum(split[count] for split in splits) for count in COUNTS}
    total["wer"] = word_error_rate(total)
    return total


def aggregate(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics from those of its splits.

    Args:
        benchmark: The benchmark's name.
        splits: The splits' metrics files.
        metrics: The file to write: the benchmark, then a subset a split.

    Raises:
        EarmarkError: when a file cannot be read.
    """
    found = [read_json(path) for path in splits]
    total = {"pass@1": combine([split["pass@1"] for split in found])}
    subsets = {split["subset"]: {"pass@1": split["pass@1"]} for split in found}
    write_json(metrics, {benchmark: total, **subsets})
    print(printed({benchmark: total, **subsets}))


_COLUMNS = (
    "avg_tokens", "gen_seconds", "success_rate", "no_answer", "wer", "num_entries",
)  # fmt: skip


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "n/a"
    return f"{value:.2f}%" if name in RATES else f"{value:.0f}"


def printed(metrics: dict[str, Any]) -> str:
    """The blocks that papers and NeMo-Skills print, one a subset."""
    blocks = []
    for subset, modes in metrics.items():
        lines = [["evaluation_mode", *_COLUMNS]]
        for mode, values in modes.items():
            lines.append([mode, *(_cell(name, values.get(name)) for name in _COLUMNS)])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        rows = [
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        title = f" {subset} ".center(len(rows[0]), "-")
        blocks.append("\n".join([title, *(row.rstrip() for row in rows)]))
    return "\n\n".join(blocks)


def find(results_dir: str | Path, model: str, benchmark: str) -> dict[str, Any]:
    """A model's metrics on a benchmark.

    Raises:
        EarmarkError: when they have not been made yet.
    """
    path = Path(results_dir, model, "eval-results", benchmark, "metrics.json")
    if not path.is_file():
        raise EarmarkError(f"{path}: not there yet; `snakemake` makes it")
    found: dict[str, Any] = read_json(path)
    return found
