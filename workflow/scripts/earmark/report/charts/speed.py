"""Charts of speed: against accuracy, latency, throughput."""

from __future__ import annotations

from typing import Any

import altair as alt

from earmark.report.charts.drawing import (
    BAND,
    Chart,
    Columns,
    Rows,
    base,
    beside,
    of_benchmarks,
    of_models,
    rows_of,
    samples_link,
    spec,
    split_name,
)
from earmark.report.charts.wer import recognized, whole_benchmarks
from earmark.report.figures import figure, protocols
from earmark.report.gather import Results


def against_accuracy(results: Results) -> Chart:
    """Word error rate against RTFx, a point a model or published system, and benchmark."""
    rows: Rows = []
    primary: dict[str, str] = {}
    for whole, first, row in whole_benchmarks(results):
        blocks = protocols(whole)
        primary |= {row["benchmark"]: next(iter(blocks), "")}
        rtfx = figure(whole, "rtfx_wall")
        wer = figure(next(iter(blocks.values()), None), "wer_macro_splits")
        if rtfx and wer is not None:
            link = samples_link(first, everywhere=True)
            rows.append({**row, "wer": wer, "rtfx": rtfx, "href": link, "source": "this run"})
    rows += _published(results, primary)
    columns: Columns = [
        ("benchmark", "Benchmark", None), ("wer", "WER (%), macro", 2), ("rtfx", "RTFx", 1),
        ("source", "Measured by", None),
    ]  # fmt: skip
    known = [float(row["rtfx"]) for row in rows] or [1.0]
    # Room for names to the right of their points, whether there is one model or many.
    domain = [min(known) / 2, max(known) * max(3.0, (max(known) / min(known)) ** 0.25)]
    marks = base(
        columns,
        x=alt.X(
            "rtfx:Q",
            title="RTFx (seconds of audio transcribed in a second), logarithmic",
            scale=alt.Scale(type="log", nice=False, domain=domain),
            axis=alt.Axis(format=",~r", labelOverlap="greedy", labelSeparation=12),
        ),
        y=alt.Y("wer:Q", title="WER (%), mean of the splits", scale=alt.Scale(zero=True)),
    )
    points = marks.mark_point(size=110, filled=True, opacity=1, cursor="pointer").encode(
        color=alt.condition("datum.published", alt.value("soft"), of_models(legend=False)),
        shape=of_benchmarks(rows),
    )
    names = marks.mark_text(align="left", dx=9, dy=-1, limit=170, color="ink")
    return Chart(
        id="rtfx",
        section="speed",
        title="Accuracy against speed",
        note="To the lower right is better, between models on the same hardware. RTFx counts the "
        "time in which requests were under way. "
        + (
            "Grey: published, on hardware of their own."
            if any("published" in r for r in rows)
            else ""
        ),
        spec=spec(points, names.encode(text="model:N"), height=260),
        rows=rows,
        columns=columns,
        wide=True,
    )


def _published(results: Results, primary: dict[str, str]) -> Rows:
    """Published systems with both figures, under the protocol of the chart or one not stated."""
    rows: Rows = []
    for system in results.published:
        for benchmark, protocol in primary.items():
            wer, rtfx = (system.values.get(f"{benchmark} {key}") for key in ("(macro)", "RTFx"))
            if wer is not None and rtfx and system.protocol in ("", protocol):
                rows.append({"model": system.model, "benchmark": benchmark, "wer": wer,
                             "rtfx": rtfx, "source": system.source or "published",
                             "published": True})  # fmt: skip
    return rows


def latency(results: Results) -> Chart:
    """How long requests take: median, 90 and 99 percent."""
    rows = []
    for _, metrics, row in recognized(results):
        if known := metrics.get("latency") or {}:
            rows.append({**row, **{key: known.get(key) for key in ("p50", "p90", "p99", "mean")}})
    columns: Columns = [
        ("split", "Split", None), ("p50", "Median (s)", 2), ("p90", "90 % (s)", 2),
        ("p99", "99 % (s)", 2), ("mean", "Mean (s)", 2),
    ]  # fmt: skip
    marks = base(columns, y=rows_of("split"), yOffset=beside(0.5), color=of_models())
    lines = marks.mark_rule(strokeWidth=2, opacity=0.5).encode(
        x=alt.X("p50:Q", title="seconds a request", scale=alt.Scale(zero=True)), x2="p99:Q"
    )
    middle = marks.mark_circle(size=60, opacity=1, cursor="pointer").encode(x="p50:Q")
    late = marks.mark_tick(thickness=2, size=9, opacity=1).encode(x="p90:Q")
    return Chart(
        id="latency",
        section="speed",
        title="Latency",
        note="Dot: median; tick: 90 % of requests; end of the line: 99 %.",
        spec=spec(lines, middle, late, height={"band": BAND}),
        rows=rows,
        columns=columns,
    )


def throughput(results: Results) -> Chart:
    """Samples a second, with tokens a second and RTFx beside it."""
    rows: Rows = []
    for one in results.evaluations.values():
        seconds, entries = (figure(one.metrics, key) for key in ("busy_seconds", "num_entries"))
        if not seconds or entries is None:
            continue
        tokens = figure(one.metrics, "avg_tokens")
        row: dict[str, Any] = {"model": one.model.name, "split": split_name(results, one)}
        row |= {"rate": entries / seconds, "seconds": seconds, "href": samples_link(one)}
        row |= {"tokens": None if tokens is None else tokens * entries / seconds}
        rows.append({**row, "rtfx": figure(one.metrics, "rtfx_wall")})
    columns: Columns = [
        ("split", "Split", None), ("rate", "Samples a second", 2), ("tokens", "Tokens a second", 1),
        ("rtfx", "RTFx", 1), ("seconds", "Seconds", 0),
    ]  # fmt: skip
    marks = base(columns, y=rows_of("split", lines=False), yOffset=beside(0), color=of_models())
    bars = marks.mark_bar(cursor="pointer").encode(x=alt.X("rate:Q", title="samples a second"))
    return Chart(
        id="throughput",
        section="speed",
        title="Throughput",
        note="Samples a second of the time in which requests were under way.",
        spec=spec(bars, height={"band": BAND}),
        rows=rows,
        columns=columns,
    )
