"""The download step: a split's source, whatever its type, and a record of what it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from earmark.config import Run, Settings
from earmark.files import Row, write_json

TYPES = {
    "hub": "earmark.hub",
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


def source_files(run: Run) -> dict[tuple[str, str], list[str]]:
    """The files of the user's, or of the repository's, that each selected split is made of.

    Returns:
        Paths by benchmark and split; none where the source is elsewhere.

    Raises:
        EarmarkError: when a file that a split names is missing; names file, row and path.
    """
    return {
        (split.benchmark, split.name): source_type(split.source).source_files(split.source)
        for splits in run.benchmarks.values()
        for split in splits.values()
    }


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
