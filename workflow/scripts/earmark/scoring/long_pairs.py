"""The alignment of kaldialign's ``merge_compounds`` in a byte a cell, for hours of speech at once.

The edit distance is worked out a row of the table (a reference word) at a time, with the same
choice among equally short ways as kaldialign; of each cell only the choice is kept.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.scoring.word_errors import Edit, edit

_INSERT, _DELETE, _PAIR = 0, 1, 2


def align_merging(reference: Sequence[str], hypothesis: Sequence[str]) -> list[Edit]:
    """Align a pair; see `earmark.scoring.word_errors.align`."""
    choices, merges = _table(reference, hypothesis)
    edits: list[Edit] = []
    at, hyp_at = len(reference), len(hypothesis)
    while at or hyp_at:
        choice = choices[at, hyp_at]
        words, hyp_words = merges.get(
            (at, hyp_at), (int(choice != _INSERT), int(choice != _DELETE))
        )
        end, hyp_end = at, hyp_at
        at, hyp_at = at - words, hyp_at - hyp_words
        ref, hyp = " ".join(reference[at:end]), " ".join(hypothesis[hyp_at:hyp_end])
        if ref != hyp:
            edits.append(edit(at, hyp_at, ref, hyp))
    return edits[::-1]


def _table(
    reference: Sequence[str], hypothesis: Sequence[str]
) -> tuple[NDArray[np.uint8], dict[tuple[int, int], tuple[int, int]]]:
    """By cell the choice among pair, delete and insert; and the cells where a merge is shorter."""
    width = len(hypothesis)
    numbers = {word: number for number, word in enumerate({*reference, *hypothesis})}
    words = np.array([numbers[word] for word in hypothesis])
    steps = np.arange(width + 1, dtype=np.int32)
    choices = np.full((len(reference) + 1, width + 1), _INSERT, np.uint8)
    choices[1:, 0] = _DELETE
    merges: dict[tuple[int, int], tuple[int, int]] = {}
    candidates: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for at, hyp_at, count in _compounds(reference, hypothesis):
        candidates[at].append((hyp_at, count, 1))
    for hyp_at, at, count in _compounds(hypothesis, reference):
        candidates[at].append((hyp_at, 1, count))
    longest = max((one[1] for found in candidates.values() for one in found), default=1)
    rows = deque([steps], maxlen=longest)
    for at, word in enumerate(reference, start=1):
        above = rows[-1]
        pair = above[:-1] + (words != numbers[word]).astype(np.int32)
        row = np.concatenate(([at], np.minimum(pair, above[1:] + 1))).astype(np.int32)
        plain = row
        best: dict[int, tuple[int, int, int]] = {}
        for hyp_at, count, hyp_count in candidates.get(at, ()):
            cost = int(rows[-count][hyp_at - hyp_count])
            if hyp_at not in best or cost < best[hyp_at][0]:
                best[hyp_at] = cost, count, hyp_count
        if best:
            plain = row.copy()
            for hyp_at, (cost, _, _) in best.items():
                row[hyp_at] = min(row[hyp_at], cost)
        row = np.minimum.accumulate(row - steps) + steps
        insert = row[:-1] + 1
        choices[at, 1:][above[1:] + 1 < insert] = _DELETE
        choices[at, 1:][pair < np.minimum(above[1:] + 1, insert)] = _PAIR
        for hyp_at, (cost, count, hyp_count) in best.items():
            if cost < min(plain[hyp_at], insert[hyp_at - 1]):
                merges[at, hyp_at] = count, hyp_count
        rows.append(row)
    return choices, merges


def _compounds(several: Sequence[str], single: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Where adjacent words spell a word of the other side: both ends, and how many they are."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(single, start=1):
        places[word].append(place)
    longest = max(map(len, single))
    for end in range(2, len(several) + 1):
        merged = several[end - 1]
        for count in range(2, end + 1):
            merged = several[end - count] + merged
            if len(merged) > longest:
                break
            for place in places.get(merged, ()):
                yield end, place, count
