"""Two ways to count sentences, since the published scorers differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from earmark.errors import EarmarkError

SentenceCounter = Callable[[str], int]


def by_punctuation(text: str) -> int:
    """Count the non-blank parts between runs of ``.``, ``!`` and ``?``, as NeMo-Skills does."""
    return sum(1 for part in re.split("[.!?]+", text) if part.strip())


@cache
def _punkt() -> Any:
    try:
        from nltk.tokenize import sent_tokenize
    except ImportError:
        raise EarmarkError(
            "sentences: punkt needs NLTK, which is not installed; run `pip install nltk` and "
            "`python -m nltk.downloader punkt_tab`, or set sentences: punctuation"
        ) from None
    try:
        sent_tokenize("One. Two.")
    except LookupError:
        raise EarmarkError(
            "sentences: punkt needs NLTK's Punkt model, which is not on this machine; run "
            "`python -m nltk.downloader punkt_tab`, or set sentences: punctuation"
        ) from None
    return sent_tokenize


def by_punkt(text: str) -> int:
    """Count sentences with NLTK's Punkt model, as the reference evaluator does.

    Raises:
        EarmarkError: when NLTK or its model is not installed.
    """
    return len(_punkt()(text))


#: The counters by the name that the config gives them.
COUNTERS: dict[str, SentenceCounter] = {"punctuation": by_punctuation, "punkt": by_punkt}


def sentence_counter(name: str) -> SentenceCounter:
    """Look a counter up by its name in the config.

    Raises:
        EarmarkError: when there is none of that name.
    """
    try:
        return COUNTERS[name]
    except KeyError:
        raise EarmarkError(
            f"sentences: {name!r} is not a way to count sentences; use one of {', '.join(COUNTERS)}"
        ) from None
