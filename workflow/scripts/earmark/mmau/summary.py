"""From verdicts to MMAU-Pro's numbers: a category, its sub-categories, and the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.files import Row
from earmark.mmau.intervals import success_interval
from earmark.mmau.judge import SCORES
from earmark.mmau.verdicts import EXCLUDED, GROUPS

Metrics = dict[str, Any]


def verdict_metrics(verdicts: Sequence[Row]) -> Metrics:
    """Add verdicts up.

    Returns:
        ``success_rate`` (percent of the samples that could be scored), ``num_scored``,
        ``num_correct``, a count for each of `EXCLUDED` that occurs, ``reference_sum`` and
        ``reference_count`` (for `reference_score`); where there are judgements, also ``avg_…`` for
        each of `SCORES` (mean of 5, in percent), ``good_response_rate`` (overall 4 or more) and
        ``poor_response_rate`` (overall 2 or less), both in percent.
    """
    scored = [row for row in verdicts if row["correct"] is not None]
    correct = sum(bool(row["correct"]) for row in scored)
    reference = [row["reference"] for row in verdicts if row["reference"] is not None]
    found: Metrics = {
        "success_rate": _percent(correct, len(scored)),
        "num_scored": len(scored),
        "num_correct": correct,
        "reference_sum": sum(reference),
        "reference_count": len(reference),
    }
    for name in EXCLUDED:
        if count := sum(row["excluded"] == name for row in verdicts):
            found[name] = count
    if any("scores" in row for row in verdicts):
        found |= _judged([row["scores"] for row in scored])
        found.setdefault("judge_unparsed", 0)
    return found


def _judged(scores: Sequence[Mapping[str, float]]) -> Metrics:
    count = len(scores)
    found: Metrics = {
        f"avg_{name}": _percent(sum(row[name] for row in scores) / 5, count) for name in SCORES
    }
    found["good_response_rate"] = _percent(sum(row["overall"] >= 4 for row in scores), count)
    found["poor_response_rate"] = _percent(sum(row["overall"] <= 2 for row in scores), count)
    return found


def _percent(part: float, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def _total(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def reference_score(parts: Iterable[Mapping[str, Any]]) -> float | None:
    """The reference evaluator's overall score, in percent.

    The mean over all samples of accuracy (closed-form), success (instructions) and overall score
    of 5 (open-ended); closed-form rows without two choices are dropped, and a judgement that
    cannot be read counts as 3 of 5.

    Args:
        parts: Metrics with ``reference_sum`` and ``reference_count``.
    """
    total, count = 0.0, 0
    for part in parts:
        total += part["reference_sum"]
        count += part["reference_count"]
    return _percent(total, count)


def overall(parts: Sequence[Mapping[str, Any]]) -> Metrics:
    """Combine categories as NeMo-Skills does, and the reference evaluator's score beside it.

    Args:
        parts: The metrics of each category: ``success_rate``, ``avg_tokens``, ``no_answer``,
            ``gen_seconds``, ``busy_seconds`` and ``num_entries``, and those of `verdict_metrics`.

    Returns:
        ``success_rate``, ``avg_tokens`` and ``no_answer`` as means weighted by entries (of the
        categories that have the figure), seconds and counts as sums.
    """

    def weighted(key: str) -> float | None:
        known = [part for part in parts if part.get(key) is not None]
        entries = sum(part["num_entries"] for part in known)
        total = sum(part[key] * part["num_entries"] for part in known)
        return total / entries if entries else None

    counts = ("num_entries", "num_failed", "num_scored", "num_correct", *EXCLUDED)
    found: Metrics = {
        "avg_tokens": weighted("avg_tokens"),
        "gen_seconds": _total([part["gen_seconds"] for part in parts]),
        "busy_seconds": _total([part.get("busy_seconds") for part in parts]),
        "success_rate": weighted("success_rate"),
        "no_answer": weighted("no_answer"),
    }
    for name in counts:
        if any(name in part for part in parts):
            found[name] = sum(part.get(name, 0) for part in parts)
    reference = [part for part in parts if "reference_sum" in part]
    if reference:
        found["reference_score"] = reference_score(reference)
        found["reference_sum"] = sum(part["reference_sum"] for part in reference)
        found["reference_count"] = sum(part["reference_count"] for part in reference)
    return found


def by_group(verdicts: Iterable[Row]) -> dict[str, dict[str, Metrics]]:
    """Success by length and by skill; a sample with several skills counts under each.

    Of several seeds all verdicts count, those of the first alone among ``num_entries``.

    Returns:
        For each of `GROUPS` that occurs, for each of its values in order of name: ``success_rate``
        and its interval ``success_rate_ci``, ``num_entries``, ``num_scored`` and ``num_correct``.
    """
    members: dict[str, dict[str, list[Row]]] = {key: {} for key in GROUPS}
    for row in verdicts:
        for key in GROUPS:
            for name in _names(row.get(key)):
                members[key].setdefault(name, []).append(row)
    return {
        key: {name: _rate(rows, f"{key}/{name}") for name, rows in sorted(named.items())}
        for key, named in members.items()
        if named
    }


def _names(value: Any) -> list[str]:
    """A column's value as names: it is a text, a list of them, or missing."""
    if value is None or isinstance(value, float):
        return []
    listed = [value] if isinstance(value, str) else value
    return list(dict.fromkeys(str(name) for name in listed if name is not None))


def _rate(rows: Sequence[Row], group: str) -> Metrics:
    scored = [row for row in rows if row["correct"] is not None]
    correct = sum(bool(row["correct"]) for row in scored)
    return {
        "success_rate": _percent(correct, len(scored)),
        "success_rate_ci": success_interval(rows, group),
        "num_entries": len({row["id"] for row in rows}),
        "num_scored": len(scored),
        "num_correct": correct,
    }
