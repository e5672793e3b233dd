"""Embeddings that were made before: each distinct text is embedded once a run, not once a model.

Vectors lie in a folder of their own for each matcher, outside Snakemake's outputs. A job adds one
file, whole or not at all; jobs take turns where the file system has locks. Where it has none, a
text that two jobs embed at the same time stands there twice, which costs time and space alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from earmark.files import whole_file
from earmark.mmau.matchers import Vectors


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class EmbeddingStore:
    """The vectors that a matcher has given, by text.

    Args:
        folder: Where the folders of all matchers lie.
        identity: What determines the vectors; another identity has another folder.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        named = json.dumps(identity, sort_keys=True)
        self.folder = folder / hashlib.sha256(named.encode()).hexdigest()[:16]
        self._identity = named

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One job at a time embeds; without turns where the file system has no locks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "turn.lock").open("wb") as lock:
            with suppress(OSError):
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    print("waiting for another job that embeds with this matcher", flush=True)
                    fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self, texts: Iterable[str]) -> dict[str, Vectors]:
        """The vectors of those texts that were embedded before."""
        wanted = {_key(text): text for text in texts}
        found: dict[str, Vectors] = {}
        for path in sorted(self.folder.glob("*.npz")):
            try:
                with np.load(path) as stored:
                    keys, vectors = stored["keys"], stored["vectors"]
            except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
                print(f"warning: {path}: not used: {error}", file=sys.stderr)
                continue
            for key, vector in zip(keys, vectors, strict=True):
                if (text := wanted.get(key.tobytes())) is not None:
                    found[text] = vector
        return found

    def add(self, vectors: Mapping[str, Vectors]) -> None:
        """Keep some texts' vectors for the jobs to come."""
        if not vectors:
            return
        keys = np.stack([np.frombuffer(_key(text), np.uint8) for text in vectors])
        with whole_file(self.folder / "matcher.json") as stream:
            stream.write(self._identity + "\n")
        with whole_file(self.folder / f"{secrets.token_hex(8)}.npz", "wb") as stream:
            np.savez(stream, keys=keys, vectors=np.stack(list(vectors.values())))
