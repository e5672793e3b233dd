"""The download step: a split's source, whatever its type, and a record of what it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from earmark.config import Settings
from earmark.files import Row, write_json

TYPES = {
    "local": "earmark.local",
    "demo": "earmark.demo.corpus",
}
"""A source type's module, loaded when a split is of that type; it follows `Source`."""


class Source(Protocol):
    """What a source type's module offers."""

    def source_files(self, source: Settings) -> list[str]:
        """The user's files that the split is made of; a change of any prepares it anew."""

    def fetch(self, source: Settings, folder: Path) -> dict[str, Any]:
        """Put what the split is made of into ``folder``; returns what `source.json` records."""

    def rows(self, source: Settings, folder: Path) -> Iterator[Row]:
        """Manifest rows in the source's order, ``audio`` being the path of the clip's file."""


def source_type(source: Settings) -> Source:
    """The module that knows a source's type."""
    module: Any = import_module(TYPES[source["type"]])
    return module  # type: ignore[no-any-return]


def source_files(source: Settings) -> list[str]:
    """The files of the user's, or of the repository's, that a split is made of."""
    return source_type(source).source_files(source) if source["type"] in TYPES else []


def download(source: Settings, record: str | Path) -> None:
    """Fetch (or make) a split's source beside its record.

    Args:
        source: The split's source, as the config resolves it.
        record: The ``source.json`` to write; ``source/`` beside it takes the files.

    Raises:
        EarmarkError: when something is missing or cannot be had; names it.
    """
    folder = Path(record).with_name("source")
    folder.mkdir(parents=True, exist_ok=True)
    write_json(record, {"source": source, **source_type(source).fetch(source, folder)})
