"""Word errors: counting them, and aligning a pair of texts word by word.

Two alignments are offered, because they count differently. ``levenshtein`` is jiwer's (rapidfuzz
underneath); ``merge_compounds`` is kaldialign's option of that name, under which adjacent words of
one side that together spell a word of the other are no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from earmark.errors import EarmarkError
from earmark.scoring.text import Alignment

Operation = Literal["equal", "replace", "delete", "insert"]
Edit = tuple[Operation, str, str]
"""What was done, the reference's words and the hypothesis's (empty where one side has none)."""

# kaldialign keeps a table of reference words times hypothesis words, 20 bytes a cell.
_MOST_CELLS = 20_000_000
# The exact character distance takes a second for as many reference times hypothesis characters.
_MOST_CHARACTER_CELLS = 20_000_000_000

# A text may hold lone surrogates, which kaldialign cannot take: they are moved to the last private
# plane for the comparison.
_SURROGATES = {code: 0x100000 + code for code in range(0xD800, 0xE000)}
_BACK = {there: here for here, there in _SURROGATES.items()}


@dataclass(frozen=True, slots=True)
class Counts:
    """How many words were wrong, and how; counts add up, rates follow from them.

    Attributes:
        substitutions: Reference words for which the hypothesis has another.
        deletions: Reference words that the hypothesis lacks.
        insertions: Hypothesis words that the reference lacks.
        hits: Reference words that were right.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    hits: int = 0

    @property
    def ref_words(self) -> int:
        """Words in the reference."""
        return self.substitutions + self.deletions + self.hits

    @property
    def edits(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """The word error rate as a fraction, or None where there are no reference words."""
        return self.edits / self.ref_words if self.ref_words else None

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.hits + other.hits,
        )


def total(counts: Iterable[Counts]) -> Counts:
    """Add counts up."""
    added = [0, 0, 0, 0]
    for one in counts:
        added[0] += one.substitutions
        added[1] += one.deletions
        added[2] += one.insertions
        added[3] += one.hits
    return Counts(*added)


def count(reference: Sequence[str], hypothesis: Sequence[str], alignment: Alignment) -> Counts:
    """Count the word errors of one pair.

    Args:
        reference: The reference's words.
        hypothesis: The hypothesis's words.
        alignment: ``levenshtein`` or ``merge_compounds``.

    Raises:
        EarmarkError: when the pair is too long for ``merge_compounds``; states the limit.
    """
    if reference == hypothesis:
        return Counts(hits=len(reference))
    if not reference or not hypothesis:
        return Counts(deletions=len(reference), insertions=len(hypothesis))
    if alignment == "merge_compounds":
        return _count_merging(reference, hypothesis)
    substitutions = deletions = insertions = 0
    for operation, start, end, hyp_start, hyp_end in _stretches(reference, hypothesis):
        if operation == "replace":
            substitutions += end - start
        elif operation == "delete":
            deletions += end - start
        elif operation == "insert":
            insertions += hyp_end - hyp_start
    hits = len(reference) - substitutions - deletions
    return Counts(substitutions, deletions, insertions, hits)


def align(reference: Sequence[str], hypothesis: Sequence[str], alignment: Alignment) -> list[Edit]:
    """Align one pair; the edits that are not ``equal`` are those that `count` counts.

    With ``merge_compounds`` an ``equal`` edit may hold several words of one side, separated by
    spaces; otherwise each edit holds one word a side.

    Raises:
        EarmarkError: as `count`.
    """
    if reference == hypothesis:
        return [("equal", word, word) for word in reference]
    if alignment == "merge_compounds" and reference and hypothesis:
        return list(_align_merging(reference, hypothesis))
    edits: list[Edit] = []
    for operation, start, end, hyp_start, hyp_end in _stretches(reference, hypothesis):
        for i in range(max(end - start, hyp_end - hyp_start)):
            edits.append(
                (
                    operation,
                    reference[start + i] if operation != "insert" else "",
                    hypothesis[hyp_start + i] if operation != "delete" else "",
                )
            )
    return edits


def character_edits(reference: str, hypothesis: str) -> int:
    """Return how many characters to change, drop or add; spaces between words count.

    The least number, but for pairs of some hundred thousand characters: there it is counted edit
    by edit of the word alignment, which can be a little more.
    """
    if reference == hypothesis:
        return 0
    from rapidfuzz.distance import Levenshtein

    if len(reference) * len(hypothesis) <= _MOST_CHARACTER_CELLS:
        return int(Levenshtein.distance(reference, hypothesis))
    edits = 0
    for operation, ref, hyp in align(reference.split(), hypothesis.split(), "levenshtein"):
        if operation != "equal" and len(ref) * len(hyp) > _MOST_CHARACTER_CELLS:
            edits += max(len(ref), len(hyp))
        else:
            edits += int(Levenshtein.distance(ref, hyp)) + (operation in ("insert", "delete"))
    return edits


def _stretches(
    reference: Sequence[str], hypothesis: Sequence[str]
) -> list[tuple[Operation, int, int, int, int]]:
    """Operation, then start and end in the reference and in the hypothesis, as jiwer has them."""
    from rapidfuzz.distance import Levenshtein

    found: Any = Levenshtein.opcodes(reference, hypothesis).as_list()
    return cast("list[tuple[Operation, int, int, int, int]]", found)


def _count_merging(reference: Sequence[str], hypothesis: Sequence[str]) -> Counts:
    import kaldialign

    _check_size(reference, hypothesis)
    found = kaldialign.edit_distance(_moved(reference), _moved(hypothesis), merge_compounds=True)
    hits = len(reference) - found["sub"] - found["del"]
    return Counts(found["sub"], found["del"], found["ins"], hits)


def _align_merging(reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[Edit]:
    import kaldialign

    _check_size(reference, hypothesis)
    pairs = kaldialign.align(_moved(reference), _moved(hypothesis), "", merge_compounds=True)
    for ref, hyp in pairs:
        operation: Operation = "replace"
        if not ref:
            operation = "insert"
        elif not hyp:
            operation = "delete"
        elif ref == hyp or ref.replace(" ", "") == hyp.replace(" ", ""):
            operation = "equal"
        yield operation, ref.translate(_BACK), hyp.translate(_BACK)


def _moved(words: Sequence[str]) -> list[str]:
    return [word if word.isascii() else word.translate(_SURROGATES) for word in words]


def _check_size(reference: Sequence[str], hypothesis: Sequence[str]) -> None:
    if len(reference) * len(hypothesis) > _MOST_CELLS:
        raise EarmarkError(
            f"{len(reference)} reference words against {len(hypothesis)} hypothesis words are too "
            f"many to align with merged compounds: their product may be {_MOST_CELLS} at most; cut "
            "the recording into shorter utterances, or score by a protocol that does not merge"
        )
