"""Charts of MMAU-Pro: success by category, skill and length."""

from typing import Any

from earmark.report.charts.drawing import Chart, Row, of_rate, samples_link, scored
from earmark.report.figures import rate
from earmark.report.gather import Evaluation, Results

_INTERVALS = "Lines are 95 % intervals; with many models they are in the table alone."


def by_category(results: Results) -> Chart:
    """Success by category and sub-category."""
    rows: list[Row] = []
    having = list(scored(results, "mmau"))
    several = len({one.subset for one, *_ in having if _parts(results, one)}) > 1
    for one, metrics, row in having:
        whole = _spaced(row["split"])
        rows.append(_row(whole, metrics, one))
        for part, own in _parts(results, one).items():
            of = f", {whole}" if several else ""
            rows.append(_row(f"· {_spaced(part)}{of}", own, one, category=part))
    note = "Lines are 95 % intervals. Sub-categories stand below their category."
    return _chart("categories", "category", rows, note)


def _parts(results: Results, evaluation: Evaluation) -> dict[str, Any]:
    """The metrics of a split's sub-categories, by name."""
    subsets = results.subsets[evaluation.model.folder, evaluation.split.benchmark]
    mark = f"{evaluation.subset}-"
    return {name.removeprefix(mark): one for name, one in subsets.items() if name.startswith(mark)}


def by_skill(results: Results) -> Chart:
    """Success by perceptual and reasoning skill."""
    rows = _grouped(results, "perceptual_skills", "skill", " (perceptual)")
    rows += _grouped(results, "reasoning_skills", "skill", " (reasoning)")
    note = f"A sample with several skills counts under each. {_INTERVALS}"
    return _chart("skills", "skill", rows, note, len(results.run.models) < 4)


def by_length(results: Results) -> Chart:
    """Success by length of audio, as the set's authors class it."""
    rows = _grouped(results, "length_type", "length_type")
    order = ("short", "medium", "long")
    rows.sort(key=lambda row: next((n for n, o in enumerate(order) if o in row["name"]), 3))
    return _chart("lengths", "length", rows, _INTERVALS, len(results.run.models) < 4)


def _grouped(results: Results, column: str, facet: str, kind: str = "") -> list[Row]:
    """A row a model, split and group; the split is named only where several have groups."""
    having = [(one, row) for one, _, row in scored(results) if one.groups.get(column)]
    several = len({one.subset for one, _ in having}) > 1
    rows = []
    for one, row in having:
        of = f", {_spaced(row['split'])}" if several else ""
        for name, metrics in one.groups[column].items():
            rows.append(_row(f"{name}{kind}{of}", metrics, one, **{facet: name}))
    return rows


def _row(name: str, metrics: Any, evaluation: Evaluation, **more: str) -> Row:
    row = {"model": evaluation.model.name, "name": name, **rate(metrics, "success_rate")}
    return {**row, "href": samples_link(evaluation, False, **more)}


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _chart(name: str, what: str, rows: list[Row], note: str, lines: bool = True) -> Chart:
    title, by = f"Success by {what}", ("name", what.capitalize())
    return of_rate(name, "mmau", title, "Success (%)", rows, by=by, note=note, ends=[0, 100],
                   lines=lines)  # fmt: skip
