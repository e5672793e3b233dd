"""Multiple choice: which choice an answer names, by its letter or by its text; never a guess.

An answer counts as the choice that it states and no other: a letter alone (`letters`), a letter
with its text, ``the answer is B``, the text of a choice, or an answer in which the text of exactly
one choice stands. Anything else is ``unparsed``: wrong, as in MMAU's and MMAR's own scripts, and
counted. (Those take any answer that has the right choice's words and none of another's; lmms-eval
draws a letter where it finds none.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from earmark.files import Row
from earmark.mmau.letters import letter_of
from earmark.mmau.verdicts import choices_of, decided, unscored

_MARKED = re.compile(r"^[\s*_\"'`(\[]*([A-Za-z])[\s*_]*[.):\]][\s*_]*(?=\S)")
_STATED = re.compile(
    r"(?i:\b(?:answer|option|choice)\b(?:\s+(?:is|would be))?)"
    r"[\s:*_\"'`(\[]*(?i:option\s+|choice\s+)?[(\[]?([A-Z])\b(?![ ]?[a-z'’])"
)


def verdicts(samples: Sequence[tuple[Row, str]], columns: Sequence[str] | None) -> list[Row]:
    """A verdict for each sample.

    Args:
        samples: Rows with ``answer`` (a choice's text, or its letter) and ``choices``, and the
            model's answers without reasoning.
        columns: The columns that hold a choice each, where ``choices`` does not hold all. A row
            without any has its choices in the audio, and is answered by letter.
    """
    return [_verdict(row, answer, columns) for row, answer in samples]


def _verdict(row: Row, answer: str, columns: Sequence[str] | None) -> Row:
    choices = choices_of(row)
    if columns:
        choices = [str(row[name]) for name in columns if row.get(name) not in (None, "")]
    expected = place_of(str(row.get("answer") or ""), choices)
    details = {"answer": row.get("answer"), "empty": not answer.strip(), "unparsed": False}
    if expected is None or (choices and expected >= len(choices)):
        why = f"the answer {row.get('answer')!r} is none of the choices and no letter of one"
        return {**unscored(row, why, "answer_not_in_choices"), **details}
    place = named(answer, choices)
    if place is None:
        why = "empty answer" if details["empty"] else "names no choice, or several"
        unparsed = {"unparsed": not details["empty"]}
        return {**decided(row, False, why, None), **details, **unparsed}
    letter = chr(ord("A") + place)
    said = f"{letter}, {choices[place]!r}" if place < len(choices) else letter
    return {**decided(row, place == expected, f"names {said}", None), **details}


def place_of(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the right choice, from 0: of its text, else of its letter; None for neither."""
    found = [k for k, choice in enumerate(choices) if _folded(choice) == _folded(answer)]
    if found:
        return found[0]
    letter = re.fullmatch(r"\W*([A-Za-z])\W*", answer)
    return ord(letter[1].upper()) - ord("A") if letter else None


def named(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the choice that an answer names, from 0; None where it names none, or several.

    A letter beyond the choices has its place too, which is that of no choice.
    """
    answer = unicodedata.normalize("NFKC", answer).strip()
    if letter := letter_of(answer, choices):
        return ord(letter) - ord("A")
    said = _folded(answer, keep=True)
    whole = [k for k, choice in enumerate(choices) if said and _folded(choice, keep=True) == said]
    if len(whole) == 1:
        return whole[0]
    lettered = {ord(match[1].upper()) - ord("A") for match in _letters(answer)}
    texts = _texts(said, [_folded(choice) for choice in choices])
    for place in texts:  # each with its letter: the choices are repeated
        mark = rf"(?<!\w){chr(ord('A') + place)}[.):]\W*{re.escape(str(choices[place]))}"
        lettered |= {place} if re.search(mark, answer, re.IGNORECASE) else set()
    if len(lettered) == 1:
        (place,) = lettered
        return place if not texts or place in texts else None
    return texts.pop() if len(texts) == 1 and not lettered else None


def _letters(answer: str) -> list[re.Match[str]]:
    marked = _MARKED.match(answer)
    return [*([marked] if marked else []), *_STATED.finditer(answer)]


def _texts(answer: str, choices: Sequence[str]) -> set[int]:
    """The choices whose words stand in an answer, without those that are part of a longer one."""
    spans = {
        k: [match.span() for match in re.finditer(rf"(?<!\w){re.escape(choice)}(?!\w)", answer)]
        for k, choice in enumerate(choices)
        if choice
    }
    every = [span for found in spans.values() for span in found]
    return {
        k
        for k, found in spans.items()
        if any(not any(_within(span, other) for other in every) for span in found)
    }


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _folded(text: Any, keep: bool = False) -> str:
    """A text in lower case, its words alone; without ``keep``, without a letter before it too."""
    text = unicodedata.normalize("NFKC", str(text)).strip()
    if not keep:
        text = _MARKED.sub("", text)
    return " ".join(re.findall(r"\w+", text.casefold()))


def settings(split: Mapping[str, Any]) -> dict[str, Any]:
    """What verdicts rest on beside the answers, of a split's keys."""
    return {"choices": split.get("choices")}
