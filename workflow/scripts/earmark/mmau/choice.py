"""Multiple choice: which choice an answer names, by its letter or by its text; never a guess.

An answer counts as the choice that it states and no other: a letter alone, a letter with its text,
``the answer is B``, the text of a choice, or an answer in which the text of exactly one choice
stands. (MMAU's and MMAR's own scripts take any answer that has the right choice's words and none of
another's; lmms-eval draws a letter where it finds none.)
"""

import re
import unicodedata
from collections.abc import Sequence

_MARKS = r"[\s*_`\"'“”‘’$.:;,!#/=()\[\]{}<>—–-]*(?:\\(?:[()\[\]]|[,;!])[\s.]*)*"
_LETTER = re.compile(
    rf"""{_MARKS}
    (?:(?:so|therefore|thus|hence|sure|based\ on\ (?:the|this)\ (?:audio|clip))\b{_MARKS})?
    (?:i\s+(?:would\s+)?(?:think|believe|say|choose|pick|select)\b{_MARKS}(?:that\b{_MARKS})?)?
    (?:(?:it['’]s|it\s+is)\b{_MARKS})?
    (?:(?:the|my)\s+)? (?:(?:correct|right|best|final|selected|most\ likely)\s+)*
    (?:(?:answer|option|choice|letter)\b{_MARKS}(?:(?:is|would\ be|=)\b{_MARKS})?)*
    (?:\\(?:boxed|text|mathrm|mathbf|textbf)\{{{_MARKS})*
    (?P<letter>[A-Za-z])
    (?:{_MARKS}(?:is\s+(?:the\s+)?)?(?:correct|right)(?:\s+(?:answer|option|choice))?)?
    {_MARKS}""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST = 80
_MARKED = re.compile(r"^[\s*_\"'`(\[]*([A-Za-z])[\s*_]*[.):\]][\s*_]*(?=\S)")
_YES_NO = re.compile(
    r"^\W*(?P<first>yes|no)\b|\banswer(?:\s+is)?\W*(?P<stated>yes|no)\b|\b(?P<last>yes|no)\W*$",
    re.IGNORECASE,
)
_STATED = re.compile(
    r"(?i:\b(?:answer|option|choice)\b(?:\s+(?:is|would be))?)"
    r"[\s:*_\"'`(\[]*(?i:option\s+|choice\s+)?[(\[]?([A-Z])\b(?![ ]?[a-z'’])"
)


def letter_of(answer: str, choices: Sequence[str]) -> str | None:
    """The letter that an answer is, in upper case; None where it says anything else.

    ``B``, ``b)``, ``(B)``, ``**B.**``, ``Answer: B``, ``The correct option is (B).`` and LaTeX's
    ``boxed{B}`` are letters. An answer that is itself a choice is none, nor is one that may be
    the name of another choice (``C`` beside ``C major``).

    Args:
        answer: The model's answer.
        choices: The choices, in the prompt's order.
    """
    answer = unicodedata.normalize("NFKC", answer).strip()
    match = _LETTER.fullmatch(answer) if len(answer) <= _LONGEST else None
    if match is None or answer.lower() in (choice.strip().lower() for choice in choices):
        return None
    letter = match["letter"].upper()
    # `A` before a word is the article, unless it is a key.
    word = "[A-Za-z]" if letter == "A" else "[a-z]"
    name = re.compile(rf"(?<!\w){letter}(?!\w)(?! (?!(?i:major|minor|flat|sharp)){word})")
    others = (choice for k, choice in enumerate(choices) if k != ord(letter) - ord("A"))
    return None if any(name.search(choice) for choice in others) else letter


def place_of(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the right choice, from 0: of its text, else of its letter; None for neither."""
    for same in (_exact, _folded):  # `F# minor` beside `F minor`: marks may be all that differs
        for place, choice in enumerate(choices):
            if choice and same(choice) == same(answer):
                return place
    letter = re.fullmatch(r"\W*([A-Za-z])\W*", answer)
    return _place(letter[1]) if letter else None


def stated(answer: str) -> int | None:
    """0 for an answer of Yes and 1 for No, as its first or last word or after ``answer is``.

    None where it says neither there, or both.
    """
    said = {(match[match.lastgroup or 0]).casefold() for match in _YES_NO.finditer(answer)}
    return ["yes", "no"].index(said.pop()) if len(said) == 1 else None


def named(answer: str, choices: Sequence[str]) -> int | None:
    """The place of the choice that an answer names, from 0; None where it names none, or several.

    A letter beyond the choices has its place too, which is that of no choice.
    """
    answer = unicodedata.normalize("NFKC", answer).strip()
    if letter := letter_of(answer, choices):
        return _place(letter)
    exact = [k for k, choice in enumerate(choices) if answer and _exact(choice) == _exact(answer)]
    said = _folded(answer, keep=True)
    whole = [k for k, choice in enumerate(choices) if said and _folded(choice, keep=True) == said]
    for found in (exact, whole):
        if len(found) == 1:
            return found[0]
    texts = _texts(said, [_folded(choice) for choice in choices])
    lettered = {_place(match[1]) for form in (_MARKED, _STATED) for match in form.finditer(answer)}
    for place in texts:  # each with its letter: the choices are repeated
        mark = rf"(?<!\w){chr(ord('A') + place)}[.):]\W*{re.escape(choices[place])}"
        if re.search(mark, answer, re.IGNORECASE):
            lettered.add(place)
    if len(lettered) == 1:
        (place,) = lettered
        return place if not texts or place in texts else None
    return texts.pop() if len(texts) == 1 and not lettered else None


def _place(letter: str) -> int:
    return ord(letter.upper()) - ord("A")


def _texts(answer: str, choices: Sequence[str]) -> set[int]:
    """The choices whose words stand in an answer, without those that are part of a longer one."""
    spans = [
        (place, match.span())
        for place, choice in enumerate(choices)
        if choice
        for match in re.finditer(rf"(?<!\w){re.escape(choice)}(?!\w)", answer)
    ]
    return {place for place, one in spans if not any(_within(one, other) for _, other in spans)}


def _within(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


def _exact(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _folded(text: str, keep: bool = False) -> str:
    """A text in lower case, its words alone; without ``keep``, without a letter before it too."""
    text = unicodedata.normalize("NFKC", text).strip()
    if not keep:
        text = _MARKED.sub("", text)
    return " ".join(re.findall(r"\w+", text.casefold()))
