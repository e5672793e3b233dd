"""Signs of hallucination: speech that is too fast, phrases over and over, words out of nowhere.

A sign is a reason to listen to a sample, not a verdict on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from earmark.scoring.word_errors import Edit

MOST_CHARACTERS_A_SECOND = 25.0
"""Fast speech has some 15; NeMo-Skills draws the line at 1,500 a minute."""
LEAST_REPEATS = 3
LEAST_REPEATED_WORDS = 8
LONGEST_PHRASE = 10
LEAST_INSERTIONS = 5
_MOST_IDS = 20

Metrics = dict[str, Any]


def signals(
    generation: str,
    duration: float | None,
    reference: Sequence[str],
    hypothesis: Sequence[str],
    edits: Sequence[Edit],
) -> dict[str, Any]:
    """Return the signs that one sample shows; empty for most.

    Args:
        generation: What the model wrote.
        duration: Seconds of audio, or None where it is not known.
        reference: The reference's words, normalized.
        hypothesis: The hypothesis's words, normalized.
        edits: Their alignment, from `earmark.scoring.word_errors.align`.
    """
    found: dict[str, Any] = {}
    if duration and len(generation) > MOST_CHARACTERS_A_SECOND * duration:
        found["chars_per_second"] = len(generation) / duration
    phrase = repeated_phrase(hypothesis)
    if phrase and not repeated_phrase(reference):
        found["repeated_ngrams"] = {"words": " ".join(phrase[0]), "times": phrase[1]}
    inserted = _longest_insertion(edits)
    if inserted >= LEAST_INSERTIONS:
        found["insertions_in_a_row"] = inserted
    return found


def repeated_phrase(words: Sequence[str]) -> tuple[list[str], int] | None:
    """Return the phrase that is repeated longest without a break, and how often it stands there.

    Phrases have up to ten words; three times and eight words altogether are the least that counts.
    """
    if len(words) < LEAST_REPEATED_WORDS:
        return None
    if len(words) - len(set(words)) < LEAST_REPEATED_WORDS * (LEAST_REPEATS - 1) // LEAST_REPEATS:
        return None
    best: tuple[list[str], int] | None = None
    longest = LEAST_REPEATED_WORDS - 1
    for size in range(1, LONGEST_PHRASE + 1):
        run = 0
        for position in range(size, len(words) + 1):
            if position < len(words) and words[position] == words[position - size]:
                run += 1
                continue
            times = run // size + 1
            if times >= LEAST_REPEATS and times * size > longest:
                longest = times * size
                start = position - run - size
                best = list(words[start : start + size]), times
            run = 0
    return best


def _longest_insertion(edits: Sequence[Edit]) -> int:
    longest = run = 0
    for operation, _, _ in edits:
        run = run + 1 if operation == "insert" else 0
        longest = max(longest, run)
    return longest


class Signs:
    """How many samples show which sign of hallucination, and which ones."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()

    def add(self, sample: str, found: Iterable[str]) -> None:
        """Take in the signs of one sample."""
        names = list(found)
        for name in names:
            self._counts[name] += 1
            ids = self._found.setdefault(name, [])
            if len(ids) < _MOST_IDS:
                ids.append(sample)
        self._counts["samples"] += bool(names)

    def metrics(self) -> Metrics:
        """Return the number of samples with any sign, and by sign their number and first ids."""
        signs = {
            name: {"count": self._counts[name], "ids": ids} for name, ids in self._found.items()
        }
        return {"samples": self._counts["samples"], **signs}


def combined_signs(splits: Mapping[str, Metrics]) -> Metrics:
    """Combine the signs of splits; ids are given as ``<subset>/<id>``."""
    total: Metrics = {"samples": sum(signs["samples"] for signs in splits.values())}
    for subset, signs in splits.items():
        for name, sign in signs.items():
            if name != "samples":
                kept = total.setdefault(name, {"count": 0, "ids": []})
                kept["count"] += sign["count"]
                kept["ids"] += [f"{subset}/{one}" for one in sign["ids"]]
                kept["ids"] = kept["ids"][:_MOST_IDS]
    return total
