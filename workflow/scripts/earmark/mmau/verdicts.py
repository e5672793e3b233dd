"""A verdict for every sample: right, wrong, or why it cannot be scored.

A verdict is a row of the scores file: ``id``, ``category``, ``correct`` (null where the sample
cannot be scored), ``why``, ``excluded`` (what it is then counted under, else null), ``reference``
(what the reference evaluator would add for it, 0 to 1, or null where it drops the sample) and
``empty`` (whether there is no answer), then what the decision rests on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.files import Row
from earmark.mmau.judge import SCORES, reference_scores
from earmark.mmau.letters import letter_of
from earmark.mmau.rules import (
    RuleError,
    SentenceCounter,
    by_punctuation,
    check_instruction,
    sentence_counter,
)

OPEN_ENDED = "open_ended"
INSTRUCTION_FOLLOWING = "instruction_following"
CLOSED_FORM = "closed_form"

WAYS = (OPEN_ENDED, INSTRUCTION_FOLLOWING, CLOSED_FORM)
"""The three ways to score, in the order that tables list them."""

CLOSED_CATEGORIES = (
    *("sound", "multi", "sound_music", "music", "spatial_audio", "music_speech"),
    *("sound_music_speech", "sound_speech", "speech", "voice_chat"),
)
"""The closed-form categories of the dataset; each is a sub-category of the results."""

EXCLUDED = (
    *("no_choices", "answer_not_in_choices", "unknown_rule", "bad_kwargs"),
    *("no_reference", "judge_unparsed", "judge_failed"),
)
"""What a sample that cannot be scored is counted under."""

GROUPS = ("length_type", "perceptual_skills", "reasoning_skills")
"""Columns that verdicts keep, so that rates can be given by them."""


def way_of(category: object) -> str:
    """Return the way that scores a row of this ``category``.

    As in the reference evaluator (github sonalkum/MMAUPro), everything that is neither ``open``
    nor ``instruction following`` is closed-form.
    """
    ways = {"open": OPEN_ENDED, "instruction following": INSTRUCTION_FOLLOWING}
    return ways.get(str(category), CLOSED_FORM)


def choices_of(row: Mapping[str, Any]) -> list[str]:
    """A row's choices as texts; an empty list where it has none."""
    choices = row.get("choices")
    if not isinstance(choices, list | tuple):
        return []
    return [str(choice) for choice in choices if choice is not None]


def verdicts(
    way: str,
    samples: Sequence[tuple[Row, str]],
    others: Sequence[Row] | None = None,
    sentences: str = "punctuation",
) -> list[Row]:
    """A verdict for each sample.

    Args:
        way: One of `WAYS`.
        samples: Rows and the model's answers, without reasoning.
        others: The samples' rows of the matches or judgements; None for instructions.
        sentences: How sentences are counted, a name of `earmark.mmau.rules.SENTENCES`.

    Raises:
        EarmarkError: when sentences cannot be counted so.
    """
    if way == INSTRUCTION_FOLLOWING:
        counter = sentence_counter(sentences)
        return [instruction_verdict(row, answer, counter) for row, answer in samples]
    verdict = {CLOSED_FORM: closed_verdict, OPEN_ENDED: open_verdict}[way]
    return [
        verdict(row, answer, other)
        for (row, answer), other in zip(samples, others or [], strict=True)
    ]


def unscored(
    row: Row, why: str, excluded: str | None = None, reference: float | None = None
) -> Row:
    """The verdict on a sample that cannot be scored."""
    return decided(row, None, why, reference, excluded)


def decided(
    row: Row, correct: bool | None, why: str, reference: float | None, excluded: str | None = None
) -> Row:
    """The verdict on a sample, with what rates are grouped by."""
    groups = {key: row[key] for key in GROUPS if row.get(key) is not None}
    clips = row.get("audio_sha256") or row.get("audio_filepath")
    if clips:  # samples about the same clip are not independent of each other
        groups["clip"] = clips if isinstance(clips, str) else " ".join(map(str, clips))
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
    """Check an instruction-following sample (``task_identifier``, ``kwargs``, ``question``)."""
    rule = row.get("task_identifier")
    extra = {"task_identifier": rule, "empty": not answer.strip()}
    question = row.get("question")
    prompt = None if question is None else str(question)
    try:
        passed, why = check_instruction(answer, rule, row.get("kwargs"), prompt, sentences)
    except RuleError as error:
        return {**unscored(row, str(error), error.kind, 0.0), **extra}
    return {**decided(row, passed, why, float(passed)), **extra}


def closed_verdict(row: Row, answer: str, matched: Mapping[str, Any]) -> Row:
    """Compare the choice that an answer was matched to, by its row of matches, with ``answer``.

    Returns:
        The verdict; ``letter`` where the answer is nothing but a choice's letter, and then in
        ``match_mapped`` the choice that it names in the prompt (null where it names none).
    """
    given, choices = row.get("answer"), choices_of(row)
    details: Row = {"answer": given, "empty": not answer.strip()}
    details |= {key: matched.get(key) for key in ("match", "margin", "similarities")}
    if len(choices) < 2:
        raw = row.get("choices")
        listed = raw is None or isinstance(raw, list | tuple)
        why = f"fewer than two choices: {choices if listed else f'{raw!r} is no list'}"
        return {**unscored(row, why, "no_choices"), **details}
    if letter := letter_of(answer, choices):
        place = ord(letter) - ord("A")
        named = choices[place] if place < len(choices) else None
        details |= {"letter": letter, "match_mapped": named}
        details["correct_mapped"] = _folded(named) == _folded(given)
    if _folded(given) not in map(_folded, choices):
        why = f"the answer {given!r} is none of the choices: {', '.join(map(repr, choices))}"
        return {**unscored(row, why, "answer_not_in_choices", 0.0), **details}
    if details["empty"]:
        return {**decided(row, False, "empty answer", 0.0), **details}
    correct = _folded(matched["match"]) == _folded(given)
    why = f"matched {matched['match']!r} by a margin of {matched['margin']:.3f}"
    return {**decided(row, correct, why, float(correct)), **details}


def _folded(text: object) -> str | None:
    return None if text is None else str(text).strip().lower()


def open_verdict(row: Row, answer: str, judged: Mapping[str, Any]) -> Row:
    """Read an open-ended sample's row of judgements: correctness of 3 or more is a success.

    Returns:
        The verdict, with ``scores`` (null where there are none) and ``nemo_skills`` (correctness
        of 5 as NeMo-Skills counts it, 3 where it cannot be read; null where nothing was asked).
    """
    scores, texts = judged.get("scores"), judged.get("judgements") or []
    if not answer.strip():
        # No judge is asked about nothing: it gets the lowest scores.
        lowest = dict.fromkeys(SCORES, 1.0)
        details = {"empty": True, "scores": lowest, "nemo_skills": 0.2}
        return {**decided(row, False, "empty answer", 0.2), **details}
    if judged.get("no_reference"):
        details = {"empty": False, "scores": None, "nemo_skills": None}
        return {**unscored(row, str(judged["why"]), "no_reference"), **details}
    if judged.get("yes_no"):  # what cannot be read is a No
        counted = dict.fromkeys(("correctness", "overall"), (scores or {}).get("correctness", 0.0))
    else:
        counted = reference_scores(texts[0] if texts else "")
    reference = counted["overall"] / 5
    details = {"empty": False, "scores": scores, "nemo_skills": counted["correctness"] / 5}
    if scores is None:
        excluded = "judge_unparsed" if texts else "judge_failed"
        return {**unscored(row, str(judged.get("why")), excluded, reference), **details}
    why = ", ".join(f"{name} {score:g}" for name, score in scores.items())
    return {**decided(row, scores["correctness"] >= 3, why, reference), **details}
