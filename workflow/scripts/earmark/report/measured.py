"""Who wins by a measure's rates, such as BLEU: two models on the same samples.

As `earmark.report.differences` for word errors; differences and their p values come from drawing
and exchanging groups (`earmark.scoring.resampling`), since no sum of errors makes such a rate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import read_jsonl
from earmark.scoring.comparison import holm
from earmark.scoring.intervals import Numbers, Units, by_group
from earmark.scoring.measured import counts_of, groups_of
from earmark.scoring.measures import Rate, measure_type
from earmark.scoring.resampling import (
    bootstrapped,
    differences_of,
    exchanged,
    interval_of,
    p_value,
)


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
    rates: Sequence[Rate],
    first: Mapping[str, Measured],
    second: Mapping[str, Measured],
    overall: str | None,
) -> Iterator[tuple[Rate, dict[str, dict[str, Any]]]]:
    """Compare two models on their splits, and by the mean over splits where there are several.

    Args:
        rates: The rates to compare by.
        first: The first model's counts by split.
        second: The second's, of the same splits and samples.
        overall: What to call the mean over splits; None where it is not asked for.

    Returns:
        Each rate with a line a split that has it, as `earmark.report.differences.compared` gives
        them; rates are in their unit.

    Raises:
        EarmarkError: when the models were not scored on the same samples; names the split.
    """
    parts = {split: _drawn(split, first[split], second[split]) for split in first}
    for rate in rates:
        known = {
            split: part
            for split, part in parts.items()
            if np.isfinite([rate.value(one.sum(0)) for one in (part.first, part.second)]).all()
        }
        lines = {split: _line(rate, [part]) for split, part in known.items()}
        if overall is not None and len(known) == len(parts) > 1:
            lines[overall] = _line(rate, list(known.values()))
        ps = holm([line["p"] for line in lines.values()])
        for line, p in zip(lines.values(), ps, strict=True):
            line["p_holm"] = p
        yield rate, lines


class Drawn(NamedTuple):
    """Both models on a split: counts by group, bootstrap draws, and draws of exchanged groups."""

    samples: int
    first: Numbers
    second: Numbers
    bootstrap: list[tuple[Numbers, ...]]
    exchanged: list[tuple[Numbers, Numbers]]


def _drawn(split: str, first: Measured, second: Measured) -> Drawn:
    if first.ids != second.ids:
        raise EarmarkError(f"{split}: both models must be scored on the same samples, in order")
    units = Units(first.groups, len(first.ids))
    a, b = by_group(first.counts, units), by_group(second.counts, units)
    return Drawn(len(first.ids), a, b, list(bootstrapped(a, b)), list(exchanged(a, b)))


def _line(rate: Rate, parts: Sequence[Drawn]) -> dict[str, Any]:
    """Two models on a split, or by the mean over several."""
    value = rate.value
    rate_a = float(np.mean([float(value(one.first.sum(0))) for one in parts]))
    rate_b = float(np.mean([float(value(one.second.sum(0))) for one in parts]))
    difference = rate_b - rate_a
    drawn = np.mean([differences_of(value, one.bootstrap) for one in parts], axis=0)
    chance = np.mean([differences_of(value, one.exchanged) for one in parts], axis=0)
    groups = np.concatenate([value(one.second) - value(one.first) for one in parts])
    better = -groups if rate.lower else groups
    wins, losses = int((better > 1e-9).sum()), int((better < -1e-9).sum())
    interval = interval_of(drawn, len(groups))
    return {
        "rate_a": rate_a,
        "rate_b": rate_b,
        "difference": difference,
        "interval": interval.ends,
        "interval_why": interval.reason,
        "p": p_value(difference, chance),
        "utterances": sum(one.samples for one in parts),
        "groups": len(groups),
        "wins": wins,
        "ties": len(groups) - wins - losses,
        "losses": losses,
        "wins_b": (difference < 0) == rate.lower and difference != 0,
    }
