"""Word errors: aligning a pair of texts word by word, and counting what differs.

Three alignments are offered, because they count differently. ``levenshtein`` is jiwer's;
``merge_compounds`` is kaldialign's option of that name, under which adjacent words of one side
that together spell a word of the other are no error; ``substitute_first`` has as few errors as
jiwer's, and of those alignments the one that NeMo-Skills takes for punctuation and keywords.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Literal, NamedTuple

import numpy as np

from earmark.errors import EarmarkError
from earmark.scoring.text import Alignment

Operation = Literal["replace", "delete", "insert", "merge"]
Edit = tuple[Operation, int, int, str, str]
"""What differs: operation, position in the reference and in the hypothesis (words, from 0), the
reference's words and the hypothesis's (empty where one side has none). A ``merge`` is the same
letters in another number of words, and no error."""

# kaldialign keeps 20 bytes for each reference word times hypothesis word; from here on, one byte.
_MOST_CELLS_IN_KALDIALIGN = 20_000_000
_MOST_CELLS = 800_000_000

# A text may hold lone surrogates, which kaldialign cannot take: they are moved to the last private
# plane for the comparison.
_SURROGATES = {code: 0x100000 + code for code in range(0xD800, 0xE000)}
_BACK = {there: here for here, there in _SURROGATES.items()}


class Counts(NamedTuple):
    """How many words were wrong, and how; ``hits`` are reference words that were right."""

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


def align(reference: Sequence[str], hypothesis: Sequence[str], alignment: Alignment) -> list[Edit]:
    """Align one pair of lists of words, and return what differs; merged words have spaces between.

    Raises:
        EarmarkError: when the pair is too long for any but ``levenshtein``; states the limit.
    """
    if reference == hypothesis:
        return []
    if not reference or not hypothesis:
        deleted = [edit(at, 0, word, "") for at, word in enumerate(reference)]
        return deleted or [edit(0, at, "", word) for at, word in enumerate(hypothesis)]
    if alignment == "levenshtein":
        return _levenshtein(reference, hypothesis)
    cells = len(reference) * len(hypothesis)
    if alignment == "substitute_first" and cells <= _MOST_CELLS // 4:
        return _substituting(reference, hypothesis)
    if alignment == "merge_compounds" and cells <= _MOST_CELLS_IN_KALDIALIGN:
        return _merging(reference, hypothesis)
    if alignment == "merge_compounds" and cells <= _MOST_CELLS:
        from earmark.scoring.long_pairs import align_merging

        return align_merging(reference, hypothesis)
    raise EarmarkError(
        f"{len(reference)} reference words against {len(hypothesis)} hypothesis words are too many "
        f"to align by {alignment}: their product may be "
        f"{_MOST_CELLS // (1 if alignment == 'merge_compounds' else 4):,} at most"
    )


def edit(at: int, hyp_at: int, ref: str, hyp: str) -> Edit:
    """What differs at a place, named by which of the sides have words there."""
    if not (ref and hyp):
        return "delete" if ref else "insert", at, hyp_at, ref, hyp
    same = ref.replace(" ", "") == hyp.replace(" ", "")
    return "merge" if same else "replace", at, hyp_at, ref, hyp


def counted(edits: Sequence[Edit], ref_words: int) -> Counts:
    """Count the edits of a pair whose reference has so many words."""
    by_operation = Counter(edit[0] for edit in edits)
    wrong = by_operation["replace"], by_operation["delete"]
    return Counts(*wrong, by_operation["insert"], ref_words - sum(wrong))


def character_edits(reference: str, hypothesis: str) -> int:
    """Return the least number of characters to change, drop or add; spaces count."""
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(reference, hypothesis))


def _levenshtein(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Edit]:
    import jiwer

    split = jiwer.ReduceToListOfListOfWords()
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis), split, split)
    edits: list[Edit] = []
    for chunk in found.alignments[0]:
        if chunk.type == "equal":
            continue
        at, hyp_at = chunk.ref_start_idx, chunk.hyp_start_idx
        said, heard = reference[at : chunk.ref_end_idx], hypothesis[hyp_at : chunk.hyp_end_idx]
        for ref, hyp in zip_longest(said, heard, fillvalue=""):
            edits.append(edit(at, hyp_at, ref, hyp))
            at += bool(ref)
            hyp_at += bool(hyp)
    return edits


def _substituting(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Edit]:
    """From the end on, a pair is taken before a deletion, and that before an insertion."""
    known: dict[str, int] = {}
    said, heard = (
        np.array([known.setdefault(word, len(known)) for word in side])
        for side in (reference, hypothesis)
    )
    places = np.arange(len(heard) + 1, dtype=np.int32)
    costs = np.empty((len(said) + 1, len(heard) + 1), dtype=np.int32)
    costs[0] = places
    for row, word in enumerate(said, start=1):
        costs[row, 0] = row
        pair = costs[row - 1, :-1] + (heard != word)
        costs[row, 1:] = np.minimum(pair, costs[row - 1, 1:] + 1)
        costs[row] = np.minimum.accumulate(costs[row] - places) + places
    edits: list[Edit] = []
    at, there = len(said), len(heard)
    while at or there:
        cost = costs[at, there]
        wrong = bool(at and there) and said[at - 1] != heard[there - 1]
        if at and there and cost == costs[at - 1, there - 1] + wrong:
            at, there = at - 1, there - 1
            if wrong:
                edits.append(edit(at, there, reference[at], hypothesis[there]))
        elif at and cost == costs[at - 1, there] + 1:
            at -= 1
            edits.append(edit(at, there, reference[at], ""))
        else:
            there -= 1
            edits.append(edit(at, there, "", hypothesis[there]))
    return edits[::-1]


def _merging(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Edit]:
    import kaldialign

    pairs = kaldialign.align(_moved(reference), _moved(hypothesis), "", merge_compounds=True)
    edits: list[Edit] = []
    at = hyp_at = 0
    for ref, hyp in pairs:
        if ref != hyp:
            edits.append(edit(at, hyp_at, ref.translate(_BACK), hyp.translate(_BACK)))
        at += ref.count(" ") + bool(ref)
        hyp_at += hyp.count(" ") + bool(hyp)
    return edits


def _moved(words: Sequence[str]) -> list[str]:
    return [word if word.isascii() else word.translate(_SURROGATES) for word in words]
