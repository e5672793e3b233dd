"""What a source yields and a manifest is made of: an utterance, and the clips it is heard in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from earmark.files import Row


@dataclass(frozen=True)
class Clip:
    """An audio file that a source has: in place, in memory, or to be read from an archive.

    Attributes:
        name: What the source calls it, for messages and for the file's name.
        path: The file, where it stays where it is.
        data: Its bytes, where they are at hand.
        open: How to read it otherwise.
        shared: Whether other utterances may be heard in it too; it is then written once.
    """

    name: str
    path: Path | None = None
    data: bytes | memoryview | None = None
    open: Callable[[], BinaryIO] | None = None
    shared: bool = False


@dataclass(frozen=True)
class Utterance:
    """A row of a source.

    Attributes:
        id: Its id, as the source has it.
        where: Where it stands, for messages: ``row 12 of test.parquet``.
        clips: The audio, in order; empty without audio.
        several: Whether the source has a list of clips here, be it of one.
        text: The reference; None where the benchmark has none under that name.
        fields: What else the manifest is to hold.
    """

    id: str
    where: str
    clips: tuple[Clip, ...] = ()
    several: bool = False
    text: str | None = None
    fields: Row = field(default_factory=dict)


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class FileNames:
    """Safe, unique names for files, in the order asked for.

    A name keeps its letters, digits, dots, dashes and underscores; anything else becomes an
    underscore. Where the result is taken already, on a file system that ignores case too, a digest
    of the original name is appended.
    """

    LONGEST = 120

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, original: str) -> str:
        """A name for ``original``: no separators, no leading dot, not taken before."""
        safe = _UNSAFE.sub("_", original)
        safe = safe.lstrip(".")[: self.LONGEST] or "_"
        if safe.casefold() in self._taken:
            base, count = safe, 0
            while safe.casefold() in self._taken:
                salted = f"{count}{original}" if count else original
                digest = hashlib.sha256(salted.encode()).hexdigest()[:10]
                safe, count = f"{base}-{digest}", count + 1
        self._taken.add(safe.casefold())
        return safe
