"""The download step: a split's source, whatever its type, and a record of what it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from earmark.config import Run, Settings
from earmark.data.utterance import Utterance
from earmark.files import disk_error, write_json

TYPES = {"hub": "earmark.data.hub.source", "local": "earmark.data.local"}
"""A source type's module, loaded when a split is of that type; it follows `Source`."""


class Source(Protocol):
    """What a source type's module offers. A preparation is `earmark.config.Split.preparation`."""

    def source_files(self, source: Settings) -> list[str]:
        """The user's files that the split is made of; a change of any prepares it anew."""

    def fetch(self, preparation: Settings, folder: Path, cache: Path) -> dict[str, Any]:
        """Bring what the split is made of to ``folder`` or ``cache``; returns what it is."""

    def utterances(
        self, preparation: Settings, folder: Path, cache: Path
    ) -> tuple[int, int, Iterator[Utterance]]:
        """How many rows the split has, how many are asked for, and those in the source's order."""


def source_type(source: Settings) -> Source:
    """The module that knows a source's type."""
    module: Any = import_module(TYPES[source["type"]])
    return module  # type: ignore[no-any-return]


def source_files(run: Run) -> dict[tuple[str, str], list[str]]:
    """The user's files that each selected split is made of, by benchmark and split.

    Raises:
        EarmarkError: when a file that a split names is missing; names file, row and path.
    """
    return {
        (split.benchmark, split.name): source_type(split.source).source_files(split.source)
        for splits in run.benchmarks.values()
        for split in splits.values()
    }


def download(preparation: Settings, record: str | Path, cache: str | Path) -> None:
    """Fetch a split's source.

    Args:
        preparation: The split's settings, as the config resolves them.
        record: The ``source/files.json`` to write: what the source is, with sizes and checksums.
        cache: The folder in which files of the Hub are kept, shared by all splits.

    Raises:
        EarmarkError: when something is missing, cannot be had or cannot be written; names it.
    """
    folder, source = Path(record).parent, preparation["source"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made = source_type(source).fetch(preparation, folder, Path(cache))
        write_json(record, {"source": source, **made})
    except OSError as error:
        raise disk_error(error, folder, "the record of the download is kept there") from None
