"""Charts of MMAU-Pro: success by category, skill and length."""

from __future__ import annotations

from typing import Any

from earmark.report.charts.drawing import Chart, Rows, dots, samples_link, split_name
from earmark.report.figures import figure, interval
from earmark.report.gather import Evaluation, Results, is_asr

_COLUMNS = [
    ("model", "Model", 0), ("name", "", 0), ("rate", "Success (%)", 2), ("low", "From", 2),
    ("high", "To", 2), ("entries", "Samples", 0),
]  # fmt: skip

_INTERVALS = "Lines are 95 % bootstrap intervals; with many models they are in the table alone."


def by_category(results: Results) -> Chart:
    """Success by category and sub-category."""
    rows: Rows = []
    scored = [one for one in results.evaluations.values() if one.metrics and not is_asr(one.split)]
    having = {one.subset for one in scored if _parts(results, one)}
    for found in scored:
        whole = _spaced(split_name(results, found))
        rows.append(_row(whole, found.metrics, found))
        for part, metrics in _parts(results, found).items():
            of = f", {whole}" if len(having) > 1 else ""
            rows.append(_row(f"· {_spaced(part)}{of}", metrics, found, category=part))
    return _chart(
        "categories", "category", rows,
        "Lines are 95 % bootstrap intervals. Sub-categories stand below their category.",
    )  # fmt: skip


def _parts(results: Results, found: Evaluation) -> dict[str, Any]:
    """The metrics of a split's sub-categories, by name."""
    subsets = results.subsets[found.model.folder, found.split.benchmark]
    mark = f"{found.subset}-"
    return {name.removeprefix(mark): one for name, one in subsets.items() if name.startswith(mark)}


def by_skill(results: Results) -> Chart:
    """Success by perceptual and reasoning skill."""
    rows: Rows = []
    for column in ("perceptual_skills", "reasoning_skills"):
        kind = column.partition("_")[0]
        rows += _grouped(results, column, "skill", lambda name, kind=kind: f"{name} ({kind})")
    return _chart(
        "skills", "skill", rows, "A sample with several skills counts under each. " + _INTERVALS,
        len(results.run.models) < 4,
    )  # fmt: skip


def by_length(results: Results) -> Chart:
    """Success by length of audio, as the set's authors class it."""
    rows = _grouped(results, "length_type", "length_type", str)
    order = ("short", "medium", "long")
    rows.sort(key=lambda row: next((n for n, o in enumerate(order) if o in row["name"]), 3))
    return _chart("lengths", "length", rows, _INTERVALS, len(results.run.models) < 4)


def _grouped(results: Results, column: str, filtered: str, shown: Any) -> Rows:
    """A row a model, split and group; the split is named only where several have groups."""
    having = [found for found in results.evaluations.values() if found.groups.get(column)]
    several = len({found.subset for found in having}) > 1
    rows = []
    for found in having:
        split = f", {_spaced(split_name(results, found))}" if several else ""
        for name, metrics in found.groups[column].items():
            rows.append(_row(f"{shown(name)}{split}", metrics, found, **{filtered: name}))
    return rows


def _row(name: str, metrics: Any, found: Evaluation, **more: str) -> dict[str, Any]:
    low, high = interval(metrics, "success_rate") or (None, None)
    return {
        "model": found.model.name,
        "name": name,
        "rate": figure(metrics, "success_rate"),
        "low": low,
        "high": high,
        "entries": metrics.get("num_entries"),
        "href": samples_link(found, **more),
    }


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _chart(name: str, what: str, rows: Rows, note: str, lines: bool = True) -> Chart:
    return Chart(
        id=name,
        section="mmau",
        title=f"Success by {what}",
        note=note,
        spec=dots("rate", "name", "success (%)", what, [0, 100], lines),
        rows=[row for row in rows if row["rate"] is not None],
        columns=[(key, title or what.capitalize(), digits) for key, title, digits in _COLUMNS],
        wide=True,
    )
