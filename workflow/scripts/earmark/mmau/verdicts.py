"""A verdict for every sample: right, wrong, or why it cannot be scored.

A verdict is a row of the scores file: ``id``, ``category``, ``correct`` (null where the sample
cannot be scored), ``why``, ``excluded`` (what it is then counted under, else null), ``reference``
(what the reference evaluator would add for it, 0 to 1, or null where it drops the sample) and
``empty`` (whether there is no answer), then what the decision rests on.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from earmark.config.benchmarks import Judged, Split
from earmark.errors import EarmarkError
from earmark.files import Row, read_jsonl
from earmark.mmau.choice import letter_of, named, place_of, stated
from earmark.mmau.judge import SCORES, read_value, reference_scores
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
"""MMAU-Pro's three ways to score, in the order that tables list them."""

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
    others: Sequence[Row] | None,
    protocol: Mapping[str, Any],
) -> list[Row]:
    """A verdict for each sample.

    Args:
        way: How they are scored: one of `WAYS`, ``multiple_choice``, ``refusal`` or ``judged``.
        samples: Rows and the model's answers, without reasoning.
        others: The samples' rows of the matches or judgements; None where neither is needed.
        protocol: What verdicts rest on besides: ``sentences`` (instructions; how they are
            counted), ``choices`` (multiple choice), ``refusals`` and ``judged``, as the split has
            them.

    Raises:
        EarmarkError: when sentences cannot be counted so.
    """
    if way == INSTRUCTION_FOLLOWING:
        counter = sentence_counter(protocol.get("sentences", "punctuation"))
        return [instruction_verdict(row, answer, counter) for row, answer in samples]
    if way == "multiple_choice":
        return [choice_verdict(row, answer, protocol["choices"]) for row, answer in samples]
    if way == "refusal":
        return [refusal_verdict(row, answer, protocol["refusals"]) for row, answer in samples]
    triples = [
        (row, answer, other) for (row, answer), other in zip(samples, others or [], strict=True)
    ]
    if way == "judged":
        rule = Judged(**protocol["judged"])
        return [judged_verdict(*triple, rule) for triple in triples]
    one = closed_verdict if way == CLOSED_FORM else open_verdict
    return [one(*triple) for triple in triples]


def verdict(
    row: Row,
    correct: bool | None,
    why: str,
    reference: float | None = None,
    excluded: str | None = None,
    **details: Any,
) -> Row:
    """The verdict on a sample, with what rates are grouped by; ``details`` go to its end."""
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
        **details,
    }


def instruction_verdict(row: Row, answer: str, sentences: SentenceCounter = by_punctuation) -> Row:
    """Check an instruction-following sample (``task_identifier``, ``kwargs``, ``question``)."""
    rule = row.get("task_identifier")
    details: Row = {"task_identifier": rule, "empty": not answer.strip()}
    question = row.get("question")
    prompt = None if question is None else str(question)
    try:
        passed, why = check_instruction(answer, rule, row.get("kwargs"), prompt, sentences)
    except RuleError as error:
        return verdict(row, None, str(error), 0.0, error.kind, **details)
    return verdict(row, passed, why, float(passed), **details)


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
        return verdict(row, None, why, excluded="no_choices", **details)
    if letter := letter_of(answer, choices):
        # The reference embeds the letter itself, which matches by chance; that number stands.
        mapped = dict(zip(ascii_uppercase, choices, strict=False)).get(letter)
        details |= {"letter": letter, "match_mapped": mapped}
        details["correct_mapped"] = _folded(mapped) == _folded(given)
    if _folded(given) not in map(_folded, choices):
        why = f"the answer {given!r} is none of the choices: {', '.join(map(repr, choices))}"
        return verdict(row, None, why, 0.0, "answer_not_in_choices", **details)
    if details["empty"]:
        return verdict(row, False, "empty answer", 0.0, **details)
    correct = _folded(matched["match"]) == _folded(given)
    why = f"matched {matched['match']!r} by a margin of {matched['margin']:.3f}"
    return verdict(row, correct, why, float(correct), **details)


def _folded(text: object) -> str | None:
    return None if text is None else str(text).strip().lower()


def choice_verdict(row: Row, answer: str, columns: Sequence[str] | None) -> Row:
    """Compare the choice that an answer names with ``answer``, a choice's text or its letter.

    An answer that names none, or several, is wrong, as in MMAU's and MMAR's own scripts, and
    counted as ``unparsed``.

    Args:
        row: The sample.
        answer: The model's answer.
        columns: The columns that hold a choice each, where ``choices`` does not hold all. A row
            without any has its choices in the audio, and is answered by letter; or by Yes or No,
            where ``answer`` is one of them.
    """
    choices = choices_of(row)
    if columns:
        choices = ["" if row.get(name) is None else str(row[name]) for name in columns]
        while choices and not choices[-1]:  # one between others keeps its letter
            choices.pop()
    given = str(row.get("answer") or "")
    yes_or_no = not choices and given.strip().casefold() in ("yes", "no")
    choices = ["Yes", "No"] if yes_or_no else choices
    expected = place_of(given, choices)
    details: Row = {"answer": row.get("answer"), "empty": not answer.strip(), "unparsed": False}
    if expected is None or (choices and expected >= len(choices)):
        why = f"the answer {row.get('answer')!r} is none of the choices and no letter of one"
        return verdict(row, None, why, excluded="answer_not_in_choices", **details)
    place = stated(answer) if yes_or_no else named(answer, choices)
    if place is None:
        why = "empty answer" if details["empty"] else "names no choice, or several"
        details["unparsed"] = not details["empty"]
        return verdict(row, False, why, **details)
    letter = chr(ord("A") + place)
    said = f"{letter}, {choices[place]!r}" if place < len(choices) else letter
    return verdict(row, place == expected, f"names {said}", **details)


def refusal_verdict(row: Row, answer: str, phrases: Sequence[str]) -> Row:
    """See whether an answer has one of some phrases, in any case; an empty one has refused too.

    As github MatthewCYM/VoiceBench at 5338154 does, nothing else is looked at: an answer that says
    sorry and complies counts.
    """
    empty = not answer.strip()
    said = next((phrase for phrase in phrases if phrase.lower() in answer.lower()), None)
    why = f"says {said!r}" if said else "empty answer" if empty else "says none of `refusals`"
    return verdict(row, empty or said is not None, why, empty=empty)


def open_verdict(row: Row, answer: str, judged: Mapping[str, Any]) -> Row:
    """Read an open-ended sample's row of judgements: correctness of 3 or more is a success.

    Returns:
        The verdict, with ``scores`` (null where there are none) and ``nemo_skills`` (correctness
        of 5 as NeMo-Skills counts it, 3 where it cannot be read; null where nothing was asked).
    """
    scores, texts = judged.get("scores"), judged.get("judgements") or []
    details: Row = {"empty": not answer.strip(), "scores": scores, "nemo_skills": None}
    if details["empty"]:  # no judge is asked about nothing: it gets the lowest scores
        details |= {"scores": dict.fromkeys(SCORES, 1.0), "nemo_skills": 0.2}
        return verdict(row, False, "empty answer", 0.2, **details)
    if judged.get("no_reference"):
        return verdict(row, None, str(judged["why"]), excluded="no_reference", **details)
    if judged.get("yes_no"):  # what cannot be read is a No
        counted = dict.fromkeys(("correctness", "overall"), (scores or {}).get("correctness", 0.0))
    else:
        counted = reference_scores(texts[0] if texts else "")
    reference = counted["overall"] / 5
    details["nemo_skills"] = counted["correctness"] / 5
    if scores is None:
        excluded = "judge_unparsed" if texts else "judge_failed"
        return verdict(row, None, str(judged.get("why")), reference, excluded, **details)
    why = ", ".join(f"{name} {score:g}" for name, score in scores.items())
    return verdict(row, scores["correctness"] >= 3, why, reference, **details)


def judged_verdict(row: Row, answer: str, judged: Mapping[str, Any], rule: Judged) -> Row:
    """Read a sample's row of judgements as a benchmark's ``judged`` says, which is ``rule``.

    Returns:
        The verdict, with ``votes`` (null where one cannot be read: the others count) and
        ``judge_score``, their value by the highest of the scale.
    """
    low, high = rule.scale
    details: Row = {"empty": not answer.strip(), "votes": [], "judge_score": None}
    if details["empty"]:  # no judge is asked about nothing: it gets the lowest value
        details["judge_score"] = low / high
        return verdict(row, False, "empty answer", **details)
    votes = details["votes"] = [read_value(text, rule) for text in judged["judgements"]]
    known = [vote for vote in votes if vote is not None]
    if not votes:
        return verdict(row, None, str(judged["why"]), excluded="judge_failed", **details)
    if not known:
        why = f"no verdict can be read in {judged['judgements'][:1]!r:.200}"
        return verdict(row, None, why, excluded="judge_unparsed", **details)
    value = sum(known) / len(known)
    if rule.combine == "majority":
        ((value, most), *rest) = Counter(known).most_common()
        if rest and rest[0][1] == most:
            why = f"votes are equal: {known}"
            return verdict(row, None, why, excluded="judge_unparsed", **details)
    details["judge_score"] = value / high
    listed = f" of votes {', '.join(f'{vote:g}' for vote in known)}" if len(known) > 1 else ""
    right = value >= (high if rule.success_from is None else rule.success_from)
    return verdict(row, right, f"judged {value:g}{listed}", **details)


def check_answers(split: Split, manifest: str) -> None:
    """Refuse a split of multiple choice in which no row's right answer is one of its choices.

    Raises:
        EarmarkError: naming the split, the first row, and the keys that name the columns.
    """
    if split.scoring != "multiple_choice":
        return
    first = None
    for row in read_jsonl(manifest):
        found = choice_verdict(row, "", split.choices)
        if not found["excluded"]:
            return
        first = first or (row, found["why"])
    if first:
        row, why = first
        raise EarmarkError(
            f"benchmark {split.benchmark}, split {split.name}: {manifest}: of no row is the answer "
            f"among the choices; of {row['id']!r}, {why} ({choices_of(row)}). "
            "`source.columns.answer` and `.choices` name the set's columns of them, and `choices` "
            "those of a choice each; an answer is a choice's text or its letter"
        )
