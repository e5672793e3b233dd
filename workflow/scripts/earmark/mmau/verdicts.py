"""A verdict for every sample: right, wrong, or why it cannot be scored.

A verdict is a row of the scores file: ``id``, ``category``, ``correct`` (null where the sample
cannot be scored), ``why``, ``excluded`` (what it is then counted under, else null) and ``reference``
(what the reference evaluator would add for it, 0 to 1, or null where it drops the sample), then
what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from earmark.files import Row
from earmark.mmau.judge import SCORES, reference_overall
from earmark.mmau.matching import choices_of
from earmark.mmau.rules import RuleError, check_instruction
from earmark.mmau.sentences import SentenceCounter, by_punctuation

EXCLUDED = (
    "no_choices",
    "answer_not_in_choices",
    "unknown_rule",
    "bad_kwargs",
    "no_reference",
    "judge_unparsed",
    "judge_failed",
)
"""What a sample that cannot be scored is counted under."""

GROUPS = ("length_type", "perceptual_skills", "reasoning_skills")
"""Columns that verdicts keep, so that rates can be given by them."""


def _verdict(
    row: Row, correct: bool | None, why: str, excluded: str | None, reference: float | None
) -> Row:
    groups = {key: row[key] for key in GROUPS if row.get(key) is not None}
    return {
        "id": row["id"],
        "category": row.get("category"),
        "correct": correct,
        "why": why,
        "excluded": excluded,
        "reference": reference,
        **groups,
    }


def instruction_verdict(row: Row, answer: str, sentences: SentenceCounter = by_punctuation) -> Row:
    """Check an instruction-following sample against its rule.

    Args:
        row: The sample: ``task_identifier``, ``kwargs`` and ``question``.
        answer: The model's answer.
        sentences: How sentences are counted.
    """
    rule = row.get("task_identifier")
    try:
        question = row.get("question")
        prompt = None if question is None else str(question)
        outcome = check_instruction(answer, rule, row.get("kwargs"), prompt, sentences)
    except RuleError as error:
        return {**_verdict(row, None, str(error), error.kind, 0.0), "task_identifier": rule}
    reference = float(outcome.passed)
    return {
        **_verdict(row, outcome.passed, outcome.why, None, reference),
        "task_identifier": rule,
    }


def closed_verdict(row: Row, answer: str, matched: Mapping[str, Any]) -> Row:
    """Compare the choice that an answer was matched to with the reference.

    Args:
        row: The sample: ``choices`` and ``answer``.
        answer: The model's answer.
        matched: Its row of the matches file.
    """
    reference = row.get("answer")
    details = {key: matched.get(key) for key in ("match", "margin", "similarities")}
    details = {"answer": reference, **details}
    choices = choices_of(row)
    if len(choices) < 2:
        given = row.get("choices")
        listed = given is None or isinstance(given, list | tuple)
        why = f"fewer than two choices: {choices if listed else f'{given!r} is no list'}"
        return {**_verdict(row, None, why, "no_choices", None), **details}
    if _folded(reference) not in map(_folded, choices):
        why = f"the answer {reference!r} is none of the choices: {', '.join(map(repr, choices))}"
        return {**_verdict(row, None, why, "answer_not_in_choices", 0.0), **details}
    if not answer.strip():
        return {**_verdict(row, False, "empty answer", None, 0.0), **details}
    correct = _folded(matched["match"]) == _folded(reference)
    why = f"matched {matched['match']!r} by a margin of {matched['margin']:.3f}"
    return {**_verdict(row, correct, why, None, float(correct)), **details}


def _folded(text: object) -> str | None:
    return None if text is None else str(text).strip().lower()


def open_verdict(row: Row, answer: str, judged: Mapping[str, Any]) -> Row:
    """Read an open-ended sample's judgement: correctness of 3 or more is a success.

    Args:
        row: The sample.
        answer: The model's answer.
        judged: Its row of the judgements file.
    """
    scores = judged.get("scores")
    if not answer.strip():
        # No judge is asked about nothing: it gets the lowest scores.
        lowest = dict.fromkeys(SCORES, 1.0)
        return {**_verdict(row, False, "empty answer", None, 0.2), "scores": lowest}
    if judged.get("no_reference"):
        return {**_verdict(row, None, str(judged["why"]), "no_reference", None), "scores": None}
    texts = judged.get("judgements") or []
    reference = (reference_overall(texts[0]) if texts else 3.0) / 5
    if scores is None:
        excluded = "judge_unparsed" if texts else "judge_failed"
        return {**_verdict(row, None, str(judged.get("why")), excluded, reference), "scores": None}
    why = ", ".join(f"{name} {scores[name]:g}" for name in SCORES)
    return {
        **_verdict(row, scores["correctness"] >= 3, why, None, reference),
        "scores": scores,
    }
