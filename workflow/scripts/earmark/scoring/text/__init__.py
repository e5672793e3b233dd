"""Scoring protocols: how texts are normalized before words are compared, and how they are aligned.

Scores of the same predictions differ by protocol, so a protocol has a name and a version, and both
are recorded wherever a number is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from earmark.errors import EarmarkError
from earmark.scoring.text.basic import normalize_basic, normalize_none
from earmark.scoring.text.english import EnglishRules

Alignment = Literal["levenshtein", "merge_compounds"]


@dataclass(frozen=True)
class Protocol:
    """How one scorer counts word errors.

    Attributes:
        name: What users write.
        version: What is followed (repository and commit), and the revision of our rendering of it.
        normalize: From a text to its normalized form; total, and the same for the same text.
        alignment: ``levenshtein`` counts as jiwer does, ``merge_compounds`` as kaldialign does with
            that option: adjacent words that spell the other side's word are no error.
        empty_word: The word that stands in for an empty text, reference or hypothesis; or None.
        skipped: Normalized references that are not scored.
        averaged_digits: To how many digits a set's WER (percent) is rounded before the mean over
            sets is taken; None where it is not.
    """

    name: str
    version: str
    normalize: Callable[[str], str] = field(repr=False)
    alignment: Alignment = "levenshtein"
    empty_word: str | None = None
    skipped: frozenset[str] = frozenset()
    averaged_digits: int | None = None


def _whisper() -> Protocol:
    return Protocol(
        name="whisper",
        version="openai/whisper@c0d2f624, revision 1",
        normalize=EnglishRules.whisper(),
        empty_word="empty",
    )


def _open_asr_leaderboard() -> Protocol:
    return Protocol(
        name="open_asr_leaderboard",
        version="huggingface/open_asr_leaderboard@d1e99b25, revision 1",
        normalize=EnglishRules.open_asr_leaderboard(),
        alignment="merge_compounds",
        skipped=frozenset({"", "ignore time segment in scoring"}),
        averaged_digits=2,
    )


_PROTOCOLS: dict[str, Callable[[], Protocol]] = {
    "whisper": _whisper,
    "open_asr_leaderboard": _open_asr_leaderboard,
    "basic": lambda: Protocol("basic", "revision 2", normalize_basic),
    "none": lambda: Protocol("none", "revision 1", normalize_none),
}

#: The names of the protocols, for messages and schemas.
PROTOCOL_NAMES = tuple(_PROTOCOLS)


@cache
def protocol(name: str) -> Protocol:
    """Return the protocol of that name.

    Raises:
        EarmarkError: when there is none; the message lists the names.
    """
    if name not in _PROTOCOLS:
        raise EarmarkError(f"unknown protocol {name!r}: known are {', '.join(PROTOCOL_NAMES)}")
    return _PROTOCOLS[name]()
