"""Clips inside tar archives, as NeMo's tarred sets have them: ``audio_<shard_id>.tar``."""

import io
import re
import tarfile
from pathlib import Path
from typing import BinaryIO

from earmark.errors import EarmarkError


class Tar:
    """An archive that is read from several threads; members lie in it uncompressed.

    Args:
        path: The archive.

    Raises:
        EarmarkError: when it is none, or is compressed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with tarfile.open(path, "r:") as archive:
                files = [member for member in archive if member.isfile()]
        except FileNotFoundError:
            raise EarmarkError(
                f"{path}: no such archive; rows with `shard_id` have their clips in "
                "audio_<shard_id>.tar beside the manifest"
            ) from None
        except (OSError, tarfile.TarError) as error:
            raise EarmarkError(f"{path}: not a tar archive without compression: {error}") from None
        self._members = {one.name.removeprefix("./"): (one.offset_data, one.size) for one in files}

    def _name(self, name: str) -> str:
        """NeMo numbers the rows that are parts of one member: ``talk-sub2.wav`` of ``talk.wav``."""
        return name if name in self._members else re.sub(r"-sub\d+(?=\.\w+$|$)", "", name)

    def holds(self, name: str) -> bool:
        """Whether there is a clip of that name."""
        return self._name(name) in self._members

    def open(self, name: str) -> BinaryIO:
        """A clip's bytes."""
        offset, size = self._members[self._name(name)]
        with self._path.open("rb") as stream:
            stream.seek(offset)
            return io.BytesIO(stream.read(size))
