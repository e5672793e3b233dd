"""The words behind the errors: what was said and what was heard for it, row by row.

The page counts them over whatever rows are looked at. Words are numbers in a list: a split's
references have one, and what a model heard beside them goes on with its own.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from earmark.files import Row


def said(scores: Sequence[Row]) -> tuple[Row, dict[str, int]]:
    """The references of a split's rows, and the numbers of their words.

    Returns:
        ``words`` (each once), ``of`` (all references' words, one after another, as numbers) and
        ``ends`` (where each row's end); rows that are not scored have none.
    """
    known: dict[str, int] = {}
    rows = [_numbers(_reference(score), known) for score in scores]
    flat = [number for row in rows for number in row]
    return {"words": list(known), "of": flat, "ends": list(accumulate(map(len, rows)))}, known


def heard(scores: Sequence[Row], first: Sequence[Row], known: dict[str, int]) -> Row:
    """What a model heard for what was said.

    Args:
        scores: The model's scores.
        first: The scores that `said` was made of.
        known: The numbers that it gave.

    Returns:
        ``words`` (those beyond the references'), ``edits`` (three numbers each: row, word of the
        reference, word of the answer; -1 where there is none) and ``own`` (row and words, where
        the reference is another than `said` has).
    """
    mine = dict(known)
    edits: list[int] = []
    own: list[Any] = []
    for row, (score, other) in enumerate(zip(scores, first, strict=True)):
        if (text := _reference(score)) != _reference(other):
            own.append([row, _numbers(text, mine)])
        for kind, _, _, dropped, taken in score.get("edits") or () if _counts(score) else ():
            if kind == "merge":  # the same letters: no error
                continue
            edits += (row, *(mine.setdefault(side, len(mine)) if side else -1
                             for side in (dropped, taken)))  # fmt: skip
    return {"words": list(mine)[len(known) :], "edits": edits, "own": own}


def _counts(score: Row) -> bool:
    return bool(score.get("scored", True))


def _reference(score: Row) -> str:
    return str(score.get("reference") or "") if _counts(score) else ""


def _numbers(text: str, known: dict[str, int]) -> list[int]:
    return [known.setdefault(word, len(known)) for word in text.split()]
