"""The leaderboard: models against splits, with averages, as tables that `formats` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from earmark.report.figures import figure, interval, protocols
from earmark.report.gather import STATES, Evaluation, Results


@dataclass(frozen=True)
class Column:
    """A column of figures.

    Attributes:
        key: Its name in CSV; unique within a table.
        title: What it is called in print.
        lower: Whether lower is better; None where neither is.
        digits: Decimal places in print.
        split: The split that its figures are of, where it is one's.
        level: 0 for an average or a benchmark, 1 for a split, 2 for a part of a split.
    """

    key: str
    title: str
    lower: bool | None = True
    digits: int = 2
    split: str | None = None
    level: int = 1


@dataclass(frozen=True)
class Cell:
    """A figure: its value, its 95 % interval, whether it is the best, and what is to be said."""

    value: float | None = None
    interval: tuple[float, float] | None = None
    best: bool = False
    note: str | None = None


@dataclass(frozen=True)
class Line:
    """A model's row.

    Attributes:
        model: The model's name.
        folder: Its folder in the results; None for a published system.
        source: Where the numbers come from: ``this run``, or where they were published.
        note: What sets the row apart, such as ``text only``; may be empty.
        cells: A cell a column.
    """

    model: str
    folder: str | None
    source: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A benchmark's table under one scoring protocol, or the parts of one of its splits.

    Attributes:
        benchmark: The benchmark.
        kind: ``asr`` or ``mmau``.
        protocol: The scoring protocol; empty for MMAU-Pro, which has one.
        caption: What the figures are; names in it stand between backquotes.
        columns: Its columns.
        lines: A line a model.
        part: The split whose sub-categories the table has; empty for a benchmark's.
    """

    benchmark: str
    kind: str
    protocol: str
    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    part: str = ""


def tables(
    results: Results,
    benchmarks: Sequence[str] | None = None,
    protocol: str | None = None,
) -> list[Table]:
    """The tables of a run: one a benchmark and protocol, the primary protocol first.

    Args:
        results: What has been evaluated.
        benchmarks: Which benchmarks; None for all.
        protocol: Only this protocol; None for all that were computed.
    """
    found: list[Table] = []
    for benchmark in benchmarks or list(results.run.benchmarks):
        if results.scoring(benchmark) == "asr":
            found += _asr_tables(results, benchmark, protocol)
        else:
            found += _mmau_tables(results, benchmark)
    return [replace(table, lines=tuple(_with_best(table))) for table in found]


def _asr_tables(results: Results, benchmark: str, protocol: str | None) -> list[Table]:
    versions: dict[str, str] = {}
    for found in results.of(benchmark):
        for name, block in protocols(found.metrics).items():
            versions[name] = str(block.get("version", ""))
    names = [name for name in versions or {"whisper": ""} if protocol in (None, name)]
    return [_asr_table(results, benchmark, name, versions.get(name, "")) for name in names]


def _asr_table(results: Results, benchmark: str, protocol: str, version: str) -> Table:
    splits = list(results.run.benchmarks[benchmark])
    columns = [
        Column(f"{benchmark} (macro)", "macro", level=0),
        Column(f"{benchmark} (micro)", "micro", level=0),
        *(Column(f"{benchmark}-{split}", split, split=split) for split in splits),
        Column(f"{benchmark} RTFx", "RTFx", lower=False, digits=1, level=0),
    ]
    lines = [
        _asr_line(results, benchmark, folder, protocol, columns) for folder in results.run.models
    ]
    lines += _published_lines(results, columns, protocol)
    named = f"the `{protocol}` protocol" + (f" ({version})" if version else "")
    caption = (
        f"{benchmark}: word error rate in percent, lower is better, under {named}. "
        "Macro: the mean of the splits; micro: all edits over all reference words."
    )
    return Table(benchmark, "asr", protocol, caption, tuple(columns), tuple(lines))


def _asr_line(
    results: Results, benchmark: str, folder: str, protocol: str, columns: Sequence[Column]
) -> Line:
    evaluations = {found.split.name: found for found in results.of(benchmark, folder)}
    cells: dict[str, Cell] = {}
    rates: list[float | None] = []
    for column in columns:
        if column.split is None:
            continue
        found = evaluations[column.split]
        cells[column.key] = _cell(protocols(found.metrics).get(protocol), "wer", found)
        rates.append(cells[column.key].value)
    missing = sum(found.metrics is None for found in evaluations.values())
    note = f"{missing} of {len(rates)} splits missing" if missing else None
    whole = results.subsets[folder, benchmark].get(benchmark)
    block = protocols(whole).get(protocol)
    for column, key in zip(columns, ("wer_macro_splits", "wer_micro"), strict=False):
        cells[column.key] = Cell(figure(block, key), interval(block, key), note=note)
    cells[columns[-1].key] = Cell(figure(whole, "rtfx_wall"))
    model = results.run.models[folder]
    return _line(model.name, folder, evaluations.values(), columns, cells)


def _cell(metrics: Any, key: str, found: Evaluation) -> Cell:
    if found.metrics is None:
        return Cell(note=STATES[found.state])
    failed = figure(found.metrics, "num_failed")
    note = f"{failed:.0f} failed" if failed else None
    return Cell(figure(metrics, key), interval(metrics, key), note=note)


def _line(
    name: str,
    folder: str,
    evaluations: Iterable[Evaluation],
    columns: Sequence[Column],
    cells: dict[str, Cell],
) -> Line:
    labels = dict.fromkeys(found.label for found in evaluations if found.label)
    return Line(
        model=name,
        folder=folder,
        source="this run",
        note="; ".join(labels),
        cells=tuple(cells.get(column.key, Cell()) for column in columns),
    )


def _published_lines(
    results: Results, columns: Sequence[Column], protocol: str | None
) -> list[Line]:
    """Published systems with a figure in this table; they stand below ours."""
    lines = []
    for one in results.published:
        if protocol and one.protocol and one.protocol != protocol:
            continue
        cells = [Cell(one.values.get(column.key)) for column in columns]
        if any(cell.value is not None for cell in cells):
            source = one.source or "published"
            unknown = "" if one.protocol or not protocol else "scored by a protocol not stated"
            lines.append(Line(one.model, None, source, unknown, tuple(cells)))
    return lines


def _mmau_tables(results: Results, benchmark: str) -> list[Table]:
    """A table of the benchmark's categories, then one of each category's sub-categories."""
    caption = (
        f"{benchmark}: success rate in percent, higher is better. Closed form: the choice nearest "
        "to the answer by embedding; open-ended: answers that the judge finds correct (3 of 5 or "
        "more); instruction following: rules. The benchmark's rate is weighted by entries."
    )
    found = [_mmau_table(results, benchmark, _mmau_columns(results, benchmark), caption)]
    names: dict[str, None] = {}
    for folder in results.run.models:
        names |= dict.fromkeys(results.subsets[folder, benchmark])
    for split in results.run.benchmarks[benchmark]:
        whole = f"{benchmark}.{split}"
        parts = sorted(name for name in names if name.startswith(f"{whole}-"))
        columns = [Column(whole, "all", lower=False, split=split)]
        columns += [
            Column(part, _spaced(part.removeprefix(f"{whole}-")), lower=False, split=split, level=2)
            for part in parts
        ]
        caption = f"{benchmark} {split}: success rate in percent by sub-category."
        if parts:
            found.append(_mmau_table(results, benchmark, columns, caption, split))
    return found


def _mmau_table(
    results: Results, benchmark: str, columns: Sequence[Column], caption: str, part: str = ""
) -> Table:
    lines = []
    for folder, model in results.run.models.items():
        evaluations = results.of(benchmark, folder)
        cells = {column.key: _mmau_cell(results, evaluations, column) for column in columns}
        lines.append(_line(model.name, folder, evaluations, columns, cells))
    lines += _published_lines(results, columns, None)
    return Table(benchmark, "mmau", "", caption, tuple(columns), tuple(lines), part)


def _mmau_cell(results: Results, evaluations: Sequence[Evaluation], column: Column) -> Cell:
    first = evaluations[0]
    benchmark = first.split.benchmark
    name, _, score = column.key.partition(" ")
    metrics = results.subsets[first.model.folder, benchmark].get(name)
    states = {found.subset: found for found in evaluations}
    if metrics is None and name in states:
        return Cell(note=STATES[states[name].state])
    if metrics is None and name == benchmark:
        waiting = sum(found.metrics is None for found in evaluations)
        return Cell(note=f"{waiting} of {len(evaluations)} splits missing")
    failed = figure(metrics, "num_failed") if name in states else None
    note = f"{failed:.0f} failed" if failed else None
    key = score or "success_rate"
    return Cell(figure(metrics, key), interval(metrics, key), note=note)


def _mmau_columns(results: Results, benchmark: str) -> list[Column]:
    columns = [Column(benchmark, "all", lower=False, level=0)]
    if any(
        figure(results.subsets[folder, benchmark].get(benchmark), "reference_score") is not None
        for folder in results.run.models
    ):
        key = f"{benchmark} reference_score"
        columns.append(Column(key, "reference score", lower=False, level=0))
    for split in results.run.benchmarks[benchmark]:
        key = f"{benchmark}.{split}"
        columns.append(Column(key, _spaced(split), lower=False, split=split))
    return columns


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _with_best(table: Table) -> Iterable[Line]:
    """The table's lines, the best of each column marked.

    Figures compete as they are printed, so that equal ones are equally best; published systems
    compete only where they state the protocol of the table.
    """
    best: list[float | None] = []
    for place, column in enumerate(table.columns):
        values = [
            round(value, column.digits)
            for line in table.lines
            if (value := line.cells[place].value) is not None
            and not (line.folder is None and line.note)
        ]
        rivals = len(values) > 1 and column.lower is not None
        best.append((min if column.lower else max)(values) if rivals else None)
    for line in table.lines:
        cells = tuple(
            replace(
                cell,
                best=cell.value is not None
                and best[place] == round(cell.value, table.columns[place].digits)
                and not (line.folder is None and line.note),
            )
            for place, cell in enumerate(line.cells)
        )
        yield replace(line, cells=cells)


def subset(table: Table, models: Sequence[str] | None, splits: Sequence[str] | None) -> Table:
    """Only some models and splits of a table; the best are marked among them.

    With ``splits``, averages over all splits are left out: they are not those of the subset.
    """
    places = [
        place
        for place, column in enumerate(table.columns)
        if splits is None or column.split in splits
    ]
    lines = [
        replace(line, cells=tuple(line.cells[place] for place in places))
        for line in table.lines
        if models is None or line.folder is None or line.model in models
    ]
    kept = replace(
        table, columns=tuple(table.columns[place] for place in places), lines=tuple(lines)
    )
    return replace(kept, lines=tuple(_with_best(kept)) if places else ())
