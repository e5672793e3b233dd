"""Answers that are a letter: the prompt letters the choices, so ``B`` names the second.

The reference evaluator embeds the letter itself, which matches by chance. Its number stays as it
is; how many answers are letters, and the rate with them mapped, stand beside it.
"""

from __future__ import annotations

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
