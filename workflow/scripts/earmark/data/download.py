"""The download step: a split's source, whatever its type, and a record of what it is."""

from pathlib import Path
from typing import Any

from filelock import FileLock

from earmark.config import Split
from earmark.data import local, url
from earmark.data.hub import source as hub
from earmark.data.references import bring
from earmark.files import disk_error, write_json

TYPES: dict[str | None, Any] = {"hub": hub, "local": local, "url": url}
"""A source type's module.

Each has ``fetch``, which brings a split's source and returns what it is; and ``utterances``: how
many rows a split has, how many are asked for, and those in the source's order.
"""


def source_files(split: Split) -> list[str]:
    """The user's files that a split is made of, a change of any of which prepares it anew.

    Raises:
        EarmarkError: when one is missing, or its rows are not what they should be; names the row.
    """
    files = local.source_files(split) if split.source.type == "local" else []
    references = split.source.references
    if references and references.manifest:
        files.append(references.manifest)
    return files


def download(split: Split, record: str | Path, cache: str | Path) -> None:
    """Fetch a split's source; an `EarmarkError` names what is missing, or cannot be had or written.

    Args:
        split: The split.
        record: The ``source/files.json`` to write: what the source is, with sizes and checksums.
        cache: The folder in which files of the Hub are kept, shared by all splits.
    """
    folder = Path(record).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):  # another clone may prepare the same folder
            made = TYPES[split.source.type].fetch(split, folder, Path(cache))
            made |= bring(split, folder, Path(cache))
            write_json(record, {"source": split.source.given, **made})
    except OSError as error:
        raise disk_error(error, folder, "the record of the download is kept there") from None
