"""Charts of word errors: by split, by kind, by length of audio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from earmark.report.charts.drawing import (
    BAR,
    Chart,
    Rows,
    beside,
    dots,
    of_models,
    rows_of,
    samples_link,
    spec,
    split_name,
    tooltips,
)
from earmark.report.figures import figure, interval
from earmark.report.gather import Evaluation, Results, is_asr

TYPES = {"substitutions": "c5", "deletions": "c10", "insertions": "c1"}
"""The kinds of word error, and the page's colours for them."""


def recognized(
    results: Results,
) -> Iterator[tuple[Evaluation, dict[str, Any], dict[str, Any]]]:
    """The scored evaluations of speech recognition: with their metrics, and a row to begin with."""
    for found in results.evaluations.values():
        if found.metrics is not None and is_asr(found.split):
            row = {
                "model": found.model.name,
                "split": split_name(results, found),
                "href": samples_link(found),
            }
            yield found, found.metrics, row


def by_split(results: Results) -> Chart:
    """The word error rate of every model on every split, with its interval."""
    rows = []
    for _, metrics, row in recognized(results):
        low, high = interval(metrics, "wer") or (None, None)
        if (rate := figure(metrics, "wer")) is None:
            continue
        row |= {"wer": rate, "low": low, "high": high}
        row |= {"entries": metrics.get("num_entries"), "words": metrics.get("ref_words")}
        rows.append(row)
    return Chart(
        id="wer",
        section="wer",
        title="Word error rate by split",
        note="Lines are 95 % bootstrap intervals: models whose lines overlap much may not differ.",
        spec=dots("wer", "split", "WER (%)", "split"),
        rows=rows,
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("wer", "WER (%)", 2), ("low", "From", 2),
            ("high", "To", 2), ("entries", "Samples", 0), ("words", "Reference words", 0),
        ],
        wide=True,
    )  # fmt: skip


def error_types(results: Results) -> Chart:
    """Substitutions, deletions and insertions, as shares of the reference's words."""
    import altair as alt

    base = alt.Chart(alt.UrlData("rows")).encode(
        y=rows_of(alt, "split", lines=False), yOffset=beside(alt, 0)
    )
    bars = base.mark_bar(cursor="pointer").encode(
        x=alt.X("share:Q", title="% of reference words", stack="zero"),
        color=alt.Color(
            "type:N",
            sort=None,
            scale=alt.Scale(domain=list(TYPES), range=list(TYPES.values())),
            legend=alt.Legend(orient="bottom", title=None),
        ),
        order=alt.Order("place:Q"),
        tooltip=tooltips(
            alt, ("model:N", "model"), ("split:N", "split"), ("type:N", "type"),
            ("share:Q", "% of words"), ("count:Q", "words"),
        ),
    )  # fmt: skip
    names = base.mark_text(align="left", dx=5, limit=130, fontSize=10, color="soft").encode(
        x=alt.X("total:Q"), text="label:N"
    )
    return Chart(
        id="types",
        section="wer",
        title="Kinds of error",
        note="Words substituted, deleted and inserted, of a hundred of the reference.",
        spec={**spec(alt.layer(bars, names)), "height": {"band": BAR}},
        rows=_types(results),
        columns=[
            ("model", "Model", 0), ("split", "Split", 0), ("type", "Type", 0),
            ("count", "Words", 0), ("share", "% of words", 2),
        ],
        wide=len(results.run.models) > 1,
    )  # fmt: skip


def _types(results: Results) -> Rows:
    """A row a kind; the last of an evaluation names the model at the end of the bar."""
    rows: Rows = []
    for found, metrics, row in recognized(results):
        words = figure(metrics, "ref_words")
        counts = {kind: figure(metrics, kind) for kind in TYPES}
        if not words or None in counts.values():
            continue
        total = 0.0
        for bit, (kind, count) in enumerate(counts.items()):
            share = 100 * (count or 0) / words
            total += share
            last = bit == len(TYPES) - 1
            rows.append(
                {
                    **row,
                    "type": kind,
                    "place": bit,
                    "count": count,
                    "share": share,
                    "total": total if last else None,
                    "label": found.model.name if last and len(results.run.models) > 1 else "",
                    "href": samples_link(found, kinds=str(1 << bit)),
                }
            )
    return rows


def by_duration(results: Results) -> Chart:
    """The word error rate of a benchmark's utterances by how long they are."""
    import altair as alt

    rows = _lengths(results)
    several = len({row["benchmark"] for row in rows}) > 1
    base = alt.Chart(alt.UrlData("rows")).encode(
        x=alt.X("length:N", title="length of audio (s)", sort=None, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("wer:Q", title="WER (%)", scale=alt.Scale(zero=True)),
        color=of_models(alt),
        detail="benchmark:N",
        tooltip=tooltips(
            alt, ("model:N", "model"), ("benchmark:N", "benchmark"), ("length:N", "seconds"),
            ("wer:Q", "WER (%)"), ("entries:Q", "samples"),
        ),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=2)
    points = base.mark_point(filled=True, size=60, opacity=1, cursor="pointer").encode(
        **({"shape": alt.Shape("benchmark:N", legend=alt.Legend(orient="bottom", title=None))}
           if several else {})
    )  # fmt: skip
    return Chart(
        id="duration",
        section="wer",
        title="Word error rate by length of audio",
        note="Over all splits of a benchmark; few samples make a rough rate. A figure leads to the "
        "split with most of them.",
        spec={**spec(alt.layer(lines, points)), "height": 240},
        rows=rows,
        columns=[
            ("model", "Model", 0), ("benchmark", "Benchmark", 0), ("length", "Length (s)", 0),
            ("wer", "WER (%)", 2), ("entries", "Samples", 0),
        ],
        wide=len(results.run.models) > 1,
    )  # fmt: skip


def _lengths(results: Results) -> Rows:
    """A row a model, benchmark and length, which leads to the split with most such samples."""
    rows: Rows = []
    for benchmark in results.run.benchmarks:
        for folder, model in results.run.models.items():
            whole = results.subsets[folder, benchmark].get(benchmark) or {}
            for name, part in (whole.get("by_duration") or {}).items():
                bounds = name.rstrip("s+").split("-")
                rows.append(
                    {
                        "model": model.name,
                        "benchmark": benchmark,
                        "length": "–".join(bounds) if len(bounds) > 1 else f"{bounds[0]} or more",
                        "start": int(bounds[0]),
                        "wer": figure(part, "wer"),
                        "entries": part.get("num_entries"),
                        "href": _longest_part(results.of(benchmark, folder), name, bounds),
                    }
                )
    return sorted(rows, key=lambda row: row["start"])


def _longest_part(evaluations: list[Evaluation], name: str, bounds: list[str]) -> str | None:
    def entries(found: Evaluation) -> int:
        part = ((found.metrics or {}).get("by_duration") or {}).get(name) or {}
        return int(part.get("num_entries") or 0)

    most = max(evaluations, key=entries, default=None)
    if most is None or not entries(most):
        return None
    return samples_link(most, seconds=f"{bounds[0]}-{bounds[1] if len(bounds) > 1 else ''}")
