"""Characters: what is dropped, replaced and kept when symbols and diacritics go."""

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

# Longer pieces are not composed: ordering a long run of combining marks takes quadratic time.
_LONGEST_COMPOSED = 2000

# Letters that compatibility decomposition leaves whole.
_LETTERS = str.maketrans({
    "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "th", "ł": "l", "Ł": "L",
})  # fmt: skip


class CharacterTable(dict[int, str]):
    """A table for `str.translate` that fills itself by a function of a character."""

    def __init__(self, becomes: Callable[[str], str]) -> None:
        super().__init__()
        self._becomes = becomes

    def __missing__(self, code: int) -> str:
        self[code] = self._becomes(chr(code))
        return self[code]


def symbols_to_spaces(keep: str = "") -> CharacterTable:
    """A table that turns symbols into spaces, and diacritics into nothing.

    A character is decomposed (NFKD); of the result, the characters of ``keep`` stay, nonspacing
    marks vanish, other marks, symbols and punctuation become a space, and letters such as ``ø``
    become ASCII. This equals normalizing the whole text first: canonical reordering moves only
    marks past each other, and of a run of marks nothing but spaces is left. Unlike the whole-text
    way it takes linear time on a text that is nothing but marks.
    """

    def plain(char: str) -> str:
        if char in keep or ord(char) in _LETTERS:
            return char.translate(_LETTERS)
        category = unicodedata.category(char)
        if category == "Mn":
            return ""
        return " " if category[0] in "MSP" else char

    return CharacterTable(lambda char: "".join(map(plain, unicodedata.normalize("NFKD", char))))


def composed(text: str, form: Literal["NFC", "NFKC"] = "NFKC") -> str:
    """The text in that form, but for pieces that are too long to order their marks."""
    if len(text) <= _LONGEST_COMPOSED:
        return unicodedata.normalize(form, text)
    return "".join(
        unicodedata.normalize(form, piece) if len(piece) <= _LONGEST_COMPOSED else piece
        for piece in re.split(r"(\s+)", text)
    )
