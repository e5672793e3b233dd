"""The report's charts: Vega-Lite by Altair, with the figures that each of them shows.

A chart's data is put in by the page, for the models that the reader has chosen; colours are names
of the page's own, so that charts follow its scheme.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from earmark.report.figures import figure, interval
from earmark.report.gather import Evaluation, Results, is_asr

Rows = list[dict[str, Any]]


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
        margin: Pixels that labels and legends need beside the plot.
    """

    id: str
    section: str
    title: str
    note: str
    spec: dict[str, Any]
    rows: Rows
    columns: list[tuple[str, str, int]]
    wide: bool = False
    margin: int = 150


def charts(results: Results) -> list[dict[str, Any]]:
    """The charts that a run's results have figures for, as the page's data has them."""
    made = [
        _wer(results), _wer_rtfx(results), _error_types(results), _by_duration(results),
        _latency(results), _throughput(results), _categories(results), _groups(results, "skill"),
        _groups(results, "length"),
    ]  # fmt: skip
    return [asdict(chart) for chart in made if chart.rows]


def samples_link(found: Evaluation, **more: str) -> str:
    """The address within the page of an evaluation's samples."""
    place = {"model": found.model.name, "split": f"{found.split.benchmark}/{found.split.name}"}
    return f"#samples?{urlencode({**place, **more})}"


def _asr(results: Results) -> Iterator[tuple[Evaluation, dict[str, Any], dict[str, Any]]]:
    for found in results.evaluations.values():
        if found.metrics is not None and is_asr(found.split):
            row = {
                "model": found.model.name,
                "split": _name(results, found),
                "href": samples_link(found),
            }
            yield found, found.metrics, row


def _name(results: Results, found: Evaluation) -> str:
    benchmarks = [name for name in results.run.benchmarks if results.scoring(name) == "asr"]
    return (
        found.split.name if len(benchmarks) < 2 else f"{found.split.benchmark} {found.split.name}"
    )


def _spec(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict(validate=False)
    for key in ("config", "$schema", "data", "datasets"):
        spec.pop(key, None)
    return spec


def _colour(alt: Any, legend: bool = True) -> Any:
    """The models' colours; the page fills in the names."""
    shown = alt.Legend(orient="bottom", title=None, columns=3) if legend else None
    return alt.Color("model:N", scale=alt.Scale(range=["models"]), legend=shown)


def _tooltips(alt: Any, *fields: tuple[str, str]) -> list[Any]:
    return [
        alt.Tooltip(name, title=title, **({"format": ",.2f"} if name.endswith(":Q") else {}))
        for name, title in fields
    ]


def _dots(x: str, y: str, title: str, what: str) -> dict[str, Any]:
    """Models side by side in each row: a point, and a line for its interval."""
    import altair as alt

    base = alt.Chart(alt.UrlData("rows")).encode(
        y=alt.Y(f"{y}:N", title=None, sort=None, axis=alt.Axis(grid=True, tickBand="extent")),
        yOffset=alt.YOffset("model:N", sort=None, scale=alt.Scale(paddingOuter=0.5)),
        color=_colour(alt),
        tooltip=_tooltips(
            alt, ("model:N", "model"), (f"{y}:N", what), (f"{x}:Q", title), ("low:Q", "from"),
            ("high:Q", "to"), ("entries:Q", "samples"),
        ),
    )  # fmt: skip
    lines = base.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("low:Q", title=title, scale=alt.Scale(zero=True)), x2="high:Q"
    )
    points = base.mark_circle(size=70, opacity=1, cursor="pointer").encode(x=alt.X(f"{x}:Q"))
    return {**_spec(alt.layer(lines, points)), "height": {"step": 13}}


def _wer(results: Results) -> Chart:
    rows = []
    for _, metrics, row in _asr(results):
        low, high = interval(metrics, "wer") or (None, None)
        row |= {"wer": figure(metrics, "wer"), "low": low, "high": high}
        row |= {"entries": metrics.get("num_entries"), "words": metrics.get("ref_words")}
        rows.append(row)
    return Chart(
        id="wer",
        section="wer",
        title="Word error rate by split",
        note="Lines are 95 % bootstrap intervals: models whose lines overlap much may not differ.",
        spec=_dots("wer", "split", "WER (%)", "split"),
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("wer", "WER (%)", 2), ("low", "From", 2),
            ("high", "To", 2), ("entries", "Samples", 0), ("words", "Reference words", 0),
        ],
        wide=True,
    )  # fmt: skip


def _wer_rtfx(results: Results) -> Chart:
    import altair as alt

    rows = []
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            whole = results.subsets[folder, benchmark].get(benchmark)
            rtfx, wer = figure(whole, "rtfx_wall"), figure(whole, "wer")
            if rtfx is not None and wer is not None:
                rows.append({"model": model.name, "benchmark": benchmark, "wer": wer, "rtfx": rtfx})
    base = alt.Chart(alt.UrlData("rows")).encode(
        x=alt.X("rtfx:Q", title="RTFx (audio seconds a second)", scale=alt.Scale(type="log")),
        y=alt.Y("wer:Q", title="WER (%), all words", scale=alt.Scale(zero=True)),
        tooltip=_tooltips(
            alt, ("model:N", "model"), ("benchmark:N", "benchmark"), ("wer:Q", "WER (%)"),
            ("rtfx:Q", "RTFx"),
        ),
    )  # fmt: skip
    points = base.mark_point(size=110, filled=True, opacity=1).encode(
        color=_colour(alt, legend=False), shape=alt.Shape("benchmark:N", legend=None)
    )
    names = base.mark_text(align="left", dx=9, dy=-1, limit=170, color="ink").encode(text="model:N")
    return Chart(
        id="rtfx",
        section="speed",
        title="Accuracy against speed",
        note="To the lower right is better. RTFx counts the wall time of the requests.",
        spec={**_spec(alt.layer(points, names)), "height": 260},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("benchmark", "Benchmark", 0), ("wer", "WER (%)", 2),
            ("rtfx", "RTFx", 1),
        ],
        margin=90,
    )  # fmt: skip


_TYPES = {"substitutions": "sub", "deletions": "del", "insertions": "ins"}


def _error_types(results: Results) -> Chart:
    import altair as alt

    rows = []
    for found, metrics, row in _asr(results):
        words = figure(metrics, "ref_words")
        for bit, kind in enumerate(_TYPES):
            count = figure(metrics, kind)
            if words and count is not None:
                href = samples_link(found, kinds=str(1 << bit))
                rows.append({**row, "type": kind, "count": count, "share": 100 * count / words})
                rows[-1]["href"] = href
    chart = (
        alt.Chart(alt.UrlData("rows"))
        .mark_bar(cursor="pointer")
        .encode(
            y=alt.Y("split:N", title=None, sort=None),
            yOffset=alt.YOffset("model:N", sort=None),
            x=alt.X("share:Q", title="% of reference words", stack="zero"),
            color=alt.Color(
                "type:N",
                sort=None,
                scale=alt.Scale(domain=list(_TYPES), range=list(_TYPES.values())),
                legend=alt.Legend(orient="bottom", title=None),
            ),
            order=alt.Order("type:N", sort="descending"),
            tooltip=_tooltips(
                alt, ("model:N", "model"), ("split:N", "split"), ("type:N", "type"),
                ("share:Q", "% of words"), ("count:Q", "words"),
            ),
        )
    )  # fmt: skip
    return Chart(
        id="types",
        section="wer",
        title="Kinds of error",
        note="Within a split, a bar a model, in the order of the leaderboard.",
        spec={**_spec(chart), "height": {"step": 13}},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("type", "Type", 0),
            ("count", "Words", 0), ("share", "% of words", 2),
        ],
    )  # fmt: skip


def _by_duration(results: Results) -> Chart:
    import altair as alt

    rows = []
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            whole = results.subsets[folder, benchmark].get(benchmark) or {}
            for name, part in (whole.get("by_duration") or {}).items():
                rows.append(
                    {
                        "model": model.name,
                        "benchmark": benchmark,
                        "length": name,
                        "start": int(name.rstrip("s+").split("-")[0]),
                        "wer": figure(part, "wer"),
                        "entries": part.get("num_entries"),
                    }
                )
    rows.sort(key=lambda row: row["start"])
    chart = (
        alt.Chart(alt.UrlData("rows"))
        .mark_line(point=alt.OverlayMarkDef(size=55), strokeWidth=2)
        .encode(
            x=alt.X("length:N", title="length", sort=None, axis=alt.Axis(labelAngle=0)),
            y=alt.Y("wer:Q", title="WER (%)", scale=alt.Scale(zero=True)),
            color=_colour(alt),
            detail="benchmark:N",
            tooltip=_tooltips(
                alt, ("model:N", "model"), ("benchmark:N", "benchmark"), ("length:N", "length"),
                ("wer:Q", "WER (%)"), ("entries:Q", "samples"),
            ),
        )
    )  # fmt: skip
    return Chart(
        id="duration",
        section="wer",
        title="Word error rate by length of audio",
        note="Over all splits of a benchmark; few samples make a rough rate.",
        spec={**_spec(chart), "height": 240},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("benchmark", "Benchmark", 0), ("length", "Length", 0),
            ("wer", "WER (%)", 2), ("entries", "Samples", 0),
        ],
        margin=80,
    )  # fmt: skip


def _latency(results: Results) -> Chart:
    import altair as alt

    rows = []
    for _, metrics, row in _asr(results):
        found = metrics.get("latency") or {}
        if found:
            rows.append({**row, **{key: found.get(key) for key in ("p50", "p90", "p99", "mean")}})
    base = alt.Chart(alt.UrlData("rows")).encode(
        y=alt.Y("split:N", title=None, sort=None),
        yOffset=alt.YOffset("model:N", sort=None, scale=alt.Scale(paddingOuter=0.5)),
        color=_colour(alt),
        tooltip=_tooltips(
            alt, ("model:N", "model"), ("split:N", "split"), ("p50:Q", "half within (s)"),
            ("p90:Q", "90 % within (s)"), ("p99:Q", "99 % within (s)"),
        ),
    )  # fmt: skip
    lines = base.mark_rule(strokeWidth=2, opacity=0.5).encode(
        x=alt.X("p50:Q", title="seconds a request", scale=alt.Scale(zero=True)), x2="p99:Q"
    )
    middle = base.mark_circle(size=60, opacity=1).encode(x="p50:Q")
    late = base.mark_tick(thickness=2, size=9, opacity=1).encode(x="p90:Q")
    return Chart(
        id="latency",
        section="speed",
        title="Latency",
        note="Dot: median; tick: 90 % of requests; end of the line: 99 %.",
        spec={**_spec(alt.layer(lines, middle, late)), "height": {"step": 13}},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("p50", "Median (s)", 2),
            ("p90", "90 % (s)", 2), ("p99", "99 % (s)", 2), ("mean", "Mean (s)", 2),
        ],
    )  # fmt: skip


def _throughput(results: Results) -> Chart:
    import altair as alt

    rows = []
    for found in results.evaluations.values():
        metrics = found.metrics
        seconds, entries = figure(metrics, "gen_seconds"), figure(metrics, "num_entries")
        if not seconds or entries is None:
            continue
        tokens = figure(metrics, "avg_tokens")
        rows.append(
            {
                "model": found.model.name,
                "split": found.split.name,
                "href": samples_link(found),
                "rate": entries / seconds,
                "tokens": None if tokens is None else tokens * entries / seconds,
                "rtfx": figure(metrics, "rtfx_wall"),
                "seconds": seconds,
            }
        )
    chart = (
        alt.Chart(alt.UrlData("rows"))
        .mark_bar(cursor="pointer")
        .encode(
            y=alt.Y("split:N", title=None, sort=None),
            yOffset=alt.YOffset("model:N", sort=None),
            x=alt.X("rate:Q", title="samples a second"),
            color=_colour(alt),
            tooltip=_tooltips(
                alt, ("model:N", "model"), ("split:N", "split"), ("rate:Q", "samples a second"),
                ("tokens:Q", "tokens a second"), ("rtfx:Q", "RTFx"), ("seconds:Q", "seconds"),
            ),
        )
    )  # fmt: skip
    return Chart(
        id="throughput",
        section="speed",
        title="Throughput",
        note="Samples a second of wall time, from the first request to the last answer.",
        spec={**_spec(chart), "height": {"step": 13}},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("rate", "Samples a second", 2),
            ("tokens", "Tokens a second", 1), ("rtfx", "RTFx", 1), ("seconds", "Seconds", 0),
        ],
    )  # fmt: skip


_RATES = [
    ("model", "Model", 0), ("name", "", 0), ("rate", "Success (%)", 2), ("low", "From", 2),
    ("high", "To", 2), ("entries", "Samples", 0),
]  # fmt: skip


def _mmau_row(name: str, metrics: Any, found: Evaluation, **more: str) -> dict[str, Any]:
    low, high = interval(metrics, "success_rate") or (None, None)
    rate = figure(metrics, "success_rate")
    ends = {"low": rate if low is None else low, "high": rate if high is None else high}
    return {
        "model": found.model.name,
        "name": name,
        "rate": rate,
        **ends,
        "entries": metrics.get("num_entries"),
        "href": samples_link(found, **more),
    }


def _categories(results: Results) -> Chart:
    rows = []
    for found in results.evaluations.values():
        if found.metrics is None or is_asr(found.split):
            continue
        subsets = results.subsets[found.model.folder, found.split.benchmark]
        for name, metrics in {found.subset: found.metrics, **subsets}.items():
            if name == found.subset:
                rows.append(_mmau_row(found.split.name.replace("_", " "), metrics, found))
            elif name.startswith(f"{found.subset}-"):
                part = name.removeprefix(f"{found.subset}-")
                rows.append(_mmau_row(f"· {part.replace('_', ' ')}", metrics, found, category=part))
    return Chart(
        id="categories",
        section="mmau",
        title="Success by category",
        note="Lines are 95 % intervals. Closed-form sub-categories stand below their category.",
        spec=_dots("rate", "name", "success (%)", "category"),
        rows=rows,
        columns=[(key, title or "Category", digits) for key, title, digits in _RATES],
        wide=True,
    )


def _groups(results: Results, what: str) -> Chart:
    columns = {"skill": ("perceptual_skills", "reasoning_skills"), "length": ("length_type",)}[what]
    key = {"skill": "skill", "length": "length_type"}[what]
    rows = []
    for found in results.evaluations.values():
        for column in columns:
            for name, metrics in (found.groups.get(column) or {}).items():
                shown = name if what == "length" else f"{name} ({column.split('_')[0]})"
                shown = f"{shown}, {found.split.name.replace('_', ' ')}"
                rows.append(_mmau_row(shown, metrics, found, **{key: name}))
    return Chart(
        id=f"{what}s",
        section="mmau",
        title=f"Success by {what}",
        note="A sample with several skills counts under each." if what == "skill" else "",
        spec=_dots("rate", "name", "success (%)", what),
        rows=rows,
        columns=[(key, title or what.capitalize(), digits) for key, title, digits in _RATES],
        margin=230,
    )
