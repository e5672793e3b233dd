"""The score and aggregate steps of splits with a measure: BLEU, keywords and their kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.errors import EarmarkError
from earmark.files import Row, read_json, read_jsonl, write_json, write_jsonl
from earmark.scoring import intervals, seeds
from earmark.scoring.intervals import Numbers, Units
from earmark.scoring.measures import Measure, Rate, drawn_sums, measure_type
from earmark.scoring.metrics import combine, of_benchmark, prediction_metrics
from earmark.scoring.pairs import each_sample, paired
from earmark.scoring.printed import printed
from earmark.scoring.resampling import METHOD, interval_of
from earmark.scoring.slices import By, Sliced, sliced_by
from earmark.scoring.text.reasoning import answer
from earmark.scoring.timing import timing

if TYPE_CHECKING:
    import pandas as pd

Metrics = dict[str, Any]


def score_measured(
    subset: str,
    scoring: str,
    settings: Mapping[str, Any],
    manifest: str,
    predictions: str | Sequence[str],
    scores: str,
    metrics: str,
    label: str | None = None,
    group: Mapping[str, str] | None = None,
    beside: Sequence[str] = (),
    group_by: By = (),
) -> None:
    """Score one split by the measure ``scoring``; ``settings`` is what the split says for it.

    ``beside`` are COMET's scores, a file a seed (`earmark.scoring.comet.comet_split`), or none. The
    other arguments and the errors are those of `earmark.scoring.score.score`.
    """
    measure = measure_type(scoring)(settings)
    files = [predictions] if isinstance(predictions, str) else list(predictions)
    pairs = [paired(manifest, file) for file in files]
    found = [prediction_metrics([row for _, row in rows]) for rows in pairs]
    known = found[0] if len(files) == 1 else seeds.averaged(found)
    signed = _put_beside(pairs, manifest, beside)
    each = [
        list(_rows(measure, rows, manifest, file, group, group_by))
        for rows, file in zip(pairs, files, strict=True)
    ]
    answers = list(zip(*each, strict=True))
    write_jsonl(scores, (row[0] if len(row) == 1 else seeds.merged(row) for row in answers))
    made: Metrics = {"subset": subset, "scoring": scoring, "label": label}
    chosen = zip(*map(_chosen, answers), strict=True)
    for mode, rows in zip(seeds.modes(len(files)), chosen, strict=True):
        flat = [(seed, row) for taken in rows for seed, row in enumerate(taken)]
        made[mode] = {**known, **_rates(measure, flat, known["busy_seconds"])}
        if signed:
            made[mode]["signatures"]["comet"] = signed
    write_json(metrics, made)


def _put_beside(
    pairs: Sequence[Sequence[tuple[Row, Row]]], manifest: str, files: Sequence[str]
) -> str:
    """Put COMET's scores into the rows of the manifest that they are of; says what gave them."""
    signed: dict[str, None] = {}
    for rows, file in zip(pairs, files, strict=bool(files)):
        for (entry, _), (_, score) in zip(rows, paired(manifest, file), strict=True):
            entry["comet"] = score["comet"]
            signed[score["by"]] = None
    return "; ".join(signed)


def _chosen(answers: Sequence[Row]) -> list[Sequence[Row]]:
    return list(seeds.chosen(answers, lambda row: row["cost"]))


def _rows(
    measure: Measure,
    rows: Sequence[tuple[Row, Row]],
    manifest: str,
    predictions: str,
    group: Mapping[str, str] | None,
    group_by: By,
) -> Iterator[Row]:
    needed = measure.needs_reference
    samples = each_sample(rows, manifest, predictions, group, None, group_by, reference=needed)
    for sample, (entry, _) in zip(samples, rows, strict=True):
        said, reasoned = answer(sample.generation)
        try:
            counted = measure.count(replace(sample, generation=said.strip()), entry)
        except EarmarkError as error:
            raise EarmarkError(f"{manifest}, sample {sample.id!r}: {error}") from None
        yield {
            "id": sample.id,
            "duration": sample.duration,
            "seconds": sample.seconds,
            "no_answer": not said.strip(),
            "reference": sample.reference,
            "hypothesis": said.strip(),
            **counted,
            **({"group": sample.group} if sample.group is not None else {}),
            **({"by": dict(sample.by)} if sample.by else {}),
            **({"reasoning_removed": True} if reasoned else {}),
        }


def counts_of(rows: Iterable[Row], measure: Measure | type[Measure]) -> Numbers:
    """The counts of rows of a scores file: an array of samples by counts; nan for what is not."""
    names = measure.counts
    return np.array([[row["counts"].get(name, np.nan) for name in names] for row in rows], float)


def groups_of(rows: Sequence[Row]) -> list[str]:
    """The group of each of those rows; see `earmark.scoring.intervals.groups_of`."""
    return intervals.groups_of([str(row["id"]) for row in rows], [row.get("group") for row in rows])


def _rates(measure: Measure, answers: Sequence[tuple[int, Row]], busy: float | None) -> Metrics:
    """A split's rates with their intervals, the primary one named, and its timing."""
    rows = [row for _, row in answers]
    counts = counts_of(rows, measure)
    groups = groups_of(rows)
    units = Units(groups, len(rows))
    drawn = drawn_sums(counts, units)
    found: Metrics = {"scoring": type(measure).__module__.rpartition(".")[2], **measure.record}
    for rate in measure.rates:
        made = rate.interval(counts, units, drawn)
        found |= _rate(rate.name, float(rate.value(counts.sum(0))), made)
    successes = [bool(row["success"]) for row in rows]
    found["success_rate"] = 100 * sum(successes) / len(rows)
    shared = intervals.share(successes, np.ones(len(rows)), units)
    found["success_rate_ci"] = shared.scaled(100).ends
    first = measure.rates[0]
    found["primary"] = {
        "name": first.name,
        "value": found[first.name],
        "interval": found[f"{first.name}_ci"],
        "higher_is_better": not first.lower,
        "n": len(rows),
    }
    found["counts"] = dict(zip(measure.counts, counts.sum(0).tolist(), strict=True))
    found["reasoning_removed"] = sum(bool(row.get("reasoning_removed")) for row in rows)
    found["intervals"] = {
        "unit": "group" if units.grouped else "utterance",
        "groups": units.count,
        "level": intervals.LEVEL,
        "method": METHOD,
    }
    by = [row.get("by", {}) for row in rows]
    if any(by):
        found["slices"] = {
            rate.name: sliced_by(by, counts, (groups, None), _sliced(rate))
            for rate in measure.rates
        }
    return {**found, **timing(_table(answers), None, busy)}


def _sliced(rate: Rate) -> Sliced:
    def interval(counts: Numbers, units: Units) -> intervals.Interval:
        return rate.interval(counts, units, drawn_sums(counts, units))

    return Sliced(rate.name, rate.lower, rate.value, interval)


def _rate(name: str, value: float, made: intervals.Interval) -> Metrics:
    known = {name: value if np.isfinite(value) else None, f"{name}_ci": made.ends}
    return {**known, **({f"{name}_ci_why": made.reason} if made.reason else {})}


def _table(answers: Sequence[tuple[int, Row]]) -> pd.DataFrame:
    import pandas as pd

    columns = {key: [row[key] for _, row in answers] for key in ("duration", "seconds")}
    table = pd.DataFrame(columns, dtype=float).assign(seed=[seed for seed, _ in answers])
    return pd.concat({"sample": table}, axis=1)


def aggregate_measured(benchmark: str, splits: Iterable[str], metrics: str) -> None:
    """Write a benchmark's metrics from its splits' scores: rates are means over splits.

    Corpora of different languages do not add up, so that the mean is plain; ``<rate>_weighted``,
    by entries, is what NeMo-Skills prints for a group of sets.

    Arguments are as for `earmark.scoring.score.aggregate`.
    """
    paths = [str(path) for path in splits]
    found = [read_json(path) for path in paths]
    measure = measure_type(found[0]["scoring"])
    scores = [list(read_jsonl(f"{path.removesuffix('.metrics.json')}.jsonl")) for path in paths]
    total = {}
    names = [mode for mode in found[0] if "@" in mode and all(mode in one for one in found)]
    for place, mode in enumerate(names):
        parts = [split[mode] for split in found]
        rows = [
            [one for row in split for one in _chosen(seeds.answers(row))[place]] for split in scores
        ]
        total[mode] = {**combine(parts), **_means(measure, parts, rows)}
    made = of_benchmark(benchmark, total, found)
    write_json(metrics, made)
    print(printed(made))


def _means(
    measure: type[Measure], parts: Sequence[Metrics], rows: Sequence[Sequence[Row]]
) -> Metrics:
    """The means of splits' rates; their intervals by drawing within each split."""
    units = [Units(groups_of(one), len(one)) for one in rows]
    drawn = [drawn_sums(counts_of(one, measure), of) for one, of in zip(rows, units, strict=True)]
    found: Metrics = {"scoring": parts[0]["scoring"]}
    groups, weights = sum(of.count for of in units), [part["num_entries"] for part in parts]
    for rate in [one for one in measure.rates if all(one.name in part for part in parts)]:
        values = [part[rate.name] for part in parts]
        known = None not in values
        draws = np.mean([rate.value(one) for one in drawn], axis=0)
        found |= _rate(
            rate.name, float(np.mean(values)) if known else np.nan, interval_of(draws, groups)
        )
        weighted = float(np.average(values, weights=weights)) if known else None
        found[f"{rate.name}_weighted"] = weighted
    audio = [part["audio_seconds"] for part in parts]
    busy = sum(part["busy_seconds"] or 0 for part in parts)
    found["audio_seconds"] = sum(audio)
    found["rtfx_wall"] = sum(audio) / busy if busy and sum(audio) else None
    found["primary"] = {
        **parts[0]["primary"],
        "value": found[measure.rates[0].name],
        "interval": found[f"{measure.rates[0].name}_ci"],
        "n": sum(weights),
    }
    return found


def check_entries(split: Any, manifest: str | Path) -> None:
    """Look at a split's rows before a model is asked (`earmark.config.Split`).

    Raises:
        EarmarkError: naming the split, the key and the row, when one lacks what scoring needs.
    """
    from earmark.scoring.text import column_of

    columns = [column for column in map(column_of, split.protocols) if column]
    if split.way != split.scoring or (split.way == "asr" and not columns):
        return
    measure = measure_type(split.scoring)(split.measured) if split.way != "asr" else None
    for number, entry in enumerate(read_jsonl(manifest), start=1):
        try:
            if measure:
                measure.check(entry)
            for column in columns if measure is None else ():
                if not isinstance(entry.get(column), str):
                    raise EarmarkError(
                        f"protocols: {column!r} behind @ is to be a column with another reference, "
                        f"found {entry.get(column)!r:.80}; of a set of the Hub, name it in "
                        "`source.keep` or `source.columns`"
                    )
        except EarmarkError as error:
            raise EarmarkError(
                f"benchmark {split.benchmark}, split {split.name}: {error} ({manifest}, row "
                f"{number}, {entry.get('id')!r})"
            ) from None
