"""What the report's charts are made of: a chart's parts, its marks, colours and tooltips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from earmark.report.gather import Evaluation, Results

Rows = list[dict[str, Any]]

BAND, BAR, ROW = 13, 17, 21
"""Pixels of a chart's row: of each model's line or bar in it, or of a row that all share."""


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Attributes:
        id: Its name in the page.
        section: ``wer``, ``speed`` or ``mmau``.
        title: What it shows.
        note: How to read it.
        spec: The Vega-Lite specification, without data.
        rows: Its data, each row with a ``model`` and, where it has samples, ``href``.
        columns: What its table shows: key, title, decimal places.
        wide: Whether it takes the page's width.
    """

    id: str
    section: str
    title: str
    note: str
    spec: dict[str, Any]
    rows: Rows
    columns: list[tuple[str, str, int]]
    wide: bool = False


def samples_link(found: Evaluation, **more: str) -> str:
    """The address within the page of an evaluation's samples."""
    place = {"model": found.model.name, "split": f"{found.split.benchmark}/{found.split.name}"}
    return f"#samples?{urlencode({**place, **more})}"


def split_name(results: Results, found: Evaluation) -> str:
    """A split's name, after its benchmark's where several benchmarks are scored alike."""
    alike = results.scoring(found.split.benchmark) == "asr"
    benchmarks = [b for b in results.run.benchmarks if (results.scoring(b) == "asr") == alike]
    name = found.split.name
    return name if len(benchmarks) < 2 else f"{found.split.benchmark} {name}"


def spec(chart: Any) -> dict[str, Any]:
    """An Altair chart's specification without what the page fills in: data and looks."""
    made: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("config", "$schema", "data", "datasets"):
        made.pop(key, None)
    return made


def of_models(alt: Any, legend: bool = True) -> Any:
    """The models' colours; the page fills in the names."""
    shown = None
    if legend:
        shown = alt.Legend(
            orient="bottom", title=None, symbolOpacity=1, symbolType="circle",
            symbolStrokeWidth=0,
        )  # fmt: skip
    return alt.Color("model:N", scale=alt.Scale(range=["models"]), legend=shown)


def rows_of(alt: Any, field: str, lines: bool = True) -> Any:
    """The rows of a chart, in the order of its data, set apart from each other."""
    axis = alt.Axis(grid=True, tickBand="extent") if lines else alt.Axis(grid=False)
    scale = alt.Scale(paddingInner=0 if lines else 0.25, paddingOuter=0 if lines else 0.1)
    return alt.Y(f"{field}:N", title=None, sort=None, axis=axis, scale=scale)


def beside(alt: Any, padding: float) -> Any:
    """The models within a row, in the order of the leaderboard."""
    return alt.YOffset("model:N", sort=None, scale=alt.Scale(paddingOuter=padding))


def tooltips(alt: Any, *fields: tuple[str, str]) -> list[Any]:
    """What a mark says of itself: fields of its row, and what each is called."""
    formats = {":Q": ",.2f"}
    whole = ("entries:Q", "count:Q", "seconds:Q")
    return [
        alt.Tooltip(
            name,
            title=title,
            **({"format": "," if name in whole else formats[":Q"]} if name.endswith(":Q") else {}),
        )
        for name, title in fields
    ]


def dots(
    x: str, y: str, title: str, what: str, domain: list[float] | None = None, lines: bool = True
) -> Any:
    """Models in each row: a point, and a line for its interval.

    Args:
        x: The field of the rate.
        y: The field that names the row.
        title: What the rate is, with its unit.
        what: What a row is.
        domain: The ends of the axis; by default from zero to the largest figure.
        lines: Whether models stand one below another with their intervals, or all on one line.
    """
    import altair as alt

    scale = alt.Scale(zero=True) if domain is None else alt.Scale(domain=domain)
    base = alt.Chart(alt.UrlData("rows")).encode(
        y=rows_of(alt, y),
        color=of_models(alt),
        tooltip=tooltips(
            alt, ("model:N", "model"), (f"{y}:N", what), (f"{x}:Q", title), ("low:Q", "from"),
            ("high:Q", "to"), ("entries:Q", "samples"),
        ),
    )  # fmt: skip
    points = base.mark_circle(size=70, opacity=1, cursor="pointer")
    if not lines:
        points = points.encode(x=alt.X(f"{x}:Q", title=title, scale=scale), opacity=alt.value(0.8))
        return {**spec(points), "height": {"row": ROW}}
    base = base.encode(yOffset=beside(alt, 0.5))
    intervals = base.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("low:Q", title=title, scale=scale), x2="high:Q"
    )
    points = points.encode(x=alt.X(f"{x}:Q"), yOffset=beside(alt, 0.5))
    return {**spec(alt.layer(intervals, points)), "height": {"band": BAND}}
