"""The plain protocols: ``none`` leaves the words alone, ``basic`` drops case and punctuation."""

from __future__ import annotations

import unicodedata

# Longer pieces are not composed: ordering a long run of combining marks takes quadratic time.
_LONGEST_COMPOSED = 2000


class _PlainTable(dict[int, "str | None"]):
    """A table for `str.translate` that fills itself: drops apostrophes, blanks punctuation."""

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kept: str | None = char
        if char in "'’ʼ＇":
            kept = None
        elif unicodedata.category(char)[0] in "PS":
            kept = " "
        self[code] = kept
        return kept


_PLAIN = _PlainTable()


def normalize_none(text: str) -> str:
    """Return the words as they are, with single spaces between them."""
    return " ".join(text.split())


def normalize_basic(text: str) -> str:
    """Lower-case, compose (NFC), drop apostrophes, turn other punctuation and symbols to spaces."""
    words = text.lower().translate(_PLAIN).split()
    if text.isascii():
        return " ".join(words)
    return " ".join(
        unicodedata.normalize("NFC", word) if len(word) <= _LONGEST_COMPOSED else word
        for word in words
    )
