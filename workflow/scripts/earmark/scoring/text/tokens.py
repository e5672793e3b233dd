"""The English normalizers, fast: tokens are worked out once and remembered.

Nearly every rule of `EnglishRules` looks at one token only (a stretch without white space). A
token's outcome is remembered together with marks, and only what the marks ask for is done for each
text. The output equals `EnglishRules.apply`, to which whatever is unusual is handed over.
"""

from __future__ import annotations

import re

from earmark.scoring.text.english import (
    EnglishRules,
    drop_brackets,
    drop_loose_symbols,
    join_apostrophes,
    join_letters,
)
from earmark.scoring.text.numbers import NUMBER_WORDS, normalize_numbers

# Marks stand before a word. A token that holds one of these characters is marked _UNUSUAL.
_UNUSUAL = "\x01"  # the whole text goes through the rules
_NUMBER = "\x02"  # may be part of a number
_SECOND = "\x03"  # the second half of a compound
_SINGLE = "\x04"  # one letter or digit
_HALF = f"a {_NUMBER}half"

_NUMERIC = re.compile(r"[.$¢€£%]*[0-9][0-9.$¢€£%]*(?:st|nd|rd|th|s)?").fullmatch
_NUMBER_RUN = re.compile(f"{_NUMBER}[^ ]*(?: {_NUMBER}[^ ]*)*")
_SINGLE_RUN = re.compile(f"{_SINGLE}[^ ](?: {_SINGLE}[^ ])+")
_SYMBOL = re.compile("[.%$¢€£]")
_SPACE_APOSTROPHE = re.compile(r"\s'")
# The contractions that look at the next word ("gotta" is "got to" by then); after "let" another
# rule comes first.
_HAD_OR_HAS = re.compile(
    r"(?<!\blet)'(?:(d)(?= (?:been|gone|done)\b)|s(?= (?:been|gone|got|gotta)\b))"
)

_MARKED_WORDS = NUMBER_WORDS | {"half", "st", "nd", "rd", "th", "s"}
_MOST_REMEMBERED = 200_000  # entries of a memory; it then starts anew
_LONGEST_REMEMBERED = 60  # characters


class _Memory(dict[str, str]):
    """Answers by token or by run, worked out when first asked for."""

    def remember(self, key: str, answer: str) -> str:
        if len(key) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[key] = answer
        return answer


class _Tokens(_Memory):
    """From a lower-case token to its words with their marks."""

    def __init__(self, rules: EnglishRules) -> None:
        super().__init__()
        self._rules = rules
        self._seconds = {words.split()[1] for words in rules.joined}

    def __missing__(self, token: str) -> str:
        text = self._rules.drop_fillers(token)
        if text.startswith("'"):  # joins the token before it
            return self.remember(token, _UNUSUAL)
        marked = [self._marked(word) for word in self._rules.clean(text).split()]
        return self.remember(token, _UNUSUAL if _UNUSUAL in marked else " ".join(marked))

    def _marked(self, word: str) -> str:
        if word in _MARKED_WORDS or _NUMERIC(word):
            return _NUMBER + word
        if not word.isalpha():
            return _UNUSUAL
        mark = _SECOND if word in self._seconds else ""
        if len(word) == 1 and self._rules.joins_letters:
            return f"{mark}{_SINGLE}{word}"
        return mark + self._rules.respell([word])[0]


class _Runs(_Memory):
    """From a run of words that may be numbers to its normalized words."""

    def __init__(self, rules: EnglishRules) -> None:
        super().__init__()
        self._rules = rules

    def __missing__(self, run: str) -> str:
        words = normalize_numbers(run.replace(_NUMBER, "")).split()
        words = [self._rules.respell([word])[0] for word in words]
        if self._rules.joins_letters:
            words = [
                _SINGLE + word if len(word) == 1 and word.isalnum() else word for word in words
            ]
        return self.remember(run, " ".join(words))


class EnglishNormalizer:
    """Normalizes texts by `EnglishRules`; callable, and any string will do."""

    def __init__(self, rules: EnglishRules) -> None:
        self._rules = rules
        self._tokens = _Tokens(rules)
        self._runs = _Runs(rules)
        self._compound: re.Pattern[str] | None = None
        if rules.joined:
            firsts = sorted({words.split()[0] for words in rules.joined})
            seconds = sorted({words.split()[1] for words in rules.joined})
            mark = f"[{_NUMBER}{_SINGLE}]?"
            self._compound = re.compile(
                f"(?<![^ ]){mark}({'|'.join(firsts)}) "
                f"{_SECOND}{_SINGLE}?({'|'.join(seconds)})(?![^ ])"
            )

    def __call__(self, text: str) -> str:
        """Return ``text`` normalized; white space may be left at either end."""
        lowered = text.lower()
        if "(" in lowered or "[" in lowered or "<" in lowered:
            lowered = drop_brackets(lowered)
        if "'" in lowered:
            if _SPACE_APOSTROPHE.search(lowered):
                lowered = join_apostrophes(self._rules.drop_fillers(lowered))
            if "'d " in lowered or "'s " in lowered:
                lowered = _HAD_OR_HAS.sub(lambda match: " had" if match[1] else " has", lowered)
        words = " ".join(filter(None, map(self._tokens.__getitem__, lowered.split())))
        if _UNUSUAL in words or _HALF in words:
            return self._rules.apply(text)
        return self._across_tokens(words)

    def _across_tokens(self, words: str) -> str:
        """Do what the marks ask for."""
        if _SECOND in words:
            if self._compound is not None:
                words = self._compound.sub(self._joined, words)
            words = words.replace(_SECOND, "")
        if _NUMBER in words:
            words = _NUMBER_RUN.sub(lambda match: self._runs[match[0]], words)
            loose_symbols = _SYMBOL.search(words) is not None
        else:
            loose_symbols = False
        if _SINGLE in words:
            words = _SINGLE_RUN.sub(self._joined_letters, words).replace(_SINGLE, "")
        return drop_loose_symbols(words) if loose_symbols else words

    def _joined(self, match: re.Match[str]) -> str:
        joined = self._rules.joined.get(f"{match[1]} {match[2]}")
        return match[0] if joined is None else joined

    def _joined_letters(self, match: re.Match[str]) -> str:
        return " ".join(join_letters(match[0].replace(_SINGLE, "").split()))
