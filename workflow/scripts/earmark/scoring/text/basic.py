"""The plain protocols: ``none`` leaves the words alone, ``basic`` drops case and punctuation.

And texts as NeMo-Skills compares them at 74b86497, task type ASR-PC. Its ``wer_pc``, ``wer_c`` and
``per`` are means of the samples' own rates: `wer_macro_samples` under ``nemo_skills_pc``,
``nemo_skills_c`` and ``nemo_skills_per``.
"""

from __future__ import annotations

import re
import unicodedata

# Longer pieces are not composed: ordering a long run of combining marks takes quadratic time.
_LONGEST_COMPOSED = 2000


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
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PUNCTUATION = re.compile(r"[^\w\s]")


def normalize_none(text: str) -> str:
    """Return the words as they are, with single spaces between them."""
    return " ".join(text.split())


def composed(text: str) -> str:
    """The text as NFKC has it, but for pieces that are too long to order their marks."""
    if len(text) <= _LONGEST_COMPOSED:
        return unicodedata.normalize("NFKC", text)
    return "".join(
        unicodedata.normalize("NFKC", piece) if len(piece) <= _LONGEST_COMPOSED else piece
        for piece in re.split(r"(\s+)", text)
    )


def normalize_basic(text: str) -> str:
    """Compose (NFKC), lower-case, drop apostrophes; other punctuation and symbols become spaces."""
    return " ".join(composed(text).lower().translate(_PLAIN).split())


def tokens(text: str) -> str:
    """Words and single marks of punctuation, apart from each other, as they are written."""
    return " ".join(_TOKEN.findall(text))


def without_punctuation(text: str) -> str:
    """The words as they are written; what stood between letters is gone without a space."""
    return " ".join(_PUNCTUATION.sub("", text).split())


def lower_without_punctuation(text: str) -> str:
    """The same in lower case: NeMo-Skills' mode ``no_tn_itn``."""
    return without_punctuation(text.lower())


def punctuation(text: str) -> str:
    """The characters that are neither letters, digits nor spaces, each for itself."""
    return " ".join(sign for sign in text if not sign.isalnum() and not sign.isspace())
