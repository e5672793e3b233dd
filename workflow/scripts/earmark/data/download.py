"""The download step: a split's source, whatever its type, and a record of what it is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from filelock import FileLock

from earmark.config import Run, Settings
from earmark.files import disk_error, write_json

TYPES = {"hub": "earmark.data.hub.source", "local": "earmark.data.local"}
"""A source type's module, loaded when a split is of that type.

Each has ``source_files``, the user's files that a split is made of (a change of any prepares it
anew); ``fetch``, which brings a split's source and returns what it is; and ``utterances``: how many
rows a split has, how many are asked for, and those in the source's order.
"""


def source_type(source: Settings) -> Any:
    """The module that knows a source's type; see `TYPES`."""
    return import_module(TYPES[source["type"]])


def source_files(run: Run) -> dict[tuple[str, str], list[str]]:
    """The user's files that each selected split is made of, by benchmark and split.

    Raises:
        EarmarkError: when a file that a split names is missing; names file, row and path.
    """
    return {
        (split.benchmark, split.name): source_type(source).source_files(source)
        for split in run.splits
        for source in [split.preparation["source"]]
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
        with FileLock(folder / ".lock"):  # another clone may prepare the same folder
            made = source_type(source).fetch(preparation, folder, Path(cache))
            write_json(record, {"source": source, **made})
    except OSError as error:
        raise disk_error(error, folder, "the record of the download is kept there") from None
