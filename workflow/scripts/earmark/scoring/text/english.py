"""The English normalizers: Whisper's, and the Open ASR Leaderboard's, which builds on it.

Protocols: openai/whisper at c0d2f624 (``whisper``) and huggingface/open_asr_leaderboard at d1e99b25
(``open_asr_leaderboard``). Both are sequences of rules over a whole text. A rule is tried only
where a cheap look at the text says that it may apply, as most rules do to few texts.
"""

import re
from collections.abc import Iterable

from earmark.scoring.text import numbers, tables
from earmark.scoring.text.symbols import symbols_to_spaces

_FILLERS = "hmm mm mhm mmm uh um"
_MORE_FILLERS = "ah aha ahh ahm eh ehehe em hm huh hum mhum uhm umm uhuh"
_BEFORE_IS = "it|he|she|what|that|who|here|there|how|when|where|why|this"

_SQUARE_OR_ANGLE = re.compile(r"[<\[][^>\]]*[>\]]")
_ROUND = re.compile(r"\([^)]+\)")
_SPACE_APOSTROPHE = re.compile(r"(?<!\s)\s+'")
_DIGIT_COMMA = re.compile(r"(\d),(\d)")
_LAST_PERIOD = re.compile(r"\.([^0-9]|$)")
_LOOSE_PREFIX = re.compile(r"[.$¢€£]([^0-9])")
_LOOSE_PERCENT = re.compile(r"([^0-9])%")
_SPACES = re.compile(r"\s+")
_SYMBOL = re.compile("[.$¢€£%]")
_WORD = re.compile(r"\w+")


class EnglishRules:
    """The rules of one protocol, over whole texts; every rule takes linear time.

    Those of ``nemo_skills`` are the package whisper-normalizer's at 0.1.15: Whisper's, with
    ``kinda``, ``sorta``, ``dunno`` and ``cause`` written out. The leaderboard drops more
    hesitations, leaves a possessive ``'s`` apart, folds names together, and joins compounds and
    runs of letters.

    Args:
        protocol: ``whisper``, ``nemo_skills`` or ``open_asr_leaderboard``.
    """

    def __init__(self, protocol: str) -> None:
        self._leaderboard = protocol == "open_asr_leaderboard"
        fillers = f"{_FILLERS} {_MORE_FILLERS}" if self._leaderboard else _FILLERS
        self._fillers = frozenset(fillers.split())
        self._filler = _whole_words(self._fillers)
        self._expansions: dict[str, str] = {}
        self._endings: list[tuple[re.Pattern[str], str]] = []
        for kind, written, becomes in tables.rows("contractions"):
            if kind == "more" and protocol != "nemo_skills":
                continue
            if kind in ("word", "title", "more"):
                self._expansions[written] = becomes + (" " if kind == "title" else "")
            elif written == "'s" and self._leaderboard:
                self._endings.append((re.compile(rf"\b({_BEFORE_IS})'s\b"), r"\1 is"))
            else:
                self._endings.append((re.compile(rf"{written}\b"), becomes))
        self._expanded = _whole_words(self._expansions)
        self._first_words = frozenset(written.split("'")[0] for written in self._expansions)
        self._spelling = tables.spelling(protocol)
        self._names = tables.replacements("names")
        self._compounds = tables.replacements("compounds")
        self._compound = _whole_words(self._compounds)
        self._symbols = symbols_to_spaces(keep=".%$¢€£")

    def __call__(self, text: str) -> str:
        """Normalize ``text``, which may be any string; white space may be left at either end."""
        text = text.lower()
        if "(" in text or "[" in text or "<" in text:
            text = drop_brackets(text)
        if not self._fillers.isdisjoint(_WORD.findall(text)):
            text = self._filler.sub("", text)
        if "'" in text:
            text = _SPACE_APOSTROPHE.sub("'", text)
        text = " ".join(self._clean(text).split())
        if self._leaderboard:
            text = self._compound.sub(lambda match: self._compounds[match[0]], text)
        words = numbers.normalize_numbers(text).split()
        words = [self._spelling.get(word, word) for word in words]
        if self._leaderboard:
            words = join_letters([self._names.get(word, word) for word in words])
        text = " ".join(words)
        return drop_loose_symbols(text)

    def _clean(self, text: str) -> str:
        """Expand contractions and titles, then drop symbols and diacritics."""
        if not self._first_words.isdisjoint(_WORD.findall(text)):
            text = self._expanded.sub(lambda match: self._expansions[match[0]], text)
        if "'" in text:
            for pattern, replacement in self._endings:
                text = pattern.sub(replacement, text)
        if "," in text:
            text = _DIGIT_COMMA.sub(r"\1\2", text)
        if "." in text:
            text = _LAST_PERIOD.sub(r" \1", text)
        return text.translate(self._symbols)


def _whole_words(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")


def drop_brackets(text: str) -> str:
    """Drop what stands in brackets; an unclosed bracket stays."""
    # Cutting at the last closing bracket keeps the search linear: each opening one then matches.
    end = max(text.rfind(">"), text.rfind("]")) + 1
    text = _SQUARE_OR_ANGLE.sub("", text[:end]) + text[end:]
    end = text.rfind(")") + 1
    return _ROUND.sub("", text[:end]) + text[end:]


def join_letters(words: list[str]) -> list[str]:
    """Join runs of single letters or digits: two or more, three where "a" or "i" is among them."""
    joined: list[str] = []
    run: list[str] = []
    for word in [*words, ""]:
        if len(word) == 1 and word.isalnum():
            run.append(word)
            continue
        if run:
            least = 3 if "a" in run or "i" in run else 2
            joined += ["".join(run)] if len(run) >= least else run
            run = []
        if word:
            joined.append(word)
    return joined


def drop_loose_symbols(text: str) -> str:
    """Drop symbols that no digit follows (or, for a per cent sign, precedes); squeeze spaces."""
    if _SYMBOL.search(text):
        text = _LOOSE_PREFIX.sub(r" \1", text)
        text = _LOOSE_PERCENT.sub(r"\1 ", text)
        text = _SPACES.sub(" ", text)
    return text
