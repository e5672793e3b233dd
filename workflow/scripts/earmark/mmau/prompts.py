"""What a model is asked: the question, and the choices of a closed-form row in letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.mmau.categories import CLOSED_FORM, way_of


def lettered(choices: Sequence[str]) -> str:
    """List choices as ``A. …``, one a line.

    Raises:
        ValueError: for more than 26 choices, which have no letters.
    """
    if len(choices) > 26:
        raise ValueError(f"{len(choices)} choices: there are letters for 26")
    return "\n".join(f"{chr(ord('A') + i)}. {choice}" for i, choice in enumerate(choices))


def choices_of(row: Mapping[str, Any]) -> list[str]:
    """Return a row's choices as texts; an empty list where it has none."""
    choices = row.get("choices")
    if choices is None or isinstance(choices, (str, float)):
        return []
    return [str(choice) for choice in choices if choice is not None]


def question_with_choices(row: Mapping[str, Any]) -> str:
    """Return the text that stands after a row's audio in the prompt.

    As NeMo-Skills prepares MMAU-Pro: a closed-form question with two or more choices is followed
    by a blank line and the choices in letters; any other question stands alone.
    """
    question = str(row.get("question") or "")
    choices = choices_of(row)
    if way_of(row.get("category")) != CLOSED_FORM or len(choices) < 2:
        return question
    return f"{question}\n\n{lettered(choices)}"
