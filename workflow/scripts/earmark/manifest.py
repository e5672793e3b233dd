"""The manifest step: one JSON line an utterance, in the source's order."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from earmark.audio import probe, sha256
from earmark.config import Settings
from earmark.download import source_type
from earmark.errors import EarmarkError
from earmark.files import Row, write_jsonl


def write_manifest(source: Settings, manifest: str | Path) -> None:
    """Write a split's manifest from what the download step left beside it.

    Args:
        source: The split's source, as the config resolves it.
        manifest: The ``manifest.jsonl`` to write; ``source/`` lies beside it.

    Raises:
        EarmarkError: when a row or a clip is not what it should be; names it.
    """
    manifest = Path(manifest)
    count = write_jsonl(manifest, _rows(source, manifest.parent))
    if count == 0:
        manifest.unlink()
        raise EarmarkError(f"{source.get('manifest', manifest)}: no utterances in it")
    print(f"{manifest}: {count} utterances", file=sys.stderr)


def _rows(source: Settings, folder: Path) -> Iterator[Row]:
    for row in source_type(source).rows(source, folder / "source"):
        path = row.pop("audio")
        info = probe(path)
        yield {
            "id": row.pop("id"),
            "audio_filepath": os.path.relpath(path, folder),
            "duration": round(info.duration, 6),
            "text": row.pop("text"),
            "audio_sha256": sha256(path),
            "sampling_rate": info.sampling_rate,
            "channels": info.channels,
            **row,
        }
