"""The columns of a set: which holds what, as the config says, and whether they fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from earmark.config import Settings
from earmark.data.hub.tables import TableRow
from earmark.data.utterance import Clip, Utterance
from earmark.errors import EarmarkError

DEFAULTS: dict[str, str | None] = {"id": "id", "audio": "audio", "text": "text"}


@dataclass(frozen=True)
class Columns:
    """What a row's columns become in the manifest.

    Attributes:
        id: The column of ids; None where rows are numbered.
        text: The column of references; None where there is none.
        audio: The column of clips; empty where no audio is wanted.
        audio_is_path: Whether that column names files rather than holding bytes.
        fields: Further keys of the manifest, and their columns.
    """

    id: str | None
    text: str | None
    audio: str
    audio_is_path: bool
    fields: Mapping[str, str]

    @property
    def needed(self) -> list[str]:
        """The columns to read."""
        names = [self.id, self.text, self.audio, *self.fields.values()]
        return list(dict.fromkeys(name for name in names if name))

    def utterance(self, row: TableRow, numbered: str, clip: Callable[[str], Clip]) -> Utterance:
        """What a row says.

        Args:
            row: The row.
            numbered: Its id where the set has none.
            clip: Gives the clip of a name that the audio column holds.

        Raises:
            EarmarkError: when it has no id where it should.
        """
        values = row.values
        name = values[self.id] if self.id else numbered
        if name is None or name == "":
            raise EarmarkError(
                f"{row.where}: no id under {self.id!r}; `source.columns.id: null` numbers the rows"
            )
        audio = values[self.audio] if self.audio else []
        clips = tuple(_clip(part, self.audio, clip) for part in listed(audio))
        if self.audio and not clips:
            clips = (Clip(self.audio, data=b""),)  # a damaged one, which the config may allow
        return Utterance(
            id=str(name),
            where=row.where,
            clips=clips,
            several=isinstance(audio, list),
            text=(values[self.text] or "") if self.text else None,
            fields={key: _plain(values[column]) for key, column in self.fields.items()},
        )


def listed(value: Any) -> list[Any]:
    """A column's clips as a list, whether it holds one or several."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _clip(part: Any, column: str, clip: Callable[[str], Clip]) -> Clip:
    if isinstance(part, str):
        return clip(part)
    data = part.get("bytes") if isinstance(part, dict) else part
    name = part.get("path") if isinstance(part, dict) else None
    return Clip(name or column, data=b"" if data is None else data)


def _plain(value: Any) -> Any:
    """A value as JSON has it: the keys that a struct has no value for are left out."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no such number
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, memoryview):
        value = bytes(value)
    return str(value)  # dates, decimals, bytes


def of_text(source: Settings) -> list[str]:
    """The columns that are text whatever their values look like: of ids, clips' names, texts."""
    names = {**DEFAULTS, **source.get("columns", {})}
    return [name for key in DEFAULTS if (name := names[key]) is not None]


def resolve(source: Settings, types: Mapping[str, Any], audio: bool) -> Columns:
    """Find the columns that the config names.

    Args:
        source: The split's source: ``columns`` (manifest key to column, null for none), ``keep``.
        types: The set's columns and their Arrow types.
        audio: Whether the split is prepared with audio.

    Raises:
        EarmarkError: when one is missing or of another type: names it, those that there are, and
            the key to change.
    """
    import pyarrow.types as kinds

    names: dict[str, str | None] = {**DEFAULTS, **source.get("columns", {})}
    if not audio:
        names["audio"] = None
    where = source["repo"]
    has = ", ".join(f"{name} ({kind})" for name, kind in types.items())
    for key, name in names.items():
        if name is not None and name not in types:
            hint = "; null numbers the rows" if key == "id" else ""
            hint = "; null where the set has none" if key == "text" else hint
            raise EarmarkError(
                f"{where} has no column {name!r} for `{key}`; it has {has}. Set "
                f"`source.columns.{key}`{hint}"
            )
    for name in [*source.get("keep", []), *source.get("rows", {})]:
        if name not in types:
            key = "keep" if name in source.get("keep", []) else "rows"
            raise EarmarkError(
                f"{where} has no column {name!r}; it has {has}. Change `source.{key}`"
            )

    def need(key: str, expected: str, fits: Callable[[Any], bool]) -> None:
        name = names[key]
        if name is not None and not fits(types[name]):
            raise EarmarkError(
                f"{where}: column {name!r} is of type {types[name]}, and `{key}` needs {expected}; "
                f"it has {has}. Set `source.columns.{key}`"
            )

    need("text", "text", _is_text)
    need("id", "text or whole numbers", lambda kind: _is_text(kind) or kinds.is_integer(kind))
    need("audio", "bytes of audio or paths of clips", lambda kind: _audio_kind(kind) is not None)
    fields = {key: name for key, name in names.items() if name and key not in DEFAULTS}
    fields |= {name: name for name in source.get("keep", [])}
    audio_name = names["audio"] or ""
    return Columns(
        id=names["id"],
        text=names["text"],
        audio=audio_name,
        audio_is_path=bool(audio_name) and _audio_kind(types[audio_name]) == "path",
        fields=fields,
    )


def _is_text(kind: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_dictionary(kind):  # what pandas calls a category
        kind = kind.value_type
    return bool(
        kinds.is_string(kind)
        or kinds.is_large_string(kind)
        or kinds.is_string_view(kind)
        or kinds.is_null(kind)
    )


def _audio_kind(kind: Any) -> str | None:
    """``bytes``, ``path``, or None for a column that holds no audio."""
    import pyarrow.types as kinds

    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        return _audio_kind(kind.value_type)
    if kinds.is_struct(kind):
        return "bytes" if "bytes" in {field.name for field in kind} else None
    if kinds.is_binary(kind) or kinds.is_large_binary(kind) or kinds.is_binary_view(kind):
        return "bytes"
    return "path" if _is_text(kind) and not kinds.is_null(kind) else None
