"""The download step: a split's source, whatever its type, and a record of what it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from earmark.config import Run, Settings
from earmark.data.utterance import Utterance
from earmark.files import disk_error, write_json

TYPES = {
    "hub": "earmark.data.hub.source",
    "local": "earmark.data.local",
    "demo": "earmark.demo.corpus",
    "demo_questions": "earmark.demo.questions",
}
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
    """The files of the user's, or of the repository's, that each selected split is made of.

    Returns:
        Paths by benchmark and split; none where the source is elsewhere.

    Raises:
        EarmarkError: when a file that a split names is missing; names file, row and path.
    """
    return {
        (split.benchmark, split.name): source_type(source).source_files(source)
        for split in run.splits
        for source in [split.preparation["source"]]
    }


def download(preparation: Settings, record: str | Path, cache: str | Path) -> None:
    """Fetch (or make) a split's source.

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
        found = source_type(source).fetch(preparation, folder, Path(cache))
        write_json(record, {"source": source, **found})
    except OSError as error:
        raise disk_error(error, folder, "the record of the download is kept there") from None
