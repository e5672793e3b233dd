"""What the report's charts are made of: a chart's parts, its marks, colours and tooltips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import altair as alt

from earmark.report.figures import printed
from earmark.report.gather import Evaluation, Results

Rows = list[dict[str, Any]]
Columns = list[tuple[str, str, int | None]]
"""Of a chart's table and tooltips: a row's key, its title, and decimal places (None for text)."""

BAND, BAR, ROW = 13, 17, 21
"""Pixels of a chart's row: of each model's line or bar in it, or of a row that all share."""

RATE: Columns = [("low", "From", 2), ("high", "To", 2), ("entries", "Samples", 0)]
"""The columns beside a rate."""


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        id: Its name in the page.
        section: one of `earmark.report.charts.SECTIONS`.
        title: What it shows.
        note: How to read it.
        spec: The Vega-Lite specification, without data.
        rows: Its data, each row with a ``model`` and, where it has samples, ``href``.
        columns: What its table shows; the model stands before them.
        wide: Whether it takes the page's width.
    """

    id: str
    section: str
    title: str
    note: str
    spec: dict[str, Any]
    rows: Rows
    columns: Columns
    wide: bool = False

    def table(self) -> list[tuple[dict[str, Any], list[tuple[str, bool]]]]:
        """Each row with its cells: the text, and whether it is a figure."""
        return [(row, [_cell(row.get(key), digits) for key, _, digits in self.columns])
                for row in self.rows]  # fmt: skip


def _cell(value: Any, digits: int | None) -> tuple[str, bool]:
    if digits is None:
        return str(value), False
    return printed(value, digits), value is not None


def samples_link(evaluation: Evaluation, everywhere: bool = False, **more: str) -> str:
    """The address within the page of an evaluation's samples, or of all splits of its benchmark."""
    name = "*" if everywhere else evaluation.split.name
    place = {"model": evaluation.model.name, "split": f"{evaluation.split.benchmark}/{name}"}
    return f"#samples?{urlencode({**place, **more})}"


def split_name(results: Results, evaluation: Evaluation) -> str:
    """A split's name, after its benchmark's where several benchmarks are scored alike."""
    split, scoring = evaluation.split, results.run.scoring
    alike = [one for one in results.run.benchmarks if scoring(one) == scoring(split.benchmark)]
    return split.name if len(alike) < 2 else f"{split.benchmark} {split.name}"


def base(columns: Columns, **encoded: Any) -> Any:
    """A chart of the page's rows, whose marks tell the model and the columns."""
    tooltip = [alt.Tooltip("model:N", title="Model")]
    for key, title, digits in columns:
        kind: dict[str, Any] = {"format": f",.{digits}f"} if digits is not None else {}
        tooltip.append(alt.Tooltip(f"{key}:{'Q' if kind else 'N'}", title=title, **kind))
    return alt.Chart(alt.UrlData("rows")).encode(tooltip=tooltip, **encoded)


def spec(*layers: Any, height: Any) -> dict[str, Any]:
    """A chart's specification without what the page fills in: data and looks."""
    chart = layers[0] if len(layers) == 1 else alt.layer(*layers)
    made: dict[str, Any] = chart.to_dict(validate=False)
    left_out = ("config", "$schema", "data", "datasets")
    return {key: value for key, value in made.items() if key not in left_out} | {"height": height}


def of_benchmarks(rows: Rows) -> Any:
    """The benchmarks' shapes, told where there are several."""
    several = len({row["benchmark"] for row in rows}) > 1
    legend = alt.Legend(orient="bottom", title=None) if several else None
    return alt.Shape("benchmark:N", legend=legend)


def of_models(legend: bool = True) -> Any:
    """The models' colours; the page fills in the names."""
    shown = alt.Legend(
        orient="bottom", title=None, symbolOpacity=1, symbolType="circle", symbolStrokeWidth=0
    )
    scale = alt.Scale(range=["models"])
    return alt.Color("model:N", scale=scale, legend=shown if legend else None)


def rows_of(field: str, lines: bool = True) -> Any:
    """The rows of a chart, in the order of its data, set apart from each other."""
    axis = alt.Axis(grid=True, tickBand="extent") if lines else alt.Axis(grid=False)
    scale = alt.Scale(paddingInner=0 if lines else 0.25, paddingOuter=0 if lines else 0.1)
    return alt.Y(f"{field}:N", title=None, sort=None, axis=axis, scale=scale)


def beside(padding: float) -> Any:
    """The models within a row, in the order of the leaderboard."""
    return alt.YOffset("model:N", sort=None, scale=alt.Scale(paddingOuter=padding))


def dots(
    x: str, y: str, columns: Columns, title: str, domain: list[float] | None = None,
    lines: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Models in each row: a point, and a line for its interval.

    Args:
        x: The field of the rate.
        y: The field that names the row.
        columns: What a mark tells.
        title: What the rate is, with its unit.
        domain: The ends of the axis; by default from zero to the largest figure.
        lines: Whether models stand one below another with their intervals, or all on one line.
    """
    scale = alt.Scale(zero=True) if domain is None else alt.Scale(domain=domain)
    marks = base(columns, y=rows_of(y), color=of_models())
    points = marks.mark_circle(size=70, opacity=1, cursor="pointer")
    if not lines:
        points = points.encode(x=alt.X(f"{x}:Q", title=title, scale=scale), opacity=alt.value(0.8))
        return spec(points, height={"row": ROW})
    intervals = marks.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("low:Q", title=title, scale=scale), x2="high:Q", yOffset=beside(0.5)
    )
    points = points.encode(x=alt.X(f"{x}:Q"), yOffset=beside(0.5))
    return spec(intervals, points, height={"band": BAND})


def of_rate(
    name: str, section: str, title: str, axis: str, rows: Rows, more: Columns | None = None
) -> Chart:
    """A chart of a rate by split, with its interval.

    Args:
        name: The chart's name in the page.
        section: The page's section.
        title: What it shows.
        axis: What the rate is, with its unit.
        rows: Its data, each with ``split``, ``value``, ``low``, ``high`` and ``entries``.
        more: What else its table shows.
    """
    columns: Columns = [("split", "Split", None), ("value", axis, 2), *RATE, *(more or [])]
    return Chart(
        id=name,
        section=section,
        title=title,
        note="Lines are 95 % intervals of each rate alone; `earmark compare` tests "
        "whether two models differ, on the samples that they share.",
        spec=dots("value", "split", columns, axis),
        rows=[row for row in rows if row["value"] is not None],
        columns=columns,
        wide=True,
    )
