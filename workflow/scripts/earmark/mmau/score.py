"""The score step of MMAU-Pro: a verdict a sample, and the numbers of a category."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from earmark.files import Row, write_json, write_jsonl
from earmark.mmau.categories import CLOSED_FORM, INSTRUCTION_FOLLOWING, OPEN_ENDED
from earmark.mmau.intervals import Sums, intervals
from earmark.mmau.sentences import sentence_counter
from earmark.mmau.summary import Metrics, by_group, verdict_metrics
from earmark.mmau.verdicts import EXCLUDED, closed_verdict, instruction_verdict, open_verdict
from earmark.scoring import seeds
from earmark.scoring.metrics import prediction_metrics
from earmark.scoring.pairs import paired

SHOWN = 100
"""Samples that could not be scored are named up to so many; the scores file has all of them."""


def verdicts(
    way: str, samples: Sequence[tuple[Row, str]], beside: Sequence[Row] | None, sentences: str
) -> list[Row]:
    """A verdict for each sample.

    Args:
        way: `CLOSED_FORM`, `OPEN_ENDED` or `INSTRUCTION_FOLLOWING`.
        samples: Rows and the model's answers.
        beside: The samples' rows of the matches or judgements; None for instructions.
        sentences: How sentences are counted, a name of `earmark.mmau.sentences.COUNTERS`.
    """
    if way == INSTRUCTION_FOLLOWING:
        counter = sentence_counter(sentences)
        return [instruction_verdict(row, answer, counter) for row, answer in samples]
    verdict = {CLOSED_FORM: closed_verdict, OPEN_ENDED: open_verdict}[way]
    return [
        verdict(row, answer, other)
        for (row, answer), other in zip(samples, beside or [], strict=True)
    ]


def score_mmau(
    subset: str,
    way: str,
    manifest: str,
    predictions: Sequence[str],
    beside: Sequence[str],
    scores: str,
    metrics: str,
    protocol: dict[str, Any],
    label: str | None = None,
) -> None:
    """Score a split.

    Args:
        subset: What the split is called in metrics: ``<benchmark>.<split>``.
        way: How it is scored.
        manifest: The split's manifest.
        predictions: The model's answers, a file for each seed.
        beside: The matches or judgements of each; none for instructions.
        scores: The file to write, a verdict a sample (and seed).
        metrics: The file to write: the split's metrics, those of its sub-categories, rates by
            length and skill, and samples that could not be scored.
        protocol: What the numbers rest on, kept beside them: the prompt, the judge or the
            matcher, how sentences are counted (``sentences``).
        label: What is special about this split's run, for tables; or None.

    Raises:
        EarmarkError: when the files do not pair up; names the sample.
    """
    sentences = protocol.get("sentences", "punctuation")
    rounds = list(_rounds(way, manifest, predictions, beside, sentences))
    categories = set() if way != CLOSED_FORM else {v["category"] for v in rounds[0][0]} - {None}
    write_jsonl(
        scores,
        (
            row if len(rounds) == 1 else {**row, "seed": number}
            for number, (found, _) in enumerate(rounds)
            for row in found
        ),
    )
    unscored = _unscored([found for found, _ in rounds])
    whole, sums = modes(rounds, subset)
    parts = {f"{subset}-{name}": name for name in sorted(map(str, categories))}
    write_json(
        metrics,
        {
            "subset": subset,
            "scoring": way,
            "label": label,
            **whole,
            "subsets": {
                part: modes([_only(name, *one) for one in rounds], part)[0]
                for part, name in parts.items()
            },
            "by": by_group(row for found, _ in rounds for row in found),
            "unscored": unscored,
            "protocol": protocol,
            "raw": sums,
        },
    )


def _rounds(
    way: str, manifest: str, predictions: Sequence[str], beside: Sequence[str], sentences: str
) -> Iterator[tuple[list[Row], list[Row]]]:
    """For each seed the verdicts, and the answers that they are on."""
    for number, file in enumerate(predictions):
        pairs = paired(manifest, file)
        other = [row for _, row in paired(manifest, beside[number])] if beside else None
        samples = [(row, answer["generation"]) for row, answer in pairs]
        yield verdicts(way, samples, other, sentences), [answer for _, answer in pairs]


def _unscored(rounds: Sequence[Sequence[Row]]) -> list[Row]:
    """What could not be scored, and why; it is printed too."""
    rows: list[Row] = []
    for number, found in enumerate(rounds):
        seed = {"seed": number} if len(rounds) > 1 else {}
        rows += [
            {"id": row["id"], **seed, "excluded": row["excluded"], "why": row["why"]}
            for row in found
            if row["correct"] is None
        ]
    for row in rows[:SHOWN]:
        print(f"sample {row['id']}: not scored ({row['excluded']}): {row['why']}")
    return rows[:SHOWN]


def _only(category: str, found: list[Row], answers: list[Row]) -> tuple[list[Row], list[Row]]:
    kept = [
        (verdict, answer)
        for verdict, answer in zip(found, answers, strict=True)
        if str(verdict["category"]) == category
    ]
    return [verdict for verdict, _ in kept], [answer for _, answer in kept]


def modes(
    rounds: Sequence[tuple[list[Row], list[Row]]], subset: str = ""
) -> tuple[dict[str, Metrics], dict[str, Sums]]:
    """The metrics of one prediction a sample, or of several.

    Args:
        rounds: For each seed, verdicts and predictions in the manifest's order.
        subset: What they are of: the same name draws the same bootstrap.

    Returns:
        ``pass@1``; with k seeds ``pass@1[avg-of-k]`` (means over the seeds; what could not be
        scored is summed), ``pass@k`` (of each sample the best verdict) and ``majority@k`` (the
        verdict of most of its seeds, see `majority`). An interval stands beside each rate, as
        ``…_ci``. Then, by mode, the replicated sums (`earmark.mmau.intervals`).
    """
    predicted = [prediction_metrics(answers) for _, answers in rounds]
    drawn = [(found, _empty(answers)) for found, answers in rounds]
    count = len(rounds)
    if count == 1:
        bounds, sums = intervals(drawn, subset)
        one = {**predicted[0], **verdict_metrics(rounds[0][0]), **bounds}
        return {"pass@1": one}, {"pass@1": sums}
    averaged = seeds.averaged(predicted)
    mode = f"pass@1[avg-of-{count}]"
    bounds, sums = intervals(drawn, subset)
    found = {mode: {**averaged, **_mean([verdict_metrics(one) for one, _ in rounds]), **bounds}}
    kept = {mode: sums}
    ways = {f"pass@{count}": best, f"majority@{count}": majority}
    for mode, choose in ways.items():
        places = [choose(sample) for sample in zip(*(one for one, _ in rounds), strict=True)]
        chosen = [rounds[seed][0][at] for at, seed in enumerate(places)]
        empty = [drawn[seed][1][at] for at, seed in enumerate(places)]
        bounds, kept[mode] = intervals([(chosen, empty)], subset)
        silent = {"no_answer": 100 * sum(empty) / len(empty)}
        found[mode] = {**averaged, **silent, **verdict_metrics(chosen), **bounds}
    return found, kept


def best(verdicts: Sequence[Row]) -> int:
    """The place of a sample's best verdict among its seeds; of equals the earliest."""

    def worth(place: int) -> tuple[bool, bool, float]:
        one = verdicts[place]
        overall = (one.get("scores") or {}).get("overall", 0.0)
        return one["correct"] is not None, bool(one["correct"]), overall

    return max(range(len(verdicts)), key=worth)


def majority(verdicts: Sequence[Row]) -> int:
    """The place of the verdict that most of a sample's seeds give; of equals the earliest.

    The choice that was matched most often counts for closed-form answers; others are right with
    more than half of the seeds. Seeds that could not be scored have no say.
    """
    known = [place for place, one in enumerate(verdicts) if one["correct"] is not None]
    if not known:
        return 0
    if "match" in verdicts[0]:
        matches = [verdicts[place]["match"] for place in known]
        return known[matches.index(Counter(matches).most_common(1)[0][0])]
    votes = [bool(verdicts[place]["correct"]) for place in known]
    return known[votes.index(2 * sum(votes) > len(votes))]


def _empty(answers: Sequence[Row]) -> list[bool]:
    return [not row["generation"].strip() for row in answers]


def verdict_block(found: Sequence[Row], subset: str) -> tuple[Metrics, Sums]:
    """The metrics of verdicts on answers of which nothing else is known, and replicated sums."""
    empty = [row["why"] == "empty answer" for row in found]
    bounds, sums = intervals([(found, empty)], subset)
    block = {
        "avg_tokens": None,
        "gen_seconds": None,
        "busy_seconds": None,
        "no_answer": 100 * sum(empty) / len(found),
        "num_entries": len(found),
        **verdict_metrics(found),
        **bounds,
    }
    return block, sums


def as_list(files: str | Sequence[str]) -> list[str]:
    """One file or several, as Snakemake gives them, as a list."""
    return [files] if isinstance(files, str) else list(files)


def _mean(found: Sequence[Metrics]) -> Metrics:
    """Means over seeds, of those that have the figure; what could not be scored is summed."""
    mean: Metrics = {}
    for key in dict.fromkeys(key for one in found for key in one):
        known = [one[key] for one in found if one.get(key) is not None]
        mean[key] = sum(known) if key in EXCLUDED else sum(known) / len(known) if known else None
    return mean
