"""Tables of slices: a model's rates for the values of a column of the manifest, and their gap."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from earmark.config import Split
from earmark.config.benchmarks import MEASURES
from earmark.report.figures import figure, interval, protocols
from earmark.report.gather import Evaluation, Results
from earmark.report.leaderboard import Cell, Column, Table, table_of, tested, titled
from earmark.scoring.measures import rates_of

SHOWN = 12
"""Of a column with more values only the best and the worst of each model are shown."""


def sliced_tables(
    results: Results, benchmarks: Sequence[str] | None = None, protocol: str | None = None
) -> Iterator[Table]:
    """The tables of a run's slices: one a split, column of the manifest and protocol.

    Args:
        results: What has been evaluated.
        benchmarks: Which benchmarks; None for all.
        protocol: Only this protocol; None for all that were computed.
    """
    for benchmark in benchmarks or list(results.run.benchmarks):
        yield from _of_benchmark(results, benchmark, protocol)


@dataclass(frozen=True)
class _Rate:
    """A rate whose slices are shown: where metrics have it, and how it is told."""

    name: str
    what: str
    kind: str
    protocol: str = ""
    lower: bool = False


def _of_benchmark(results: Results, benchmark: str, protocol: str | None) -> Iterator[Table]:
    for split in results.run.benchmarks[benchmark].values():
        ones = [one for one in results.of(benchmark) if one.split.name == split.name]
        for rate in _rates(split, ones):
            if protocol in (None, rate.protocol):
                found = {one.model.folder: _slices(one, rate) for one in ones}
                for column in dict.fromkeys(c for each in found.values() for c in each):
                    yield _table(results, benchmark, split.name, rate, column, found)


def _rates(split: Split, evaluations: Sequence[Evaluation]) -> list[_Rate]:
    if split.way in MEASURES:
        rates = rates_of([split])
        return [_Rate(one.name, titled(one), one.title, one.name, one.lower) for one in rates]
    if split.way == "mmau":
        return [_Rate("success_rate", "success rate in percent", "mmau")]
    names = dict.fromkeys(name for one in evaluations for name in protocols(one.metrics))
    return [_Rate("wer", "error rate in percent", "asr", name, lower=True) for name in names]


def _slices(evaluation: Evaluation, rate: _Rate) -> Mapping[str, Any]:
    metrics = evaluation.metrics or {}
    block = protocols(metrics).get(rate.protocol, {}) if rate.kind == "asr" else metrics
    slices = block.get("slices") or {}
    return slices if rate.kind in ("asr", "mmau") else slices.get(rate.name) or {}


def _table(
    results: Results,
    benchmark: str,
    split: str,
    rate: _Rate,
    by: str,
    found: Mapping[str, Mapping[str, Any]],
) -> Table:
    known = [each[by] for each in found.values() if by in each]
    values = list(dict.fromkeys(value for one in known for value in one["values"]))
    keys = {f"{benchmark}-{split} {by}={value}": value for value in values}
    if len(values) > SHOWN:
        keys = {f"{benchmark}-{split} {by} {end}": f"{end} value" for end in ("best", "worst")}
    gap = f"{benchmark}-{split} {by} gap"
    columns = [
        Column(key, title, rate.name, rate.lower, split=split, level=2)
        for key, title in keys.items()
    ]
    columns.append(Column(gap, "gap", rate.name, split=split, level=2))

    def cell(folder: str, column: Column) -> Cell:
        one = found.get(folder, {}).get(by)
        apart = (one or {}).get("gap") or {}
        if one is None:
            return {"note": results.evaluations[folder, benchmark, split].told}
        if column.key == gap:
            low, high = apart.get("interval") or (None, None)
            note = f"{apart['best']} against {apart['worst']}" if apart else ""
            return {"value": apart.get("difference"), "low": low, "high": high, "note": note}
        end = column.key.rpartition(" ")[2]
        value = keys[column.key] if len(values) <= SHOWN else apart.get(end)
        row = one["values"].get(value, {})
        low, high = interval(row, rate.name)
        note = str(value) if len(values) > SHOWN and value else ""
        made: Cell = {"value": figure(row, rate.name), "low": low, "high": high, "note": note}
        return {**made, "entries": figure(row, "num_answers")}

    under = f", under the `{rate.protocol}` protocol" if rate.kind == "asr" else ""
    caption = (
        f"{benchmark} {split} by {by}: {rate.what}{under}. Gap: between a model's best and worst "
        "value; its interval allows for their having been chosen."
    )
    part = f"{split} by {by}"
    made = table_of(results, benchmark, rate.protocol, caption, columns, cell, part)
    return tested(made, set())
