"""Keywords: which of the words that a row lists are heard where they were said.

As Contextual Earnings-22 counts them in NeMo-Skills at 74b86497: texts in lower case, everything
but letters and digits a space; occurrences are found from left to right, the longest keyword first,
without overlap; one of the reference is a true positive where all its words are aligned to the
same, contiguous words of the answer (substitution before deletion before insertion), else a false
negative; one of the answer that is no true positive is a false positive. Unlike there, texts are
composed first, and marks, which Hindi's words are full of, are letters.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from earmark.errors import EarmarkError
from earmark.files import Row
from earmark.scoring.measures import Measure, Rate, percent
from earmark.scoring.samples import Sample
from earmark.scoring.text.multilingual import is_unspaced
from earmark.scoring.text.symbols import CharacterTable, composed
from earmark.scoring.word_errors import align, counted


def _letter(char: str) -> str:
    """Letters, marks and digits stay; joiners and marks of direction go; all else is a space."""
    category = unicodedata.category(char)
    return char if char.isalnum() or category[0] == "M" else "" if category == "Cf" else " "


_LETTERS = CharacterTable(_letter)

Span = tuple[int, int]
"""A first word, and the word behind the last."""


def words(text: str) -> list[str]:
    """A text's words, as they are compared."""
    return composed(text.lower(), "NFC").translate(_LETTERS).split()


def occurrences(text: Sequence[str], keywords: Sequence[Sequence[str]]) -> list[Span]:
    """Where keywords stand in a text: from left to right, the longest first, without overlap."""
    found, at = [], 0
    longest_first = sorted(keywords, key=len, reverse=True)
    while at < len(text):
        fits = (one for one in longest_first if list(text[at : at + len(one)]) == list(one))
        length = len(next(fits, ()))
        if length:
            found.append((at, at + length))
        at += length or 1
    return found


class Keywords(Measure):
    """See `Measure`."""

    counts = ("true_positives", "false_positives", "false_negatives", "edits", "ref_words")
    rates = (
        Rate("keyword_f1", "F1", percent((2, 0, 0, 0, 0), (2, 1, 1, 0, 0))),
        Rate("keyword_precision", "Precision", percent((1, 0, 0, 0, 0), (1, 1, 0, 0, 0))),
        Rate("keyword_recall", "Recall", percent((1, 0, 0, 0, 0), (1, 0, 1, 0, 0))),
        Rate("wer", "WER", percent((0, 0, 0, 1, 0), (0, 0, 0, 0, 1)), lower=True),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self._column = settings.get("keywords") or "keywords"
        language = settings.get("language")
        if language and is_unspaced(language):
            raise EarmarkError(
                f"language: `scoring: keywords` has no rules for {language!r}, which is written "
                "without spaces: no keyword would be a word of its own; use `scoring: asr`"
            )

    def check(self, entry: Row) -> None:
        """See `Measure.check`."""
        if self._column not in entry:
            raise EarmarkError(
                f"keywords: there is no column {self._column!r}; the row has {', '.join(entry)}. "
                "Of a set of the Hub, name it in `source.keep` or `source.columns`"
            )
        listed = entry[self._column]
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise EarmarkError(
                f"keywords: column {self._column!r} must be a list of texts, such as "
                f'["Earmark", "word error rate"], found {listed!r:.80}'
            )

    def count(self, sample: Sample, entry: Row) -> Row:
        """See `Measure.count`."""
        self.check(entry)
        keywords = [one for one in map(words, entry[self._column]) if one]
        said, heard = words(sample.reference), words(sample.generation)
        edits = align(said, heard, "substitute_first")
        there = _aligned(len(said), edits)
        used, missed = set(), []
        for first, end in occurrences(said, keywords):
            places = [there.get(at) for at in range(first, end)]
            start = places[0]
            if start is not None and places == list(range(start, start + end - first)):
                used.add((start, start + end - first))
            else:
                missed.append(" ".join(said[first:end]))
        false = [
            " ".join(heard[a:b]) for a, b in occurrences(heard, keywords) if (a, b) not in used
        ]
        total = counted(edits, len(said))
        numbers = (len(used), len(false), len(missed), total.edits, total.ref_words)
        row: Row = {"counts": dict(zip(self.counts, numbers, strict=True))}
        row |= {"success": not (missed or false), "cost": len(missed) + len(false)}
        row |= {"missed": missed} if missed else {}
        return row | ({"false": false} if false else {})


def _aligned(length: int, edits: Sequence[tuple[str, int, int, str, str]]) -> dict[int, int]:
    """By reference word, the place of the word of the answer that is the same."""
    wrong = {at: kind for kind, at, _, _, _ in edits if kind != "insert"}
    found, shift, inserted = {}, 0, [at for kind, at, _, _, _ in edits if kind == "insert"]
    for at in range(length):
        while inserted and inserted[0] <= at:
            inserted.pop(0)
            shift += 1
        if at not in wrong:
            found[at] = at + shift
        elif wrong[at] == "delete":
            shift -= 1
    return found


MEASURE = Keywords
