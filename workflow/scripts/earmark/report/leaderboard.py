"""The leaderboard: models against splits, with averages, as data frames that `formats` prints."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from earmark.config.benchmarks import MEASURES
from earmark.report.differences import ALL, Difference, significant
from earmark.report.figures import doubts, figure, protocols, rate
from earmark.report.gather import Evaluation, Metrics, Results
from earmark.scoring.measures import Rate, rates_of

Cell = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes:
        key: Its name in CSV; unique within a table.
        title: What it is called in print.
        lower: Whether lower is better.
        digits: Decimal places in print.
        split: The split that its figures are of, where it is one's.
        level: 0 for an average or a benchmark, 1 for a split, 2 for a part of a split.
    """

    key: str
    title: str
    lower: bool = True
    digits: int = 2
    split: str | None = None
    level: int = 1

    @property
    def tested(self) -> str:
        """The split of the paired test of its figures; empty where there is none."""
        whole = self.level == 0 and (self.title in ("micro", "mean") or " " not in self.key)
        return self.split if self.split and self.level == 1 else ALL if whole else ""

    @property
    def speed(self) -> bool:
        """Whether its figures compare only on equal hardware."""
        return self.key.endswith(" RTFx")


@dataclass(frozen=True)
class Table:
    """A benchmark's table under one scoring protocol, or the parts of one of its splits.

    Attributes:
        benchmark: The benchmark.
        kind: ``asr``, ``mmau``, or what a measure's rate is called.
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
    kind: str
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

    Args:
        results: What has been evaluated.
        benchmarks: Which benchmarks; None for all.
        protocol: Only this protocol; None for all that were computed.
        compared: The models' differences, for what is worse than the best.
    """
    made: list[Table] = []
    for benchmark in benchmarks or list(results.run.benchmarks):
        if results.run.scoring(benchmark) == "asr":
            versions: dict[str, str] = {}
            for one in results.of(benchmark):
                blocks = protocols(one.metrics)
                versions |= {name: str(b.get("version", "")) for name, b in blocks.items()}
            made += [
                _asr_table(results, benchmark, name, version)
                for name, version in (versions or {"whisper": ""}).items()
                if protocol in (None, name)
            ]
        elif results.run.scoring(benchmark) in MEASURES:
            made += [
                _rate_table(results, benchmark, rate)
                for rate in rates_of(results.run.benchmarks[benchmark].values())
                if protocol in (None, rate.name)
            ]
        else:
            made += _mmau_tables(results, benchmark)
    return [tested(one, significant(compared, one.benchmark, one.protocol)) for one in made]


def tested(table: Table, tests: set[tuple[str, str, str]]) -> Table:
    """The table with its best figures marked, and what the tests find worse than these."""
    cells = _marked(table.cells, table.columns, tests)
    return replace(table, cells=cells, tests=frozenset(tests))


def _asr_table(results: Results, benchmark: str, protocol: str, version: str) -> Table:
    splits = list(results.run.benchmarks[benchmark])
    by_characters = {
        one.split.name
        for one in results.of(benchmark)
        if "unit" in protocols(one.metrics).get(protocol, {})
    }
    columns = [
        Column(f"{benchmark} (macro)", "macro", level=0),
        Column(f"{benchmark} (micro)", "micro", level=0),
        *(
            Column(
                f"{benchmark}-{split}",
                f"{split} CER" if split in by_characters else split,
                split=split,
            )
            for split in splits
        ),
        Column(f"{benchmark} RTFx", "RTFx", lower=False, digits=1, level=0),
    ]
    named = f"the `{protocol}` protocol" + (f" ({version})" if version else "")
    caption = (
        f"{benchmark}: word error rate in percent, lower is better, under {named}. "
        "Macro: the mean of the splits; micro: all edits over all reference words."
    )
    if by_characters:
        caption += " Columns named CER, and their part of the whole, are of characters."

    def cell(folder: str, column: Column) -> Cell:
        if column.split is not None:
            one = results.evaluations[folder, benchmark, column.split]
            return _cell(protocols(one.metrics).get(protocol), "wer", one)
        whole = results.subsets[folder, benchmark].get(benchmark)
        evaluations = results.of(benchmark, folder)
        if column.speed:
            return {"value": figure(whole, "rtfx_wall"), "machine": _machine_of(evaluations)}
        block = protocols(whole).get(protocol)
        key = "wer_macro_splits" if column.title == "macro" else "wer_micro"
        return {**_cell(block, key), "note": _gap(evaluations)}

    return table_of(results, benchmark, "asr", protocol, caption, columns, cell)


def titled(rate: Rate) -> str:
    """A rate of a measure in captions, with its unit and direction."""
    unit = f" in {rate.unit}" if rate.unit else ""
    return f"{rate.title}{unit}, {'lower' if rate.lower else 'higher'} is better"


def _rate_table(results: Results, benchmark: str, rate: Rate) -> Table:
    """The table of one rate of a measure, such as BLEU."""
    splits = list(results.run.benchmarks[benchmark])
    columns = [
        Column(f"{benchmark} (macro)", "mean", lower=rate.lower, level=0),
        *(Column(f"{benchmark}-{one}", one, lower=rate.lower, split=one) for one in splits),
    ]
    caption = f"{benchmark}: {titled(rate)}. Mean: of the splits."
    signed = {
        text
        for one in results.of(benchmark)
        if (text := ((one.metrics or {}).get("signatures") or {}).get(rate.name))
    }
    caption += f" Signature: {'; '.join(f'`{one}`' for one in sorted(signed))}." * bool(signed)

    def cell(folder: str, column: Column) -> Cell:
        if column.split is not None:
            one = results.evaluations[folder, benchmark, column.split]
            return _cell(one.metrics, rate.name, one)
        whole = results.subsets[folder, benchmark].get(benchmark)
        return {**_cell(whole, rate.name), "note": _gap(results.of(benchmark, folder))}

    return table_of(results, benchmark, rate.title, rate.name, caption, columns, cell)


def _machine_of(evaluations: Sequence[Evaluation]) -> str | None:
    """The hardware that a model was asked on, where all of its jobs say the same."""
    told = {machine(job.get("hardware") or {}) for one in evaluations for job in one.jobs}
    return told.pop() if len(told) == 1 else None


def machine(hardware: Metrics) -> str:
    """A machine in print: its processor, cores and GPUs."""
    gpus = hardware.get("gpus") or []
    main = f"{hardware.get('processor', '?')}, {hardware.get('cores', '?')} cores"
    return f"{main}, {len(gpus)} × {gpus[0].split(',')[0]}" if gpus else main


def _gap(evaluations: Sequence[Evaluation]) -> str:
    missing = sum(one.metrics is None for one in evaluations)
    return f"{missing} of {len(evaluations)} splits missing" if missing else ""


def _cell(metrics: Any, key: str, evaluation: Evaluation | None = None) -> Cell:
    """A rate with its interval and samples; of a split, also how far it is and what failed."""
    if evaluation is not None and evaluation.metrics is None:
        return {"note": evaluation.told}
    failed = figure(evaluation.metrics, "num_failed") if evaluation is not None else None
    cell: Cell = {**rate(metrics, key), "note": f"{failed:.0f} failed" if failed else ""}
    return cell if cell["value"] is not None else {**cell, "entries": None}


_WAYS = {
    "closed_form": "Closed form: the choice nearest to the answer by embedding",
    "open_ended": "open-ended: answers that the judge finds correct (3 of 5 or more)",
    "instruction_following": "instruction following: rules",
    "multiple_choice": "Multiple choice: the choice that the answer names, none being wrong",
    "judged": "Judged: answers to which the judge gives as much as the benchmark wants",
}


def _mmau_tables(results: Results, benchmark: str) -> list[Table]:
    """A table of the benchmark's categories, then one of each category's sub-categories."""
    ways = {split.scoring for split in results.run.benchmarks[benchmark].values()}
    how = "; ".join(told for way, told in _WAYS.items() if way in ways)
    caption = (
        f"{benchmark}: success rate in percent, higher is better. {how}. The benchmark's rate is "
        "weighted by entries."
    )
    splits = list(results.run.benchmarks[benchmark])
    subsets = [results.subsets[folder, benchmark] for folder in results.run.models]
    columns = [Column(benchmark, "all", lower=False, level=0)]
    if any(figure(one.get(benchmark), "reference_score") is not None for one in subsets):
        title = "reference score"
        columns.append(Column(f"{benchmark} reference_score", title, lower=False, level=0))
    columns += [
        Column(f"{benchmark}.{split}", split.replace("_", " "), lower=False, split=split)
        for split in splits
    ]

    def cell(folder: str, column: Column) -> Cell:
        name, _, score = column.key.partition(" ")
        evaluations = results.of(benchmark, folder)
        own = next((one for one in evaluations if one.subset == name), None)
        metrics = results.subsets[folder, benchmark].get(name)
        if metrics is None and own is None:
            return {"note": _gap(evaluations)}
        return _cell(metrics, score or "success_rate", own)

    made = [table_of(results, benchmark, "mmau", "", caption, columns, cell)]
    for split in splits:
        whole = f"{benchmark}.{split}"
        parts = sorted({name for one in subsets for name in one if name.startswith(f"{whole}-")})
        columns = [Column(whole, "all", lower=False, split=split)]
        for part in parts:
            title = part.removeprefix(f"{whole}-").replace("_", " ")
            columns.append(Column(part, title, lower=False, split=split, level=2))
        caption = f"{benchmark} {split}: success rate in percent by sub-category."
        if parts:
            made.append(table_of(results, benchmark, "mmau", "", caption, columns, cell, split))
    return made


def table_of(
    results: Results,
    benchmark: str,
    kind: str,
    protocol: str,
    caption: str,
    columns: Sequence[Column],
    cell: Callable[[str, Column], Cell],
    part: str = "",
) -> Table:
    """A table with a line a model, and below them one a published system that has figures."""
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
    return Table(benchmark, kind, protocol, caption, tuple(columns), cells, part, tuple(told))


def _marked(
    cells: pd.DataFrame, columns: Sequence[Column], tests: AbstractSet[tuple[str, str, str]]
) -> pd.DataFrame:
    """The cells with the best of each column marked, and what is worse than it by the tests.

    Figures compete as they are printed: equal ones are equally best, and where all are equal none
    is. Published systems compete only where they state the protocol of the table; speed is
    compared only where every model ran on the same hardware.
    """
    known = {column.key: column for column in columns}
    scored = [
        round(value, known[key].digits) * (-1 if known[key].lower else 1)
        for key, value in zip(cells.key, cells.value, strict=True)
    ]
    score = pd.Series(scored, index=cells.index, dtype=float)
    speed = cells.key.map(lambda key: known[key].speed).astype(bool)
    rivals = score.notna() & ~((cells.folder == "") & ((cells.remark != "") | speed))
    machines = cells.machine[rivals & speed]
    if machines.nunique() != 1 or machines.isna().any():
        rivals &= ~speed
    groups = score.where(rivals).groupby(cells.key)
    best = rivals & (score == groups.transform("max")) & (groups.transform("nunique") > 1)
    ours = score.where(cells.folder != "")
    first = cells[ours == ours.groupby(cells.key).transform("max")]
    leaders = list(zip(first.key, first.folder, strict=True))
    worse = [
        any((known[key].tested, leader, folder) in tests for of, leader in leaders if of == key)
        for key, folder in zip(cells.key, cells.folder, strict=True)
    ]
    return cells.assign(best=best, worse=worse)
