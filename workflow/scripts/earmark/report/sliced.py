"""Tables of slices: a model's rates for the values of a column of the manifest, and their gap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from earmark.report.figures import figure, interval, protocols
from earmark.report.gather import Evaluation, Results
from earmark.report.leaderboard import Cell, Column, Table, table_of, tested

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


def _of_benchmark(results: Results, benchmark: str, protocol: str | None) -> Iterator[Table]:
    kind = "asr" if results.run.scoring(benchmark) == "asr" else "mmau"
    for split in results.run.benchmarks[benchmark]:
        ones = [one for one in results.of(benchmark) if one.split.name == split]
        names = dict.fromkeys(name for one in ones for name in protocols(one.metrics))
        for name in names if kind == "asr" else [""]:
            if protocol in (None, name):
                found = {one.model.folder: _slices(one, name) for one in ones}
                for column in dict.fromkeys(c for each in found.values() for c in each):
                    yield _table(results, benchmark, split, kind, name, column, found)


def _slices(evaluation: Evaluation, protocol: str) -> Mapping[str, Any]:
    metrics = evaluation.metrics or {}
    block = protocols(metrics).get(protocol, {}) if protocol else metrics
    return block.get("slices") or {}


def _table(
    results: Results,
    benchmark: str,
    split: str,
    kind: str,
    protocol: str,
    by: str,
    found: Mapping[str, Mapping[str, Any]],
) -> Table:
    lower = kind == "asr"
    rate = "wer" if lower else "success_rate"
    known = [each[by] for each in found.values() if by in each]
    values = list(dict.fromkeys(value for one in known for value in one["values"]))
    keys = {f"{benchmark}-{split} {by}={value}": value for value in values}
    if len(values) > SHOWN:
        keys = {f"{benchmark}-{split} {by} {end}": f"{end} value" for end in ("best", "worst")}
    gap = f"{benchmark}-{split} {by} gap"
    columns = [Column(key, title, lower, split=split, level=2) for key, title in keys.items()]
    columns.append(Column(gap, "gap", split=split, level=2))

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
        low, high = interval(row, rate) or (None, None)
        note = str(value) if len(values) > SHOWN and value else ""
        count = figure(row, "num_answers")
        return {
            "value": figure(row, rate), "low": low, "high": high, "entries": count, "note": note,
        }  # fmt: skip

    what = "error rate" if lower else "success rate"
    caption = (
        f"{benchmark} {split} by {by}: {what} in percent"
        + (f", under the `{protocol}` protocol" if protocol else "")
        + ". Gap: between a model's best and worst value, in points; its interval allows for their "
        "having been chosen."
    )
    part = f"{split} by {by}"
    made = table_of(results, benchmark, kind, protocol, caption, columns, cell, part)
    return tested(made, set())
