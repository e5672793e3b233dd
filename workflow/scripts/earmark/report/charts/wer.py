"""Charts of word errors: by split, by kind, by length of audio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from earmark.report.charts.drawing import (
    BAR,
    Chart,
    Columns,
    Rows,
    base,
    beside,
    of_benchmarks,
    of_models,
    of_rate,
    rows_of,
    samples_link,
    spec,
    split_name,
)
from earmark.report.figures import figure, rate
from earmark.report.gather import Evaluation, Metrics, Results, is_asr

TYPES = {"substitutions": "c5", "deletions": "c10", "insertions": "c1"}
"""The kinds of word error, and the page's colours for them."""


def recognized(results: Results) -> Iterator[tuple[Evaluation, Metrics, dict[str, Any]]]:
    """The scored evaluations of speech recognition: with their metrics, and a row to begin with."""
    for one in results.evaluations.values():
        if one.metrics is not None and is_asr(one.split):
            name = split_name(results, one)
            yield one, one.metrics, {"model": one.model.name, "split": name,
                                     "href": samples_link(one)}  # fmt: skip


def by_split(results: Results) -> Chart:
    """The word error rate of every model on every split, with its interval."""
    rows = [
        {**row, **rate(metrics, "wer"), "words": metrics.get("ref_words"),
         "split": row["split"] + " CER" * ("unit" in metrics)}
        for _, metrics, row in recognized(results)
    ]  # fmt: skip
    words: Columns = [("words", "Reference words", 0)]
    return of_rate("wer", "wer", "Word error rate by split", "WER (%)", rows, words)


def error_types(results: Results) -> Chart:
    """Substitutions, deletions and insertions, as shares of the reference's words."""
    columns: Columns = [
        ("split", "Split", None), ("type", "Type", None), ("count", "Words", 0),
        ("share", "% of words", 2), ("words", "Reference words", 0),
    ]  # fmt: skip
    marks = base(columns, y=rows_of("split", lines=False), yOffset=beside(0))
    bars = marks.mark_bar(cursor="pointer").encode(
        x=alt.X("share:Q", title="% of reference words", stack="zero"),
        color=alt.Color(
            "type:N",
            sort=None,
            scale=alt.Scale(domain=list(TYPES), range=list(TYPES.values())),
            legend=alt.Legend(orient="bottom", title=None),
        ),
        order=alt.Order("place:Q"),
    )
    names = marks.mark_text(align="left", dx=5, limit=130, fontSize=10, color="soft").encode(
        x=alt.X("total:Q"), text="label:N"
    )
    return Chart(
        id="types",
        section="wer",
        title="Kinds of error",
        note="Words substituted, deleted and inserted, of a hundred of the reference.",
        spec=spec(bars, names, height={"band": BAR}),
        rows=_types(results),
        columns=columns,
        wide=len(results.run.models) > 1,
    )


def _types(results: Results) -> Rows:
    """A row a kind; the last of an evaluation names the model at the end of the bar."""
    rows: Rows = []
    for evaluation, metrics, row in recognized(results):
        words = figure(metrics, "ref_words")
        counts = {kind: figure(metrics, kind) for kind in TYPES}
        if not words or None in counts.values():
            continue
        total = 0.0
        for place, (kind, count) in enumerate(counts.items()):
            share = 100 * (count or 0) / words
            total += share
            link = samples_link(evaluation, kinds=str(1 << place))
            rows.append({**row, "type": kind, "place": place, "count": count, "share": share,
                         "words": words, "total": None, "label": "", "href": link})  # fmt: skip
        rows[-1]["total"] = total
        rows[-1]["label"] = evaluation.model.name if len(results.run.models) > 1 else ""
    return rows


def by_duration(results: Results) -> Chart:
    """The word error rate of a benchmark's utterances by how long they are."""
    rows = _lengths(results)
    columns: Columns = [
        ("benchmark", "Benchmark", None), ("length", "Length (s)", None), ("wer", "WER (%)", 2),
        ("entries", "Samples", 0),
    ]  # fmt: skip
    marks = base(
        columns,
        x=alt.X("length:N", title="length of audio (s)", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("wer:Q", title="WER (%)", scale=alt.Scale(zero=True)),
        color=of_models(),
        detail="benchmark:N",
    )
    points = marks.mark_point(filled=True, size=60, opacity=1, cursor="pointer")
    if len({row["benchmark"] for row in rows}) > 1:
        points = points.encode(shape=of_benchmarks(rows))
    return Chart(
        id="duration",
        section="wer",
        title="Word error rate by length of audio",
        note="Over all splits of a benchmark; few samples make a rough rate.",
        spec=spec(marks.mark_line(strokeWidth=2), points, height=240),
        rows=rows,
        columns=columns,
        wide=len(results.run.models) > 1,
    )


def whole_benchmarks(results: Results) -> Iterator[tuple[Metrics, Evaluation, dict[str, Any]]]:
    """A model's metrics of a whole benchmark, one of its evaluations, and a row to begin with."""
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            if whole := results.subsets[folder, benchmark].get(benchmark):
                first = results.of(benchmark, folder)[0]
                yield whole, first, {"model": model.name, "benchmark": benchmark}


def _lengths(results: Results) -> Rows:
    """A row a model, benchmark and length, which leads to such samples of all its splits."""
    rows: Rows = []
    for whole, first, row in whole_benchmarks(results):
        for name, part in (whole.get("by_duration") or {}).items():
            low, _, high = name.rstrip("s+").partition("-")
            row |= {"length": f"{low}–{high}" if high else f"{low} or more"}
            row |= {"wer": figure(part, "wer"), "entries": part.get("num_entries")}
            link = samples_link(first, everywhere=True, seconds=f"{low}-{high}")
            rows.append({**row, "start": int(low), "href": link})
    return sorted(rows, key=lambda row: int(row["start"]))
