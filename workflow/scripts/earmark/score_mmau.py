"""The score step of MMAU-Pro: a verdict a sample, and the numbers of a category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from earmark import stats
from earmark.files import Row, write_json, write_jsonl
from earmark.metrics import prediction_metrics
from earmark.mmau.categories import CLOSED_FORM, INSTRUCTION_FOLLOWING, OPEN_ENDED
from earmark.mmau.sentences import sentence_counter
from earmark.mmau.summary import Metrics, by_group, verdict_metrics
from earmark.mmau.verdicts import closed_verdict, instruction_verdict, open_verdict
from earmark.pairs import paired

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
    rounds: list[tuple[list[Row], list[Row]]] = []
    for number, file in enumerate(predictions):
        pairs = paired(manifest, file)
        other = [row for _, row in paired(manifest, beside[number])] if beside else None
        samples = [(row, answer["generation"]) for row, answer in pairs]
        found = verdicts(way, samples, other, protocol.get("sentences", "punctuation"))
        rounds.append((found, [answer for _, answer in pairs]))
    first = rounds[0][0]
    categories = [] if way != CLOSED_FORM else list(dict.fromkeys(v["category"] for v in first))
    write_jsonl(
        scores,
        (
            row if len(rounds) == 1 else {**row, "seed": number}
            for number, (found, _) in enumerate(rounds)
            for row in found
        ),
    )
    unscored = [row for row in first if row["correct"] is None]
    for row in unscored[:SHOWN]:
        print(f"sample {row['id']}: not scored ({row['apart']}): {row['why']}")
    write_json(
        metrics,
        {
            "subset": subset,
            "scoring": way,
            "label": label,
            **modes(rounds, subset),
            "subsets": {
                f"{subset}-{name}": modes(
                    [_only(name, *part) for part in rounds], f"{subset}-{name}"
                )
                for name in sorted(map(str, categories))
            },
            "by": by_group(first),
            "unscored": [{k: r[k] for k in ("id", "apart", "why")} for r in unscored[:SHOWN]],
            "protocol": protocol,
        },
    )


def _only(category: str, found: list[Row], answers: list[Row]) -> tuple[list[Row], list[Row]]:
    kept = [
        (verdict, answer)
        for verdict, answer in zip(found, answers, strict=True)
        if str(verdict["category"]) == category
    ]
    return [verdict for verdict, _ in kept], [answer for _, answer in kept]


def modes(rounds: Sequence[tuple[list[Row], list[Row]]], subset: str = "") -> dict[str, Metrics]:
    """The metrics of one prediction a sample, or of several.

    Args:
        rounds: For each seed, verdicts and predictions in the manifest's order.
        subset: What they are of: the same name draws the same bootstrap.

    Returns:
        ``pass@1``; with k seeds ``pass@1[avg-of-k]`` (means over the seeds), ``pass@k`` (right
        with any seed) and ``majority@k`` (right with more than half of them). Each has
        ``success_rate_ci``, the interval of the success rate by a bootstrap over samples.
    """
    each = [{**prediction_metrics(answers), **verdict_metrics(found)} for found, answers in rounds]
    count = len(each)
    # For each sample that could be scored: with how many of its seeds it was right.
    right = [
        (sum(known), len(known))
        for sample in zip(*(found for found, _ in rounds), strict=True)
        if (known := [bool(one["correct"]) for one in sample if one["correct"] is not None])
    ]
    spread = {"success_rate_ci": _interval(right, subset)}
    if count == 1:
        return {"pass@1": {**each[0], **spread}}
    averaged = {key: _mean([one.get(key) for one in each]) for key in each[0]}
    found = {f"pass@1[avg-of-{count}]": {**averaged, **spread}}
    for name, needed in ((f"pass@{count}", 1), (f"majority@{count}", count // 2 + 1)):
        votes = [(int(hits >= min(needed, of)), 1) for hits, of in right]
        correct = sum(vote for vote, _ in votes)
        found[name] = {
            **averaged,
            "success_rate": 100 * correct / len(votes) if votes else None,
            "success_rate_ci": _interval(votes, subset),
            "num_scored": len(votes),
            "num_correct": correct,
        }
    return found


def _interval(parts: Sequence[tuple[int, int]], subset: str) -> list[float] | None:
    if not parts:
        return None
    hits, counted = zip(*parts, strict=True)
    sums = stats.resample([hits, counted], stats.generator(subset, "success_rate"))
    return stats.interval(stats.percent(*sums))


def verdict_block(found: Sequence[Row], subset: str) -> Metrics:
    """The metrics of verdicts on answers of which nothing else is known."""
    right = [(int(row["correct"]), 1) for row in found if row["correct"] is not None]
    return {
        "avg_tokens": None,
        "gen_seconds": None,
        "no_answer": 100 * sum(row["why"] == "empty answer" for row in found) / len(found),
        "num_entries": len(found),
        **verdict_metrics(found),
        "success_rate_ci": _interval(right, subset),
    }


def as_list(files: str | Sequence[str]) -> list[str]:
    """One file or several, as Snakemake gives them, as a list."""
    return [files] if isinstance(files, str) else list(files)


def _mean(values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
