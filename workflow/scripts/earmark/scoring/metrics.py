"""What is counted over predictions, how splits combine into a benchmark, and how it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from earmark.files import Row, read_json, write_json
from earmark.mmau.verdicts import EXCLUDED


def prediction_metrics(predictions: Sequence[Row]) -> dict[str, Any]:
    """What a split's predictions say before they are scored.

    Args:
        predictions: Prediction rows, at least one.

    Returns:
        ``avg_tokens`` (mean of ``num_generated_tokens``; None where no server told),
        ``gen_seconds`` (last end minus first start), ``busy_seconds`` (see `busy_seconds`),
        ``no_answer`` (percent of empty generations), ``num_entries`` and ``num_failed``.
    """
    tokens = [row["num_generated_tokens"] for row in predictions]
    known = [count for count in tokens if count is not None]
    start = min(row["generation_start_time"] for row in predictions)
    end = max(row["generation_end_time"] for row in predictions)
    empty = sum(not row["generation"].strip() for row in predictions)
    return {
        "avg_tokens": sum(known) / len(known) if known else None,
        "gen_seconds": end - start,
        "busy_seconds": busy_seconds(predictions),
        "no_answer": 100 * empty / len(predictions),
        "num_entries": len(predictions),
        "num_failed": sum(row["error"] is not None for row in predictions),
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
    """A benchmark's metrics from its splits': seconds and entries add up, shares are weighed.

    Args:
        splits: The ``pass@1`` of each split.
    """

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
    }


def combine_asr(splits: Sequence[dict[str, Any]], mode: str = "pass@1") -> dict[str, Any]:
    """A speech recognition benchmark's metrics from its splits'.

    Counts add up, rates follow from them (`earmark.scoring.rates.combined_protocols`).

    Args:
        splits: The splits' metrics, as the score step writes them.
        mode: Which answers: ``pass@1``, or one of those that several seeds give.
    """
    from earmark.scoring import hallucination as signals
    from earmark.scoring import rates, timing

    ones = [split[mode] for split in splits]
    raw = [split["raw"][mode] for split in splits]
    blocks = rates.combined_protocols(ones, [one["replicates"] for one in raw])
    ways = {(one["postprocess"], one["postprocess_version"]) for one in ones}
    return {
        **combine(ones),
        **(rates.headline(blocks) if blocks else {"wer": None}),
        **rates.combined_no_answer([one["replicates"] for one in raw]),
        "postprocess": "; ".join(sorted({name for name, _ in ways})),
        "postprocess_version": "; ".join(sorted({version for _, version in ways})),
        **timing.combined_timing(ones, [one["latency_bins"] for one in raw]),
        "hallucination": signals.combined_signs(
            {split["subset"]: split[mode]["hallucination"] for split in splits}
        ),
    }


def _modes(split: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in split.items() if "@" in key}


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
    labels = list(dict.fromkeys(split["label"] for split in found if split.get("label")))
    modes = [mode for mode in _modes(found[0]) if all(mode in split for split in found)]
    total = {mode: _labelled(combine_asr(found, mode), "; ".join(labels)) for mode in modes}
    subsets = {
        split["subset"]: {
            mode: _labelled(values, split.get("label")) for mode, values in _modes(split).items()
        }
        for split in found
    }
    write_json(metrics, {benchmark: total, **subsets})
    print(printed({benchmark: total, **subsets}))


def _labelled(values: dict[str, Any], label: str | None) -> dict[str, Any]:
    """The values, with what sets them apart from those of whole splits with audio."""
    return {**values, "label": label} if label else values


_BEFORE = ("avg_tokens", "gen_seconds", "success_rate", "no_answer", "wer")
_AFTER = ("num_entries",)
_MMAU = (
    *(*_BEFORE[:-1], "avg_overall", "avg_correctness", "avg_relevance", "avg_completeness"),
    *("avg_clarity", "good_response_rate", "poor_response_rate", "reference_score"),
    *(*EXCLUDED, "num_entries"),
)

_NOTED = ("success_rate", "avg_overall", "reference_score")


def _columns(modes: dict[str, Any]) -> list[str]:
    """The published columns; where there are more protocols, the rate of each beside ``wer``.

    MMAU-Pro's are those that are there: which of them depends on the category.
    """
    if any("num_correct" in values for values in modes.values()):
        always = (*_BEFORE[:-1], *_AFTER)
        return [n for n in _MMAU if n in always or any(n in v for v in modes.values())]
    others = {
        f"wer_{name}": None
        for values in modes.values()
        for name in list(values.get("protocols", ()))[1:]
    }
    return [*_BEFORE, *others, *_AFTER]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "n/a"
    in_percent = name in ("no_answer", "reference_score") or (
        name.endswith("_rate") or (name.startswith(("wer", "cer", "avg_")) and name != "avg_tokens")
    )
    return f"{value:.2f}%" if in_percent else f"{value:.0f}"


def printed(metrics: dict[str, Any]) -> str:
    """The blocks that papers and NeMo-Skills print, one a subset, then what the rates rest on."""
    blocks = []
    for subset, modes in metrics.items():
        columns = _columns(modes)
        lines = [["evaluation_mode", *columns]]
        for mode, values in modes.items():
            lines.append([mode, *(_cell(name, values.get(name)) for name in columns)])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        rows = [
            " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        title = f" {subset} ".center(len(rows[0]), "-")
        notes = [
            f"label: {label}" for label in {v.get("label"): 0 for v in modes.values()} if label
        ]
        notes += _protocol_notes(next(iter(modes.values()), {}))
        blocks.append("\n".join([title, *(row.rstrip() for row in rows), *notes]))
    return "\n\n".join(blocks)


def _protocol_notes(values: dict[str, Any]) -> list[str]:
    """One line a protocol: its rates with their intervals, and its version."""
    notes = []
    if "num_correct" in values:
        shown = [_noted(values, name) for name in _NOTED if values.get(f"{name}_ci")]
        notes += [", ".join(shown)] if shown else []
    for name, block in values.get("protocols", {}).items():
        rates = [f"wer {_with_interval(block, 'wer')}"]
        if "wer_macro" in block:
            rates = [
                f"wer micro {_with_interval(block, 'wer_micro')}",
                f"macro {_with_interval(block, 'wer_macro')}",
            ]
        rates.append(f"cer {_with_interval(block, 'cer')}")
        notes.append(f"{name}: {', '.join(rates)} ({block['version']})")
    return notes


def _noted(values: dict[str, Any], name: str) -> str:
    return f"{name} {_with_interval(values, name)}"


def _with_interval(block: dict[str, Any], rate: str) -> str:
    text = _cell(rate, block.get(rate))
    bounds = block.get(f"{rate}_ci")
    return text if bounds is None else f"{text} [{bounds[0]:.2f}, {bounds[1]:.2f}]"
