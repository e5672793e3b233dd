"""From a table of samples to MMAU-Pro's numbers: a category, its parts, several seeds, the whole.

The table is what a scores file holds: a row a sample (and seed), in the manifest's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from earmark.files import Row
from earmark.mmau.judge import SCORES
from earmark.mmau.rates import estimate, rates
from earmark.mmau.verdicts import EXCLUDED, GROUPS
from earmark.scoring import seeds
from earmark.scoring.metrics import prediction_metrics
from earmark.scoring.slices import sliced

if TYPE_CHECKING:
    from pandas import DataFrame

Metrics = dict[str, Any]

ALTERNATIVES = ("success_rate_mapped", "success_rate_nemo_skills")
"""Other readings of ``success_rate``; a category that has none of its own has that."""

_COUNTS = (
    *("num_entries", "num_failed", "num_scored", "num_correct", *EXCLUDED),
    *("unparsed", "letter_answers", "reasoning_removed"),
)


def table(rows: Iterable[Row]) -> DataFrame:
    """Verdicts (`earmark.mmau.verdicts`; at least one, with ``seed`` if of several) as a table.

    A row each, indexed by ``seed`` and ``sample`` (its place in the manifest). Beside the verdicts'
    own columns: ``scored``, ``right`` and, of judgements, their scores by name.
    """
    import pandas as pd

    found = list(rows)
    samples = pd.DataFrame(found, dtype=object)
    seed = samples.get("seed", pd.Series(0, samples.index)).astype(int)
    samples.index = pd.MultiIndex.from_arrays(
        [seed, seed.groupby(seed).cumcount()], names=["seed", "sample"]
    )
    samples["scored"] = samples["correct"].notna()
    samples["right"] = samples["correct"].isin([True])
    if "scores" in samples:
        named = [name for name in SCORES if any(name in (row["scores"] or ()) for row in found)]
        for name in named:
            samples[name] = [(row["scores"] or {}).get(name) for row in found]
    return samples


def best(samples: DataFrame) -> DataFrame:
    """Of each sample the best verdict among its seeds; of equals the earliest."""
    overall = samples["overall"].astype(float).fillna(0) if "overall" in samples else 0
    return _first(samples.assign(worth=overall), "scored", "right", "worth")


def majority(samples: DataFrame) -> DataFrame:
    """Of each sample the verdict that most of its seeds give; of equals the earliest.

    The choice that was matched most often counts for closed-form answers; others are right with
    more than half of the seeds. Seeds that could not be scored have no say.
    """
    said = "match" if "match" in samples else "right"
    known = samples[samples["scored"]]
    votes = known.groupby(["sample", said], dropna=False)["scored"].transform("size")
    wrong = 0 if said == "match" else ~samples["right"]
    counted = samples.assign(votes=votes.reindex(samples.index, fill_value=0), wrong=wrong)
    return _first(counted, "scored", "votes", "wrong")


def _first(samples: DataFrame, *by: str) -> DataFrame:
    """Of each sample the row that is highest by these columns, as if there were one seed."""
    order = samples.sort_values(list(by), ascending=False, kind="stable")
    chosen = order.groupby("sample").head(1).sort_index(level="sample")
    return chosen.rename(index=lambda _: 0, level="seed")


def mapped(samples: DataFrame) -> DataFrame:
    """The table of closed-form verdicts as it is when a letter is the choice that it names."""
    if "letter" not in samples:
        return samples
    letter = samples["letter"].notna() & samples["scored"]
    return samples.assign(
        right=samples["correct_mapped"].isin([True]).where(letter, samples["right"]),
        match=samples["match_mapped"].where(letter, samples["match"]),
    )


def _by_mode(samples: DataFrame) -> dict[str, tuple[DataFrame, dict[str, DataFrame]]]:
    """In each mode (`earmark.scoring.seeds.modes`) the rows that count, and their rates."""
    count = samples.index.unique("seed").size

    def chosen(table: DataFrame) -> list[DataFrame]:
        return [table] if count == 1 else [table, best(table), majority(table)]

    found = [(part, rates(part)) for part in chosen(samples)]
    if "match" in samples:
        for (_, named), part in zip(found, chosen(mapped(samples)), strict=True):
            named["success_rate_mapped"] = rates(part)["success_rate"]
    return dict(zip(seeds.modes(count), found, strict=True))


def modes(samples: DataFrame, predictions: Sequence[Sequence[Row]] = ()) -> dict[str, Metrics]:
    """The metrics of a category or of a part of one.

    Args:
        samples: As `table` makes it.
        predictions: The predictions that they are on, for each seed; of answers that were made
            elsewhere none are known.

    Returns:
        For each mode what its predictions say (`prediction_metrics`; the mean over seeds), the
        rates with an interval beside each (``…_ci``), and counts; what could not be scored is
        summed over seeds.
    """
    said: Metrics = {**dict.fromkeys(("avg_tokens", "gen_seconds", "busy_seconds"))}
    said["num_entries"] = samples.index.unique("sample").size
    if predictions:
        each = [prediction_metrics(answers) for answers in predictions]
        said = each[0] if len(each) == 1 else seeds.averaged(each)
    found: dict[str, Metrics] = {}
    for mode, (part, named) in _by_mode(samples).items():
        found[mode] = {**said, **_counts(part)}
        for name, rate in named.items():
            if name != "reference_score":  # the benchmark's alone
                found[mode][name], found[mode][f"{name}_ci"] = estimate([rate])
        if "by" in samples:
            rate = named["success_rate"]
            units, sums = (rate["clip"].tolist(), None), (rate["above"], rate["below"])
            by = part["by"].tolist()
            found[mode]["slices"] = sliced(by, *sums, units, "success_rate", lower=False)
    return found


def _counts(samples: DataFrame) -> Metrics:
    """What is counted; of several seeds, ``num_scored`` and ``num_correct`` are those of one."""

    def marked(column: str) -> int:
        return int(samples[column].isin([True]).sum()) if column in samples else 0

    count = samples.index.unique("seed").size
    found: Metrics = {"num_scored": marked("scored"), "num_correct": marked("right")}
    if count > 1:
        found = {name: number / count for name, number in found.items()}
    excluded = samples["excluded"].value_counts()
    found |= {name: int(excluded[name]) for name in EXCLUDED if name in excluded}
    if "scores" in samples or "judge_score" in samples:
        found.setdefault("judge_unparsed", 0)
    if "unparsed" in samples:
        found["unparsed"] = marked("unparsed")
    if "match" in samples:
        found["letter_answers"] = int(samples["letter"].count()) if "letter" in samples else 0
    return {**found, "reasoning_removed": marked("reasoning_removed")}


def whole(
    heads: Sequence[Mapping[str, Metrics]], tables: Sequence[DataFrame]
) -> dict[str, Metrics]:
    """Combine categories as NeMo-Skills does, and the reference evaluator's score beside it.

    Args:
        heads: The metrics of each category, as `modes` gives them.
        tables: The samples of each.

    Returns:
        For each mode rates and ``avg_tokens`` as means weighted by entries (of the categories that
        have the figure), seconds and counts as sums, and ``reference_score``: the mean over all
        samples of accuracy (closed-form), success (instructions) and overall score of 5
        (open-ended), in percent; closed-form rows without two choices are dropped, and a judgement
        that cannot be read counts as 3 of 5.
    """
    every = [_by_mode(samples) for samples in tables]
    total: dict[str, Metrics] = {}
    for mode in heads[0]:
        parts, named = [head[mode] for head in heads], [one[mode][1] for one in every]
        weights = [float(part["num_entries"]) for part in parts]
        said = [part for part in parts if part["avg_tokens"] is not None]
        entries = sum(part["num_entries"] for part in said)
        tokens = sum(part["avg_tokens"] * part["num_entries"] for part in said)
        found: Metrics = {"avg_tokens": tokens / entries if entries else None}
        for name in ("gen_seconds", "busy_seconds", *_COUNTS):
            known = [part[name] for part in parts if part.get(name) is not None]
            if known or name.endswith("seconds"):
                found[name] = sum(known) if known else None
        for name in ("success_rate", *ALTERNATIVES, "no_answer"):
            if any(name in one for one in named):
                chosen = [one.get(name, one["success_rate"]) for one in named]
                found[name], found[f"{name}_ci"] = estimate(chosen, weights)
        scores = [one["reference_score"] for one in named]
        counted = [float(score["below"].sum()) for score in scores]
        if any(counted):
            name = "reference_score"
            found[name], found[f"{name}_ci"] = estimate(scores, counted)
        total[mode] = found
    return total


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
        lists = samples[key].map(lambda v: list(dict.fromkeys(v)) if isinstance(v, list) else v)
        named = samples.assign(group=lists).explode("group").dropna(subset="group")
        for name, part in named.groupby(named["group"].astype(str)):
            rate, bounds = estimate([rates(part)["success_rate"]])
            found.setdefault(key, {})[str(name)] = {
                "success_rate": rate,
                "success_rate_ci": bounds,
                "num_entries": part.index.unique("sample").size,
                "num_scored": int(part["scored"].sum()),
                "num_correct": int(part["right"].sum()),
            }
    return found
