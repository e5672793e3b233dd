"""A judge that a benchmark configures: what it is asked, how its verdict is read, and its votes.

As VoiceBench and AudioBench have it, and any other set of open answers: `Split.judged` holds the
template, the scale and the reading. A verdict that cannot be read is counted, and guessed by
nobody; where votes are several, those that can be read count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from earmark.config import Model
from earmark.config.benchmarks import Judged
from earmark.errors import EarmarkError
from earmark.files import Row, write_jsonl
from earmark.mmau.answers import answered
from earmark.mmau.judging import Judge, ask, judge_settings
from earmark.mmau.verdicts import decided, unscored
from earmark.scoring.text import reasoning

_ALONE = re.compile(r"[\s*_\"'`#.:()\[\]]*(.+?)[\s*_\"'`.!()\[\]]*", re.DOTALL)


def settings(judge: Model, judged: Judged) -> dict[str, Any]:
    """Everything that determines the judge's answers on a split, and nothing operational.

    Raises:
        EarmarkError: when the template has no place for the answer, or votes would be equal.
    """
    if "{response}" not in judged.user:
        raise EarmarkError(
            "judged.user: {response} missing, which stands for the answer that is judged (any "
            "column of the manifest is known too)"
        )
    if judged.votes > 1 and not judge.sampling.temperature:
        raise EarmarkError(
            f"judged.votes: {judged.votes} votes without judge.sampling.temperature above 0 are "
            "equal"
        )
    plain = {"system": judged.system, "user": judged.user, "suffix": ""}
    return {**judge_settings(judge), "prompt": plain, "votes": judged.votes}


def judge_split(judge: Judge, manifest: str, predictions: str, judgements: str) -> None:
    """Have a split's answers judged, each as often as there are votes.

    Args:
        judge: The judge; ``wanted`` is what `settings` gives.
        manifest: The split's manifest, whose columns the template may name.
        predictions: The model's answers.
        judgements: The file to write, a row a sample: ``id``, ``judgements`` (the texts of all
            votes that came; none for an empty answer), ``requests`` and ``why`` (none came).

    Raises:
        EarmarkError: as `earmark.inference.infer.infer`.
    """
    pairs = answered(manifest, predictions)
    found: dict[str, Row] = {
        str(row["id"]): {"id": row["id"], "judgements": [], "requests": [], "why": "empty answer"}
        for row, _ in pairs
    }
    hidden = ("audio_filepath", "duration")
    asked = [
        {k: v for k, v in row.items() if k not in hidden}
        | {"id": str(row["id"]), "response": answer["generation"].strip()}
        for row, answer in pairs
        if answer["generation"].strip()
    ]
    for vote in range(judge.wanted["votes"]):
        for said in ask(judge, asked, vote):
            row = found[said["id"]]
            row["requests"].append(said["request"])
            row["why"] = said["error"] and f"the judge failed: {said['error']}"
            if said["error"] is None:
                row["judgements"].append(said["generation"])
    write_jsonl(judgements, (found[str(row["id"])] for row, _ in pairs))


def verdicts(
    samples: Sequence[tuple[Row, str]], others: Sequence[Row], judged: Mapping[str, Any]
) -> list[Row]:
    """A verdict for each sample: ``judge_score`` is its value by the highest of the scale.

    Args:
        samples: Rows and the model's answers, without reasoning.
        others: The samples' rows of judgements.
        judged: `Split.judged`, as a plain dictionary.
    """
    rule = Judged(**judged)
    pairs = zip(samples, others, strict=True)
    return [_verdict(row, answer, other, rule) for (row, answer), other in pairs]


def _verdict(row: Row, answer: str, judgements: Row, rule: Judged) -> Row:
    low, high = rule.scale
    if not answer.strip():  # no judge is asked about nothing: it gets the lowest value
        lowest = {"empty": True, "votes": [], "judge_score": low / high}
        return {**decided(row, False, "empty answer", None), **lowest}
    votes = [read(text, rule) for text in judgements["judgements"]]
    known = [vote for vote in votes if vote is not None]
    details = {"empty": False, "votes": votes, "judge_score": None}
    if not known:
        unread = f"no verdict can be read in {judgements['judgements'][:1]!r:.200}"
        why, excluded = (unread, "judge_unparsed") if votes else (judgements["why"], "judge_failed")
        return {**unscored(row, str(why), excluded), **details}
    value = sum(known) / len(known)
    if rule.combine == "majority":
        ((value, most), *rest) = Counter(known).most_common()
        if rest and rest[0][1] == most:
            return {**unscored(row, f"votes are equal: {known}", "judge_unparsed"), **details}
    why = f"judged {value:g}" + (
        f" of votes {', '.join(f'{v:g}' for v in known)}" * (len(known) > 1)
    )
    right = value >= (high if rule.success_from is None else rule.success_from)
    return {**decided(row, right, why, None), **details, "judge_score": value / high}


def read(text: str, rule: Judged) -> float | None:
    """The value of a judgement; None where it has none, two, or one that is not on the scale."""
    text = reasoning.answer(text)[0].strip()
    if rule.pattern is None:
        alone = _ALONE.fullmatch(text)
        said = {alone[1]} if alone else set()
    else:
        matches = re.finditer(rule.pattern, text)
        said = {next(filter(None, match.groups()), match[0]) for match in matches}
    worth = {word.casefold(): value for word, value in rule.values.items()}
    values = {worth.get(one.strip().casefold(), _number(one, bool(worth))) for one in said}
    (value,) = values if len(values) == 1 else (None,)
    return value if value is not None and rule.scale[0] <= value <= rule.scale[1] else None


def _number(text: str, words: bool) -> float | None:
    return float(text) if not words and re.fullmatch(r"\s*\d+(\.\d+)?\s*", text) else None
