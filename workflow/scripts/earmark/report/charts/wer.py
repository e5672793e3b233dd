"""Charts of word errors: by split, by kind, by length of audio."""

import altair as alt

from earmark.report.charts import drawing
from earmark.report.charts.drawing import Chart, Columns, Row
from earmark.report.figures import figure, rate
from earmark.report.gather import Results

TYPES = {"substitutions": "c5", "deletions": "c10", "insertions": "c1"}
"""The kinds of word error, and the page's colours for them."""


def by_split(results: Results) -> Chart:
    """The word error rate of every model on every split, with its interval."""
    rows = [
        {**row, **rate(metrics, "wer"), "words": metrics.get("ref_words"),
         "split": row["split"] + " CER" * ("unit" in metrics)}
        for _, metrics, row in drawing.scored(results, "asr")
    ]  # fmt: skip
    words: Columns = [("words", "Reference words", 0)]
    return drawing.of_rate("wer", "wer", "Word error rate by split", "WER (%)", rows, words)


def error_types(results: Results) -> Chart:
    """Substitutions, deletions and insertions, as shares of the reference's words."""
    columns: Columns = [
        ("split", "Split", None), ("type", "Type", None), ("count", "Words", 0),
        ("share", "% of words", 2), ("words", "Reference words", 0),
    ]  # fmt: skip
    marks = drawing.in_rows(columns, "split", bars=True)
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
        spec=drawing.spec(bars, names, height={"band": drawing.BAR}),
        rows=_types(results),
        columns=columns,
        wide=len(results.run.models) > 1,
    )


def _types(results: Results) -> list[Row]:
    """A row a kind; the last of an evaluation names the model at the end of the bar."""
    rows: list[Row] = []
    for evaluation, metrics, row in drawing.scored(results, "asr"):
        words = figure(metrics, "ref_words")
        counts = {kind: figure(metrics, kind) for kind in TYPES}
        if not words or None in counts.values():
            continue
        total = 0.0
        for place, (kind, count) in enumerate(counts.items()):
            share = 100 * (count or 0) / words
            total += share
            link = drawing.samples_link(evaluation, kinds=str(1 << place))
            rows.append({**row, "type": kind, "place": place, "count": count, "share": share,
                         "words": words, "total": None, "label": "", "href": link})  # fmt: skip
        label = evaluation.model.name if len(results.run.models) > 1 else ""
        rows[-1] |= {"total": total, "label": label}
    return rows


def by_duration(results: Results) -> Chart:
    """The word error rate of a benchmark's utterances by how long they are."""
    rows = _lengths(results)
    columns: Columns = [
        ("benchmark", "Benchmark", None), ("length", "Length (s)", None), ("wer", "WER (%)", 2),
        ("entries", "Samples", 0),
    ]  # fmt: skip
    marks = drawing.base(
        columns,
        x=alt.X("length:N", title="length of audio (s)", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("wer:Q", title="WER (%)", scale=alt.Scale(zero=True)),
        color=drawing.of_models(),
        detail="benchmark:N",
    )
    points = marks.mark_point(filled=True, size=60, opacity=1, cursor="pointer")
    if len({row["benchmark"] for row in rows}) > 1:
        points = points.encode(shape=drawing.of_benchmarks(rows))
    return Chart(
        id="duration",
        section="wer",
        title="Word error rate by length of audio",
        note="Over all splits of a benchmark; few samples make a rough rate.",
        spec=drawing.spec(marks.mark_line(strokeWidth=2), points, height=240),
        rows=rows,
        columns=columns,
        wide=len(results.run.models) > 1,
    )


def _lengths(results: Results) -> list[Row]:
    """A row a model, benchmark and length, which leads to such samples of all its splits."""
    rows: list[Row] = []
    for whole, first, row in drawing.whole_benchmarks(results):
        for name, part in (whole.get("by_duration") or {}).items():
            low, _, high = name.rstrip("s+").partition("-")
            rows.append({
                **row, "length": f"{low}–{high}" if high else f"{low} or more",
                "wer": figure(part, "wer"), "entries": part.get("num_entries"), "start": int(low),
                "href": drawing.samples_link(first, everywhere=True, seconds=f"{low}-{high}"),
            })  # fmt: skip
    return sorted(rows, key=lambda row: int(row["start"]))
