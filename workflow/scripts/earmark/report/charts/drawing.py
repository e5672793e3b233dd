"""What the report's charts are made of: a chart's parts, its rows, marks, colours and tooltips."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import altair as alt

from earmark.report.gather import Evaluation, Metrics, Results

Row = dict[str, Any]
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
        section: One of `earmark.report.charts.SECTIONS`.
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
    rows: list[Row]
    columns: Columns
    wide: bool = False


def scored(results: Results, way: str | None = None) -> Iterator[tuple[Evaluation, Metrics, Row]]:
    """The scored evaluations, all or of one way: with their metrics, and a row to begin with."""
    for one in results.evaluations.values():
        if one.metrics is not None and way in (None, one.split.way):
            row = {"model": one.model.name, "split": split_name(results, one)}
            yield one, one.metrics, {**row, "href": samples_link(one)}


def whole_benchmarks(results: Results) -> Iterator[tuple[Metrics, Evaluation, Row]]:
    """A model's metrics of a whole benchmark, one of its evaluations, and a row to begin with."""
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            if whole := results.subsets[folder, benchmark].get(benchmark):
                first = results.of(benchmark, folder)[0]
                yield whole, first, {"model": model.name, "benchmark": benchmark}


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


def in_rows(columns: Columns, field: str, bars: bool = False, apart: bool = True) -> Any:
    """As `base`, in a row for each value of a field, in the order of the data.

    Within a row models stand below each other in the order of the leaderboard, if not on one line
    (``apart``); ``bars`` leave less room than lines.
    """
    axis = alt.Axis(grid=False) if bars else alt.Axis(grid=True, tickBand="extent")
    inner, outer = (0.25, 0.1) if bars else (0, 0)
    scale = alt.Scale(paddingInner=inner, paddingOuter=outer)
    made = base(columns, y=alt.Y(f"{field}:N", title=None, sort=None, axis=axis, scale=scale))
    scale = alt.Scale(paddingOuter=0 if bars else 0.5)
    return made.encode(yOffset=alt.YOffset("model:N", sort=None, scale=scale)) if apart else made


def spec(*layers: Any, height: Any) -> dict[str, Any]:
    """A chart's specification without what the page fills in: data and looks."""
    chart = layers[0] if len(layers) == 1 else alt.layer(*layers)
    made: dict[str, Any] = chart.to_dict(validate=False)
    left_out = ("config", "$schema", "data", "datasets")
    return {key: value for key, value in made.items() if key not in left_out} | {"height": height}


def of_benchmarks(rows: list[Row]) -> Any:
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


NOTE = (
    "Lines are 95 % intervals of each rate alone; `earmark compare` tests whether two models "
    "differ, on the samples that they share."
)


def of_rate(
    name: str,
    section: str,
    title: str,
    axis: str,
    rows: list[Row],
    more: Columns | None = None,
    *,
    by: tuple[str, str] = ("split", "Split"),
    note: str = NOTE,
    ends: list[float] | None = None,
    lines: bool = True,
) -> Chart:
    """A chart of a rate: models in each row, a point each, and a line for its interval.

    Args:
        name: The chart's name in the page.
        section: The page's section.
        title: What it shows.
        axis: What the rate is, with its unit.
        rows: Its data, each with ``value``, ``low``, ``high`` and ``entries``.
        more: What else its table shows.
        by: The field that names a row, and its title.
        note: How to read it.
        ends: The ends of the axis; by default zero and the largest figure.
        lines: Whether models stand one below another with their intervals, or all on one line.
    """
    columns: Columns = [(*by, None), ("value", axis, 2), *RATE, *(more or [])]
    scale = alt.Scale(domain=ends) if ends else alt.Scale(zero=True)
    marks = in_rows(columns, by[0], apart=lines).encode(color=of_models())
    points = marks.mark_circle(size=70, opacity=1, cursor="pointer")
    if lines:
        intervals = marks.mark_rule(strokeWidth=2, opacity=0.55).encode(
            x=alt.X("low:Q", title=axis, scale=scale), x2="high:Q"
        )
        drawn = spec(intervals, points.encode(x=alt.X("value:Q")), height={"band": BAND})
    else:
        x = alt.X("value:Q", title=axis, scale=scale)
        drawn = spec(points.encode(x=x, opacity=alt.value(0.8)), height={"row": ROW})
    known = [row for row in rows if row["value"] is not None]
    return Chart(name, section, title, note, drawn, known, columns, wide=True)
