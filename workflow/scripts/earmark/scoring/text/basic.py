"""The plain protocols: ``none`` leaves the words alone, ``basic`` drops case and punctuation."""

from __future__ import annotations

import unicodedata

# Longer pieces are not composed: ordering a long run of combining marks takes quadratic time.
LONGEST_COMPOSED = 2000


class _PlainTable(dict[int, "str | None"]):
    """A table for `str.translate` that fills itself: drops what is not heard, blanks punctuation.

    Apostrophes and format characters (zero-width spaces, soft hyphens, marks of direction) are not
    heard. U+200C and U+200D stay: they are spelling in Persian and in Indic scripts.
    """

    def __missing__(self, code: int) -> str | None:
        char = chr(code)
        kept: str | None = char
        if char in "'’ʼ＇" or (unicodedata.category(char) == "Cf" and code not in (0x200C, 0x200D)):
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
    """Compose (NFKC), lower-case, drop apostrophes; other punctuation and symbols become spaces."""
    if text.isascii():
        return " ".join(text.lower().translate(_PLAIN).split())
    words = " ".join(
        unicodedata.normalize("NFKC", word) if len(word) <= LONGEST_COMPOSED else word
        for word in text.split()
    )
    return " ".join(words.lower().translate(_PLAIN).split())
