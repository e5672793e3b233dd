"""The English normalizers: Whisper's, and the Open ASR Leaderboard's, which builds on it.

Protocols: openai/whisper at c0d2f624 (``whisper``) and huggingface/open_asr_leaderboard at d1e99b25
(``open_asr_leaderboard``). Both are sequences of rules over a whole text, which
`EnglishRules.apply` runs in their order. `tokens` gives the same output faster.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from earmark.scoring.text import numbers, tables
from earmark.scoring.text.symbols import SymbolTable

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

_Replacer = tuple[re.Pattern[str], str]


@dataclass(frozen=True)
class EnglishRules:
    """The rules of one protocol, over whole texts; every rule takes linear time.

    Attributes:
        fillers: Finds the hesitations that are dropped.
        words: Finds the words and titles that stand for others; ``expansions`` says for which.
        endings: Contractions at the ends of words, in order.
        spelling: One spelling of a word for another.
        names: One spelling of a name for another; empty where the protocol has none.
        compounds: Finds pairs of words that are joined; ``joined`` says to what.
        joins_letters: Whether runs of single characters are joined ("b b c").
    """

    fillers: re.Pattern[str]
    words: re.Pattern[str]
    expansions: dict[str, str]
    endings: tuple[_Replacer, ...]
    spelling: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    compounds: re.Pattern[str] | None = None
    joined: dict[str, str] = field(default_factory=dict)
    joins_letters: bool = False
    symbols: SymbolTable = field(default_factory=lambda: SymbolTable(".%$¢€£"), compare=False)

    @classmethod
    def whisper(cls) -> EnglishRules:
        """Return the rules of openai/whisper at c0d2f624."""
        return cls._build("whisper", _FILLERS, r"'s\b", " is")

    @classmethod
    def nemo_skills(cls) -> EnglishRules:
        """Return the rules of the package whisper-normalizer 0.1.15, which NeMo-Skills calls."""
        return cls._build("whisper", _FILLERS, r"'s\b", " is", more=True)

    @classmethod
    def open_asr_leaderboard(cls) -> EnglishRules:
        """Return the rules of huggingface/open_asr_leaderboard at d1e99b25."""
        return cls._build(
            "open_asr_leaderboard",
            f"{_FILLERS} {_MORE_FILLERS}",
            rf"\b({_BEFORE_IS})'s\b",
            r"\1 is",
            names=tables.names(),
            joined=tables.compounds(),
            joins_letters=True,
        )

    @classmethod
    def _build(
        cls,
        protocol: str,
        fillers: str,
        possessive: str,
        is_form: str,
        names: dict[str, str] | None = None,
        joined: dict[str, str] | None = None,
        joins_letters: bool = False,
        more: bool = False,
    ) -> EnglishRules:
        expansions: dict[str, str] = {}
        endings: list[_Replacer] = []
        for kind, written, becomes in tables.rows("contractions"):
            if kind in ("word", "title") or (kind == "more" and more):
                expansions[written] = becomes + (" " if kind == "title" else "")
            elif kind == "more":
                continue
            elif written == "'s":
                endings.append((re.compile(possessive), is_form))
            else:
                endings.append((re.compile(rf"{written}\b"), becomes))
        return cls(
            fillers=_whole_words(fillers.split()),
            words=_whole_words(list(expansions)),
            expansions=expansions,
            endings=tuple(endings),
            spelling=tables.spelling(protocol),
            names=names or {},
            compounds=_whole_words(list(joined)) if joined else None,
            joined=joined or {},
            joins_letters=joins_letters,
        )

    def apply(self, text: str) -> str:
        """Normalize ``text``, which may be any string; white space may be left at either end."""
        text = join_apostrophes(self.drop_fillers(drop_brackets(text.lower())))
        text = self.join_compounds(" ".join(self.clean(text).split()))
        words = numbers.normalize_numbers(numbers.spell_out_halves(text)).split()
        return drop_loose_symbols(" ".join(self.respell(words)))

    def drop_fillers(self, text: str) -> str:
        """Drop hesitations; the white space around them stays."""
        return self.fillers.sub("", text)

    def clean(self, text: str) -> str:
        """Expand contractions and titles, then drop symbols and diacritics."""
        text = self.words.sub(lambda match: self.expansions[match[0]], text)
        if "'" in text:
            for pattern, replacement in self.endings:
                text = pattern.sub(replacement, text)
        text = _DIGIT_COMMA.sub(r"\1\2", text)
        text = _LAST_PERIOD.sub(r" \1", text)
        return text.translate(self.symbols)

    def join_compounds(self, text: str) -> str:
        """Join the pairs of words that are compounds; ``text`` has single spaces between words."""
        if self.compounds is None:
            return text
        return self.compounds.sub(lambda match: self.joined[match[0]], text)

    def respell(self, words: list[str]) -> list[str]:
        """Give words and names their one spelling, and join runs of single characters."""
        words = [self.spelling.get(word, word) for word in words]
        if self.names:
            words = [self.names.get(word, word) for word in words]
        return join_letters(words) if self.joins_letters else words


def _whole_words(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")


def drop_brackets(text: str) -> str:
    """Drop what stands in brackets; an unclosed bracket stays."""
    # Cutting at the last closing bracket keeps the search linear: each opening one then matches.
    end = max(text.rfind(">"), text.rfind("]")) + 1
    text = _SQUARE_OR_ANGLE.sub("", text[:end]) + text[end:]
    end = text.rfind(")") + 1
    return _ROUND.sub("", text[:end]) + text[end:]


def join_apostrophes(text: str) -> str:
    """Drop white space before an apostrophe."""
    return _SPACE_APOSTROPHE.sub("'", text)


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
    text = _LOOSE_PREFIX.sub(r" \1", text)
    text = _LOOSE_PERCENT.sub(r"\1 ", text)
    return _SPACES.sub(" ", text)
