"""Scoring protocols: how texts are normalized before words are compared, and how they are aligned.

Scores of the same predictions differ by protocol, so a protocol has a name and a version, and both
are recorded wherever a number is written.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from earmark.errors import EarmarkError
from earmark.language import code
from earmark.scoring.text import multilingual
from earmark.scoring.text.basic import (
    lower_without_punctuation,
    normalize_basic,
    normalize_none,
    punctuation,
    tokens,
    without_punctuation,
)
from earmark.scoring.text.english import EnglishRules

Alignment = Literal["levenshtein", "merge_compounds", "substitute_first"]
Normalize = Callable[[str], str]


@dataclass(frozen=True)
class Protocol:
    """How one scorer counts word errors.

    Attributes:
        name: What users write.
        version: What is followed (repository and commit), and the revision of our rendering of it.
        normalize: From a text to its normalized form; total, and the same for the same text.
        alignment: ``levenshtein`` counts as jiwer does, ``merge_compounds`` as kaldialign does with
            that option: adjacent words that spell the other side's word are no error;
            ``substitute_first`` as NeMo-Skills counts punctuation.
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
        insertions_count: Whether its rate is of the inserted words too, so that it is 1 at most.
        column: The column of the manifest that it takes references from; None for ``text``. Such a
            protocol is called ``<name>@<column>``.
    """

    name: str
    version: str
    normalize: Normalize = field(default=normalize_none, repr=False)
    alignment: Alignment = "levenshtein"
    empty_reference: str | None = None
    empty_hypothesis: str | None = None
    skipped: frozenset[str] = frozenset()
    skipped_fail: bool = False
    averaged_digits: int | None = None
    joins_compounds: bool = False
    of_characters: bool = False
    spaces_count: bool = False
    insertions_count: bool = False
    column: str | None = None

    @property
    def english(self) -> bool:
        """Whether it is for English alone."""
        return self.name.partition("@")[0] in _ENGLISH

    def words(self, reference: str, hypothesis: str) -> tuple[list[str], list[str]]:
        """The normalized texts as what is aligned: words, or characters."""
        sides = self.normalize(reference).split(), self.normalize(hypothesis).split()
        if self.joins_compounds:
            sides = multilingual.join_compounds(*sides)
        if self.of_characters:
            space = "␣" if self.spaces_count else ""  # a space would be lost among its likes
            return list(space.join(sides[0])), list(space.join(sides[1]))
        return sides


def _by_name(*protocols: Protocol) -> dict[str, Protocol]:
    return {one.name: one for one in protocols}


_WHISPER = "openai/whisper@c0d2f624, revision 1"
_NEMO_SKILLS = "NVIDIA-NeMo/Skills@74b86497, revision 1"
_LEADERBOARD = "huggingface/open_asr_leaderboard@d1e99b25, revision 1"
_EMPTY = frozenset({""})
_ENGLISH = _by_name(
    Protocol("whisper", _WHISPER, empty_reference="empty", empty_hypothesis="empty"),
    Protocol(
        "nemo_skills", _NEMO_SKILLS, empty_hypothesis="empty", skipped=_EMPTY, skipped_fail=True,
        averaged_digits=2,
    ),
    Protocol(
        "open_asr_leaderboard", _LEADERBOARD, alignment="merge_compounds", averaged_digits=2,
        skipped=frozenset({"", "ignore time segment in scoring"}),
    ),
)  # fmt: skip
_OF_A_LANGUAGE = _by_name(
    replace(_ENGLISH["nemo_skills"], name="nemo_skills_multilingual", spaces_count=True),
    Protocol(
        "open_asr_leaderboard_multilingual", _LEADERBOARD, alignment="merge_compounds",
        joins_compounds=True, averaged_digits=2,
    ),
)  # fmt: skip
_OF_ANY = _by_name(
    Protocol("nemo_skills_pc", _NEMO_SKILLS, tokens),
    Protocol("nemo_skills_c", _NEMO_SKILLS, without_punctuation),
    Protocol(
        "nemo_skills_per", _NEMO_SKILLS, punctuation, alignment="substitute_first",
        insertions_count=True,
    ),
    Protocol(
        "nemo_skills_no_tn_itn", _NEMO_SKILLS, lower_without_punctuation,
        empty_hypothesis="empty", skipped=_EMPTY, skipped_fail=True,
    ),
    Protocol("basic", "revision 2", normalize_basic),
    Protocol("none", "revision 1"),
)  # fmt: skip
_PROTOCOLS = {**_ENGLISH, **_OF_A_LANGUAGE, **_OF_ANY}

#: The names of the protocols, for messages and schemas.
PROTOCOL_NAMES = tuple(_PROTOCOLS)


def described(name: str) -> Protocol:
    """Return what is fixed of the protocol of that name, whatever the language: all but words.

    Raises:
        EarmarkError: when there is none; the message lists the names.
    """
    base, _, column = name.partition("@")
    if base not in _PROTOCOLS or name.endswith("@"):
        raise EarmarkError(
            f"unknown protocol {name!r}: known are {', '.join(PROTOCOL_NAMES)}, each also with "
            "@COLUMN, the column of another reference"
        )
    found = _PROTOCOLS[base]
    return replace(found, name=name, column=column) if column else found


def column_of(name: str) -> str | None:
    """The column that a protocol of that name takes references from; None for ``text``."""
    return name.partition("@")[2] or None


@cache
def protocol(name: str, language: str | None = None) -> Protocol:
    """Return the protocol of that name, for texts of a language.

    A language is a code or locale such as ``de``, ``pt_br`` or ``cmn_hans_cn``; None is taken for
    English by English protocols.

    Raises:
        EarmarkError: when there is none of that name, when it is for English and the language is
            another, when it needs a language, and when it has no rules for it.
    """
    found = described(name)
    name = name.partition("@")[0]
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
        return replace(found, normalize=EnglishRules(name))
    if name in _OF_A_LANGUAGE:
        if short is None:
            raise EarmarkError(
                f"protocol {name} is of several languages; say which: `language`, "
                "or --language of a command"
            )
        if multilingual.is_unspaced(short) and not found.spaces_count:
            known = [one for one, of in _OF_A_LANGUAGE.items() if of.spaces_count]
            raise EarmarkError(
                f"protocol {name} has no rules for {language!r}, which is written without spaces: "
                f"a sentence would be a word; use {', '.join([*known, 'basic'])}"
            )
        rules = name.removesuffix("_multilingual")
        return replace(
            found,
            normalize=EnglishRules(rules) if short == "en" else getattr(multilingual, rules)(short),
            joins_compounds=short != "en" or found.joins_compounds,
            of_characters=found.spaces_count and multilingual.characters_first(short),
        )
    if name == "basic" and short:
        unspaced = multilingual.is_unspaced(short)
        return replace(found, normalize=multilingual.basic(short), of_characters=unspaced)
    return found
