"""Scoring protocols: how texts are normalized before words are compared, and how they are aligned.

Scores of the same predictions differ by protocol, so a protocol has a name and a version, and both
are recorded wherever a number is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from earmark.errors import EarmarkError
from earmark.language import code
from earmark.scoring.text import multilingual
from earmark.scoring.text.basic import normalize_basic, normalize_none
from earmark.scoring.text.english import EnglishRules

Alignment = Literal["levenshtein", "merge_compounds"]
Normalize = Callable[[str], str]


@dataclass(frozen=True)
class Protocol:
    """How one scorer counts word errors.

    Attributes:
        name: What users write.
        version: What is followed (repository and commit), and the revision of our rendering of it.
        normalize: From a text to its normalized form; total, and the same for the same text.
        alignment: ``levenshtein`` counts as jiwer does, ``merge_compounds`` as kaldialign does with
            that option: adjacent words that spell the other side's word are no error.
        empty_reference: The word that stands in for an empty reference; or None.
        empty_hypothesis: The word that stands in for an empty hypothesis; or None.
        skipped: Normalized references that are not scored.
        skipped_fail: Whether samples that are not scored count as failures in ``success_rate``.
        averaged_digits: To how many digits a set's WER (percent) is rounded before the mean over
            sets is taken; None where it is not.
        joins_compounds: Whether words that differ in spaces alone are joined before they are
            aligned.
        of_characters: Whether characters are what is aligned, as in scripts without spaces: its
            word error rate is a character error rate, also in tables and ``success_rate``.
        spaces_count: Whether a space between words is a character then, written as ``␣``.
    """

    name: str
    version: str
    normalize: Normalize = field(repr=False)
    alignment: Alignment = "levenshtein"
    empty_reference: str | None = None
    empty_hypothesis: str | None = None
    skipped: frozenset[str] = frozenset()
    skipped_fail: bool = False
    averaged_digits: int | None = None
    joins_compounds: bool = False
    of_characters: bool = False
    spaces_count: bool = False

    @property
    def english(self) -> bool:
        """Whether it is for English alone."""
        return self.name in _ENGLISH

    def words(self, reference: str, hypothesis: str) -> tuple[list[str], list[str]]:
        """The normalized texts as what is aligned: words, or characters."""
        sides = self.normalize(reference).split(), self.normalize(hypothesis).split()
        if self.joins_compounds:
            sides = multilingual.join_compounds(*sides)
        if self.of_characters:
            space = "␣" if self.spaces_count else ""  # a space would be lost among its likes
            return list(space.join(sides[0])), list(space.join(sides[1]))
        return sides


_EMPTY = frozenset({""})
_ENGLISH = {
    "whisper": Protocol(
        "whisper", "openai/whisper@c0d2f624, revision 1", normalize_none,
        empty_reference="empty", empty_hypothesis="empty",
    ),
    "nemo_skills": Protocol(
        "nemo_skills", "NVIDIA-NeMo/Skills@74b86497, revision 1", normalize_none,
        empty_hypothesis="empty", skipped=_EMPTY, skipped_fail=True, averaged_digits=2,
    ),
    "open_asr_leaderboard": Protocol(
        "open_asr_leaderboard", "huggingface/open_asr_leaderboard@d1e99b25, revision 1",
        normalize_none, alignment="merge_compounds", averaged_digits=2,
        skipped=frozenset({"", "ignore time segment in scoring"}),
    ),
}  # fmt: skip
_OF_A_LANGUAGE = {
    "nemo_skills_multilingual": Protocol(
        "nemo_skills_multilingual", "NVIDIA-NeMo/Skills@74b86497, revision 1", normalize_none,
        empty_hypothesis="empty", skipped=_EMPTY, skipped_fail=True, averaged_digits=2,
        spaces_count=True,
    ),
    "open_asr_leaderboard_multilingual": Protocol(
        "open_asr_leaderboard_multilingual",
        "huggingface/open_asr_leaderboard@d1e99b25, revision 1", normalize_none,
        alignment="merge_compounds", joins_compounds=True, averaged_digits=2,
    ),
}  # fmt: skip
_OF_ANY = {
    "basic": Protocol("basic", "revision 2", normalize_basic),
    "none": Protocol("none", "revision 1", normalize_none),
}
_PROTOCOLS = {**_ENGLISH, **_OF_A_LANGUAGE, **_OF_ANY}

#: The names of the protocols, for messages and schemas.
PROTOCOL_NAMES = tuple(_PROTOCOLS)


def described(name: str) -> Protocol:
    """Return what is fixed of the protocol of that name, whatever the language: all but words.

    Raises:
        EarmarkError: when there is none; the message lists the names.
    """
    if name not in _PROTOCOLS:
        raise EarmarkError(f"unknown protocol {name!r}: known are {', '.join(PROTOCOL_NAMES)}")
    return _PROTOCOLS[name]


@cache
def protocol(name: str, language: str | None = None) -> Protocol:
    """Return the protocol of that name, for texts of a language.

    Args:
        name: The protocol's name.
        language: A code or locale such as ``de``, ``pt_br`` or ``cmn_hans_cn``; None where nobody
            said, which English protocols take for English.

    Raises:
        EarmarkError: when there is none of that name, when it is for English and the language is
            another, when it needs a language, and when it has no rules for it.
    """
    found = described(name)
    try:
        short = code(language) if language else None
    except ValueError as error:
        raise EarmarkError(f"language: {error}") from None
    if name in _ENGLISH:
        if short not in (None, "en"):
            others = ", ".join([*_OF_A_LANGUAGE, "basic"])
            raise EarmarkError(
                f"protocol {name} is for English, and the language is {language!r}; use {others}"
            )
        return replace(found, normalize=getattr(EnglishRules, name)())
    if name in _OF_A_LANGUAGE:
        if short is None:
            raise EarmarkError(f"protocol {name} is of several languages; say which: `language`")
        if multilingual.is_unspaced(short) and not found.spaces_count:
            known = [one for one, of in _OF_A_LANGUAGE.items() if of.spaces_count]
            raise EarmarkError(
                f"protocol {name} has no rules for {language!r}, which is written without spaces: "
                f"a sentence would be a word; use {', '.join([*known, 'basic'])}"
            )
        joins = short != "en" or found.joins_compounds
        of_characters = found.spaces_count and multilingual.characters_first(short)
        return replace(
            found,
            normalize=_normalizer(name, short),
            joins_compounds=joins,
            of_characters=of_characters,
        )
    if name == "basic" and short:
        unspaced = multilingual.is_unspaced(short)
        return replace(found, normalize=multilingual.basic(short), of_characters=unspaced)
    return found


def _normalizer(name: str, language: str) -> Normalize:
    english, others = {
        "nemo_skills_multilingual": (EnglishRules.nemo_skills, multilingual.nemo_skills),
        "open_asr_leaderboard_multilingual": (
            EnglishRules.open_asr_leaderboard,
            multilingual.leaderboard,
        ),
    }[name]
    return english() if language == "en" else others(language)
