"""Texts with their punctuation and case, as NeMo-Skills compares them (74b86497, task type ASR-PC).

Its ``wer_pc``, ``wer_c`` and ``per`` are means of the samples' own rates: `wer_macro_samples` under
``nemo_skills_pc``, ``nemo_skills_c`` and ``nemo_skills_per``.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\w+|[^\w\s]")
_PUNCTUATION = re.compile(r"[^\w\s]")


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
