"""The leaderboard: models against splits, with averages, as data frames that `formats` prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from earmark.config.benchmarks import MEASURES
from earmark.report.differences import ALL, Difference, significant
from earmark.report.figures import doubts, figure, protocols, rate
from earmark.report.gather import Evaluation, Metrics, Results
from earmark.scoring.measures import Rate, rates_of

Cell = dict[str, Any]

_SPEED = "rtfx_wall"
"""A rate that compares only on equal hardware."""


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes:
        key: Its name in CSV, and of a part of a split its name in metrics; unique within a table.
        title: What it is called in print.
        rate: The key of its figures in metrics.
        lower: Whether lower is better.
        digits: Decimal places in print.
        split: The split that its figures are of, where it is one's.
        level: 0 for an average or a benchmark, 1 for a split, 2 for a part of a split.
    """

    key: str
    title: str
    rate: str
    lower: bool = True
    digits: int = 2
    split: str | None = None
    level: int = 1

    @property
    def tested(self) -> str:
        """The split of the paired test of its figures; empty where there is none."""
        if self.level == 0:
            untested = ("wer_macro_splits", "reference_score", _SPEED)
            return "" if self.rate in untested else ALL
        return self.split if self.split and self.level == 1 else ""


@dataclass(frozen=True)
class Table:
    """A benchmark's table under one scoring protocol, or the parts of one of its splits.

    Attributes:
        benchmark: The benchmark.
        protocol: The scoring protocol, or the rate; empty for MMAU-Pro, which has one.
        caption: What the figures are; names in it stand between backquotes.
        columns: Its columns.
        cells: A row a line and column, in their order: ``line`` (from 0), ``model``, ``folder``
            (of its results; empty for a published system), ``source``, ``remark`` (what sets the
            line apart), ``key``, ``value``, ``low`` and ``high`` (95 % interval), ``entries``
            (samples that the rate is of), ``note``, ``machine``, ``best``, ``worse`` (than the
            best that was measured here, by the paired test).
        part: The split whose sub-categories the table has; empty for a benchmark's.
        doubts: What must be known before its figures are trusted.
        tests: The differences that hold, as `significant` gives them.
    """

    benchmark: str
    protocol: str
    caption: str
    columns: tuple[Column, ...]
    cells: pd.DataFrame
    part: str = ""
    doubts: tuple[str, ...] = ()
    tests: frozenset[tuple[str, str, str]] = frozenset()

    @property
    def title(self) -> str:
        """What the table is of."""
        return " ".join(filter(None, (self.benchmark, self.part)))

    def lines(self) -> Iterator[tuple[Any, list[tuple[Column, Any]]]]:
        """Each line: its first cell, for what the line is of, and its cells with their columns."""
        for _, group in self.cells.groupby("line", sort=False):
            cells = list(group.itertuples(index=False))
            yield cells[0], list(zip(self.columns, cells, strict=True))

    def counts(self) -> dict[str, int | None]:
        """By column, the samples that all its rates are of; None where they differ."""
        by_column = self.cells.groupby("key", sort=False).entries
        alike = by_column.nunique().eq(1).to_dict()
        most = by_column.max().to_dict()
        return {str(key): int(n) if alike[key] else None for key, n in most.items()}

    def chosen(self, models: Sequence[str] | None, splits: Sequence[str] | None) -> Table:
        """Only some models and splits; the best are marked among them.

        With ``splits``, averages over all splits are left out: they are not those of the rest.
        """
        columns = tuple(one for one in self.columns if splits is None or one.split in splits)
        cells = self.cells[self.cells.key.isin([column.key for column in columns])]
        if models is not None:
            cells = cells[cells.model.isin(models) | (cells.folder == "")]
        return replace(self, columns=columns, cells=_marked(cells, columns, self.tests))


def broken(title: str) -> list[str]:
    """The lines of a column's heading, which is broken where it is long."""
    parts = re.findall(r"[^_ ]+_?", title)
    if len(title) <= 8 or len(parts) < 2:
        return [title]
    half = min(range(1, len(parts)), key=lambda n: abs(2 * len("".join(parts[:n])) - len(title)))
    joined = " " if " " in title else ""
    return [joined.join(parts[:half]), joined.join(parts[half:])]


def tables(
    results: Results,
    benchmarks: Sequence[str] | None = None,
    protocol: str | None = None,
    compared: Sequence[Difference] = (),
) -> list[Table]:
    """The tables of a run: one a benchmark and protocol, the primary protocol first.

    Only of some benchmarks, or of one protocol, where they are given; ``compared`` are the models'
    differences, for what is worse than the best.
    """
    made: list[Table] = []
    for benchmark in benchmarks or list(results.run.benchmarks):
        scoring = results.run.scoring(benchmark)
        if scoring == "asr":
            made += _asr_tables(results, benchmark)
        elif scoring in MEASURES:
            rates = rates_of(results.run.benchmarks[benchmark].values())
            made += [_rate_table(results, benchmark, rate) for rate in rates]
        else:
            made += _mmau_tables(results, benchmark)
    chosen = [one for one in made if protocol is None or one.protocol in ("", protocol)]
    return [tested(one, significant(compared, one.benchmark, one.protocol)) for one in chosen]


def tested(table: Table, tests: set[tuple[str, str, str]]) -> Table:
    """The table with its best figures marked, and what the tests find worse than these."""
    cells = _marked(table.cells, table.columns, tests)
    return replace(table, cells=cells, tests=frozenset(tests))


def _asr_tables(results: Results, benchmark: str) -> Iterator[Table]:
    """A table of word error rates under each protocol."""
    versions: dict[str, str] = {}
    for one in results.of(benchmark):
        blocks = protocols(one.metrics)
        versions |= {name: str(block.get("version", "")) for name, block in blocks.items()}
    for protocol, version in (versions or {"whisper": ""}).items():
        by_characters = {
            one.split.name
            for one in results.of(benchmark)
            if "unit" in protocols(one.metrics).get(protocol, {})
        }
        columns = [
            Column(f"{benchmark} (macro)", "macro", "wer_macro_splits", level=0),
            Column(f"{benchmark} (micro)", "micro", "wer_micro", level=0),
        ]
        for split in results.run.benchmarks[benchmark]:
            title = f"{split} CER" if split in by_characters else split
            columns.append(Column(f"{benchmark}-{split}", title, "wer", split=split))
        speed = Column(f"{benchmark} RTFx", "RTFx", _SPEED, lower=False, digits=1, level=0)
        named = f"the `{protocol}` protocol" + (f" ({version})" if version else "")
        caption = (
            f"{benchmark}: word error rate in percent, lower is better, under {named}. "
            "Macro: the mean of the splits; micro: all edits over all reference words."
        )
        if by_characters:
            caption += " Columns named CER, and their part of the whole, are of characters."
        yield table_of(results, benchmark, protocol, caption, [*columns, speed])


def titled(rate: Rate) -> str:
    """A rate of a measure in captions, with its unit and direction."""
    unit = f" in {rate.unit}" if rate.unit else ""
    return f"{rate.title}{unit}, {'lower' if rate.lower else 'higher'} is better"


def _rate_table(results: Results, benchmark: str, rate: Rate) -> Table:
    """The table of one rate of a measure, such as BLEU."""
    columns = [Column(f"{benchmark} (macro)", "mean", rate.name, rate.lower, level=0)]
    for split in results.run.benchmarks[benchmark]:
        columns.append(Column(f"{benchmark}-{split}", split, rate.name, rate.lower, split=split))
    caption = f"{benchmark}: {titled(rate)}. Mean: of the splits."
    signed = {
        text
        for one in results.of(benchmark)
        if (text := ((one.metrics or {}).get("signatures") or {}).get(rate.name))
    }
    if signed:
        caption += f" Signature: {'; '.join(f'`{one}`' for one in sorted(signed))}."
    return table_of(results, benchmark, rate.name, caption, columns)


def _machine_of(evaluations: Sequence[Evaluation]) -> str | None:
    """The hardware that a model was asked on, where all of its jobs say the same."""
    told = {machine(job.get("hardware") or {}) for one in evaluations for job in one.jobs}
    return told.pop() if len(told) == 1 else None


def machine(hardware: Metrics) -> str:
    """A machine in print: its processor, cores and GPUs."""
    gpus = hardware.get("gpus") or []
    main = f"{hardware.get('processor', '?')}, {hardware.get('cores', '?')} cores"
    return f"{main}, {len(gpus)} × {gpus[0].split(',')[0]}" if gpus else main


def _cell(results: Results, benchmark: str, protocol: str, folder: str, column: Column) -> Cell:
    """A model's rate with its interval and samples; how far it is, and how much of it failed."""
    if column.level == 1:
        one = results.evaluations[folder, benchmark, column.split or ""]
        failed = figure(one.metrics, "num_failed")
        metrics, note = one.metrics, f"{failed:.0f} failed" if failed else ""
        if metrics is None:
            return {"note": one.told}
    else:
        evaluations = results.of(benchmark, folder)
        metrics = results.subsets[folder, benchmark].get(column.key if column.level else benchmark)
        if column.rate == _SPEED:
            return {"value": figure(metrics, _SPEED), "machine": _machine_of(evaluations)}
        missing = sum(one.metrics is None for one in evaluations)
        note = f"{missing} of {len(evaluations)} splits missing" if missing else ""
    blocks = protocols(metrics)
    return {**rate(blocks.get(protocol) if blocks else metrics, column.rate), "note": note}


_WAYS = {
    "closed_form": "Closed form: the choice nearest to the answer by embedding",
    "open_ended": "open-ended: answers that the judge finds correct (3 of 5 or more)",
    "instruction_following": "instruction following: rules",
    "multiple_choice": "Multiple choice: the choice that the answer names, none being wrong",
    "refusal": "Refusal: answers with a phrase of one",
    "judged": "Judged: answers to which the judge gives as much as the benchmark wants",
}


def _mmau_tables(results: Results, benchmark: str) -> Iterator[Table]:
    """A table of the benchmark's categories, then one of each category's sub-categories."""
    splits = results.run.benchmarks[benchmark]
    ways = {split.scoring for split in splits.values()}
    how = "; ".join(told for way, told in _WAYS.items() if way in ways)
    caption = (
        f"{benchmark}: success rate in percent, higher is better. {how}. The benchmark's rate is "
        "weighted by entries."
    )
    subsets = [results.subsets[folder, benchmark] for folder in results.run.models]

    def column(key: str, title: str, rate: str = "success_rate", **more: Any) -> Column:
        return Column(key, title.replace("_", " "), rate, lower=False, **more)

    columns = [column(benchmark, "all", level=0)]
    reference = "reference_score"
    if any(figure(one.get(benchmark), reference) is not None for one in subsets):
        columns.append(column(f"{benchmark} {reference}", reference, reference, level=0))
    columns += [column(f"{benchmark}.{split}", split, split=split) for split in splits]
    yield table_of(results, benchmark, "", caption, columns)
    for split in splits:
        whole = f"{benchmark}.{split}"
        parts = sorted({name for one in subsets for name in one if name.startswith(f"{whole}-")})
        columns = [column(whole, "all", split=split)]
        for part in parts:
            columns.append(column(part, part.removeprefix(f"{whole}-"), split=split, level=2))
        caption = f"{benchmark} {split}: success rate in percent by sub-category."
        if parts:
            yield table_of(results, benchmark, "", caption, columns, part=split)


def table_of(
    results: Results,
    benchmark: str,
    protocol: str,
    caption: str,
    columns: Sequence[Column],
    cell: Callable[[str, Column], Cell] | None = None,
    part: str = "",
) -> Table:
    """A table with a line a model, and below them one a published system that has figures.

    ``cell`` makes the cell of a model's folder and a column; by default it has the column's rate.
    """
    cell = cell or partial(_cell, results, benchmark, protocol)
    rows: list[Cell] = []
    told: dict[str, None] = {}
    for folder, model in results.run.models.items():
        evaluations = results.of(benchmark, folder)
        labels = dict.fromkeys(one.label for one in evaluations if one.label)
        line: Cell = {"model": model.name, "folder": folder, "source": "this run"}
        line |= {"line": len(rows) // len(columns), "remark": "; ".join(labels)}
        rows += [{**line, "key": one.key, **cell(folder, one)} for one in columns]
        for one in evaluations:
            if part in ("", one.split.name):
                named = f"{model.name} on {one.subset}"
                told |= dict.fromkeys(f"{named}: {text}" for text in doubts(one.metrics))
    for system in results.published:
        fits = not protocol or system.protocol in ("", protocol)
        if fits and any(column.key in system.values for column in columns):
            unknown = "" if system.protocol or not protocol else "scored by a protocol not stated"
            line = {"model": system.model, "folder": "", "source": system.source or "published"}
            line |= {"line": len(rows) // len(columns), "remark": unknown}
            rows += [{**line, "key": c.key, "value": system.values.get(c.key)} for c in columns]
    cells = pd.DataFrame(rows).reindex(
        columns=["line", "model", "folder", "source", "remark", "key", "value", "low", "high",
                 "entries", "note", "machine"]
    )  # fmt: skip
    numbers = ["value", "low", "high", "entries"]
    cells[numbers] = cells[numbers].astype(float)
    cells["note"] = cells["note"].fillna("")
    return Table(benchmark, protocol, caption, tuple(columns), cells, part, tuple(told))


def _marked(
    cells: pd.DataFrame, columns: Sequence[Column], tests: AbstractSet[tuple[str, str, str]]
) -> pd.DataFrame:
    """The cells with the best of each column marked, and what is worse than it by the tests.

    Figures compete as they are printed: equal ones are equally best, and where all are equal none
    is. Published systems compete only where they state the protocol of the table; speed is
    compared only where every model ran on the same hardware.
    """
    best: list[int] = []
    worse: list[int] = []
    for column in columns:
        mine = cells[cells.key == column.key]
        score = mine.value.map(partial(round, ndigits=column.digits)) * (-1 if column.lower else 1)
        ours = mine.folder != ""
        rivals = score.notna() & (ours | (mine.remark == ""))
        if column.rate == _SPEED:
            rivals &= ours & (mine.machine[rivals & ours].nunique(dropna=False) == 1)
        if score[rivals].nunique() > 1:
            best += list(mine.index[rivals & (score == score[rivals].max())])
        for leader in mine.folder[ours & (score == score[ours].max())]:
            beaten = [(column.tested, leader, folder) in tests for folder in mine.folder]
            worse += list(mine.index[beaten])
    return cells.assign(best=cells.index.isin(best), worse=cells.index.isin(worse))
