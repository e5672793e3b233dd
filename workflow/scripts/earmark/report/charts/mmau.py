"""Charts of MMAU-Pro: success by category, skill and length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from earmark.report.charts.drawing import (
    RATE,
    Chart,
    Columns,
    Rows,
    dots,
    samples_link,
    split_name,
)
from earmark.report.figures import rate
from earmark.report.gather import Evaluation, Results

_INTERVALS = "Lines are 95 % intervals; with many models they are in the table alone."


def by_category(results: Results) -> Chart:
    """Success by category and sub-category."""
    rows: Rows = []
    scored = [
        one for one in results.evaluations.values() if one.metrics and one.split.way == "mmau"
    ]
    several = len({one.subset for one in scored if _parts(results, one)}) > 1
    for one in scored:
        whole = _spaced(split_name(results, one))
        rows.append(_row(whole, one.metrics, one))
        for part, metrics in _parts(results, one).items():
            of = f", {whole}" if several else ""
            rows.append(_row(f"· {_spaced(part)}{of}", metrics, one, category=part))
    note = "Lines are 95 % intervals. Sub-categories stand below their category."
    return _chart("categories", "category", rows, note)


def _parts(results: Results, evaluation: Evaluation) -> dict[str, Any]:
    """The metrics of a split's sub-categories, by name."""
    subsets = results.subsets[evaluation.model.folder, evaluation.split.benchmark]
    mark = f"{evaluation.subset}-"
    return {name.removeprefix(mark): one for name, one in subsets.items() if name.startswith(mark)}


def by_skill(results: Results) -> Chart:
    """Success by perceptual and reasoning skill."""
    rows = _grouped(results, "perceptual_skills", "skill", "{} (perceptual)".format)
    rows += _grouped(results, "reasoning_skills", "skill", "{} (reasoning)".format)
    note = f"A sample with several skills counts under each. {_INTERVALS}"
    return _chart("skills", "skill", rows, note, len(results.run.models) < 4)


def by_length(results: Results) -> Chart:
    """Success by length of audio, as the set's authors class it."""
    rows = _grouped(results, "length_type", "length_type", str)
    order = ("short", "medium", "long")
    rows.sort(key=lambda row: next((n for n, o in enumerate(order) if o in row["name"]), 3))
    return _chart("lengths", "length", rows, _INTERVALS, len(results.run.models) < 4)


def _grouped(results: Results, column: str, facet: str, shown: Callable[[str], str]) -> Rows:
    """A row a model, split and group; the split is named only where several have groups."""
    having = [one for one in results.evaluations.values() if one.groups.get(column)]
    several = len({one.subset for one in having}) > 1
    return [
        _row(
            shown(name) + (f", {_spaced(split_name(results, one))}" if several else ""),
            metrics, one, **{facet: name},
        )
        for one in having
        for name, metrics in one.groups[column].items()
    ]  # fmt: skip


def _row(name: str, metrics: Any, evaluation: Evaluation, **more: str) -> dict[str, Any]:
    row = {"model": evaluation.model.name, "name": name, **rate(metrics, "success_rate")}
    return {**row, "href": samples_link(evaluation, False, **more)}


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _chart(name: str, what: str, rows: Rows, note: str, lines: bool = True) -> Chart:
    columns: Columns = [("name", what.capitalize(), None), ("value", "Success (%)", 2), *RATE]
    return Chart(
        id=name,
        section="mmau",
        title=f"Success by {what}",
        note=note,
        spec=dots("value", "name", columns, "success (%)", [0, 100], lines),
        rows=[row for row in rows if row["value"] is not None],
        columns=columns,
        wide=True,
    )
