"""Signs of hallucination: speech that is too fast, phrases over and over, words out of nowhere.

A sign is a reason to listen to a sample, not a verdict on it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from earmark.scoring.word_errors import Edit

MOST_CHARACTERS_A_SECOND = 25.0
"""Fast speech has some 15; NeMo-Skills draws the line at 1,500 a minute."""
LEAST_REPEATS = 3
LEAST_REPEATED_WORDS = 8
LONGEST_PHRASE = 10
LEAST_INSERTIONS = 5
LEAST_LOOP = 24
_LOOP = re.compile(r"(.{1,100}?)\1{3,}", re.DOTALL)
_LOOKED_AT = 100_000
_MOST_IDS = 20


def signals(
    generation: str,
    duration: float | None,
    reference: Sequence[str],
    hypothesis: Sequence[str],
    edits: Sequence[Edit],
) -> dict[str, Any]:
    """Return the signs that one sample shows; empty for most.

    ``duration`` is in seconds, words are normalized, and `earmark.scoring.word_errors.align` finds
    ``edits``.
    """
    found: dict[str, Any] = {}
    if duration and len(generation) > MOST_CHARACTERS_A_SECOND * duration:
        found["chars_per_second"] = len(generation) / duration
    phrase = repeated_phrase(hypothesis) or repeated_letters(generation, sum(map(len, reference)))
    if phrase and not repeated_phrase(reference):
        found["repeated_ngrams"] = {"words": " ".join(phrase[0]), "times": phrase[1]}
    # Words that are inserted in a row stand at the same place of the reference.
    inserted = Counter(edit[1] for edit in edits if edit[0] == "insert")
    if inserted and (most := max(inserted.values())) >= LEAST_INSERTIONS:
        found["insertions_in_a_row"] = most
    return found


def repeated_phrase(words: Sequence[str]) -> tuple[list[str], int] | None:
    """Return the phrase that is repeated longest without a break, and how often it stands there.

    Phrases have up to ten words; three times and eight words altogether are the least that counts.
    """
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


def repeated_letters(generation: str, expected: int) -> tuple[list[str], int] | None:
    """Return a loop that is no phrase of words, as in scripts without spaces, and its repeats.

    Looked for where the answer is much longer than what was ``expected`` (characters of the
    reference without spaces): a piece of up to 100 characters, four times or more, 24 altogether.
    """
    if len("".join(generation.split())) < 1.5 * expected + LEAST_LOOP:
        return None
    loop = _LOOP.search(generation[:_LOOKED_AT])
    if loop is None or len(loop[0]) < LEAST_LOOP:
        return None
    whole = generation[loop.start() :]
    times = 0
    while whole.startswith(loop[1], times * len(loop[1])):
        times += 1
    return loop[1].split(), times


def summary(samples: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """Return the number of samples (ids and signs) with any, and by sign their number and ids."""
    ids: dict[str, list[str]] = {}
    shown = 0
    for name, signs in samples:
        shown += bool(signs)
        for sign in signs:
            ids.setdefault(sign, []).append(name)
    found: dict[str, Any] = {"samples": shown}
    for sign, those in ids.items():
        found[sign] = {"count": len(those), "ids": list(dict.fromkeys(those))[:_MOST_IDS]}
    return found
