"""Who wins: each pair of models on the same samples, by the paired test.

The differences that `earmark compare` prints, that tables mark with † and that the page shows.
Of several seeds, the answers of the first are compared. Holm's p is adjusted for the splits of one
benchmark under one protocol, all of them together included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.config.benchmarks import MEASURES
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.report.figures import protocols
from earmark.report.gather import Results
from earmark.report.measured import compared_by, read_measured
from earmark.scoring.comparison import compare, holm
from earmark.scoring.intervals import Units
from earmark.scoring.measured import groups_of
from earmark.scoring.measures import rates_of

if TYPE_CHECKING:  # loaded when models are compared, not for `--help`
    import pandas as pd

Counted = dict[str, "pd.DataFrame"]
"""By split: errors, words and group of each sample, by id. Of MMAU-Pro a wrong answer is an error
and a scored question is a word."""

ALL = "*"
"""All splits of a benchmark together."""

HOLDS = 0.05
"""A difference holds where Holm's p is below."""


@dataclass(frozen=True)
class Difference:
    """Two models compared on a split, or on all splits of a benchmark.

    Attributes:
        benchmark: The benchmark.
        protocol: The scoring protocol, or the measure's rate; empty for MMAU-Pro.
        split: The split, or `ALL`.
        a: The first model's folder.
        b: The second's.
        line: What `compared` found, with ``p_holm``; only ``why``, where they cannot be compared.
    """

    benchmark: str
    protocol: str
    split: str
    a: str
    b: str
    line: dict[str, Any]


def differences(results: Results) -> list[Difference]:
    """Compare every two models of a run on the splits that both were scored on."""
    found: list[Difference] = []
    for benchmark, splits in results.run.benchmarks.items():
        scoring = results.run.scoring(benchmark)
        rates = rates_of(splits.values()) if scoring in MEASURES else []
        for protocol, models in _scored(results, benchmark, scoring).items():
            names = [rate.name for rate in rates] or [protocol]
            units: dict[str, Units] = {}
            for a, b in combinations(models, 2):
                both = [split for split in models[a] if split in models[b]]
                whole = ALL if len(both) == len(splits) else None
                ours, theirs = ({x: models[side][x] for x in both} for side in (a, b))
                try:
                    if rates:
                        each = compared_by(rates, ours, theirs, whole)
                        made = {rate.name: lines for rate, lines in each}
                    else:
                        made = {protocol: compared(ours, theirs, whole, scoring != "asr", units)}
                except EarmarkError as error:
                    why = {split: {"why": str(error)} for split in both}
                    made = dict.fromkeys(names, why)
                for name, lines in made.items():
                    for split, line in lines.items():
                        found.append(Difference(benchmark, name, split, a, b, line))
    return found


def _scored(results: Results, benchmark: str, scoring: str) -> dict[str, dict[str, dict[str, Any]]]:
    """What each split counts by protocol, model and split; of a measure, by an empty protocol."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in results.of(benchmark) if len(results.run.models) > 1 else []:
        if one.metrics is None:
            continue
        made: Mapping[str, Any]
        if scoring in MEASURES:
            made = {"": read_measured(one.files.scores, scoring)}
        else:
            named = list(protocols(one.metrics)) if scoring == "asr" else [""]
            made = read_counts(one.files.scores, named)
        for protocol, counted in made.items():
            models = found.setdefault(protocol, {})
            models.setdefault(one.model.folder, {})[one.split.name] = counted
    return found


def significant(
    found: Sequence[Difference], benchmark: str, protocol: str
) -> set[tuple[str, str, str]]:
    """The differences that hold: split, the model that is better, the one that is worse."""
    ours = [one for one in found if (one.benchmark, one.protocol) == (benchmark, protocol)]
    held = {
        (one.split, *((one.b, one.a) if one.line["wins_b"] else (one.a, one.b)))
        for one in ours
        if one.line.get("p_holm", 1) < HOLDS
    }
    alone = len({one.split for one in ours}) == 1  # the only split is all of them
    return held | {(ALL, better, worse) for _, better, worse in held if alone}


def compared(
    first: Counted,
    second: Counted,
    overall: str | None,
    rated: bool = False,
    units: dict[str, Units] | None = None,
) -> dict[str, dict[str, Any]]:
    """Compare two models on their splits, and on all of them together where there are several.

    Args:
        first: The first model's counts.
        second: The second's, of the same splits and samples.
        overall: What to call all splits together; None where they are not to be.
        rated: Whether rates are successes, of which more is better.
        units: Groups of samples by split, kept from an earlier pair of the same samples.

    Returns:
        A line a split: rates and their difference in percent, its interval, ``p`` and ``p_holm``,
        and the groups in which the second is better (``wins``), equal or worse.

    Raises:
        EarmarkError: when the models were not scored on the same samples; names one.
    """
    import pandas as pd

    units = {} if units is None else units
    tables = {split: _paired(split, first[split], second[split], rated) for split in first}
    if overall is not None and len(tables) > 1:
        every = [table.assign(split=split) for split, table in tables.items()]
        tables[overall] = pd.concat(every)
    lines = {}
    for split, table in tables.items():
        if split not in units:
            strata = list(table.split) if "split" in table else None
            units[split] = Units(list(table.group), len(table), strata)
        lines[split] = _line(table, units[split], rated)
    for line, p in zip(lines.values(), holm([one["p"] for one in lines.values()]), strict=True):
        line["p_holm"] = p
    return lines


def _paired(split: str, first: pd.DataFrame, second: pd.DataFrame, rated: bool) -> pd.DataFrame:
    """A row a sample: both models' errors, the reference's words, the sample's group."""
    if not first.index.equals(second.index):
        for ours, theirs, who in ((first, second, "second"), (second, first, "first")):
            for name in ours.index[~ours.index.isin(theirs.index)]:
                raise EarmarkError(
                    f"{split}: the {who} model has no sample {name!r}; both must be scored on the "
                    f"same samples ({len(first)} and {len(second)} were found)"
                )
        second = second.loc[first.index]
    words = first.words
    if rated:  # what either has no verdict on counts for neither
        words = first.words * second.words
    for name in () if rated else first.index[first.words != second.words]:
        raise EarmarkError(
            f"{split}, sample {name!r}: the references differ ({first.words[name]} and "
            f"{second.words[name]} words); both models must be scored against the same references"
        )
    if not words.sum():
        what = "no answers that both have a verdict on" if rated else "no reference words"
        raise EarmarkError(f"{split}: {what}; there is nothing to compare")
    counts = words > 0 if rated else 1
    return first.assign(a=first.errors * counts, b=second.errors * counts, words=words)


def _line(table: pd.DataFrame, units: Units, rated: bool) -> dict[str, Any]:
    made = compare(table.a, table.b, table.words, units)
    interval = made.interval.scaled(100)
    rates = [100 * made.rate_a, 100 * made.rate_b]
    difference, ends = 100 * made.difference, interval.ends
    if rated:  # wrong answers were compared
        rates = [100 - rate for rate in rates]
        difference, ends = -difference, ends and [-end for end in reversed(ends)]
    return {
        "rate_a": rates[0],
        "rate_b": rates[1],
        "difference": difference,
        "interval": ends,
        "interval_why": interval.reason,
        "p": made.p,
        "utterances": len(table),
        "groups": made.groups,
        "wins": made.wins,
        "ties": made.ties,
        "losses": made.losses,
        "wins_b": made.difference < 0,
    }


def read_counts(path: Path, known: Sequence[str]) -> Counted:
    """What a file of scores counts by its protocols (the primary one first), or an empty name."""
    rows = [row for row in read_jsonl(path) if not row.get("seed")]
    return {
        name: counts([_counted(row, row["protocols"][name] if place else row) for row in rows])
        for place, name in enumerate(known)
    }


def _counted(row: Row, part: Row) -> tuple[str, int, int, str | None]:
    if "correct" in row:
        verdict = row["correct"]
        return str(row["id"]), int(verdict is False), int(verdict is not None), row.get("clip")
    errors = part["substitutions"] + part["deletions"] + part["insertions"]
    return str(row["id"]), errors, part["ref_words"], row.get("group")


def counts(rows: Sequence[tuple[str, int, int, str | None]]) -> pd.DataFrame:
    """Samples (id, errors, words, group) as a table; groups that nobody named are guessed."""
    import pandas as pd

    made = pd.DataFrame(rows, columns=["id", "errors", "words", "group"]).astype({"id": object})
    groups = groups_of([{"id": name, "group": group} for name, _, _, group in rows])
    return made.assign(group=groups).set_index("id")
