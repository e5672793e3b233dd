"""From a table of samples to MMAU-Pro's numbers: a category, its parts, several seeds, the whole.

The table is what the scores files hold, a row a sample (and seed), in the manifest's order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from earmark.files import Row
from earmark.mmau.intervals import interval, replicates
from earmark.mmau.judge import SCORES
from earmark.mmau.verdicts import EXCLUDED, GROUPS
from earmark.scoring import seeds
from earmark.scoring import statistics as stats
from earmark.scoring.metrics import prediction_metrics

if TYPE_CHECKING:
    from pandas import DataFrame, Series

Metrics = dict[str, Any]

_SUMMED = (*EXCLUDED, "letter_answers", "reasoning_removed")
_OF_WHOLE = ("success_rate", "no_answer", "reference_score")


def table(rows: Iterable[Row], predictions: Sequence[Row] | None = None) -> DataFrame:
    """Verdicts as a table.

    Args:
        rows: Verdicts (`earmark.mmau.verdicts`), with ``seed`` where there are several.
        predictions: The predictions that they are on, in the same order.

    Returns:
        Beside the verdicts' own columns ``sample`` (its place in the manifest), ``scored``,
        ``right`` and, where there are judgements, each of `SCORES`.
    """
    import pandas as pd

    found = list(rows)
    samples = pd.DataFrame(found, dtype=object)
    if "seed" not in samples:
        samples["seed"] = 0
    samples["sample"] = samples.groupby("seed").cumcount()
    samples["scored"] = samples["correct"].notna()
    samples["right"] = [one is True for one in samples["correct"]]
    if "scores" in samples:
        judged = pd.DataFrame([row["scores"] or {} for row in found], columns=list(SCORES))
        samples[list(SCORES)] = judged.astype(float)
    if predictions is not None:
        samples["prediction"] = list(predictions)
    return samples


def rates(samples: DataFrame) -> dict[str, tuple[Series[float], Series[float]]]:
    """What each row adds above and below the line of each rate."""
    scored = samples["scored"].astype(float)
    reference = samples["reference"].astype(float)
    found = {
        "success_rate": (samples["right"].astype(float), scored),
        "no_answer": (samples["empty"].astype(float), scored * 0 + 1),
        "reference_score": (reference.fillna(0), reference.notna().astype(float)),
    }
    if "overall" in samples:
        for name in SCORES:
            found[f"avg_{name}"] = (scored * samples[name].fillna(0) / 5, scored)
        good, poor = samples["overall"] >= 4, samples["overall"] <= 2
        found["good_response_rate"] = (scored * good, scored)
        found["poor_response_rate"] = (scored * poor, scored)
    return found


def _percent(pair: tuple[Series[float], Series[float]]) -> float | None:
    above, below = (float(part.sum()) for part in pair)
    return 100 * above / below if below else None


def _drawn(samples: DataFrame, subset: str) -> Any:
    columns = {
        name: tuple(part.groupby(samples["sample"]).sum() for part in pair)
        for name, pair in rates(samples).items()
    }
    return replicates(columns, subset)  # type: ignore[arg-type]


def verdict_metrics(samples: DataFrame) -> Metrics:
    """Add verdicts up."""
    found: Metrics = {
        "success_rate": _percent(rates(samples)["success_rate"]),
        "num_scored": int(samples["scored"].sum()),
        "num_correct": int(samples["right"].sum()),
    }
    for name in EXCLUDED:
        if count := int((samples["excluded"] == name).sum()):
            found[name] = count
    for name, pair in rates(samples).items():
        if name.startswith("avg_") or name.endswith("_response_rate"):
            found[name] = _percent(pair)
    if "overall" in samples:
        found.setdefault("judge_unparsed", 0)
    return found


def modes(samples: DataFrame, subset: str) -> dict[str, Metrics]:
    """The metrics of one prediction a sample, or of several.

    Args:
        samples: As `table` makes it.
        subset: What they are of: the same name draws the same bootstrap.

    Returns:
        ``pass@1``; with k seeds ``pass@1[avg-of-k]`` (means over the seeds; what could not be
        scored is summed), ``pass@k`` (of each sample the best verdict) and ``majority@k`` (the
        verdict of most of its seeds, see `majority`). An interval stands beside each rate, as
        ``…_ci``.
    """
    rounds = [part for _, part in samples.groupby("seed")]
    chosen = by_mode(samples)
    predicted = [_predicted(one) for one in rounds]
    known = predicted[0] if len(rounds) == 1 else seeds.averaged(predicted)
    found: dict[str, Metrics] = {}
    for mode, part in chosen.items():
        added = _mean([verdict_metrics(one) for _, one in part.groupby("seed")])
        if part is not samples:
            added = {**verdict_metrics(part), "no_answer": _percent(rates(part)["no_answer"])}
        drawn = _drawn(part, subset)
        bounds = {f"{n}_ci": interval(drawn[n]) for n in drawn if n != "reference_score"}
        found[mode] = {**known, **added, **bounds}
    return found


def by_mode(samples: DataFrame) -> dict[str, DataFrame]:
    """The rows that count in each mode: all of them, of each sample the best, the majority's."""
    count = samples["seed"].nunique()
    if count == 1:
        return {"pass@1": samples}
    return {
        f"pass@1[avg-of-{count}]": samples,
        f"pass@{count}": best(samples),
        f"majority@{count}": majority(samples),
    }


def best(samples: DataFrame) -> DataFrame:
    """Of each sample the best verdict among its seeds; of equals the earliest."""
    overall = samples["overall"].fillna(0) if "overall" in samples else 0
    return _first(samples.assign(overall_=overall), ["scored", "right", "overall_"])


def majority(samples: DataFrame) -> DataFrame:
    """Of each sample the verdict that most of its seeds give; of equals the earliest.

    The choice that was matched most often counts for closed-form answers; others are right with
    more than half of the seeds. Seeds that could not be scored have no say.
    """
    said = "match" if "match" in samples else "right"
    known = samples[samples["scored"]]
    votes = known.groupby(["sample", said], dropna=False)["seed"].transform("size")
    tied = samples["right"] if said == "right" else False
    ranked = samples.assign(votes=votes.reindex(samples.index, fill_value=0), wrong=~(tied | False))
    return _first(ranked, ["scored", "votes", "wrong"])


def _first(samples: DataFrame, by: list[str]) -> DataFrame:
    """Of each sample the row that is highest by these columns, the earliest of equals."""
    order = samples.sort_values(by, ascending=False, kind="stable")
    return order.groupby("sample").head(1).sort_values("sample")


def _predicted(samples: DataFrame) -> Metrics:
    """What one seed's predictions say; of answers made elsewhere little is known."""
    if "prediction" in samples:
        return prediction_metrics(samples["prediction"].tolist())
    silent = _percent(rates(samples)["no_answer"])
    unknown = dict.fromkeys(("avg_tokens", "gen_seconds", "busy_seconds"))
    return {**unknown, "no_answer": silent, "num_entries": len(samples)}


def _mean(found: Sequence[Metrics]) -> Metrics:
    """Means over seeds, of those that have the figure; what could not be scored is summed."""
    if len(found) == 1:
        return found[0]
    mean: Metrics = {}
    for key in dict.fromkeys(key for one in found for key in one):
        known = [one[key] for one in found if one.get(key) is not None]
        mean[key] = sum(known) if key in _SUMMED else sum(known) / len(known) if known else None
    return mean


def overall(parts: Sequence[Mapping[str, Any]], samples: Sequence[DataFrame] = ()) -> Metrics:
    """Combine categories as NeMo-Skills does, and the reference evaluator's score beside it.

    Args:
        parts: The metrics of each category: ``success_rate``, ``avg_tokens``, ``no_answer``,
            ``gen_seconds``, ``busy_seconds`` and ``num_entries``, and those of `verdict_metrics`.
        samples: The table of each, for ``reference_score``: the mean over all samples of accuracy
            (closed-form), success (instructions) and overall score of 5 (open-ended), in percent;
            closed-form rows without two choices are dropped, and a judgement that cannot be read
            counts as 3 of 5.

    Returns:
        ``success_rate``, ``avg_tokens`` and ``no_answer`` as means weighted by entries (of the
        categories that have the figure), seconds and counts as sums.
    """

    def weighted(key: str) -> float | None:
        known = [part for part in parts if part.get(key) is not None]
        entries = sum(part["num_entries"] for part in known)
        total = sum(part[key] * part["num_entries"] for part in known)
        return total / entries if entries else None

    def summed(key: str) -> float | None:
        known = [part[key] for part in parts if part.get(key) is not None]
        return sum(known) if known else None

    found: Metrics = {
        "avg_tokens": weighted("avg_tokens"),
        "gen_seconds": summed("gen_seconds"),
        "busy_seconds": summed("busy_seconds"),
        "success_rate": weighted("success_rate"),
        "no_answer": weighted("no_answer"),
    }
    for name in ("num_entries", "num_failed", "num_scored", "num_correct", *_SUMMED):
        if any(name in part for part in parts):
            found[name] = summed(name)
    if samples:
        pairs = [rates(one)["reference_score"] for one in samples]
        above, below = (float(sum(pair[k].sum() for pair in pairs)) for k in (0, 1))
        found["reference_score"] = 100 * above / below if below else None
    return found


def whole_intervals(
    parts: Sequence[Mapping[str, Any]], samples: Mapping[str, DataFrame]
) -> Metrics:
    """The intervals of the whole's rates; arguments as `overall`, tables by subset."""
    drawn = [_drawn(one, subset) for subset, one in samples.items()]
    found: Metrics = {}
    for name in ("success_rate", "no_answer"):
        known = [
            (part["num_entries"], stats.percent(*one[name]))
            for part, one in zip(parts, drawn, strict=True)
            if part.get(name) is not None
        ]
        entries = sum(weight for weight, _ in known)
        total = sum(weight * rate for weight, rate in known)
        found[f"{name}_ci"] = stats.interval(total / entries) if entries else None
    above, below = (sum(one["reference_score"][k] for one in drawn) for k in (0, 1))
    found["reference_score_ci"] = stats.interval(stats.percent(above, below))
    return found


def by_group(samples: DataFrame) -> dict[str, dict[str, Metrics]]:
    """Success by length and by skill; a sample with several skills counts under each.

    Of several seeds all verdicts count, those of the first alone among ``num_entries``.

    Returns:
        For each of `GROUPS` that occurs, for each of its values in order of name: ``success_rate``
        and its interval ``success_rate_ci``, ``num_entries``, ``num_scored`` and ``num_correct``.
    """
    found: dict[str, dict[str, Metrics]] = {}
    for key in GROUPS:
        if key not in samples:
            continue
        named = samples.assign(group=[_names(value) for value in samples[key]]).explode("group")
        named = named[named["group"].notna()]
        if len(named):
            found[key] = {
                str(name): _group(part, f"{key}/{name}") for name, part in named.groupby("group")
            }
    return found


def _names(value: Any) -> list[str]:
    """A column's value as names: it is a text, a list of them, or missing."""
    if value is None or isinstance(value, float):
        return []
    listed = [value] if isinstance(value, str) else value
    return list(dict.fromkeys(str(name) for name in listed if name is not None))


def _group(samples: DataFrame, name: str) -> Metrics:
    scored = samples[samples["scored"]]
    bounds = None
    if len(scored):
        by = scored.groupby("sample")["right"].agg(["sum", "size"])
        sums = stats.resample([by["sum"], by["size"]], stats.generator(name, "success_rate"))
        bounds = stats.interval(stats.percent(*sums))
    return {
        "success_rate": _percent(rates(samples)["success_rate"]),
        "success_rate_ci": bounds,
        "num_entries": samples["sample"].nunique(),
        "num_scored": len(scored),
        "num_correct": int(scored["right"].sum()),
    }
