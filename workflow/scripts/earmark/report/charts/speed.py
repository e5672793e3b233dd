"""Charts of speed: against accuracy, latency, throughput."""

import altair as alt

from earmark.report.charts import drawing
from earmark.report.charts.drawing import Chart, Columns, Row
from earmark.report.figures import figure, protocols
from earmark.report.gather import Results


def against_accuracy(results: Results) -> Chart:
    """Word error rate against RTFx, a point a model or published system, and benchmark."""
    rows = _speeds(results)
    columns: Columns = [
        ("benchmark", "Benchmark", None), ("wer", "WER (%), macro", 2), ("rtfx", "RTFx", 1),
        ("source", "Measured by", None),
    ]  # fmt: skip
    known = [float(row["rtfx"]) for row in rows] or [1.0]
    # Room for names to the right of their points, whether there is one model or many.
    domain = [min(known) / 2, max(known) * max(3.0, (max(known) / min(known)) ** 0.25)]
    marks = drawing.base(
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
        color=alt.condition("datum.published", alt.value("soft"), drawing.of_models(legend=False)),
        shape=drawing.of_benchmarks(rows),
    )
    names = marks.mark_text(align="left", dx=9, dy=-1, limit=170, color="ink")
    note = (
        "To the lower right is better, between models on the same hardware. RTFx counts the time "
        "in which requests were under way. "
    )
    if any("published" in row for row in rows):
        note += "Grey: published, on hardware of their own."
    return Chart(
        id="rtfx",
        section="speed",
        title="Accuracy against speed",
        note=note,
        spec=drawing.spec(points, names.encode(text="model:N"), height=260),
        rows=rows,
        columns=columns,
        wide=True,
    )


def _speeds(results: Results) -> list[Row]:
    """Models with both figures, and published systems under their protocol or one not stated."""
    rows: list[Row] = []
    primary: dict[str, str] = {}
    for whole, first, row in drawing.whole_benchmarks(results):
        blocks = protocols(whole)
        primary |= {row["benchmark"]: next(iter(blocks), "")}
        rtfx = figure(whole, "rtfx_wall")
        wer = figure(next(iter(blocks.values()), None), "wer_macro_splits")
        if rtfx and wer is not None:
            link = drawing.samples_link(first, everywhere=True)
            rows.append({**row, "wer": wer, "rtfx": rtfx, "href": link, "source": "this run"})
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
    rows = [
        {**row, **{key: known.get(key) for key in ("p50", "p90", "p99", "mean")}}
        for _, metrics, row in drawing.scored(results, "asr")
        if (known := metrics.get("latency"))
    ]
    columns: Columns = [
        ("split", "Split", None), ("p50", "Median (s)", 2), ("p90", "90 % (s)", 2),
        ("p99", "99 % (s)", 2), ("mean", "Mean (s)", 2),
    ]  # fmt: skip
    marks = drawing.in_rows(columns, "split").encode(color=drawing.of_models())
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
        spec=drawing.spec(lines, middle, late, height={"band": drawing.BAND}),
        rows=rows,
        columns=columns,
    )


def throughput(results: Results) -> Chart:
    """Samples a second, with tokens a second and RTFx beside it."""
    rows: list[Row] = []
    for _, metrics, row in drawing.scored(results):
        seconds, entries = (figure(metrics, key) for key in ("busy_seconds", "num_entries"))
        if seconds and entries is not None:
            tokens = figure(metrics, "avg_tokens")
            each = None if tokens is None else tokens * entries / seconds
            rows.append({**row, "rate": entries / seconds, "seconds": seconds, "tokens": each,
                         "rtfx": figure(metrics, "rtfx_wall")})  # fmt: skip
    columns: Columns = [
        ("split", "Split", None), ("rate", "Samples a second", 2), ("tokens", "Tokens a second", 1),
        ("rtfx", "RTFx", 1), ("seconds", "Seconds", 0),
    ]  # fmt: skip
    marks = drawing.in_rows(columns, "split", bars=True).encode(color=drawing.of_models())
    bars = marks.mark_bar(cursor="pointer").encode(x=alt.X("rate:Q", title="samples a second"))
    return Chart(
        id="throughput",
        section="speed",
        title="Throughput",
        note="Samples a second of the time in which requests were under way.",
        spec=drawing.spec(bars, height={"band": drawing.BAND}),
        rows=rows,
        columns=columns,
    )
