"""Charts of speed: against accuracy, latency, throughput."""

from __future__ import annotations

from earmark.report.charts.drawing import (
    BAND,
    Chart,
    Rows,
    beside,
    of_models,
    rows_of,
    samples_link,
    spec,
    split_name,
    tooltips,
)
from earmark.report.charts.wer import recognized
from earmark.report.figures import figure
from earmark.report.gather import Results


def against_accuracy(results: Results) -> Chart:
    """Word error rate against RTFx, a point a model and benchmark."""
    import altair as alt

    rows: Rows = []
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            whole = results.subsets[folder, benchmark].get(benchmark)
            rtfx, wer = figure(whole, "rtfx_wall"), figure(whole, "wer")
            if rtfx and wer is not None:
                link = samples_link(results.of(benchmark, folder)[0])
                rows.append({"model": model.name, "benchmark": benchmark, "wer": wer, "rtfx": rtfx,
                             "href": link})  # fmt: skip
    title = "RTFx (seconds of audio transcribed in a second), logarithmic"
    known = [float(row["rtfx"]) for row in rows] or [1.0]
    # Room for names to the right of their points, whether there is one model or many.
    domain = [min(known) / 2, max(known) * max(3.0, (max(known) / min(known)) ** 0.25)]
    base = alt.Chart(alt.UrlData("rows")).encode(
        x=alt.X("rtfx:Q", title=title, scale=alt.Scale(type="log", nice=False, domain=domain),
                axis=alt.Axis(format=",~r", labelOverlap="greedy", labelSeparation=12)),
        y=alt.Y("wer:Q", title="WER (%), all words", scale=alt.Scale(zero=True)),
        tooltip=tooltips(
            alt, ("model:N", "model"), ("benchmark:N", "benchmark"), ("wer:Q", "WER (%)"),
            ("rtfx:Q", "RTFx"),
        ),
    )  # fmt: skip
    several = len({row["benchmark"] for row in rows}) > 1
    legend = alt.Legend(orient="bottom", title=None) if several else None
    points = base.mark_point(size=110, filled=True, opacity=1, cursor="pointer").encode(
        color=of_models(alt, legend=False), shape=alt.Shape("benchmark:N", legend=legend)
    )
    names = base.mark_text(align="left", dx=9, dy=-1, limit=170, color="ink").encode(text="model:N")
    return Chart(
        id="rtfx",
        section="speed",
        title="Accuracy against speed",
        note="To the lower right is better. RTFx counts the time in which requests were under way.",
        spec={**spec(alt.layer(points, names)), "height": 260},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("benchmark", "Benchmark", 0), ("wer", "WER (%)", 2),
            ("rtfx", "RTFx", 1),
        ],
        wide=True,
    )  # fmt: skip


def latency(results: Results) -> Chart:
    """How long requests take: median, 90 and 99 percent."""
    import altair as alt

    rows = []
    for _, metrics, row in recognized(results):
        found = metrics.get("latency") or {}
        if found:
            rows.append({**row, **{key: found.get(key) for key in ("p50", "p90", "p99", "mean")}})
    base = alt.Chart(alt.UrlData("rows")).encode(
        y=rows_of(alt, "split"),
        yOffset=beside(alt, 0.5),
        color=of_models(alt),
        tooltip=tooltips(
            alt, ("model:N", "model"), ("split:N", "split"), ("p50:Q", "half within (s)"),
            ("p90:Q", "90 % within (s)"), ("p99:Q", "99 % within (s)"),
        ),
    )  # fmt: skip
    lines = base.mark_rule(strokeWidth=2, opacity=0.5).encode(
        x=alt.X("p50:Q", title="seconds a request", scale=alt.Scale(zero=True)), x2="p99:Q"
    )
    middle = base.mark_circle(size=60, opacity=1, cursor="pointer").encode(x="p50:Q")
    late = base.mark_tick(thickness=2, size=9, opacity=1).encode(x="p90:Q")
    return Chart(
        id="latency",
        section="speed",
        title="Latency",
        note="Dot: median; tick: 90 % of requests; end of the line: 99 %.",
        spec={**spec(alt.layer(lines, middle, late)), "height": {"band": BAND}},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("p50", "Median (s)", 2),
            ("p90", "90 % (s)", 2), ("p99", "99 % (s)", 2), ("mean", "Mean (s)", 2),
        ],
    )  # fmt: skip


def throughput(results: Results) -> Chart:
    """Samples a second, with tokens a second and RTFx beside it."""
    import altair as alt

    rows = []
    for found in results.evaluations.values():
        metrics = found.metrics
        seconds, entries = figure(metrics, "busy_seconds"), figure(metrics, "num_entries")
        if not seconds or entries is None:
            continue
        tokens = figure(metrics, "avg_tokens")
        rows.append(
            {
                "model": found.model.name,
                "split": split_name(results, found),
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
            y=rows_of(alt, "split", lines=False),
            yOffset=beside(alt, 0),
            x=alt.X("rate:Q", title="samples a second"),
            color=of_models(alt),
            tooltip=tooltips(
                alt, ("model:N", "model"), ("split:N", "split"), ("rate:Q", "samples a second"),
                ("tokens:Q", "tokens a second"), ("rtfx:Q", "RTFx"), ("seconds:Q", "seconds"),
            ),
        )
    )  # fmt: skip
    return Chart(
        id="throughput",
        section="speed",
        title="Throughput",
        note="Samples a second of the time in which requests were under way.",
        spec={**spec(chart), "height": {"band": BAND}},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("rate", "Samples a second", 2),
            ("tokens", "Tokens a second", 1), ("rtfx", "RTFx", 1), ("seconds", "Seconds", 0),
        ],
    )  # fmt: skip
