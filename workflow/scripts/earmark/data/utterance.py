"""What a source yields and a manifest is made of: an utterance, and the clips it is heard in."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from earmark.errors import EarmarkError
from earmark.files import Row

STRETCH = ("offset", "duration")
"""The keys of a row that is part of a file, as NeMo calls them; both in seconds."""


@dataclass(frozen=True)
class Clip:
    """A stretch of an audio file: of one in place, in memory, or to be read from elsewhere."""

    name: str  # what the source calls it, for messages and for the file's name
    path: Path | None = None  # the file, where it stays where it is
    data: bytes | None = None  # its bytes, where they are at hand
    open: Callable[[], BinaryIO] | None = None  # how to read it otherwise
    shared: bool = False  # whether others may be heard in it too; it is then written once
    offset: float | None = None  # where the stretch begins, in seconds; None for the whole file
    duration: float | None = None  # its length in seconds; None for the rest of the file


@dataclass(frozen=True)
class Utterance:
    """A row of a source."""

    id: str  # as the source has it
    where: str  # where it stands, for messages: ``row 12 of test.parquet``
    clips: tuple[Clip, ...] = ()  # in order; none without audio
    text: str | None = None  # the reference; None where the benchmark has none under that name
    fields: Row = field(default_factory=dict)  # what else the manifest is to hold
    declared: float | None = None  # seconds of audio that the source says there are

    @property
    def place(self) -> str:
        """Where it stands, and its id."""
        return f"{self.where} (id {self.id})"


def asked_for(
    utterances: Iterable[Utterance],
    ids: Sequence[str] | None,
    left_out: Callable[[Utterance, str], None] | None = None,
) -> Iterator[Utterance]:
    """Those with one of these ids, or all where no ids are given.

    Args:
        utterances: The utterances.
        ids: The ids.
        left_out: Is given the others, and why.

    Raises:
        EarmarkError: when two utterances have one id, or none has one that is asked for; names it.
    """
    seen, wanted = dict[str, str](), set(ids or ())
    for utterance in utterances:
        if utterance.id in seen:
            raise EarmarkError(
                f"{seen[utterance.id]} and {utterance.where} both have the id {utterance.id!r}; "
                "name another column in `source.columns.id` (null numbers the rows)"
            )
        seen[utterance.id] = utterance.where
        if ids is None or utterance.id in wanted:
            yield utterance
        elif left_out is not None:
            left_out(utterance, "not in `ids`")
    if missing := sorted(wanted - seen.keys()):
        named = ", ".join(map(repr, missing[:5]))
        raise EarmarkError(f"ids: no row has {'one' if len(missing) == 1 else 'any'} of: {named}")


def text_of(value: Any, column: str, key: str, where: str) -> str:
    """A value that is to be text: digits of whole numbers, none for null, an error for the rest."""
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise EarmarkError(
            f"{where}: column {column!r} holds {type(value).__name__} where `{key}` needs text; "
            f"set `source.columns.{key}`"
        )
    return str(value)


def stretch(row: Row, columns: Mapping[str, str | None], where: str) -> Row:
    """Which part of its file a row is, as keys of a `Clip`: ``offset`` and ``duration``.

    The config's `source.columns` may name the columns of both; an `EarmarkError` names a row in
    which one is no number of seconds.
    """
    named = {key: row.get(columns.get(key) or key) for key in STRETCH}
    part = {key: length(value) for key, value in named.items()}
    for key, value in named.items():
        # A duration alone parts nothing: -1 and "" stand for one that is not known.
        given = named["offset"] is not None and value is not None and value == value
        if part[key] is None and given:
            raise EarmarkError(f"{where}: `{key}`: seconds from 0 are expected, not {value!r}")
    return part


def length(value: Any) -> float | None:
    """A value as seconds; None where it is no finite number from 0 on."""
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if number and 0 <= value < math.inf else None


def held(row: Row, column: str | None) -> Any:
    """What a row has in a column; ``json.text`` is ``text`` inside the column ``json``."""
    if column is None or column in row:
        return row.get(column or "")
    outer, _, inner = column.partition(".")
    return held(row[outer], inner) if isinstance(row.get(outer), dict) else None


def listed(value: Any) -> list[Any]:
    """A column's clips as a list, whether it holds one, several or none."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def plain(value: Any) -> Any:
    """A value as JSON has it: the keys that a struct has no value for are left out."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no such number
    return value if isinstance(value, str | int | float | bool | None) else str(value)
