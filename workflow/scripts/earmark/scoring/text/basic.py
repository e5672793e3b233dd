"""The plain protocols: ``none`` leaves the words alone, ``basic`` drops case and punctuation.

And texts as NeMo-Skills compares them at 74b86497, task type ASR-PC. Its ``wer_pc``, ``wer_c`` and
``per`` are means of the samples' own rates: `wer_macro_samples` under ``nemo_skills_pc``,
``nemo_skills_c`` and ``nemo_skills_per``.
"""

import re
import unicodedata

from earmark.scoring.text.symbols import CharacterTable, composed


def _plain(char: str) -> str:
    """A space for punctuation and symbols, nothing for what is not heard, else the character.

    Apostrophes and format characters (zero-width spaces, soft hyphens, marks of direction) are not
    heard. U+200C and U+200D stay: they are spelling in Persian and in Indic scripts.
    """
    category = unicodedata.category(char)
    if char in "'’ʼ＇" or (category == "Cf" and char not in "\u200c\u200d"):
        return ""
    return " " if category[0] in "PS" else char


_PLAIN = CharacterTable(_plain)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_PUNCTUATION = re.compile(r"[^\w\s]")


def normalize_none(text: str) -> str:
    """Return the words as they are, with single spaces between them."""
    return " ".join(text.split())


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
