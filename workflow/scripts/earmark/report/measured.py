"""Who wins by a measure's rates, such as BLEU: two models on the same samples.

As `earmark.report.differences` for word errors; differences and their p values come from drawing
and exchanging groups (`earmark.scoring.resampling`), since no sum of errors makes such a rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import read_jsonl
from earmark.scoring.comparison import holm
from earmark.scoring.intervals import Numbers, Units
from earmark.scoring.measured import counts_of, groups_of
from earmark.scoring.measures import Rate, by_group, measure_type
from earmark.scoring.resampling import bootstrapped, exchanged, interval_of, p_value


@dataclass(frozen=True)
class Measured:
    """A split's counts: its samples' ids, their groups, and an array of samples by counts."""

    ids: list[str]
    groups: list[str]
    counts: Numbers


def read_measured(path: Path, scoring: str) -> Measured:
    """What a file of scores counts; of several seeds, the first answer to each sample."""
    rows = list(read_jsonl(path))
    ids = [str(row["id"]) for row in rows]
    return Measured(ids, groups_of(rows), counts_of(rows, measure_type(scoring)))


def compared_by(
    rate: Rate,
    first: Mapping[str, Measured],
    second: Mapping[str, Measured],
    overall: str | None,
) -> dict[str, dict[str, Any]]:
    """Compare two models on their splits, and by the mean over splits where there are several.

    Args:
        rate: The rate.
        first: The first model's counts by split.
        second: The second's, of the same splits and samples.
        overall: What to call the mean over splits; None where it is not asked for.

    Returns:
        A line a split, as `earmark.report.differences.compared` gives them; rates are in their
        unit.

    Raises:
        EarmarkError: when the models were not scored on the same samples; names the split.
    """
    lines: dict[str, dict[str, Any]] = {}
    parts = []
    for split in first:
        ours, theirs = first[split], second[split]
        if ours.ids != theirs.ids:
            raise EarmarkError(f"{split}: both models must be scored on the same samples, in order")
        units = Units(ours.groups, len(ours.ids))
        sums = by_group(ours.counts, units), by_group(theirs.counts, units)
        drawn = [rate.value(two) - rate.value(one) for one, two in bootstrapped(*sums)]
        parts.append((sums, np.concatenate(drawn), exchanged(rate.value, *sums)))
        lines[split] = _line(rate, [parts[-1]], len(ours.ids))
    if overall is not None and len(parts) > 1:
        lines[overall] = _line(rate, parts, sum(len(one.ids) for one in first.values()))
    for line, p in zip(lines.values(), holm([one["p"] for one in lines.values()]), strict=True):
        line["p_holm"] = p
    return lines


Part = tuple[tuple[Numbers, Numbers], Numbers, Numbers]
"""Of a split: both models' counts by group, and differences drawn and by exchange."""


def _line(rate: Rate, parts: list[Part], samples: int) -> dict[str, Any]:
    rates = [
        float(np.mean([rate.value(sums[side].sum(0)) for sums, _, _ in parts])) for side in (0, 1)
    ]
    groups = np.concatenate([rate.value(two) - rate.value(one) for (one, two), _, _ in parts])
    better = -groups if rate.lower else groups
    interval = interval_of(np.mean([drawn for _, drawn, _ in parts], axis=0), len(groups))
    difference = rates[1] - rates[0]
    wins, losses = int((better > 1e-9).sum()), int((better < -1e-9).sum())
    return {
        "rate_a": rates[0],
        "rate_b": rates[1],
        "difference": difference,
        "interval": interval.ends,
        "interval_why": interval.reason,
        "p": p_value(difference, np.mean([chance for _, _, chance in parts], axis=0)),
        "utterances": samples,
        "groups": len(groups),
        "wins": wins,
        "ties": len(groups) - wins - losses,
        "losses": losses,
        "wins_b": (difference < 0) == rate.lower and difference != 0,
    }
