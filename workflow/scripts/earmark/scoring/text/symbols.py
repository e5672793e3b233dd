"""Characters: what is dropped, replaced and kept when symbols and diacritics go."""

from __future__ import annotations

import unicodedata

# Letters that compatibility decomposition leaves whole.
_LETTERS = str.maketrans({
    "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "th", "ł": "l", "Ł": "L",
})  # fmt: skip


class SymbolTable(dict[int, str]):
    """A table for `str.translate` that fills itself: symbols to spaces, diacritics to nothing.

    A character is decomposed (NFKD); of the result, the characters of ``keep`` stay, nonspacing
    marks vanish, other marks, symbols and punctuation become a space, and letters such as ``ø``
    become ASCII. This equals normalizing the whole text first: canonical reordering moves only
    marks past each other, and of a run of marks nothing but spaces is left. Unlike the whole-text
    way it takes linear time on a text that is nothing but marks.
    """

    def __init__(self, keep: str) -> None:
        super().__init__()
        self._keep = frozenset(keep)

    def __missing__(self, code: int) -> str:
        replacement = "".join(
            self._replacement(char) for char in unicodedata.normalize("NFKD", chr(code))
        )
        self[code] = replacement
        return replacement

    def _replacement(self, char: str) -> str:
        if char in self._keep:
            return char
        if ord(char) in _LETTERS:
            return char.translate(_LETTERS)
        category = unicodedata.category(char)
        if category == "Mn":
            return ""
        return " " if category[0] in "MSP" else char
